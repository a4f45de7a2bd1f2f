"""One renderer: conversation -> segments -> text, for every template by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.errors import CannotCarry, ModelError
from lib.formats.checks import check
from lib.formats.escaping import escapable, escape_tags, unescape
from lib.formats.jinja import TemplateError
from lib.formats.segments import Segment, merge, text_of
from lib.formats.template import Template
from lib.formats.templates import get_template
from lib.records import Conversation

if TYPE_CHECKING:
    from lib.formats.tokenizer import ModelTokenizer

REFUSALS = (CannotCarry, TemplateError)
"""What `render` raises for one conversation: it may write others."""


def render(
    conversation: Conversation,
    template: str | Template,
    tokenizer: ModelTokenizer | None = None,
    *,
    generation: bool = False,
    escape: bool = False,
) -> list[Segment]:
    """Segments of a conversation; without a tokenizer, with the format's literal tokens. A template goes by its name.

    Training form: the whole conversation, every answer and the token that ends it trained. With `generation` the
    prompt form: the same segments up to where the last answer would start. With `escape`, marks of the format and
    special tokens inside messages are written so that nothing takes them for marks (see `escaping`).

    Raises:
        NotFound: no such template.
        CannotCarry: the template has no place for this conversation; says why.
        TemplateError: the template, in Jinja, fails on this conversation; says where.
        ModelError: the `model` template without a tokenizer, or with one that has no (working) chat template.
    """
    template = get_template(template) if isinstance(template, str) else template
    if escape:
        conversation = _escaped(conversation, template, tokenizer)
    if template.needs_tokenizer:
        return _render_model(conversation, template, tokenizer, generation)
    forbidden = template.tags if tokenizer else template.tags | template.literal.known
    check(conversation, template, generation=generation, forbidden=forbidden)
    if generation:
        conversation = conversation.prompt()
    specials = tokenizer.specials if tokenizer else template.literal
    return merge(template.segments(conversation, specials, generation))


def _escaped(conversation: Conversation, template: Template, tokenizer: ModelTokenizer | None) -> Conversation:
    tags = escapable(template, tokenizer)
    escaped = escape_tags(conversation, tags)
    if unescape(escaped, tags) != conversation:  # special tokens with backslashes, or one inside the other
        raise CannotCarry(
            f"{template.name} cannot carry this conversation: its marks cannot be escaped.", "Leave the row out."
        )
    return escaped


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
    template: str | Template,
    tokenizer: ModelTokenizer | None = None,
    *,
    generation: bool = False,
    escape: bool = False,
) -> str:
    """The text of `render`; raises what it raises."""
    return text_of(render(conversation, template, tokenizer, generation=generation, escape=escape))
