"""What a check is, what it finds, and the report of a whole dataset."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from lib.errors import NotFound

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
    """Which checks to run and how strict to be."""

    near_duplicate_threshold: float = 0.8
    """Jaccard similarity of two rows' sets of words, 0.5 to 1, from which on they are near-duplicates."""
    template: str | None = None
    """Judge tags of this template only; None: of every template."""
    max_tokens: int | None = None
    """With `tokenizer`: rows of more tokens than this are long. Otherwise only extreme outliers are."""
    tokenizer: ModelTokenizer | None = None
    language: str | None = None
    """ISO 639-1 code that texts should have; None: what most rows have."""
    checks: frozenset[str] | None = None
    """Names of the checks to run; None: all."""

    def chosen(self) -> frozenset[str]:
        """Names of the checks to run.

        Raises:
            NotFound: no check of that name.
        """
        from lib.data.checks.catalogue import CHECKS

        unknown = sorted((self.checks or frozenset()) - CHECKS.keys())
        if unknown:
            raise NotFound(f"There is no check {unknown[0]}.", f"Checks: {', '.join(CHECKS)}.")
        return frozenset(CHECKS) if self.checks is None else self.checks


@dataclass(frozen=True)
class CheckReport:
    """All findings of one version or of its working copy, in order of the rows.

    `seq`: the last journal entry that the checked rows had seen, 0 for a saved version. `checks`: the checks that were
    run, in the order of the catalogue.
    """

    dataset: str
    version: int
    rows: int
    findings: list[Finding] = field(repr=False)
    checks: tuple[str, ...]
    seq: int = 0

    def counts(self) -> dict[str, int]:
        """Number of rows for every check that was run, zeros included."""
        found = Counter(check for _, check in {(finding.row_id, finding.check) for finding in self.findings})
        return {name: found[name] for name in self.checks}

    def rows_of(self, check: str) -> list[int]:
        """Ids of the rows that a check found, ascending."""
        return sorted({finding.row_id for finding in self.findings if finding.check == check})

    def to_dict(self) -> dict[str, Any]:
        """For `--json` and pages. `share` is of all rows, 0 to 1."""
        from lib.data.checks.catalogue import CHECKS

        examples: dict[str, list[dict[str, Any]]] = {name: [] for name in self.checks}
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
            for check in (CHECKS[name] for name in self.checks)
        ]
        return {
            "data": f"{self.dataset}@{self.version}",
            "seq": self.seq,
            "rows": self.rows,
            "flagged": len({finding.row_id for finding in self.findings}),
            "checks": checks,
        }


def quote(text: str, start: int = 0, end: int | None = None) -> str:
    """At most 120 characters of a text on one line: from `start`, cut before `end`."""
    line = " ".join(text[start : min(end or len(text), start + 2 * SNIPPET)].split())
    return line if len(line) <= SNIPPET else line[: SNIPPET - 1] + "…"
