"""What adds up over the rows of a lint."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lib.data.lint.settings import LintSettings
from lib.data.measures.profile import bounds
from lib.formats.fitting import POLICIES, Effect, fit
from lib.formats.lint import LINTS, Finding, Linted, Linter, LintKind, lint_model, suggestion
from lib.records import Conversation

EXAMPLES = 5  # rows listed for each kind


@dataclass
class Tally:
    """`totals`: tokens of each row that is not left out, four bytes a row. `fit`: rows that need no policy.

    `effects`: what policies do to all the others that are not left out.
    """

    rows: int = 0
    flagged: int = 0
    trained: int = 0
    fit: int = 0
    totals: array[int] = field(default_factory=lambda: array("I"))
    found: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    effects: dict[str, Effect] = field(default_factory=lambda: dict.fromkeys(POLICIES, Effect()))

    def add(self, row_id: int, conversation: Conversation, linted: Linted, linter: Linter) -> None:
        self.rows += 1
        if linted.findings:
            self.flagged += 1
            self._find(row_id, linted.findings)
        if linted.tokens is None:
            return
        total = len(linted.tokens)
        limit = linter.max_length or total
        self.totals.append(total)
        self.trained += linted.answer
        if total <= limit and linted.answer:
            self.fit += 1
            return
        for policy in POLICIES:
            self.effects[policy] += fit(conversation, linted.tokens, limit, policy, linter.encode).effect

    def _find(self, row_id: int, findings: list[Finding]) -> None:
        """A row counts once for each kind, with its first finding of that kind as an example."""
        first = {finding.kind: finding for finding in reversed(findings)}
        self.found.update(first.keys())
        for kind, finding in first.items():
            some = self.examples.setdefault(kind, [])
            if len(some) < EXAMPLES:
                some.append({"row": row_id, "detail": finding.detail, "message": finding.message})

    def summary(self, settings: LintSettings, linter: Linter) -> dict[str, Any]:
        """What `results.summary` gives, but for what was looked at."""
        of_model = {finding.kind: finding.detail for finding in lint_model(linter.template, linter.tokenizer)}
        return {
            "rows": self.rows,
            "flagged": self.flagged,
            "left_out": self.rows - len(self.totals),
            "tokens": sum(self.totals),
            "trained": self.trained,
            "longest": max(self.totals, default=0),
            "edges": self._edges(),
            "kinds": [self._kind(kind, settings, linter, of_model) for kind in LINTS.values()],
            "effects": {policy: self._effect(policy).to_dict() for policy in POLICIES},
        }

    def _kind(self, kind: LintKind, settings: LintSettings, linter: Linter, of_model: dict[str, str]) -> dict[str, Any]:
        count = self.found[kind.name]
        return {
            **kind.to_dict(),
            "suggest": suggestion(kind.name, settings.template, linter.tokenizer),
            "found": bool(count) or kind.name in of_model,
            "rows": count,
            "share": count / self.rows if self.rows else 0.0,
            "detail": of_model.get(kind.name, ""),
            "examples": self.examples.get(kind.name, []),
        }

    def _effect(self, policy: str) -> Effect:
        return self.effects[policy] + Effect(rows=self.fit, fit=self.fit, made=self.fit)

    def _edges(self) -> list[float]:
        """Lower bounds of the histogram's bars."""
        if not self.totals:
            return []
        low, median, high = (float(value) for value in np.percentile(self.totals, [0, 50, 99]))
        return list(bounds(low, median, high, whole=True))
