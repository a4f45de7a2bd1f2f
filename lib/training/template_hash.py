"""A template's hash: of its source, or of what it writes; so that two runs can be told to have had the same one."""

from __future__ import annotations

import hashlib
import json

from lib.formats import ModelTokenizer, Template, render
from lib.formats.render import REFUSALS
from lib.records import Conversation, Message

_ASKED, _SAID = Message("user", "Question?"), Message("assistant", "Answer.")
_PROBES = (
    Conversation((_ASKED, _SAID)),
    Conversation((Message("user", "Question?", context="Context."), _SAID)),
    Conversation((Message("system", "System."), _ASKED, _SAID)),
    Conversation((_ASKED, _SAID, _ASKED, _SAID)),
)


def template_sha256(template: Template, tokenizer: ModelTokenizer) -> str:
    """SHA-256, hexadecimal: of its Jinja, one's own or the model's; else of what it makes of four conversations."""
    if template.source:
        return _sha256(template.source)
    if template.needs_tokenizer:
        return _sha256(tokenizer.chat.source if tokenizer.chat else "")
    return _sha256(json.dumps([_written(conversation, template) for conversation in _PROBES]))


def _written(conversation: Conversation, template: Template) -> list[tuple[str, bool, bool]] | None:
    try:
        return [(part.text, part.trained, part.special) for part in render(conversation, template)]
    except REFUSALS:
        return None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
