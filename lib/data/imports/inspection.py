"""A quick look at a source before it is imported, bounded by a number of rows."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lib.data.mapping.reading import read_conversation
from lib.data.mapping.recognise import Recognition, of_mapping, recognise
from lib.data.mapping.roles import Mapping
from lib.data.sources.items import Refusal, refusal
from lib.data.sources.source import Source, open_source
from lib.errors import BadInput
from lib.records import Conversation

EXAMPLES = 3
EXAMPLE_LENGTH = 120  # characters
PREVIEW = 20  # conversations


@dataclass(frozen=True)
class ColumnView:
    """A column of the source with some of its values as short text, empty ones left out."""

    name: str
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """What was seen in the first rows. `rows` is an estimate of all rows, None when there is no ground for one."""

    source: str
    columns: tuple[ColumnView, ...]
    recognition: Recognition
    sample: list[dict[str, Any]]
    preview: list[Conversation]
    refusals: list[Refusal]
    notes: list[str]
    rows: int | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "columns": [{"name": column.name, "examples": list(column.examples)} for column in self.columns],
            "recognition": self.recognition.to_dict(),
            "sample": self.sample,
            "preview": [conversation.to_dict() for conversation in self.preview],
            "refusals": [refused.to_dict() for refused in self.refusals],
            "notes": self.notes,
            "rows": self.rows,
        }


@dataclass(frozen=True)
class Sample:
    """The first rows of a source, and all columns that they have."""

    items: list[tuple[int, dict[str, Any]]]
    refusals: list[Refusal]
    columns: list[str]
    estimate: int | None

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for _, row in self.items]

    def recognise(self, mapping: Mapping | None) -> Recognition:
        """The shape of the rows, or how well a mapping given by hand reads them.

        Raises:
            BadInput: the mapping names a column that is not there, or is not enough.
        """
        if not mapping:
            return recognise(self.columns, self.rows)
        return of_mapping(mapping.check().resolve(self.columns), self.rows)


def take_sample(source: Source, limit: int) -> Sample:
    """Read up to `limit` rows, refused ones among them."""
    items: list[tuple[int, dict[str, Any]]] = []
    refusals: list[Refusal] = []
    rows = source.rows()
    estimate = None
    for number, item in enumerate(itertools.islice(rows, limit), start=1):
        if isinstance(item, Refusal):
            refusals.append(item)
        else:
            items.append(item)
        estimate = source.estimate(number) if number == limit else None
    total = estimate if len(items) + len(refusals) == limit else len(items) + len(refusals)
    rows.close()  # type: ignore[attr-defined]
    columns = dict.fromkeys(name for _, row in items for name in row)
    return Sample(items, refusals, list(columns), total)


def inspect_source(source: str, mapping: Mapping | None = None, limit: int = 200) -> Inspection:
    """Look at the first `limit` rows of a file, folder or Hub data set.

    Raises:
        BadInput: the source cannot be read as rows, or the mapping does not fit it.
        NotFound: no such file.
        StudioError: the Hub cannot be reached.
    """
    opened = open_source(source)
    sample = take_sample(opened, limit)
    recognition = sample.recognise(mapping)
    preview: list[Conversation] = []
    refusals = list(sample.refusals)
    for number, row in sample.items if recognition.mapping else []:
        try:
            conversation = read_conversation(row, recognition.mapping)
        except BadInput as error:
            refusals.append(refusal(number, error.message, row))
            continue
        if len(preview) < PREVIEW:
            preview.append(conversation)
    views = tuple(ColumnView(name, _examples(name, sample.rows)) for name in sample.columns)
    refusals.sort(key=lambda refused: refused.row)
    notes = [*opened.notes, *_differences(opened)]
    return Inspection(opened.name, views, recognition, sample.rows, preview, refusals, notes, sample.estimate)


def _differences(source: Source) -> list[str]:
    """A note when files of a folder begin with rows that have few columns in common."""
    shapes = source.shapes() if len(source.parts) > 1 else {}
    if all(_alike(one, other) for one, other in itertools.combinations(shapes, 2)):
        return []
    told = [f"{', '.join(files[:3])} ({', '.join(columns[:6])})" for columns, files in shapes.items()]
    return [f"The files differ in their columns: {'; '.join(told[:5])}. Import those that differ on their own."]


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two rows have at least half of the columns of the shorter one in common."""
    return 2 * len(set(one) & set(other)) >= min(len(one), len(other))


def _examples(column: str, rows: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    values = (row.get(column) for row in rows)
    texts = (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values if value)
    short = (text if len(text) <= EXAMPLE_LENGTH else text[:EXAMPLE_LENGTH] + "…" for text in texts)
    return tuple(itertools.islice(dict.fromkeys(itertools.islice(short, 50)), EXAMPLES))
