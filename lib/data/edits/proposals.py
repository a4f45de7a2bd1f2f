"""Changes that are worked out row by row: text replaced, or what a check or the lint found mended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lib.data.checks.mends import propose
from lib.data.edits.operations import Operation
from lib.data.edits.state import check_values
from lib.data.edits.working import WorkingCopy
from lib.data.lint import mends as lint_mends
from lib.data.mapping.reading import read_conversation
from lib.data.mapping.writing import write_conversation
from lib.errors import BadInput, CannotCarry
from lib.records import Conversation


@dataclass(frozen=True)
class Example:
    """A row as it is and as it would be; `after` is None where it would be deleted.

    `values` are those of the columns that would change.
    """

    row_id: int
    before: Conversation
    after: Conversation | None
    values: dict[str, Any] = field(default_factory=dict)


def example(operation: Operation, copy: WorkingCopy, row_id: int, row: dict[str, Any]) -> Example | None:
    """A row (its mapped columns) before and after the operation; None where it stays as it is.

    So does a row that cannot be read, or whose columns cannot hold the result.

    Raises:
        BadInput: a pattern that cannot be used, or that makes what cannot be stored.
        NotFound: no such check.
    """
    try:
        before = read_conversation(row, copy.mapping)
    except BadInput:
        return None
    after = changed(operation, before)
    if after is None or after == before:
        return None if after else Example(row_id, before, None)
    try:
        values = write_conversation(after, row, copy.full_mapping, copy.full_columns)
    except CannotCarry:
        return None
    return Example(row_id, before, after, check_values(values, copy.full_columns))


def changed(operation: Operation, conversation: Conversation) -> Conversation | None:
    """What the operation makes of a conversation; None where it deletes the row.

    Raises:
        BadInput: a pattern that cannot be used.
        NotFound: no such check, template or model.
        ModelError: a template or model that cannot be used.
    """
    if operation.kind == "replace":
        return operation.replaced(conversation)
    if operation.kind == "lint-mend":
        mend = lint_mends.propose(operation.value, conversation, operation.linter)
    else:
        mend = propose(operation.value, conversation)
    if mend is None:
        return conversation
    return None if mend.delete else mend.conversation
