"""Models on this machine: where a name leads, and whether what lies there can be used.

A name is a folder below the home's `models/` (`starter` among them), a path to a folder, or a Hub id `owner/name`, with
`@revision` for one that is not `main`. A Hub id leads to a copy that was fetched here (`lib.models.download`), else to
one in the Hub's own cache; nothing here asks the network. Only safetensors weights are used and code that comes with a
model is never run.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from lib.errors import ModelError, NotFound
from lib.models.details import ModelInfo, read_model
from lib.models.ids import HubId, is_id
from lib.storage import models_dir

STARTER = "starter"


def list_models() -> list[ModelInfo]:
    """Models below the home's `models/`, the starter first; `problem` says what is wrong with one that is not whole."""
    found = []
    for folder in sorted(models_dir().glob("*")) if models_dir().exists() else []:
        if folder.is_dir() and not folder.name.startswith("."):
            try:
                found.append(read_model(folder.name, folder))
            except ModelError:
                continue
    newest = {model.repo: model for model in sorted(found, key=_age) if model.revision == "main"}
    named = [model.named(_name(model, newest)) for model in found]
    return sorted(named, key=lambda model: (model.name != STARTER, model.name.lower()))


def find(name: str) -> ModelInfo:
    """Resolve a model's name to a folder on this machine.

    Raises:
        NotFound: no such name, folder or copy of a Hub id.
        ModelError: the folder is not one of a model with safetensors weights. Whether these are whole says
            `ModelInfo.check`.
    """
    folder = models_dir() / name
    if re.fullmatch(r"[\w.-]+", name) and folder.is_dir():
        return read_model(name, folder)
    if name == STARTER:
        raise NotFound("The starter model is not set up.", "Run `make setup` once.")
    if Path(name).expanduser().is_dir():
        return read_model(name, Path(name).expanduser().resolve())
    if is_hub_id(name):
        return _hub_copy(name)
    known = ", ".join(model.name for model in list_models()) or "none yet; run `make setup`"
    what = "folder" if os.sep in name else "model"
    raise NotFound(
        f"There is no {what} {name!r} here.", f"Models here: {known}. A folder or a Hub id (owner/name) works too."
    )


def is_hub_id(name: str) -> bool:
    """True when a name can only mean a model on the Hub: `owner/name`, and no such folder here."""
    return is_id(name) and not Path(name).expanduser().is_dir()


def copies(repo: str) -> list[ModelInfo]:
    """What was fetched of a repository, under its present or an earlier name, newest first."""
    found = []
    for manifest in models_dir().glob("[!.]*/manifest.json"):
        try:
            model = read_model(manifest.parent.name, manifest.parent)
        except ModelError:
            continue
        if repo in (model.repo, model.asked):
            found.append(model)
    return sorted(found, key=_age, reverse=True)


def _hub_copy(name: str) -> ModelInfo:
    wanted = HubId.parse(name)
    for model in copies(wanted.repo):
        if wanted.means(model.revision, model.commit):
            return model.named(name)
    cached = _cached(wanted)
    if cached is not None and not (model := read_model(name, cached)).problem:
        return model
    raise NotFound(
        f"The model {name} is not on this machine.",
        f"Fetch it with `python -m studio models get {name}`, or give a local folder.",
    )


def _cached(wanted: HubId) -> Path | None:
    """The model's folder in the cache that the Hub's client shares with other programs, when it is there."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(wanted.repo, "config.json", revision=wanted.revision)
    return Path(config).parent if isinstance(config, str) else None


def _age(model: ModelInfo) -> float:
    return model.fetched_at


def _name(model: ModelInfo, newest: dict[str, ModelInfo]) -> str:
    """The id of a fetched model: with its commit where the bare id leads to a newer one."""
    if not model.repo:
        return model.name
    if model.revision != "main":
        return f"{model.repo}@{model.revision}"
    return model.repo if newest[model.repo] == model else f"{model.repo}@{model.commit[:12]}"
