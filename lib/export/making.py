"""The function that makes rows of conversations, for the options of an export."""

from __future__ import annotations

from collections.abc import Callable

from lib import models
from lib.export import shapes
from lib.export.options import ExportOptions
from lib.export.rendered import Ids, Rendered
from lib.export.report import ExportReport
from lib.export.shapes import Made, MakeRows, Row
from lib.formats import ModelTokenizer, load_tokenizer
from lib.formats.render import REFUSALS
from lib.records import Conversation

_PLAIN: dict[str, Callable[[Conversation], Row]] = {
    "messages": shapes.messages,
    "sharegpt": shapes.sharegpt,
    "alpaca": shapes.alpaca,
    "prompt-completion": shapes.question_and_answer,
}


def tokenizer_of(options: ExportOptions) -> ModelTokenizer | None:
    """The tokenizer that has a say in the rows.

    Raises:
        NotFound, ModelError: no such model, or one without a tokenizer.
    """
    return load_tokenizer(models.find(options.tokenizer).path) if options.tokenizer and options.renders else None


def row_maker(options: ExportOptions, tokenizer: ModelTokenizer | None, report: ExportReport) -> MakeRows:
    """Rows of each of some conversations. What is done to long rows is added to the report.

    Raises:
        NotFound: no such template.
    """
    if options.columns == "ids":
        assert tokenizer is not None, "checked with the options"
        return Ids(options, tokenizer, report).rows
    one = single(options, tokenizer)

    def make(conversation: Conversation) -> Made:
        try:
            return [one(part) for part in shapes.parts_of(conversation, options)]
        except REFUSALS as error:
            return error

    return lambda conversations: [make(conversation) for conversation in conversations]


def single(options: ExportOptions, tokenizer: ModelTokenizer | None) -> Callable[[Conversation], Row]:
    """The row of one conversation, for every shape but ids; raises `CannotCarry` or `TemplateError`."""
    if not options.renders:
        return _PLAIN[options.columns]
    rendered = Rendered(options, tokenizer)
    return rendered.text if options.columns == "text" else rendered.prompt_and_completion
