"""What an import did, row by row and in all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lib.data.imports.refusals import OTHER, reason_kind
from lib.data.mapping.roles import Mapping
from lib.data.sources.items import Refusal

KEPT_REFUSALS = 1000
KEPT_REASONS = 500


@dataclass
class ImportReport:
    """What an import did: rows read, refused and, in `rows`, those that it took in.

    `reasons` counts all that were refused by reason, numbers in it aside; `refusals` has the first 1,000.
    `forms` counts the rows of rendered text by the template that they are in, the commonest first.
    """

    name: str
    version: int = 0
    rows_in: int = 0
    rows: int = 0
    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    label: str = ""
    mapping: Mapping = field(default_factory=Mapping)
    notes: list[str] = field(default_factory=list)
    splits: dict[str, int] = field(default_factory=dict)
    forms: dict[str, int] = field(default_factory=dict)
    existing: bool = False
    """The latest version already has this content; nothing was written."""

    def to_dict(self) -> dict[str, Any]:
        changed = {"refusals": [refused.to_dict() for refused in self.refusals], "mapping": self.mapping.to_dict()}
        return {**self.__dict__, **changed}

    def refuse(self, refused: Refusal) -> None:
        """Count a refused row, and keep it while there is room."""
        self.refused += 1
        reason = reason_kind(refused.reason)
        if reason not in self.reasons and len(self.reasons) >= KEPT_REASONS:
            reason = OTHER
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if len(self.refusals) < KEPT_REFUSALS:
            self.refusals.append(refused)
