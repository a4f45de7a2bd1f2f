"""Texts of anybody in Markdown, so that they stay text: as code, in fences that nothing in them can close."""

from __future__ import annotations

import re

_RUNS = re.compile("`+")


def fenced(text: str, language: str = "") -> str:
    """A block of code that holds exactly this text."""
    fence = "`" * max(3, _longest(text) + 1)
    # Of the characters that end a line somewhere, a fence has to fear only these two.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"{fence}{language}\n{text}\n{fence}"


def code(text: str) -> str:
    """The text on one line as code, fit for a cell of a table."""
    line = " ".join(text.split())
    ticks = "`" * (_longest(line) + 1)
    gap = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{gap}{line}{gap}{ticks}".replace("|", "\\|") if line else "(empty)"


def table(headings: list[str], rows: list[list[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _longest(text: str) -> int:
    return max((len(run) for run in _RUNS.findall(text)), default=0)
