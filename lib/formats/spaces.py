"""Tokenizers that put a space in front of a text, and the same tokenizers without that habit.

SentencePiece-style tokenizers add a "dummy prefix": `Hi` is encoded as ` Hi` would be. Right at the start of a text,
wrong for its continuation. The `tokenizers` library writes the habit as a `Prepend` normalizer or as a Metaspace
pre-tokenizer (https://huggingface.co/docs/tokenizers/components), and takes it back in the decoder.
"""

from __future__ import annotations

import json
from typing import Any

from tokenizers import Tokenizer


def prefix_scheme(description: dict[str, Any]) -> str:
    """When the space is put there: `always`, `first` (only where the whole text starts), or `never`."""
    schemes = set()
    for step in _steps(description.get("normalizer")):
        if step.get("type") == "Prepend":
            schemes.add("always")
    for step in _steps(description.get("pre_tokenizer")):
        if step.get("type") == "Metaspace":
            schemes.add(step.get("prepend_scheme") or ("always" if step.get("add_prefix_space", True) else "never"))
        elif step.get("type") == "ByteLevel" and step.get("add_prefix_space"):
            schemes.add("always")
    return next((scheme for scheme in ("always", "first") if scheme in schemes), "never")


def without_prefix(tokenizer: Tokenizer) -> Tokenizer:
    """A copy that neither adds the space when it encodes nor takes it away when it decodes."""
    description = json.loads(tokenizer.to_str())
    for part in ("normalizer", "pre_tokenizer", "decoder"):
        description[part] = _stripped(description.get(part))
    copy = Tokenizer.from_str(json.dumps(description))
    copy.encode_special_tokens = True
    return copy


def _steps(part: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The steps of a normalizer, pre-tokenizer or decoder, sequences flattened."""
    if not part:
        return []
    inner = next((part[key] for key in ("normalizers", "pretokenizers", "decoders") if key in part), None)
    return [part] if inner is None else [leaf for step in inner for leaf in _steps(step)]


def _stripped(part: dict[str, Any] | None) -> dict[str, Any] | None:
    """The part without its dummy prefix; None when nothing else is in it."""
    if not part:
        return None
    for key in ("normalizers", "pretokenizers", "decoders"):
        if key in part:
            return {**part, key: [kept for step in part[key] if (kept := _stripped(step))]}
    kind = part.get("type")
    if kind == "Prepend" or (kind == "Strip" and part.get("content") == " "):
        return None
    if kind == "Metaspace":
        return {**part, "prepend_scheme": "never"} | ({"add_prefix_space": False} if "add_prefix_space" in part else {})
    if kind == "ByteLevel":
        return {**part, "add_prefix_space": False}
    return part
