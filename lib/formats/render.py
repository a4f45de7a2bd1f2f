"""One renderer: conversation -> segments -> text, and text -> conversation, for every template by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.errors import BadInput, CannotCarry, ModelError, NotFound
from lib.formats.alpaca import ALPACA, ALPACA_INPUT, ALPACA_LORA
from lib.formats.chat_template import MODEL
from lib.formats.checks import check
from lib.formats.llama2 import LLAMA2, LLAMA2_ONELINE
from lib.formats.marked import CHATML, LLAMA3
from lib.formats.segments import LITERAL, Segment, merge, text_of
from lib.formats.template import Template
from lib.records import Conversation

if TYPE_CHECKING:
    from lib.formats.tokenizer import ModelTokenizer

TEMPLATES: dict[str, Template] = {
    template.name: template
    for template in (LLAMA2, LLAMA2_ONELINE, ALPACA, ALPACA_LORA, ALPACA_INPUT, CHATML, LLAMA3, MODEL)
}

# Which templates to try on a text, the likeliest first, by a mark that it holds.
_MARKS: tuple[tuple[str, tuple[Template, ...]], ...] = (
    ("<|im_start|>", (CHATML,)),
    ("<|start_header_id|>", (LLAMA3,)),
    ("### Instruction:", (ALPACA_LORA, ALPACA_INPUT, ALPACA)),
    ("[INST]", (LLAMA2, LLAMA2_ONELINE)),
    ("[/INST]", (LLAMA2,)),
    ("### Response:", (ALPACA_LORA,)),
)


def get_template(name: str) -> Template:
    """The template of that name.

    Raises:
        NotFound: there is none; names those there are.
    """
    if name not in TEMPLATES:
        raise NotFound(f"There is no template called {name!r}.", f"Use one of: {', '.join(TEMPLATES)}.")
    return TEMPLATES[name]


def render(
    conversation: Conversation,
    template_name: str,
    tokenizer: ModelTokenizer | None = None,
    *,
    generation: bool = False,
) -> list[Segment]:
    """Segments of a conversation; without a tokenizer, with the format's literal tokens.

    Training form: the whole conversation, every answer and the token that ends it trained. With `generation` the
    prompt form: the same segments up to where the last answer would start.

    Raises:
        NotFound: no such template.
        CannotCarry: the template has no place for this conversation; says why.
        ModelError: the `model` template without a tokenizer, or with one that has no (working) chat template.
    """
    template = get_template(template_name)
    if template.needs_tokenizer:
        return _render_model(conversation, template, tokenizer, generation)
    forbidden = template.tags if tokenizer else template.tags | template.literal.known
    check(conversation, template, generation=generation, forbidden=forbidden)
    if generation:
        conversation = conversation.prompt()
    specials = tokenizer.specials if tokenizer else template.literal
    return merge(template.segments(conversation, specials, generation))


def _render_model(
    conversation: Conversation, template: Template, tokenizer: ModelTokenizer | None, generation: bool
) -> list[Segment]:
    if tokenizer is None:
        raise ModelError("The model template needs a model.", "Choose a model, or another template.")
    if tokenizer.chat is None:
        raise ModelError(f"{tokenizer.name} has no chat template.", "Choose another template.")
    check(conversation, template, generation=generation, forbidden=tokenizer.specials.known)
    return tokenizer.chat.segments(conversation.prompt() if generation else conversation, generation=generation)


def render_text(
    conversation: Conversation,
    template_name: str,
    tokenizer: ModelTokenizer | None = None,
    *,
    generation: bool = False,
) -> str:
    """The text of `render`; raises what it raises."""
    return text_of(render(conversation, template_name, tokenizer, generation=generation))


def parse(text: str, template_name: str) -> Conversation:
    """Read a text in the form of one template: the inverse of `render_text` without a tokenizer.

    Raises:
        NotFound: no such template.
        BadInput: the text is not in that form, or the form cannot be read; says what is wrong.
    """
    template = get_template(template_name)
    if template.parse is None:
        raise BadInput(f"Text in the form {template.name} cannot be read back.", "Bring the rows as messages.")
    return template.parse(text)


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
