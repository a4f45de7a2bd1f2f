"""What a model's folder says about its special tokens and chat template, read without transformers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.errors import ModelError

TOKENIZER = "tokenizer.json"
CONFIG = "tokenizer_config.json"
TEMPLATE = "chat_template.jinja"
READ = (TOKENIZER, CONFIG, TEMPLATE, "special_tokens_map.json", "config.json", "generation_config.json")

TOKEN_NAMES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """`tokens`: name -> literal of the special tokens that have a role; `extra`: other special literals."""

    tokenizer_json: bytes
    tokens: dict[str, str]
    extra: tuple[str, ...]
    chat_template: str
    add_bos: bool
    eos_ids: tuple[int, ...]
    """Ends that config.json and generation_config.json name; the latter lists end-of-turn tokens too."""


def read(folder: Path) -> ModelFiles:
    """Read the tokenizer's files of a local model.

    Raises:
        ModelError: the folder or tokenizer.json is missing, or a file is no JSON.
    """
    config, fallback = _json(folder / CONFIG), _json(folder / "special_tokens_map.json")
    named = {name: _literal(config.get(name)) or _literal(fallback.get(name)) for name in TOKEN_NAMES}
    extra = _extra(config) or _extra(fallback)
    return ModelFiles(
        tokenizer_json=_tokenizer_json(folder),
        tokens={name: literal for name, literal in named.items() if literal},
        extra=extra,
        chat_template=_chat_template(folder, config),
        add_bos=config.get("add_bos_token") is True,
        eos_ids=(*_eos_ids(folder / "generation_config.json"), *_eos_ids(folder / "config.json")),
    )


def stamp(folder: Path) -> tuple[int, ...]:
    """Changes when one of the files that are read changes: modification times in nanoseconds, 0 for none."""
    paths = [folder / name for name in READ]
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


def _tokenizer_json(folder: Path) -> bytes:
    path = folder / TOKENIZER
    if path.is_file():
        return _bytes(path)
    if (folder / "tokenizer.model").is_file():
        raise ModelError(
            f"{folder.name} has only tokenizer.model, the old form of a tokenizer.",
            "Load it once with transformers (AutoTokenizer) and save it: that writes tokenizer.json.",
        )
    if not folder.is_dir():
        raise ModelError(f"There is no model folder {folder}.", "Give the folder that holds tokenizer.json.")
    raise ModelError(f"{folder.name} has no tokenizer.json.", "Copy the tokenizer's files beside the model's.")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.", "Check the file's permissions.") from error


def _json(path: Path) -> dict[str, Any]:
    """The object in a file; empty when there is no such file."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(_bytes(path))
    except ValueError as error:
        raise ModelError(
            f"{path.name} of {path.parent.name} cannot be read: {error}.", "Fetch the file again."
        ) from error
    return content if isinstance(content, dict) else {}


def _literal(token: Any) -> str:
    """A token is written as a string, or as an object with its `content`."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else ""


def _extra(config: dict[str, Any]) -> tuple[str, ...]:
    """Special tokens without a role: a list, or since transformers 5 also an object of names."""
    found = config.get("additional_special_tokens") or config.get("extra_special_tokens") or []
    literals = map(_literal, found.values() if isinstance(found, dict) else found)
    return tuple(literal for literal in literals if literal)


def _chat_template(folder: Path, config: dict[str, Any]) -> str:
    path = folder / TEMPLATE
    if path.is_file():
        return _bytes(path).decode("utf-8", errors="replace")
    template = config.get("chat_template") or ""
    if isinstance(template, list):
        by_name = {item.get("name"): item.get("template") for item in template if isinstance(item, dict)}
        template = by_name.get("default") or next(iter(by_name.values()), "")
    return template if isinstance(template, str) else ""


def _eos_ids(path: Path) -> list[int]:
    ids = _json(path).get("eos_token_id")
    return [number for number in (ids if isinstance(ids, list) else [ids]) if isinstance(number, int)]
