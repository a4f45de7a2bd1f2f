"""Text back to conversations: in a form that is known, or in whichever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.errors import BadInput, CannotCarry
from lib.formats.alpaca import ALPACA, ALPACA_INPUT, ALPACA_LORA
from lib.formats.escaping import escapable, unescape
from lib.formats.llama2 import LLAMA2, LLAMA2_ONELINE
from lib.formats.marked import CHATML, LLAMA3
from lib.formats.render import render_text
from lib.formats.segments import LITERAL
from lib.formats.template import Template
from lib.formats.templates import get_template
from lib.records import Conversation

if TYPE_CHECKING:
    from lib.formats.tokenizer import ModelTokenizer

# Which templates to try on a text, the likeliest first, by a mark that it holds.
_MARKS: tuple[tuple[str, tuple[Template, ...]], ...] = (
    ("<|im_start|>", (CHATML,)),
    ("<|start_header_id|>", (LLAMA3,)),
    ("### Instruction:", (ALPACA_LORA, ALPACA_INPUT, ALPACA)),
    ("[INST]", (LLAMA2, LLAMA2_ONELINE)),
    ("[/INST]", (LLAMA2,)),
    ("### Response:", (ALPACA_LORA,)),
)


def parse(
    text: str, template_name: str, tokenizer: ModelTokenizer | None = None, *, escaped: bool = False
) -> Conversation:
    """Read a text in the form of one template: the inverse of `render_text`, with the same tokenizer and escaping.

    Raises:
        NotFound: no such template.
        BadInput: the text is not in that form, or the form cannot be read; says what is wrong.
    """
    template = get_template(template_name)
    if template.parse is None:
        raise BadInput(f"Text in the form {template.name} cannot be read back.", "Bring the rows as messages.")
    conversation = template.parse(_with_literals(text, template, tokenizer))
    return unescape(conversation, escapable(template, tokenizer)) if escaped else conversation


def _with_literals(text: str, template: Template, tokenizer: ModelTokenizer | None) -> str:
    """The text with a model's begin and end tokens written as the format itself writes them."""
    if tokenizer is None:
        return text
    model = tokenizer.specials
    end = template.end_of_turn or template.literal.eos
    for own, literal in ((model.bos, template.literal.bos), (model.eos, end)):
        text = text.replace(own, literal) if own and own not in template.tags else text
    return text


def parse_any(text: str) -> tuple[Conversation, str]:
    """Read a text whose form is not known: the conversation, and the template that writes it so (or nearly so).

    Raises:
        BadInput: no known form, or a known one with a fault in it.
    """
    found = [(position, templates) for mark, templates in _MARKS if (position := text.find(mark)) >= 0]
    if not found:
        raise BadInput(
            "This is plain text, in no form that can be read.",
            "Bring questions and answers as two columns, or write it as [INST] … [/INST] … or ### Instruction: …",
        )
    _, candidates = min(found, key=lambda item: item[0])
    readings = []
    for template in candidates:
        reading = parse(text, template.name), template.name
        if _writes(reading, text):
            return reading
        readings.append(reading)
    return _nearest(readings, text)


def _writes(reading: tuple[Conversation, str], text: str) -> bool:
    """Whether the template writes this text, but for a missing end token and a BOS on one side only."""
    conversation, name = reading
    open_ended = conversation.messages[-1].role == "user"
    try:
        written = render_text(conversation, name, generation=open_ended).removeprefix(LITERAL.bos)
    except CannotCarry:
        return False
    bare = text.removeprefix(LITERAL.bos)
    return written in (bare, bare + LITERAL.eos)


def _nearest(readings: list[tuple[Conversation, str]], text: str) -> tuple[Conversation, str]:
    """The reading to take when none writes the text exactly: the forms differ in whitespace only."""
    by_name = {name: (conversation, name) for conversation, name in readings}
    if LLAMA2.name not in by_name or LLAMA2_ONELINE.name not in by_name:
        return readings[0]
    start = text.find("<<SYS>>") + len("<<SYS>>")
    oneline = not text.startswith("\n", start) if "<<SYS>>" in text else " </s>" not in text
    return by_name[LLAMA2_ONELINE.name if oneline else LLAMA2.name]
