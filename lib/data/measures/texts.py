"""What is measured of rows: functions from a batch of stored rows to a batch of measures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from lib.data.checks.language import language_of
from lib.data.columns import ROW_ID, Kind, decode
from lib.data.mapping.reading import question_of, read_conversation
from lib.data.mapping.roles import Mapping
from lib.data.measures.files import KEY, SCHEMAS
from lib.errors import BadInput
from lib.formats import ModelTokenizer
from lib.records import Conversation


class Reader:
    """Conversations of stored rows. `kinds`: the mapped columns and how they are stored."""

    def __init__(self, mapping: Mapping, kinds: dict[str, Kind]) -> None:
        self._mapping, self._kinds = mapping, kinds

    def __call__(self, batch: pa.RecordBatch) -> Iterator[Conversation | None]:
        """One for each row, None where the mapping does not read it."""
        columns = [
            values if kind != "json" else [decode(value, kind) for value in values]
            for values, kind in ((batch.column(name).to_pylist(), kind) for name, kind in self._kinds.items())
        ]
        for values in zip(*columns, strict=True):
            try:
                yield read_conversation(dict(zip(self._kinds, values, strict=True)), self._mapping)
            except BadInput:
                yield None


class TextMeasures:
    """Turns (messages), characters of question and answer, and the answer's language."""

    schema = SCHEMAS["texts"]

    _nothing = (None,) * (len(schema) - 2)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = [self._row(conversation) if conversation else self._nothing for conversation in self._reader(batch)]
        columns = [list(column) for column in zip(*rows, strict=True)]
        return _measured(self.schema, batch, columns)

    def _row(self, conversation: Conversation) -> tuple[int, int, int, str | None]:
        answer = conversation.answer()
        asked = sum(map(len, question_of(conversation)))
        return len(conversation.messages), asked, len(answer), language_of(answer, "")


class TokenMeasures:
    """Tokens of the prompt's texts and of the answer, each text by itself, without template and special tokens."""

    schema = SCHEMAS["tokens"]

    def __init__(self, reader: Reader, tokenizer: ModelTokenizer) -> None:
        self._reader, self._tokenizer = reader, tokenizer

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts: list[str] = []
        cuts: list[tuple[int, bool] | None] = []  # how many texts a row has, and whether the last is its answer
        for conversation in self._reader(batch):
            before = len(texts)
            if conversation is None:
                cuts.append(None)
                continue
            for message in conversation.messages:
                texts += [message.context, message.content] if message.context else [message.content]
            cuts.append((len(texts) - before, conversation.messages[-1].role == "assistant"))
        lengths = iter(self._tokenizer.lengths(texts))
        prompts: list[int | None] = []
        answers: list[int | None] = []
        for cut in cuts:
            counted = [next(lengths) for _ in range(cut[0])] if cut else []
            answers.append(None if not cut else counted.pop() if cut[1] else 0)
            prompts.append(sum(counted) if cut else None)
        return _measured(self.schema, batch, [prompts, answers])


def _measured(schema: pa.Schema, batch: pa.RecordBatch, columns: list[list[Any]]) -> pa.RecordBatch:
    arrays = [pa.array(values, field.type) for values, field in zip(columns, list(schema)[2:], strict=True)]
    return pa.RecordBatch.from_arrays([batch.column(ROW_ID), batch.column(KEY), *arrays], schema=schema)
