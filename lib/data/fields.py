"""What a person can filter, sort and count by: the columns of the source, and what the studio knows of each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lib.data.columns import NOTE, ROW_ID, SPLIT, STATUS, TAGS
from lib.data.datasets import quoted
from lib.data.edits.overlay import DELETED, SEQ
from lib.data.edits.working import WorkingCopy
from lib.data.filters import COLUMN

FieldKind = Literal["number", "text", "choice", "list", "flag", "yes or no"]
Source = Literal["rows", "texts", "tokens", "flags"]


@dataclass(frozen=True)
class Field:
    """`expression` is SQL over `rows`, or over what `source` joins to it. A `choice` has few values, each in words."""

    name: str
    label: str
    kind: FieldKind
    expression: str
    source: Source = "rows"
    unit: str = ""


COMPUTED: dict[str, Field] = {
    field.name: field
    for field in (
        Field("status", "status", "choice", f"rows.{STATUS}"),
        Field("tag", "tag", "list", f"rows.{TAGS}"),
        Field("flag", "check", "flag", f"rows.{ROW_ID}", "flags"),
        Field("split", "split", "choice", f"rows.{SPLIT}"),
        Field("answer_tokens", "answer tokens", "number", "tokens.answer_tokens", "tokens", "tokens"),
        Field("prompt_tokens", "prompt tokens", "number", "tokens.prompt_tokens", "tokens", "tokens"),
        Field("answer_chars", "answer length", "number", "texts.answer_chars", "texts", "characters"),
        Field("question_chars", "question length", "number", "texts.question_chars", "texts", "characters"),
        Field("turns", "turns", "number", "texts.turns", "texts", "messages"),
        Field("language", "language", "choice", "texts.language", "texts"),
        Field("edited", "touched", "yes or no", f"(rows.{SEQ} > 0)"),
        Field("note", "note", "text", f"rows.{NOTE}"),
        Field("deleted", "deleted", "yes or no", f"rows.{DELETED}"),
        Field("row", "row", "number", f"rows.{ROW_ID}"),
    )
}
_KINDS: dict[str, FieldKind] = {
    "text": "text",
    "json": "text",
    "integer": "number",
    "float": "number",
    "boolean": "yes or no",
}


def fields_of(copy: WorkingCopy) -> dict[str, Field]:
    """Every field of a dataset by its name in queries: computed ones, then `.column`."""
    columns = {
        COLUMN + column.name: Field(
            COLUMN + column.name, column.name, _KINDS[column.kind], f"rows.{quoted(column.name)}"
        )
        for column in copy.columns
    }
    return {**COMPUTED, **columns}
