"""One answer against one rule."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import regex

from lib.evaluation.metrics.rules import Rule

SECONDS = 1.0
"""Longest time for one regex on one answer; a row that takes longer is marked."""


def row_of(rule: Rule) -> Callable[[str], float]:
    """What checks one answer: 1.0 pass, 0.0 fail.

    Raises (when called):
        TimeoutError: the regex takes too long on this answer.
    """
    if rule.kind == "regex":
        return partial(_matches, regex.compile(rule.pattern, regex.IGNORECASE if rule.ignore_case else 0))
    return partial({"json": _json, "length": _length}.get(rule.kind, _texts), rule)


def passes(rule: Rule, answer: str) -> bool:
    """Whether one answer passes."""
    return row_of(rule)(answer) == 1.0


def _matches(pattern: Any, answer: str) -> float:
    try:
        return float(pattern.search(answer, timeout=SECONDS) is not None)
    except TimeoutError as error:
        raise TimeoutError(f"the regex takes longer than {SECONDS:g} s on this answer") from error


def _texts(rule: Rule, answer: str) -> float:
    def same(text: str) -> str:
        return text.casefold() if rule.ignore_case else text

    if rule.kind == "equals":
        return float(same(answer.strip()) in {same(text.strip()) for text in rule.texts})
    there = [same(text) in same(answer) for text in rule.texts]
    return float(all(there) if rule.kind == "contains" else not any(there))


def _json(rule: Rule, answer: str) -> float:
    def refuse(word: str) -> float:
        raise ValueError(f"{word} is not JSON")

    try:
        found = json.loads(answer, parse_constant=refuse)
    except (ValueError, RecursionError):
        return 0.0
    return float(not rule.keys or (isinstance(found, dict) and all(key in found for key in rule.keys)))


def _length(rule: Rule, answer: str) -> float:
    count = len(answer.split()) if rule.unit == "words" else len(answer.strip())
    return float((rule.low or 0) <= count <= (math.inf if rule.high is None else rule.high))
