"""What makes a comparison fair: hashes of all that takes part, and warnings where sides differ in more than weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from lib import models
from lib.errors import WrongState
from lib.evaluation.comparing.encoding import Reader
from lib.evaluation.leaks import Leaks
from lib.storage import disk_errors, run_dir
from lib.training.template_hash import template_sha256
from lib.words import counted

Hashes = dict[str, dict[str, Any]]
SILENCE = "silence"
SILENT = 0.1  # share of questions
OTHERS = "under Other models of a new comparison, or with `compare … --model MODEL=TEMPLATE`"
Warnings = list[dict[str, str]]


def hashes(readers: Sequence[Reader]) -> Hashes:
    """side -> what it is made of: model, run, template, and SHA-256 of weights, adapter, tokenizer and template."""
    found: Hashes = {}
    for reader in readers:
        side = reader.side
        found[side.name] = {
            "model": side.model,
            "run": side.run,
            "quantization": side.quantization,
            "template": side.template,
            "escape": side.escape,
            "base_sha256": models.fingerprint(reader.model.path),
            "adapter_sha256": adapter_sha256(side.run) if side.run else None,
            "tokenizer_sha256": reader.tokenizer.fingerprint,
            "template_sha256": template_sha256(reader.template, reader.tokenizer),
        }
    return found


def adapter_sha256(run: str) -> str:
    """SHA-256 of a run's adapter, hexadecimal."""
    path = run_dir(run) / "adapter" / "adapter_model.safetensors"
    with disk_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_same(before: Hashes, now: Hashes) -> None:
    """Refuse to go on with answers of other weights.

    Raises:
        WrongState: a side is not what it was when the comparison began.
    """
    for name, parts in now.items():
        changed = [part for part, value in parts.items() if before.get(name, {}).get(part) != value]
        if changed:
            raise WrongState(
                f"{name} has changed since this comparison began ({', '.join(changed)}).", "Start a new comparison."
            )


def of_sides(sides: Hashes) -> Warnings:
    """What else than the weights differs between sides, and sides that are the same."""
    found: Warnings = []
    for kind, key, what in (
        ("template", "template", "are asked in different templates"),
        ("quantization", "quantization", "are held in different ways"),
        ("settings", "escape", "differ in whether marks of the format are escaped"),
    ):
        values = {name: str(parts[key]) for name, parts in sides.items()}
        hashed = {parts["template_sha256"] for parts in sides.values()} if key == "template" else set(values.values())
        if len(hashed) > 1:
            listed = ", ".join(f"{name}: {value}" for name, value in values.items())
            mend = f" Add the base in each of them to tell ({OTHERS})." if key == "template" else ""
            found.append(_warning(kind, f"The sides {what} ({listed}). A difference may come from that.{mend}"))
    if len({parts["tokenizer_sha256"] for parts in sides.values()}) > 1:
        told = "The sides split text into different tokens. Perplexity per token is compared only where they are the "
        found.append(_warning("tokenizer", told + "same; bits per byte and metrics on text can be compared."))
    return found + _twins(sides)


def _twins(sides: Hashes) -> Warnings:
    found = []
    for (one, left), (other, right) in combinations(sides.items(), 2):
        if left["base_sha256"] == right["base_sha256"] and left["adapter_sha256"] == right["adapter_sha256"]:
            kind = "same_adapter" if left["adapter_sha256"] else "same_model"
            found.append(_warning(kind, f"{one} and {other} have the same weights: nothing of them can be told apart."))
    return found


def of_silence(empty: Mapping[str, int], rows: int, base: str) -> Warnings:
    """A base that often says nothing: a tuned model then wins by answering at all. `empty`: such answers by side."""
    silent = empty.get(base, 0)
    if not rows or silent / rows < SILENT:
        return []
    told = (
        f"{base}, the base, said nothing on {silent:,} of {counted(rows, 'question')}, most likely because it was not "
        "made for this template. Metrics of text then show mostly who answers at all: go by the perplexity, or ask "
        f"the base in its own template too ({OTHERS})."
    )
    return [_warning(SILENCE, told)]


def of_leaks(leaks: Leaks, rows: int, leaked: int) -> Warnings:
    """Questions that runs were trained on, and runs of which that is not known."""
    found = [
        _warning("leaks_unknown", f"Whether {run} knows these questions: {why}") for run, why in leaks.unknown.items()
    ]
    left_out = "; the figures leave them out" if leaked < rows else ""
    for run, kinds in leaks.counts().items():
        if total := sum(kinds.values()):
            parts = ", ".join(f"{count:,} {WORDS[kind]}" for kind, count in kinds.items() if count)
            told = f"The training rows of {run} give away {total:,} of the {counted(rows, 'question')}"
            found.append(_warning("leaks", f"{told} ({parts}){left_out}."))
    if leaked and leaked == rows:
        told = "Every question was in training data: these figures tell what was memorised, not what was learned."
        found.append(_warning("leaks", told))
    return found


WORDS = {
    "exact": "the same row",
    "question": "the same question",
    "near": "nearly the same words in question and answer together",
}


def of_rows(rows: int, asked: int, unanswered: int, unmatched: int) -> Warnings:
    """Questions that are not among the figures, or not among all of them. `unanswered`: those without a reference."""
    found = []
    if rows < asked:
        found.append(_warning("stopped", f"It was stopped after {rows:,} of {counted(asked, 'question')}."))
    if unanswered:
        told = f"{counted(unanswered, 'question')} of {rows:,} without a reference count only in metrics of the answer"
        found.append(_warning("no_reference", f"{told} alone; there is no loss of them."))
    if unmatched:
        told = f"{counted(unmatched, 'row')} could be answered by some sides only, and were not asked."
        found.append(_warning("unmatched", told))
    return found


def of_metrics(errors: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Warnings:
    """Metrics that failed on rows."""
    return [
        _warning("metric", f"{metric} failed on {counted(told['rows'], 'row')} of {side}: {told['first']}")
        for metric, sides in errors.items()
        for side, told in sides.items()
    ]


def _warning(kind: str, text: str) -> dict[str, str]:
    return {"kind": kind, "text": text}
