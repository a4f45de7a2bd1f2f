"""Models on this machine: where a name leads, and whether what lies there can be used.

A name is a folder below the home's `models/` (`starter` among them), a path to a folder, or a Hub id `owner/name`.
Only safetensors weights are used and code that comes with a model is never run.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.errors import ModelError, NotFound
from lib.storage import models_dir, write_json

STARTER = "starter"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class ModelInfo:
    """A model folder that was looked at: `size` in bytes of its weights, `parameters` estimated from them."""

    name: str
    path: Path
    architecture: str
    size: int

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "path": str(self.path), "architecture": self.architecture, "size": self.size}


def list_models() -> list[ModelInfo]:
    """Usable models below the home's `models/`, the starter first."""
    found = []
    for folder in sorted(models_dir().glob("*")) if models_dir().exists() else []:
        if folder.is_dir() and not folder.name.startswith("."):
            try:
                found.append(_look(folder.name, folder))
            except ModelError:
                continue
    return sorted(found, key=lambda model: model.name != STARTER)


def find(name: str, download: bool = False) -> ModelInfo:
    """Resolve a model's name to a folder that can be loaded.

    Args:
        download: fetch a Hub id that is not on this machine yet (needs the network).

    Raises:
        NotFound: no such name, folder or Hub copy.
        ModelError: the folder is not a model that the studio can load.
    """
    folder = models_dir() / name
    if re.fullmatch(r"[\w.-]+", name) and folder.is_dir():
        return _look(name, folder)
    if name == STARTER:
        raise NotFound("The starter model is not set up.", "Run `make setup` once.")
    if Path(name).expanduser().is_dir():
        return _look(name, Path(name).expanduser().resolve())
    if is_hub_id(name):
        return _look(name, _hub_folder(name, download))
    known = ", ".join(model.name for model in list_models()) or "none yet; run `make setup`"
    raise NotFound(
        f"There is no model {name!r}.", f"Models here: {known}. A folder or a Hub id (owner/name) works too."
    )


def is_hub_id(name: str) -> bool:
    """True when a name can only mean a model on the Hub: `owner/name`, and no such folder here."""
    return bool(HUB_ID.fullmatch(name)) and not Path(name).expanduser().is_dir()


def weight_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def fingerprint(folder: Path) -> str:
    """SHA-256 over a model's weights; kept beside the models, as hashing many gigabytes takes a while."""
    state = [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in weight_files(folder)]
    key = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]
    kept = models_dir() / ".fingerprints" / f"{key}.json"
    if kept.exists():
        known = json.loads(kept.read_text(encoding="utf-8"))
        if known["files"] == state:
            return str(known["sha256"])
    digest = hashlib.sha256()
    for file in weight_files(folder):
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    write_json(kept, {"files": state, "sha256": digest.hexdigest()})
    return digest.hexdigest()


def _look(name: str, folder: Path) -> ModelInfo:
    config_file = folder / "config.json"
    if not config_file.exists():
        raise ModelError(f"The folder {folder} has no config.json.", "Give the folder that holds a model's files.")
    try:
        config = json.loads(config_file.read_text(encoding="utf-8"))
        architecture = (config.get("architectures") or [config.get("model_type", "unknown")])[0]
    except (ValueError, AttributeError) as error:
        raise ModelError(f"{config_file} is not a model's configuration.", "Fetch the model again.") from error
    if not weight_files(folder):
        raise ModelError(
            f"The folder {folder} has no .safetensors weights.",
            "Convert the model: load it with transformers where you trust it, then save_pretrained().",
        )
    return ModelInfo(name, folder, architecture, sum(file.stat().st_size for file in weight_files(folder)))


def _hub_folder(name: str, download: bool) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                name, allow_patterns=["*.safetensors", "*.json", "*.jinja", "*.model"], local_files_only=not download
            )
        )
    except Exception as error:  # huggingface_hub raises many kinds: no network, gated, unknown, disk
        hint = (
            "Check the id, the network and, for a gated model, your access (`hf auth login`)."
            if download
            else "Train or compare with it once while the network is there, or give a local folder."
        )
        raise NotFound(f"The model {name} could not be had from the Hub ({type(error).__name__}).", hint) from error
