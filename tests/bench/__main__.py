"""`python -m tests.bench [part …]`; all by default: app, checks, data, table, tokens, training, generation, gpu."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass

PARTS = ["app", "checks", "data", "table", "tokens", "training", "generation", "gpu"]


@dataclass(frozen=True)
class Line:
    """One budget: what was measured, ours, the baseline of the same run, and what the budget asks for."""

    what: str
    ours: str
    baseline: str
    ratio: str
    budget: str


def main(parts: list[str]) -> None:
    """Run the parts one after another and print the table."""
    lines: list[Line] = []
    for name in parts or PARTS:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        lines += [Line(*line) for line in importlib.import_module(f"tests.bench.{name}").measure()]
    heads = ["what", "ours", "baseline", "ratio", "budget"]
    rows = [heads, *([getattr(line, head) for head in heads] for line in lines)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(heads))]
    for row in rows:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if row is heads:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


if __name__ == "__main__":
    main(sys.argv[1:])
