"""Checks that a team writes down as rules: each answer passes (1.0) or fails (0.0), no reference needed.

    save_rule(Rule("polite", "contains", texts=("please",)), user)      rules/polite.json
    score("rule:polite", predictions, references)                       share of answers that pass

| kind | passes when the answer |
|---|---|
| contains | has every one of `texts` |
| not_contains | has none of `texts` |
| equals | is one of `texts`, white space at its ends aside |
| regex | has a match of `pattern` (the `regex` package; one second a row at most) |
| json | is one JSON document; with `keys`, an object that has them all |
| length | is `low` to `high` `unit` long, both included |
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import regex

from lib.errors import BadInput, NotFound, StorageError, WrongState
from lib.evaluation.metrics.spec import MetricSpec
from lib.settings import settings
from lib.storage import check_name, disk_errors, read_json, write_json

Kind = Literal["contains", "not_contains", "equals", "regex", "json", "length"]
Unit = Literal["words", "characters"]


@dataclass(frozen=True)
class Rule:
    """One check of an answer; faults are found when it is made."""

    name: str
    kind: Kind
    texts: tuple[str, ...] = ()
    """Of `contains`, `not_contains`, `equals`."""
    pattern: str = ""
    keys: tuple[str, ...] = ()
    """Of `json`: names that the object must have; none: any JSON will do."""
    unit: Unit = "words"
    low: int | None = None
    """Of `length`: fewest; None: no limit."""
    high: int | None = None
    ignore_case: bool = False
    """Of `contains`, `not_contains`, `equals`, `regex`."""
    created_by: str = ""

    def __post_init__(self) -> None:
        check_name(self.name, "rule name")
        if fault := _fault(self):
            raise BadInput(f"The rule {self.name} cannot be used: {fault}.", "Correct it and save again.")

    @property
    def says(self) -> str:
        """What it asks for, in words."""
        listed = ", ".join(json.dumps(text, ensure_ascii=False) for text in self.texts)
        case = ", whatever the case" if self.ignore_case else ""
        low, high = "0" if self.low is None else self.low, "any number of" if self.high is None else self.high
        return {
            "contains": f"contains {listed}{case}",
            "not_contains": f"does not contain {listed}{case}",
            "equals": f"is one of {listed}{case}",
            "regex": f"matches /{self.pattern}/{case}",
            "json": "is JSON" + (f" with the keys {', '.join(self.keys)}" if self.keys else ""),
            "length": f"has {low} to {high} {self.unit}",
        }[self.kind]

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "texts": list(self.texts), "keys": list(self.keys), "says": self.says}


def _fault(rule: Rule) -> str:
    """What is wrong with a rule; empty when nothing is."""
    if rule.kind not in get_args(Kind):
        return f"there is no kind {rule.kind!r}, only {', '.join(get_args(Kind))}"
    if rule.kind in ("contains", "not_contains", "equals") and not any(rule.texts):
        return "it names no text"
    if rule.kind in ("contains", "not_contains") and not all(rule.texts):
        return "one of its texts is empty, which every answer contains"
    return {"regex": _pattern_fault, "length": _length_fault}.get(rule.kind, lambda _: "")(rule)


def _pattern_fault(rule: Rule) -> str:
    if not rule.pattern:
        return "it has no pattern"
    try:
        regex.compile(rule.pattern)
    except regex.error as error:
        place = "" if error.pos is None else f" at character {error.pos + 1}"
        return f"the pattern {rule.pattern!r} has a fault{place}: {error.msg}"
    return ""


def _length_fault(rule: Rule) -> str:
    if rule.unit not in get_args(Unit):
        return f"length is counted in words or characters, not {rule.unit!r}"
    if rule.low is None and rule.high is None:
        return "it has neither a lowest nor a highest length"
    if (rule.low or 0) < 0 or (rule.high is not None and rule.high < (rule.low or 0)):
        return "its lengths are not in order, or below 0"
    return ""


def save_rule(rule: Rule, user: str, replace: bool = False) -> Rule:
    """Keep a rule for everybody. One that says the same is left as it is.

    Raises:
        WrongState: there is another rule of that name, and `replace` is not set.
        StorageError: disk full or folder not writable.
    """
    old = get_rule(rule.name) if _file(rule.name).exists() and not replace else None
    if old and old.says == rule.says:
        return old
    if old:
        raise WrongState(
            f"There is a rule {rule.name} already: {old.says}.", "Choose another name, or replace it on purpose."
        )
    stored = {**asdict(rule), "created_by": user}
    write_json(_file(rule.name), stored)
    return _rule(stored)


def get_rule(name: str) -> Rule:
    """Raises:
    NotFound: no rule of that name.
    StorageError: its file is damaged.
    """
    file = _file(check_name(name, "rule name"))
    if not file.exists():
        known = ", ".join(rule.name for rule in list_rules())
        raise NotFound(f"There is no rule {name!r}.", f"There are: {known}." if known else "None is saved yet.")
    try:
        return _rule(read_json(file))
    except (TypeError, BadInput) as error:
        raise StorageError(f"{file} holds no rule: {error}.", "Restore it from a backup or delete it.") from error


def list_rules() -> list[Rule]:
    """All rules by name. A file that cannot be read is left out."""
    found = []
    for file in sorted(_folder().glob("*.json")):
        try:
            found.append(_rule(read_json(file)))
        except (TypeError, BadInput, StorageError):
            continue
    return found


def delete_rule(name: str) -> None:
    """Raises:
    NotFound: no rule of that name.
    """
    get_rule(name)
    with disk_errors(_folder()):
        _file(name).unlink(missing_ok=True)


def _rule(stored: dict[str, Any]) -> Rule:
    return Rule(**{**stored, "texts": tuple(stored.get("texts", ())), "keys": tuple(stored.get("keys", ()))})


def _folder() -> Path:
    return settings.home / "rules"


def _file(name: str) -> Path:
    return _folder() / f"{name}.json"


def rule_spec(rule: Rule) -> MetricSpec:
    """The rule as a metric: share of the answers that pass. Its signature says all of it."""
    return MetricSpec(
        name=f"rule:{rule.name}",
        label=f"Rule {rule.name}",
        range=(0.0, 1.0),
        higher_is_better=True,
        help=f"Share of answers that pass, from 0 to 1: the answer {rule.says}. Higher is better.",
        signature=f"tandem rule|{rule.says}|version:1",
        needs="answer",
        digits=3,
        pass_fail=True,
    )
