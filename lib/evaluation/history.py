"""Comparisons that were made: notes on them, deleting, and files for other programs; `against` has two together."""

from __future__ import annotations

import csv
import io
import json
import shutil
from typing import Any

import regex
from sqlalchemy import func, select

from lib.database import Ballot, Comparison, note, session
from lib.errors import BadInput, WrongState
from lib.evaluation import comparisons
from lib.evaluation.against import Against, against
from lib.evaluation.comparing.view import ComparisonView
from lib.export.writers import FORMULA
from lib.storage import comparison_dir, disk_errors
from lib.words import counted

__all__ = ["Against", "against", "delete", "export_csv", "export_json", "set_note"]

LONGEST_NOTE = 2000
"""Characters."""


def set_note(comparison_id: int, text: str, user: str) -> ComparisonView:
    """Write down what people should know of a comparison.

    Raises:
        NotFound: no comparison of that number.
        BadInput: the text is too long.
    """
    if len(text) > LONGEST_NOTE:
        raise BadInput(f"A note has {LONGEST_NOTE:,} characters at most.", "Shorten it.")
    comparisons.get(comparison_id)
    with session() as opened:
        opened.get_one(Comparison, comparison_id).note = text.strip()
    note(user, f"wrote a note on comparison {comparison_id}", f"compare?comparison={comparison_id}")
    return comparisons.get(comparison_id)


def delete(comparison_id: int, user: str) -> None:
    """Delete a comparison with its folder.

    Raises:
        NotFound: no comparison of that number.
        WrongState: it is at work, or people vote or have voted on its answers.
    """
    view = comparisons.get(comparison_id)
    with session() as opened:
        row = opened.get_one(Comparison, comparison_id)
        ballots = opened.scalar(select(func.count()).where(Ballot.comparison_id == comparison_id)) or 0
        if ballots:
            told = f"Comparison {comparison_id} has {counted(ballots, 'blind vote')}"
            raise WrongState(f"{told}, which would lose its answers.", "Keep it.")
        if view.job.live:
            raise WrongState(f"Comparison {comparison_id} is {view.status}.", "Stop it first.")
        opened.delete(row)
    folder = comparison_dir(comparison_id)
    with disk_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)
    note(user, f"deleted comparison {comparison_id} ({view.asked})")


def export_csv(comparison_id: int) -> bytes:
    """Every question with all answers and values; no cell can start a formula.

    Raises:
        NotFound, StorageError: no such comparison, or its answers are damaged.
    """
    comparisons.get(comparison_id)
    table = {name: values for name, values in comparisons.outputs(comparison_id).items() if "#sums|" not in name}
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow([_cell(name) for name in table])
    writer.writerows([_cell(value) for value in row] for row in zip(*table.values(), strict=True))
    return out.getvalue().encode("utf-8", "replace")


def export_json(comparison_id: int) -> bytes:
    """All there is: settings, figures, warnings, and every question with all answers and values.

    Raises:
        NotFound, StorageError: no such comparison, or its answers are damaged.
    """
    view = comparisons.get(comparison_id)
    table = {name: values for name, values in comparisons.outputs(comparison_id).items() if "#sums|" not in name}
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    return json.dumps({**view.to_dict(), "outputs": rows}, indent=1).encode()


def _cell(value: Any) -> Any:
    """A value for a spreadsheet; text that it would take for a formula gets an apostrophe in front."""
    if isinstance(value, str):
        return f"'{value}" if regex.search(FORMULA, value) else value
    return "" if value is None else value
