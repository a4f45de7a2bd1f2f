"""Rules that a team writes: what passes, what is refused, and the commands that keep them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lib.errors import BadInput, NotFound, StorageError, WrongState
from lib.evaluation.metrics import get_spec, list_metrics, rule_rows, score
from lib.evaluation.metrics.rule_rows import passes
from lib.evaluation.metrics.rules import Rule, delete_rule, get_rule, list_rules, save_rule
from studio.commands import rules as commands


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (Rule("r", "contains", texts=("a", "b")), ["ab", "b a"], ["a", "", "AB"]),
        (Rule("r", "contains", texts=("straße",), ignore_case=True), ["STRASSE", "Straße 1"], ["strase"]),
        (Rule("r", "not_contains", texts=("I cannot", "As an AI")), ["Yes.", ""], ["Sorry, I cannot."]),
        (Rule("r", "equals", texts=("yes", "no")), ["yes", " no\n"], ["Yes", "yes no", ""]),
        (Rule("r", "regex", pattern=r"^\d+ mg$"), ["20 mg"], ["20 mg daily", "mg", ""]),
        (Rule("r", "regex", pattern="MG", ignore_case=True), ["20 mg"], ["20 g"]),
        (Rule("r", "json"), ["[1]", ' {"a": 1} ', "null"], ["{'a': 1}", "", "NaN", '{"a": 1} and', "[" * 100_000]),
        (Rule("r", "json", keys=("a", "b")), ['{"b": 1, "a": null}'], ['{"a": 1}', '["a", "b"]', '"ab"']),
        (Rule("r", "length", low=2, high=3), ["a b", " a b  c "], ["a", "a b c d", ""]),
        (Rule("r", "length", unit="characters", high=3), ["", "abc", " abc "], ["abcd"]),
    ],
)
def test_what_passes(rule: Rule, good: list[str], bad: list[str]) -> None:
    assert [answer for answer in good if not passes(rule, answer)] == []
    assert [answer for answer in bad if passes(rule, answer)] == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "regex", "pattern": "a(b"}, "at character"),
        ({"kind": "regex"}, "no pattern"),
        ({"kind": "contains"}, "no text"),
        ({"kind": "contains", "texts": ("a", "")}, "empty"),
        ({"kind": "length"}, "neither"),
        ({"kind": "length", "low": 3, "high": 2}, "order"),
        ({"kind": "length", "low": 3, "unit": "pages"}, "pages"),
        ({"kind": "smells"}, "smells"),
    ],
)
def test_rules_that_cannot_be_used_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Rule("r", **given)
    with pytest.raises(BadInput):
        Rule("../r", "json")


def test_a_rule_is_a_metric_of_the_answer_alone() -> None:
    save_rule(Rule("polite", "contains", texts=("please",), ignore_case=True), "ann")
    spec = get_spec("rule:polite")
    assert list(list_metrics())[-1] == "rule:polite"
    assert (spec.needs, spec.pass_fail, spec.higher_is_better, spec.range) == ("answer", True, True, (0.0, 1.0))
    assert 'contains "please", whatever the case' in spec.signature
    found = score("rule:polite", ["Please.", "No."], ["", ""])
    assert (found.values, found.mean, found.errors) == ([1.0, 0.0], 0.5, {})


def test_a_pattern_that_takes_too_long_marks_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_rows, "SECONDS", 0.05)
    save_rule(Rule("slow", "regex", pattern=r"^(a|a|a)+$|[ok]|fine"), "ann")
    found = score("rule:slow", ["ok", "a" * 60 + "!", "fine"], ["", "", ""])
    assert found.values[0] == found.values[2] == 1.0
    assert list(found.errors) == [1] and "takes longer" in found.errors[1]
    assert found.weights == [1.0, 0.0, 1.0]


def test_rules_are_kept_replaced_and_deleted(home: Path) -> None:
    first = save_rule(Rule("short", "length", high=5), "ann")
    assert first == get_rule("short") == save_rule(Rule("short", "length", high=5), "bob")
    assert first.created_by == "ann"
    with pytest.raises(WrongState, match="0 to 5 words"):
        save_rule(Rule("short", "length", high=9), "bob")
    assert save_rule(Rule("short", "length", high=9), "bob", replace=True).high == 9
    (home / "rules" / "torn.json").write_text('{"name": "torn"')
    (home / "rules" / "odd.json").write_text('{"name": "odd", "kind": "regex", "pattern": "("}')
    assert [rule.name for rule in list_rules()] == ["short"]
    with pytest.raises(StorageError):
        get_rule("odd")
    delete_rule("short")
    with pytest.raises(NotFound):
        get_spec("rule:short")
    with pytest.raises(NotFound):
        delete_rule("short")


def run(*arguments: str) -> Any:
    app = typer.Typer()
    commands.register(app)
    return CliRunner().invoke(app, list(arguments))


def test_commands_add_list_and_remove() -> None:
    assert "0 to 50 words" in run("rules", "add", "short", "--words", ":50").stdout
    added = json.loads(run("rules", "add", "keys", "--key", "a", "--key", "b", "--json").stdout)
    assert (added["kind"], added["keys"], added["created_by"]) == ("json", ["a", "b"], "tester")
    assert [rule["name"] for rule in json.loads(run("rules", "--json").stdout)["rules"]] == ["keys", "short"]
    assert "does not contain" in run("rules", "add", "frank", "--without", "I cannot").stdout
    assert "rule:frank" in run("metrics").stdout
    assert json.loads(run("rules", "remove", "short", "--json").stdout) == {"removed": "short"}
    for wrong in (["--is-json", "--words", "1:2"], [], ["--words", "few"]):
        assert isinstance(run("rules", "add", "wrong", *wrong).exception, BadInput)
