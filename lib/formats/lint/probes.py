"""What a template does to any row, whatever the row says: asked with placeholders."""

from __future__ import annotations

import hashlib
import json

from lib.formats.chat_template import MODEL
from lib.formats.lint.kinds import LINTS, Finding
from lib.formats.render import REFUSALS, render
from lib.formats.segments import Segment, text_of
from lib.formats.template import Template
from lib.formats.templates import get_template
from lib.formats.tokenizer import ModelTokenizer
from lib.records import Conversation, Message

SYSTEM = Message("system", "placeholder of a system prompt")
PAIR = (Message("user", "placeholder of a question"), Message("assistant", "placeholder of an answer"))
SHOWN = 40  # characters of a difference


def lint_model(template: str | Template, tokenizer: ModelTokenizer) -> list[Finding]:
    """Findings of template and tokenizer alone, those of the scope `model`.

    Raises:
        NotFound: no such template.
        ModelError: the template needs a chat template that the model does not have.
    """
    found = [_pad_is_eos(tokenizer), _bos_in_text(template, tokenizer), _wrong_template(template, tokenizer)]
    return [finding for finding in found if finding]


def default_system(template: str | Template, tokenizer: ModelTokenizer) -> str:
    """The system prompt that the template writes where a conversation has none; empty when it writes none."""
    plain = _written(template, tokenizer, *PAIR)
    before, placeholder, after = _written(template, tokenizer, SYSTEM, *PAIR).partition(SYSTEM.content)
    if not placeholder or len(plain) <= len(before) + len(after):
        return ""
    return plain[len(before) : -len(after)] if plain.startswith(before) and plain.endswith(after) else ""


def _written(template: str | Template, tokenizer: ModelTokenizer, *messages: Message) -> str:
    """The text of some messages; empty when the template refuses them or fails."""
    return text_of(_segments(template, tokenizer, *messages))


def _pad_is_eos(tokenizer: ModelTokenizer) -> Finding | None:
    if tokenizer.pad_id is None:
        return Finding("pad_is_eos", "the model names no padding token; other software then takes its end token")
    if tokenizer.pad_id == tokenizer.eos_id:
        return Finding("pad_is_eos", f"both are {tokenizer.specials.eos}")
    return None


def _bos_in_text(template: str | Template, tokenizer: ModelTokenizer) -> Finding | None:
    bos = tokenizer.specials.bos
    if not bos or not _written(template, tokenizer, *PAIR).startswith(bos):
        return None
    return Finding("bos_in_text", f"the text starts with {bos}, and the tokenizer adds {bos}")


def _wrong_template(template: str | Template, tokenizer: ModelTokenizer) -> Finding | None:
    template = get_template(template) if isinstance(template, str) else template
    if tokenizer.chat is None or template.name == MODEL.name:
        return None
    both = ("model", template)
    own, ours = (_written(name, tokenizer, *PAIR) for name in both)
    own_system, our_system = (_written(name, tokenizer, SYSTEM, *PAIR) for name in both)
    if not own or not ours or own == ours:
        return None
    if own_system and own_system == our_system and (system := default_system("model", tokenizer)):
        return Finding(
            "wrong_template", f"the model's own writes the system prompt {system[:SHOWN]!r} where there is none"
        )
    start = _first_difference(own, ours)
    return Finding("wrong_template", f"the model's own writes {_at(own, start)} where this has {_at(ours, start)}")


def _at(text: str, start: int) -> str:
    return repr(text[start : start + SHOWN]) if text[start:] else "nothing more"


def _first_difference(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def fingerprint(template: str | Template, tokenizer: ModelTokenizer) -> str:
    """A hexadecimal hash that changes when template, chat template or tokenizer would write rows differently, or
    other kinds of findings are looked for.

    Of a template that comes with the studio it sees what it makes of placeholders, with a system prompt and without.
    """
    template = get_template(template) if isinstance(template, str) else template
    probes = (PAIR, (SYSTEM, *PAIR), PAIR * 3)
    seen = [
        sorted(LINTS),
        tokenizer.fingerprint,
        template.source,
        tokenizer.chat.source if tokenizer.chat else "",
        sorted(tokenizer.specials.known),
        tokenizer.stop_ids(template),
        [[(s.text, s.trained, s.special) for s in _segments(template, tokenizer, *probe)] for probe in probes],
    ]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def _segments(template: str | Template, tokenizer: ModelTokenizer, *messages: Message) -> list[Segment]:
    """What the template writes of some messages; nothing when it refuses them or fails."""
    try:
        return render(Conversation(messages), template, tokenizer)
    except REFUSALS:
        return []
