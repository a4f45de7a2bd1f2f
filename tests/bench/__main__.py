"""`python -m tests.bench [part …]`; all by default: app, checks, data, table, tokens, training, generation, gpu."""

from __future__ import annotations

import importlib
import sys
import traceback
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


def main(parts: list[str]) -> int:
    """Run the parts one after another and print the table. What was measured stands there also where a part fails."""
    lines: list[Line] = []
    failed = []
    for name in parts or PARTS:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        try:
            lines += [Line(*line) for line in importlib.import_module(f"tests.bench.{name}").measure()]
        except Exception:  # whatever it is: half an hour of other figures must not go with it
            traceback.print_exc()
            failed.append(name)
    _print(lines)
    if failed:
        print(f"could not be measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _print(lines: list[Line]) -> None:
    heads = ["what", "ours", "baseline", "ratio", "budget"]
    rows = [heads, *([getattr(line, head) for head in heads] for line in lines)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(heads))]
    for row in rows:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if row is heads:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
