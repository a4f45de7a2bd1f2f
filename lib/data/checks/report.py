"""What a check is, what it finds, and the report of a whole dataset."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from lib.formats.tokenizer import ModelTokenizer

SNIPPET = 120  # characters of a quotation
EXAMPLES = 5  # findings listed for each check in `to_dict`


@dataclass(frozen=True)
class Check:
    """`explanation`: what it finds and why that matters; `remedy`: what to do. A doubt may well be right as it is."""

    name: str
    label: str
    explanation: str
    remedy: str
    severity: Literal["fault", "doubt"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's finding in one row. `group`: lowest row id of the rows that belong together, for repeats."""

    row_id: int
    check: str
    detail: str
    group: int | None = None


@dataclass(frozen=True)
class Settings:
    """How strict to be."""

    near_duplicate_threshold: float = 0.8
    """Jaccard similarity of two rows' sets of words, 0 to 1, from which on they are near-duplicates."""
    template: str | None = None
    """Judge tags of this template only; None: of every template."""
    max_tokens: int | None = None
    """With `tokenizer`: rows of more tokens than this are long. Otherwise only extreme outliers are."""
    tokenizer: ModelTokenizer | None = None
    language: str | None = None
    """ISO 639-1 code that texts should have; None: what most rows have."""


@dataclass(frozen=True)
class CheckReport:
    """All findings of one version, in order of the rows."""

    dataset: str
    version: int
    rows: int
    findings: list[Finding] = field(repr=False)

    def counts(self) -> dict[str, int]:
        """Number of rows for every check, zeros included."""
        from lib.data.checks.catalogue import CHECKS

        found = Counter(check for _, check in {(finding.row_id, finding.check) for finding in self.findings})
        return {name: found[name] for name in CHECKS}

    def rows_of(self, check: str) -> list[int]:
        """Ids of the rows that a check found, ascending."""
        return sorted({finding.row_id for finding in self.findings if finding.check == check})

    def to_dict(self) -> dict[str, Any]:
        """For `--json` and pages. `share` is of all rows, 0 to 1."""
        from lib.data.checks.catalogue import CHECKS

        examples: dict[str, list[dict[str, Any]]] = {name: [] for name in CHECKS}
        for finding in self.findings:
            if len(examples[finding.check]) < EXAMPLES:
                examples[finding.check].append({"row": finding.row_id, "detail": finding.detail})
        counts = self.counts()
        checks = [
            {
                "name": check.name,
                "label": check.label,
                "rows": counts[check.name],
                "share": counts[check.name] / self.rows if self.rows else 0.0,
                "explanation": check.explanation,
                "remedy": check.remedy,
                "severity": check.severity,
                "examples": examples[check.name],
            }
            for check in CHECKS.values()
        ]
        flagged = len({finding.row_id for finding in self.findings})
        return {
            "dataset": self.dataset, "version": self.version, "rows": self.rows, "flagged": flagged, "checks": checks,
        }  # fmt: skip


def quote(text: str, start: int = 0, end: int | None = None) -> str:
    """At most 120 characters of a text on one line: from `start`, cut before `end`."""
    line = " ".join(text[start : min(end or len(text), start + 2 * SNIPPET)].split())
    return line if len(line) <= SNIPPET else line[: SNIPPET - 1] + "…"
