"""Plain rows at once: where the text round a row's own texts is known, columns are joined and no renderer is run.

What stands between the texts is taken from the renderer itself, once, by rendering a conversation of marks for each
combination of texts that are there. A row is plain when nothing in its texts can make the renderer do anything else:
no mark of the format, and no whitespace at an end where the template would strip it. All others are left to the
renderer, row by row. So both ways give the same, and only this one is quick: a million rows a second.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from lib.data.datasets import DatasetInfo
from lib.errors import CannotCarry
from lib.export.making import single
from lib.export.options import ExportOptions
from lib.export.shapes import SCHEMAS, Row, parts_of
from lib.formats import ModelTokenizer, get_template
from lib.formats.escaping import escapable
from lib.records import Conversation, Message

AS_WRITTEN = frozenset(
    {"llama2", "llama2-oneline", "alpaca", "alpaca-lora", "alpaca-input", "guanaco", "chatml", "llama3"}
)
"""Templates that put a text in as it is, or stripped, and look at nothing else in it but marks."""
TEXTS = ("system", "user", "context", "assistant")
"""In the order in which they stand in every template."""
READ_ALONE = {*TEXTS, "rejected", "split"}
COMBINATIONS = range(1 << len(TEXTS))
MOST_MARKS = 64  # each costs a search through every text
_MARK = dict(zip(TEXTS, "\ue000\ue001\ue002\ue003", strict=True))
_MARKS = re.compile("([\ue000-\ue003])")
# What `str.strip` takes off.
WHITESPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


@dataclass(frozen=True)
class _Wording:
    """One column: the texts in it, and what stands before, between and behind them for each combination of texts."""

    texts: tuple[str, ...]
    gaps: tuple[pa.StringArray, ...]
    """One more than texts; each with a value for each combination, null for those that need the renderer."""


class FastColumns:
    """The columns of plain rows. Use as a context manager."""

    def __init__(self, columns: dict[str, str], wordings: list[_Wording], odd: list[str]) -> None:
        """`columns`: text -> stored column; `odd`: SQL conditions under which a row needs the renderer."""
        self._columns, self._wordings = columns, wordings
        present = " + ".join(f"coalesce({text} <> '', false)::INTEGER * {1 << TEXTS.index(text)}" for text in columns)
        self._sql = f"SELECT CASE WHEN coalesce({' OR '.join(odd)}, false) THEN NULL ELSE {present} END FROM batch"
        self._connection = duckdb.connect(config={"threads": 1})  # the other core is writing

    def __enter__(self) -> FastColumns:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def make(self, batch: pa.RecordBatch) -> list[pa.StringArray]:
        """The columns of a batch of stored rows, in their order; null in rows that need the renderer."""
        given = {text: batch.column(column) for text, column in self._columns.items()}
        self._connection.register("batch", pa.table(given))
        combination = self._connection.execute(self._sql).to_arrow_table().column(0).combine_chunks()
        filled = {text: values.fill_null("") if values.null_count else values for text, values in given.items()}
        return [_joined(wording, filled, combination) for wording in self._wordings]


def _joined(wording: _Wording, given: dict[str, pa.StringArray], combination: pa.Array) -> pa.StringArray:
    least, most = pc.min_max(combination).as_py().values()
    if least == most and least is not None and not combination.null_count:
        gaps = [gap[least] for gap in wording.gaps]  # one value for all: nothing to lay out in memory
    else:
        gaps = [gap.take(combination) for gap in wording.gaps]
    parts = [gaps[0]]
    for text, gap in zip(wording.texts, gaps[1:], strict=True):
        parts += [given[text], gap] if text in given else [gap]
    if all(isinstance(part, pa.Scalar) for part in parts):  # no text of the rows: the same in all of them
        return pa.repeat(pa.scalar("".join(part.as_py() for part in parts)), len(combination))
    return pc.binary_join_element_wise(*parts, "")


def fast_columns(info: DatasetInfo, options: ExportOptions, tokenizer: ModelTokenizer | None) -> FastColumns | None:
    """None where every row needs the renderer: rows of nested columns, lists of messages, ids, other templates."""
    columns = {text: column for text in TEXTS if (column := info.mapping[text])}
    kinds = {column.name: column.kind for column in info.columns}
    marks = _marks(options, tokenizer)
    if (
        not info.mapping.columns.keys() <= READ_ALONE
        or any(kinds.get(column) != "text" for column in columns.values())
        or any(field.type != pa.string() for field in SCHEMAS[options.columns])
        or (options.renders and options.template not in AS_WRITTEN)
        or len(marks) > MOST_MARKS
    ):
        return None
    wordings = _wordings(options, tokenizer)
    odd = [f"{text} IS NULL" for text in ("user", "assistant")]
    odd += [test for text in columns for test in _holds(text, marks)]
    if not _keeps_whitespace(options, tokenizer, wordings):
        ends = (f"^[{WHITESPACE}]", f"[{WHITESPACE}]$")
        odd += [f"regexp_matches({text}, '{end}')" for text in columns for end in ends]
    return FastColumns(columns, wordings, odd)


def _marks(options: ExportOptions, tokenizer: ModelTokenizer | None) -> list[str]:
    """What no plain row holds: marks of the format, special tokens, their escaped forms."""
    if not options.renders:
        return []
    marks = escapable(get_template(options.template or ""), tokenizer)
    # One search for all that begin so; such text is rare.
    marks = frozenset("<|" if mark.startswith("<|") else mark for mark in marks)
    escaped = {mark[0] + "\\" for mark in marks} if options.escape else set()
    return sorted(marks | escaped)


def _holds(text: str, marks: list[str]) -> Iterator[str]:
    """SQL tests for marks in a text: one search for a character, and only where it is found one for each mark."""
    for beginning, group in itertools.groupby(marks, key=lambda mark: mark[0]):
        alike = [f"contains({text}, {_quoted(mark)})" for mark in group]
        found = " OR ".join(alike)
        yield found if len(alike) == 1 else f"(contains({text}, {_quoted(beginning)}) AND ({found}))"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _render(options: ExportOptions, tokenizer: ModelTokenizer | None, texts: dict[str, str]) -> Row | None:
    """The row of a conversation of these texts; None when it is refused, or becomes several."""
    system = [Message("system", texts["system"])] if texts["system"] else []
    pair = [Message("user", texts["user"], texts["context"]), Message("assistant", texts["assistant"])]
    try:
        parts = parts_of(Conversation((*system, *pair)), options)
        rows = [single(options, tokenizer)(part) for part in parts]
    except CannotCarry:
        return None
    return rows[0] if len(rows) == 1 else None


def _texts(combination: int, values: dict[str, str]) -> dict[str, str]:
    return {text: values[text] if combination >> place & 1 else "" for place, text in enumerate(TEXTS)}


def _wordings(options: ExportOptions, tokenizer: ModelTokenizer | None) -> list[_Wording]:
    rows = [_render(options, tokenizer, _texts(combination, _MARK)) for combination in COMBINATIONS]
    return [
        _wording([None if row is None else row[place] for row in rows])
        for place in range(len(SCHEMAS[options.columns]))
    ]


def _wording(written: list[str | None]) -> _Wording:
    """From what one column holds for each combination."""
    texts = tuple(text for text in TEXTS if any(value and _MARK[text] in value for value in written))
    gaps = [
        None if value is None else _gaps(value, texts, _texts(combination, _MARK))
        for combination, value in zip(COMBINATIONS, written, strict=True)
    ]
    columns = [[None if gap is None else gap[place] for gap in gaps] for place in range(len(texts) + 1)]
    return _Wording(texts, tuple(pa.array(column, pa.string()) for column in columns))


def _gaps(value: str, texts: tuple[str, ...], given: dict[str, str]) -> list[str] | None:
    """What stands between the marks; None unless each text that is there stands there once, in order."""
    parts = _MARKS.split(value)
    if parts[1::2] != [given[text] for text in texts if given[text]]:
        return None
    rest: Iterator[str] = iter(parts[2::2])
    return [parts[0], *(next(rest) if given[text] else "" for text in texts)]


def _keeps_whitespace(options: ExportOptions, tokenizer: ModelTokenizer | None, wordings: list[_Wording]) -> bool:
    """Whether the renderer leaves whitespace at the ends of every text alone, and texts of nothing else."""
    padded = {text: f"{WHITESPACE}{mark}{WHITESPACE}" for text, mark in _MARK.items()}
    blank = dict.fromkeys(TEXTS, WHITESPACE)
    for values, combination in itertools.product((padded, blank), COMBINATIONS):
        texts = _texts(combination, values)
        row = _render(options, tokenizer, texts)
        if row is not None and list(row) != [_written(wording, texts, combination) for wording in wordings]:
            return False
    return True


def _written(wording: _Wording, texts: dict[str, str], combination: int) -> str | None:
    gaps = [gap[combination].as_py() for gap in wording.gaps]
    if None in gaps:
        return None
    return gaps[0] + "".join(texts[text] + gap for text, gap in zip(wording.texts, gaps[1:], strict=True))
