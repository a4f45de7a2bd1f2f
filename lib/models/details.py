"""What a model's folder says about the model, read without transformers."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from lib.errors import ModelError
from lib.models import weights
from lib.models.architectures import why_not
from lib.storage import MANIFEST, models_dir
from lib.words import moment

STARTER_LICENSE = "apache-2.0"
_LICENSE = re.compile(r"^license:[ \t]*[\"']?([\w.-]+)", re.MULTILINE)
USUAL_CONTEXT = 2048  # tokens, where a model does not say what it can take
_CONTEXT = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")
_READ = ("config.json", "tokenizer_config.json", "chat_template.jinja", "tokenizer.json", "README.md", MANIFEST)
_AGAIN = {
    "starter": "Delete its folder, then run `make setup`.",
    "hub": "Delete it and fetch it again: `python -m studio models delete`, then `models get`.",
    "hub cache": "Fetch it here: `python -m studio models get`.",
}


@dataclass(frozen=True)
class ModelInfo:
    """A model's folder that was looked at.

    `size`: bytes of its weights. `parameters`: how many, None for weights that are quantised or broken.
    `context_length`: in tokens, None when unknown. `license`: as its card says, empty when it does not.
    `quantized`: method that the files are quantised with. `source`: starter, folder, hub, or hub cache.
    `repo`, `asked`, `revision`, `commit`, `fetched_at` (seconds since 1970): of one that was fetched from the Hub.
    `problem`: why it cannot be trained on, and empty when it can; `remedy`: what to do about it.
    """

    name: str
    path: Path
    architecture: str
    size: int
    model_type: str = ""
    parameters: int | None = None
    context_length: int | None = None
    license: str = ""
    chat_template: bool = False
    quantized: str = ""
    source: str = "folder"
    repo: str = ""
    asked: str = ""
    revision: str = ""
    commit: str = ""
    fetched_at: float = 0.0
    problem: str = ""
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "path": str(self.path), "fetched_at": moment(self.fetched_at)}

    def named(self, name: str) -> ModelInfo:
        return replace(self, name=name)

    def check(self) -> ModelInfo:
        """Return it when it can be trained on.

        Raises:
            ModelError: it cannot; says why.
        """
        if self.problem:
            raise ModelError(f"The model {self.name} cannot be used: {self.problem}", self.remedy)
        return self


def read_model(name: str, folder: Path) -> ModelInfo:
    """Look at a folder; quick a second time, until one of its files changes.

    Raises:
        ModelError: no readable config.json, or no safetensors weights.
    """
    files = [folder / read for read in _READ] + weights.weight_files(folder)
    stamp = tuple(_stamp(file) for file in files)
    return _read(folder, stamp).named(name)


def _stamp(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=256)
def _read(folder: Path, stamp: tuple[tuple[int, int], ...]) -> ModelInfo:
    config = _config(folder)
    files = weights.weight_files(folder)
    if not files:
        raise ModelError(
            f"The folder {folder} has no .safetensors weights.",
            "Convert the model: load it with transformers where you trust it, then save_pretrained().",
        )
    quantized = str((config.get("quantization_config") or {}).get("quant_method", ""))
    manifest = _object(folder / MANIFEST)
    source = _source(folder, manifest)
    problem, remedy = _problem(folder, config, source)
    return ModelInfo(
        name=folder.name,
        path=folder,
        architecture=str((config.get("architectures") or [config.get("model_type", "unknown")])[0]),
        size=sum(file.stat().st_size for file in files),
        model_type=str(config.get("model_type", "")),
        parameters=None if quantized else weights.parameters(folder) or None,
        context_length=context_length(config),
        license=str(manifest.get("license") or "") or _license(folder),
        chat_template=_has_chat_template(folder),
        quantized=quantized,
        source=source,
        **{key: str(manifest.get(key, "")) for key in ("repo", "asked", "revision", "commit")},
        fetched_at=float(manifest.get("fetched_at", 0)),
        problem=problem,
        remedy=remedy,
    )


def context_length(config: dict[str, Any]) -> int | None:
    """Tokens that a config.json says the model can take; models of text and pictures say it one level down."""
    nested = config.get("text_config")
    for settings in (config, nested if isinstance(nested, dict) else {}):
        for key in _CONTEXT:
            if isinstance(settings.get(key), int):
                return int(settings[key])
    return None


def _config(folder: Path) -> dict[str, Any]:
    file = folder / "config.json"
    if not file.exists():
        raise ModelError(f"The folder {folder} has no config.json.", "Give the folder that holds a model's files.")
    config = _object(file)
    if not config:
        raise ModelError(f"{file} is not a model's configuration.", "Fetch the model again.")
    return config


def _object(file: Path) -> dict[str, Any]:
    """The object in a file; empty when there is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _problem(folder: Path, config: dict[str, Any], source: str) -> tuple[str, str]:
    """What speaks against training on it, and what to do; two empty texts where nothing does."""
    if broken := weights.problem(folder):
        return broken, _AGAIN.get(source, "Copy the model's files here again, all of them.")
    if not (folder / "tokenizer.json").is_file():
        return "it has no tokenizer.json.", (
            "Add it: load the tokenizer with transformers where you trust it (AutoTokenizer), then save_pretrained()."
        )
    refused = why_not(config) if config.get("model_type") else None
    return refused or ("", "")


def _has_chat_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file():
        return True
    return bool(_object(folder / "tokenizer_config.json").get("chat_template"))


def _source(folder: Path, manifest: dict[str, Any]) -> str:
    if manifest.get("repo"):
        return "hub"
    if folder.parent == models_dir() and folder.name == "starter":
        return "starter"
    return "hub cache" if folder.parent.name == "snapshots" else "folder"


def _license(folder: Path) -> str:
    """As the card's first lines say."""
    if folder.parent == models_dir() and folder.name == "starter":
        return STARTER_LICENSE
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    found = _LICENSE.search(text.partition("\n---")[0]) if text.startswith("---\n") else None
    return found[1] if found else ""
