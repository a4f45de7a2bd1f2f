"""What an export wrote, and what became of the rows that are not in it as they were."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from lib.formats.fitting import Effect
from lib.words import counted

REASONS = 100  # different reasons that are told apart
OTHER = "other reasons"


@dataclass
class ExportFile:
    """One file: the split that it holds (empty: all that were asked for), its rows, its size in bytes."""

    name: str
    split: str = ""
    rows: int = 0
    bytes: int = 0


@dataclass
class ExportReport:
    """Rows written and what happened to the others. `reasons`: why rows were left out, with counts."""

    out: str
    rows: int = 0
    left_out: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    examples: dict[str, int] = field(default_factory=dict)
    """Reason -> id of the first such row."""
    files: list[ExportFile] = field(default_factory=list)
    unrolled: int = 0
    """Rows that became several because every answer has a row of its own."""
    long_rows: Effect | None = None
    """What became of long rows, when a length was given."""
    guarded: int = 0
    """CSV cells that got an apostrophe in front because they began as a formula does."""
    rejected: int = 0
    """Rows that were rejected in review: they are not in the export, as they are not in training."""
    unsaved: int = 0
    """Rows with edits that are not in the saved version, and so not in the export."""
    notes: list[str] = field(default_factory=list)
    pushed: str = ""
    """Address of the dataset on the Hub."""

    def leave_out(self, reason: str, row_id: int) -> None:
        if reason not in self.reasons and len(self.reasons) >= REASONS:
            reason = OTHER
        self.left_out += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        self.examples.setdefault(reason, row_id)

    def changes(self) -> list[str]:
        """What became of rows besides being left out, a sentence each."""
        fitted = self.long_rows or Effect()
        found = [
            (self.unrolled, "unrolled into one for each answer."),
            (fitted.cut, "cut at the end."),
            (fitted.shortened, "without their oldest turns."),
            (fitted.split, "split into several."),
            (self.rejected, "rejected in review and left out, as in training."),
            (self.unsaved, "with unsaved edits written as saved: save a version to have the edits in it."),
        ]
        lines = [f"{counted(count, 'row')} {what}" for count, what in found if count]
        if self.guarded:
            lines.append(f"{counted(self.guarded, 'cell')} with an apostrophe in front: it began as a formula does.")
        return lines

    def lines(self) -> list[str]:
        """All that a person should know besides the rows that were written."""
        return [*self.changes(), *map(self._left_out, self.reasons), *self.notes]

    def _left_out(self, reason: str) -> str:
        """Rows that were left out for a reason, and which row is the first."""
        count, first = self.reasons[reason], self.examples[reason]
        which = f"row {first}" if count == 1 else f"the first is row {first}"
        return f"{counted(count, 'row')} left out, {which}: {reason}"

    def to_dict(self) -> dict[str, Any]:
        effect = {"long_rows": self.long_rows.to_dict() if self.long_rows else None}
        return {**asdict(self), **effect, "lines": self.lines()}
