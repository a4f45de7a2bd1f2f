"""A model on the Hub, looked at before anything of it is fetched: what it is, how large, and what speaks against it.

The address is HF_ENDPOINT's, else huggingface.co. The token is the one of HF_TOKEN or `hf auth login`; it is given to
the Hub's client only, and stored nowhere.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

from lib.errors import ModelError
from lib.models.architectures import why_not
from lib.models.details import context_length
from lib.models.hub_errors import explained, is_refused_access, no_access
from lib.models.ids import HubId
from lib.words import amount, size

SECONDS = 15.0  # to wait for an answer
_WHOLE, _SHARD = "model.safetensors", re.compile(r"model-\d+-of-\d+\.safetensors")
_BESIDE = re.compile(
    r"(?!\.)[\w.+ -]+\.(json|jinja)|tokenizer\.model|merges\.txt|vocab\.txt|README\.md|(LICENSE|NOTICE)[\w.-]*"
)
_PICKLED = (".bin", ".pt", ".pth", ".ckpt")


@dataclass(frozen=True)
class HubFile:
    """`sha256` of large files, `git_sha1` (of git's blob) of small ones: the Hub says one of them."""

    name: str
    size: int
    sha256: str = ""
    git_sha1: str = ""


@dataclass(frozen=True)
class HubModel:
    """What the Hub says of a model at one commit.

    `repo`: its present name; `asked`: the id that was asked for. `files`: what would be fetched. `gated`: empty, or
    `auto` or `manual`, as its owner grants access. `refusals`: what speaks against it, each with what to do.
    """

    repo: str
    asked: str
    revision: str
    commit: str
    files: tuple[HubFile, ...]
    architecture: str = ""
    parameters: int | None = None
    context_length: int | None = None
    license: str = ""
    gated: str = ""
    private: bool = False
    chat_template: bool = False
    quantized: str = ""
    refusals: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> HubId:
        return HubId(self.repo, self.revision)

    @property
    def size(self) -> int:
        """Bytes that would be fetched."""
        return sum(file.size for file in self.files)

    def check(self) -> HubModel:
        """Return it when it can be fetched and trained on.

        Raises:
            ModelError: the first of what speaks against it.
        """
        if self.refusals:
            message, hint = self.refusals[0]
            raise ModelError(f"{self.asked} cannot be used. {message}", hint)
        return self

    def to_dict(self) -> dict[str, Any]:
        refusals = [{"message": message, "hint": hint} for message, hint in self.refusals]
        return {**asdict(self), "size": self.size, "refusals": refusals}

    def lines(self) -> list[str]:
        """What it is, in words; then what speaks against it."""
        facts = [self.architecture or "unknown architecture"]
        facts += [f"{amount(self.parameters)} parameters"] if self.parameters else []
        facts += [f"{self.context_length:,} tokens of context"] if self.context_length else []
        facts += [f"quantised with {self.quantized}"] if self.quantized else []
        said = [f"{self.id} at commit {self.commit[:12]}: {', '.join(facts)}."]
        if self.asked != str(self.id):
            said.append(f"{self.asked} is called {self.id} now.")
        if self.files:
            said.append(f"{size(self.size)} to fetch in {len(self.files)} files.")
        said.append(f"Licence: {self.license or 'not named'}. {self._access()}")
        if self.files and not self.chat_template:
            said.append("It has no chat template of its own; the other templates work.")
        return [*said, *(f"{message} {hint}" for message, hint in self.refusals)]

    def _access(self) -> str:
        if self.gated:
            return f"Its owner lets in {'those who accept its terms' if self.gated == 'auto' else 'whom he chooses'}."
        return "It is private." if self.private else "It is open to everybody."


def endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def file_url(repo: str, commit: str, name: str) -> str:
    return f"{endpoint()}/{repo}/resolve/{commit}/{quote(name)}"


def look(name: str) -> HubModel:
    """Ask the Hub about a model: two or three small requests.

    Raises:
        BadInput: not an id.
        NotFound: no such model or revision, or a private one of somebody else.
        StudioError: no network, or the Hub refuses; says what to do.
    """
    from huggingface_hub import HfApi

    wanted = HubId.parse(name)
    try:
        found = HfApi(endpoint=endpoint()).model_info(
            wanted.repo,
            revision=None if wanted.revision == "main" else wanted.revision,
            files_metadata=True,
            timeout=SECONDS,
        )
    except Exception as error:  # the Hub's client raises its own kinds and those of the libraries below it
        raise explained(error, name, endpoint()) from error
    config, refused = _config(found, name)
    files = _to_fetch(found.siblings or [])
    return HubModel(
        repo=found.id,
        asked=name,
        revision=wanted.revision,
        commit=found.sha or "",
        files=files,
        architecture=str((config.get("architectures") or [config.get("model_type", "")])[0]),
        parameters=found.safetensors.total if found.safetensors else None,
        context_length=context_length(config),
        license=str(getattr(found.card_data, "license", None) or ""),
        gated=found.gated or "",
        private=bool(found.private),
        chat_template=_has_chat_template(found, files),
        quantized=str((config.get("quantization_config") or {}).get("quant_method", "")),
        refusals=tuple(refused or _refusals(found, config, files)),
    )


def _config(found: Any, name: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The model's config.json, and why it may not be read: what the Hub tells of a gated model is open to all."""
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    told = found.config if isinstance(found.config, dict) else {}
    if not any(file.rfilename == "config.json" for file in found.siblings or []):
        return told, []
    try:
        address = file_url(found.id, found.sha, "config.json")
        response = get_session().get(address, headers=build_hf_headers(), timeout=SECONDS)
        hf_raise_for_status(response)
    except Exception as error:
        if is_refused_access(error):
            return told, [no_access(found.id, endpoint())]
        raise explained(error, name, endpoint()) from error
    try:
        config = json.loads(response.content)
    except ValueError:
        config = None
    return (config, []) if isinstance(config, dict) else (told, [("Its config.json is no JSON.", "Take another.")])


def _to_fetch(siblings: list[Any]) -> tuple[HubFile, ...]:
    """The weights in one form only, as safetensors, and the small files; from the repository's root."""
    names = {file.rfilename for file in siblings}
    shards = {name for name in names if _SHARD.fullmatch(name)}
    loose = {name for name in names if re.fullmatch(r"(?!\.)[\w.+-]+\.safetensors", name)}
    chosen = ({_WHOLE} & names) or shards or loose
    chosen |= {name for name in names if _BESIDE.fullmatch(name)}
    return tuple(_file(sibling) for sibling in siblings if sibling.rfilename in chosen)


def _file(sibling: Any) -> HubFile:
    if sibling.lfs:
        return HubFile(sibling.rfilename, sibling.lfs.size, sha256=sibling.lfs.sha256)
    return HubFile(sibling.rfilename, sibling.size or 0, git_sha1=sibling.blob_id or "")


def _has_chat_template(found: Any, files: tuple[HubFile, ...]) -> bool:
    told = (found.config or {}).get("tokenizer_config") or {}
    return bool(told.get("chat_template")) or any(file.name == "chat_template.jinja" for file in files)


def _refusals(found: Any, config: Mapping[str, Any], files: tuple[HubFile, ...]) -> list[tuple[str, str]]:
    names = {file.rfilename for file in found.siblings or []}
    if "config.json" not in names and "adapter_config.json" in names:
        return [("It is an adapter, not a model.", "Fetch the model that it was made for.")]
    refused = []
    if not any(file.name.endswith(".safetensors") for file in files):
        refused.append(_no_safetensors(names))
    elif "config.json" not in names:
        refused.append(("It has no config.json.", "Take a model in the form of transformers."))
    if config.get("model_type") and (reason := why_not(config)):
        refused.append(reason)
    if "tokenizer.json" not in names:
        what = "only the old tokenizer.model" if "tokenizer.model" in names else "none"
        refused.append(
            (f"It has no tokenizer.json ({what}).", "Take a copy of it that has one; many have been converted.")
        )
    return refused


def _no_safetensors(names: set[str]) -> tuple[str, str]:
    if any(name.endswith(".gguf") for name in names):
        return "It has GGUF files only, which cannot be trained.", "Take the repository that it was converted from."
    if any(name.endswith(_PICKLED) for name in names):
        return (
            "Its weights are pickled only, and a pickle can run any code when it is opened.",
            "Take a copy with safetensors; its discussions on the Hub may hold one as a revision, such as @refs/pr/1.",
        )
    return "It has no safetensors weights.", "Take another model."
