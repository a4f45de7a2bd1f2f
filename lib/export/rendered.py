"""Rows that a template has written: text, prompt and completion, ids and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lib.errors import CannotCarry
from lib.export.options import ExportOptions
from lib.export.report import ExportReport
from lib.export.shapes import Made, Row, parts_of
from lib.formats import ModelTokenizer, Segment, Tokens, get_template, labels, render, text_of
from lib.formats.fitting import Effect, fit
from lib.formats.render import REFUSALS
from lib.records import Conversation

NO_LIMIT = 1 << 62


class Rendered:
    """Texts of one template, with or without the begin and end token of the whole.

    Raises:
        NotFound: no such template.
    """

    def __init__(self, options: ExportOptions, tokenizer: ModelTokenizer | None) -> None:
        self._options, self._tokenizer = options, tokenizer
        self._template = template = get_template(options.template or "")
        tokens = tokenizer.specials if tokenizer else template.literal
        self._begin = tokens.bos
        # A mark of the format itself stays: no tokenizer adds it at the end of a text.
        self._end = "" if tokens.eos in template.tags | {template.end_of_turn} else tokens.eos

    def text(self, conversation: Conversation) -> Row:
        """Raises what `render` raises."""
        segments = self.segments(conversation)
        return (text_of(segments[self._skipped(segments) : self._kept(segments)]),)

    def prompt_and_completion(self, conversation: Conversation) -> Row:
        """All that stands before the last answer, and the rest: together they are the text.

        Raises:
            CannotCarry: see `render`; or the template writes a prompt that the whole text does not begin with.
        """
        segments, asked = self.segments(conversation), self.segments(conversation, generation=True)
        start = self._skipped(segments)
        whole, prompt = text_of(segments[start : self._kept(segments)]), text_of(asked[start:])
        if not whole.startswith(prompt):
            raise CannotCarry(
                f"{self._options.template} cannot carry this conversation as prompt and completion: its text with the "
                "answer does not begin with its prompt.",
                "Choose another template, or the column text.",
            )
        return prompt, whole[len(prompt) :]

    def segments(self, conversation: Conversation, *, generation: bool = False) -> list[Segment]:
        """Segments with all their tokens; raises what `render` raises."""
        escape = self._options.escape
        return render(conversation, self._template, self._tokenizer, generation=generation, escape=escape)

    def _skipped(self, segments: list[Segment]) -> int:
        """Segments to leave out at the start."""
        return int(not self._options.specials and _is(segments[:1], self._begin))

    def _kept(self, segments: list[Segment]) -> int:
        """Segments up to those to leave out at the end."""
        return len(segments) - int(not self._options.specials and _is(segments[-1:], self._end))


def _is(segments: list[Segment], literal: str) -> bool:
    return any(segment.special and segment.text == literal for segment in segments)


class Ids:
    """Rows of input_ids and labels; many conversations are tokenized at once. Long rows are counted in the report."""

    def __init__(self, options: ExportOptions, tokenizer: ModelTokenizer, report: ExportReport) -> None:
        self._options, self._tokenizer, self._report = options, tokenizer, report
        self._rendered = Rendered(options, tokenizer)

    def rows(self, conversations: Sequence[Conversation]) -> list[Made]:
        """Rows of each conversation; why it cannot be carried; or, where long rows are not wanted, in words why not."""
        parts: list[tuple[int, Conversation]] = []
        segments: list[list[Segment]] = []
        made: list[Made] = [[] for _ in conversations]
        for number, conversation in enumerate(conversations):
            try:
                some = parts_of(conversation, self._options)
                segments += [self._rendered.segments(part) for part in some]
                parts += [(number, part) for part in some]
            except REFUSALS as error:
                made[number] = error
        encoded = self._tokenizer.tokenize_batch(segments, spans=False)
        for (number, part), tokens in zip(parts, encoded, strict=True):
            made[number] = _together(made[number], self._fitted(part, tokens))
        return made

    def _fitted(self, conversation: Conversation, tokens: Tokens) -> Made:
        limit = self._options.max_length
        fitted = fit(conversation, self._masked(tokens), limit or NO_LIMIT, self._options.long_rows, self._encode)
        if limit:
            self._report.long_rows = (self._report.long_rows or Effect()) + fitted.effect
        if not fitted.parts:
            return f"longer than {limit:,} tokens" if fitted.outcome == "too long" else "nothing left to learn"
        return [(part.ids, labels(part)) for part in fitted.parts]

    def _encode(self, conversation: Conversation) -> Tokens:
        return self._masked(self._tokenizer.tokenize(self._rendered.segments(conversation)))

    def _masked(self, tokens: Tokens) -> Tokens:
        return replace(tokens, trained=[True] * len(tokens)) if self._options.train_on_prompt else tokens


def _together(rows: Made, more: Made) -> Made:
    """Rows of the parts of one conversation; a part that is left out counts only where all of them are."""
    if isinstance(rows, list) and isinstance(more, list):
        return rows + more
    return rows or more
