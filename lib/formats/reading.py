"""Text back to conversations: in a form that is known, or in whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.errors import BadInput, CannotCarry
from lib.formats.alpaca import ALPACA, ALPACA_INPUT, ALPACA_LORA
from lib.formats.checks import check
from lib.formats.escaping import escapable, unescape
from lib.formats.guanaco import GUANACO
from lib.formats.llama2 import LLAMA2, LLAMA2_ONELINE
from lib.formats.marked import CHATML, LLAMA3
from lib.formats.segments import BEGINS, ENDS, LITERAL, Specials, begin_of, text_of
from lib.formats.template import Template
from lib.formats.templates import get_template
from lib.records import Conversation

if TYPE_CHECKING:
    from lib.formats.tokenizer import ModelTokenizer


def parse(
    text: str, template: str | Template, tokenizer: ModelTokenizer | None = None, *, escaped: bool = False
) -> Conversation:
    """Read a text in the form of one template: the inverse of `render_text`, with the same tokenizer and escaping.

    With a tokenizer, its begin and end tokens are the marks, and `<s>` and `</s>` are text unless they are those. A
    model without an end token cannot tell an empty answer from none.

    Raises:
        NotFound: no such template.
        BadInput: the text is not in that form, or the form cannot be read; says what is wrong.
    """
    template = get_template(template) if isinstance(template, str) else template
    if template.needs_tokenizer and tokenizer and tokenizer.chat:
        conversation = tokenizer.chat.parse(text)
    elif template.parse is None:
        raise BadInput(f"Text in the form {template.name} cannot be read back.", "Bring the rows as messages.")
    else:
        conversation = template.parse(text, tokenizer.specials if tokenizer else template.literal)
    return unescape(conversation, escapable(template, tokenizer)) if escaped else conversation


@dataclass(frozen=True, slots=True)
class _Kind:
    """Templates that share their marks, the likeliest first. `typed`: people write such marks, so they may be text."""

    label: str
    marks: tuple[str, ...]
    templates: tuple[Template, ...]
    typed: bool = False


_CHATML = _Kind("ChatML", ("<|im_start|>",), (CHATML,))
_LLAMA3 = _Kind("Llama 3", ("<|start_header_id|>",), (LLAMA3,))
_LLAMA2 = _Kind("Llama 2", ("[INST]", "[/INST]", "<<SYS>>"), (LLAMA2, LLAMA2_ONELINE))
_ALPACA = _Kind("Alpaca", ("### Instruction:", "### Response:"), (ALPACA_LORA, ALPACA_INPUT, ALPACA), typed=True)
_GUANACO = _Kind("Guanaco", ("### Human:", "### Assistant:"), (GUANACO,), typed=True)
_KINDS = (_CHATML, _LLAMA3, _LLAMA2, _ALPACA, _GUANACO)


def parse_any(text: str, tokenizer: ModelTokenizer | None = None, *, escaped: bool = False) -> tuple[Conversation, str]:
    """Read a text whose form is not known: the conversation, and the template that writes it so (or nearly so).

    A text with marks of two forms is refused: whether one stands inside the other as text, nobody can tell. Headings
    inside ChatML and Llama 3, whose marks are tokens that nobody types, are text. Without a tokenizer, begin and end
    tokens of common models are known. Plain prompt and completion has no marks, and is never recognised.

    Raises:
        BadInput: no known form, two of them, or a known one with a fault in it.
    """
    kind = _kind_of(text)
    specials = tokenizer.specials if tokenizer else _tokens_of(text, kind)
    readings: list[tuple[Conversation, Template]] = []
    for template in kind.templates:
        assert template.parse is not None
        reading = template.parse(text, specials), template
        if len(kind.templates) == 1 or _writes(*reading, text, specials):
            readings = [reading]
            break
        readings.append(reading)
    conversation, template = _nearest(readings, text, specials)
    return unescape(conversation, escapable(template, tokenizer)) if escaped else conversation, template.name


def _kind_of(text: str) -> _Kind:
    found = []
    for kind in _KINDS:
        if places := [(place, mark) for mark in kind.marks if (place := text.find(mark)) >= 0]:
            found.append((*min(places), kind))
    if not found:
        raise BadInput(
            "This is plain text, in no form that can be read.",
            "Bring questions and answers as two columns, or write it as [INST] … [/INST] … or ### Instruction: …",
        )
    (_, mark, kind), *others = sorted(found, key=lambda item: item[0])
    for _, other_mark, other in others:
        if not other.typed or kind not in (_CHATML, _LLAMA3):
            raise BadInput(
                f"Two forms are mixed in one text: {mark} ({kind.label}) and {other_mark} ({other.label}).",
                "Take the marks of one form out, or read the text with its template named.",
            )
    return kind


def _tokens_of(text: str, kind: _Kind) -> Specials:
    """The begin and end tokens that a text is written with; the form's own where none is found at its edges."""
    own = kind.templates[0].literal
    if kind.templates[0].end_of_turn:
        return own
    bos = next((token for token in BEGINS if text.startswith(token)), "")
    tail = text.rstrip()
    eos = next((token for token in ENDS if tail.endswith(token)), "")
    if not eos:  # the last turn is open
        openings = [opening for opening in (bos, kind.marks[0]) if opening]
        eos = next((token for token in ENDS if any(token + opening in text for opening in openings)), "")
    if bos in ("", own.bos, LITERAL.bos) and eos in ("", own.eos):
        return own
    return Specials(bos, eos or own.eos, frozenset({bos, eos} - {""}))


def _writes(conversation: Conversation, template: Template, text: str, specials: Specials) -> bool:
    """Whether the template writes this text, but for a missing end token and a BOS on one side only."""
    open_ended = conversation.messages[-1].role == "user"
    try:
        check(conversation, template, generation=open_ended, forbidden=template.tags)
        written = text_of(template.segments(conversation, specials, open_ended))
    except CannotCarry:
        return False
    bos = begin_of(specials)
    bare = text.removeprefix(bos)
    return written.removeprefix(bos) in (bare, bare + specials.eos)


def _nearest(
    readings: list[tuple[Conversation, Template]], text: str, specials: Specials
) -> tuple[Conversation, Template]:
    """The reading to take when none writes the text exactly: the forms differ in whitespace only."""
    if len(readings) == 1 or readings[0][1] is not LLAMA2:
        return readings[0]
    start = text.find("<<SYS>>") + len("<<SYS>>")
    oneline = not text.startswith("\n", start) if "<<SYS>>" in text else f" {specials.eos}" not in text
    return readings[1 if oneline else 0]
