"""Adapters that were made elsewhere, taken in as finished runs: chat, compare and package work with them."""

from __future__ import annotations

import shutil
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from sqlalchemy import select

from lib import models
from lib.database import Job, Run, note, session
from lib.database.models import FINISHED
from lib.errors import BadInput, ModelError, NotFound
from lib.formats import Template, get_template, load_tokenizer, stored_template
from lib.models.catalog import ModelInfo
from lib.models.details import USUAL_CONTEXT
from lib.models.ids import HubId, is_id
from lib.storage import RENDERER, check_name, disk_errors, read_json, replaced_folder, run_dir, write_json
from lib.training import runs
from lib.training.adapter_files import CONFIG, WEIGHTS, AdapterFiles, check_fit, look
from lib.training.config import QUANTIZATIONS, TrainConfig
from lib.training.run_view import ADOPTED, RunView
from lib.training.template_hash import template_sha256


def adopt(
    source: str, name: str, model: str, template: str = "", user: str = "", quantization: str | None = None
) -> RunView:
    """Register an adapter as a finished run; its files are copied.

    Args:
        source: a folder that peft wrote, or the id of one on the Hub.
        name: the run's id from now on.
        model: the base on this machine that it was trained on.
        template: what it was trained in; empty takes what an adapter of ours says.
        quantization: how its base was held in training; None takes what an adapter of ours says, else none.

    Raises:
        BadInput: no adapter that can be used (no LoRA, no safetensors …), a name that is taken, no template.
        NotFound: no such folder, base or template.
        ModelError: the base has other layers or shapes, or is not the one that an adapter of ours was trained on.
    """
    _check_free(name)
    base = models.find(model).check()
    adapter = look(_folder(source))
    check_fit(adapter, base.path)
    ours = _ours(adapter.folder)
    sha256 = models.fingerprint(base.path)
    if ours.get("base_sha256", sha256) != sha256:
        raise ModelError(f"This adapter was trained on other weights than those of {model}.", "Name its own base.")
    chosen = _template(template, ours)
    config = _config(adapter, base, ours, quantization)
    tokenizer = load_tokenizer(base.path)
    renderer = {
        "template": chosen.name,
        **({"template_source": chosen.source} if chosen.source else {}),
        "escape_tags": config.escape_tags,
        "tokenizer_sha256": tokenizer.fingerprint,
        "base": model,
        "base_sha256": sha256,
        "quantization": config.quantization,
    }
    _copy(adapter, base.path, run_dir(name) / "adapter", renderer)
    hashes = {"base_sha256": sha256, "template_sha256": template_sha256(chosen, tokenizer)}
    _write_down(name, source, model, chosen, config, hashes)
    _register(name, model, chosen.name, config, user)
    note(user, f"took in the adapter {name}", f"runs?run={name}")
    return runs.get(name)


def _check_free(name: str) -> None:
    check_name(name, "run id")
    with session() as opened:
        if opened.scalar(select(Run.id).where(Run.id == name)):
            raise BadInput(f"There is a run {name} already.", "Choose another name.")


def _folder(source: str) -> Path:
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if not is_id(source):
        raise NotFound(f"There is no folder {source!r}.", "Give an adapter's folder, or a Hub id (owner/name).")
    from huggingface_hub import snapshot_download

    hub = HubId.parse(source)
    try:
        return Path(snapshot_download(hub.repo, revision=hub.revision, allow_patterns=["*.json", WEIGHTS]))
    except Exception as error:  # huggingface_hub raises many kinds: no network, gated, unknown, disk
        raise NotFound(
            f"The adapter {source} could not be had from the Hub ({type(error).__name__}).",
            "Check the id, the network and, for a gated one, your access (`hf auth login`).",
        ) from error


def _ours(folder: Path) -> dict[str, Any]:
    """What an adapter that the studio made says of itself; nothing for others."""
    found = read_json(folder / RENDERER) if (folder / RENDERER).is_file() else {}
    return found if isinstance(found, dict) else {}


def _template(name: str, ours: dict[str, Any]) -> Template:
    if name:
        return get_template(name)
    if not ours.get("template"):
        raise BadInput("Nothing says in which template this adapter was trained.", "Give --template.")
    return stored_template(str(ours["template"]), str(ours.get("template_source", "")))


def _config(adapter: AdapterFiles, base: ModelInfo, ours: dict[str, Any], quantization: str | None) -> TrainConfig:
    """What can be known of the settings that it was trained with; rows may be as long as the base allows."""
    found = adapter.config
    modules = found.get("target_modules")
    held = quantization if quantization is not None else str(ours.get("quantization", "none"))
    if held not in QUANTIZATIONS:
        raise BadInput(f"{held!r} is no way to hold a base.", f"Use one of: {', '.join(QUANTIZATIONS)}.")
    values = {
        "r": adapter.rank,
        "lora_alpha": int(found.get("lora_alpha") or adapter.rank),
        "lora_dropout": float(found.get("lora_dropout") or 0),
        "target_modules": modules if isinstance(modules, str) else ",".join(sorted(modules or ["all-linear"])),
        "use_rslora": bool(found.get("use_rslora")),
        "use_dora": bool(found.get("use_dora")),
        "quantization": held,
        "escape_tags": bool(ours.get("escape_tags", False)),
        "max_length": max(base.context_length or USUAL_CONTEXT, 8),
    }
    known = {field.name for field in fields(TrainConfig)}
    return TrainConfig(**{key: value for key, value in values.items() if key in known})  # type: ignore[arg-type]


def _copy(adapter: AdapterFiles, base: Path, target: Path, renderer: dict[str, Any]) -> None:
    """The two files of the adapter, and beside them what the studio's own adapters have."""
    config = {key: value for key, value in adapter.config.items() if key not in ("auto_mapping", "revision")}
    with disk_errors(target), replaced_folder(target) as folder:
        shutil.copyfile(adapter.folder / WEIGHTS, folder / WEIGHTS)
        # `auto_mapping` names a library that peft would import; the base is the one that was named here.
        write_json(folder / CONFIG, {**config, "base_model_name_or_path": renderer["base"], "inference_mode": True})
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"):
            if (base / name).is_file():
                shutil.copyfile(base / name, folder / name)
        write_json(folder / RENDERER, renderer)


def _write_down(
    name: str, source: str, model: str, template: Template, config: TrainConfig, hashes: dict[str, str]
) -> None:
    where = source if is_id(source) and not Path(source).expanduser().is_dir() else Path(source).name
    common = {
        "run": name,
        "model": model,
        "template": template.name,
        **({"template_source": template.source} if template.source else {}),
        "settings": config.to_dict(),
        "adopted_from": where,
    }
    write_json(run_dir(name) / "config.json", common)
    write_json(run_dir(name) / "manifest.json", {**common, **hashes, "finished_at": time.time()})


def _register(name: str, model: str, template: str, config: TrainConfig, user: str) -> None:
    now = time.time()
    job = Job(
        kind=ADOPTED,
        lane="light",
        payload={"run": name},
        created_by=user,
        status=FINISHED,
        progress={},
        started_at=now,
        finished_at=now,
        result={"run": name},
    )
    with session() as opened:
        opened.add(job)
        opened.flush()
        opened.add(
            Run(
                id=name,
                job_id=job.id,
                dataset="",
                version=0,
                model=model,
                template=template,
                config=config.to_dict(),
                created_by=user,
            )
        )
