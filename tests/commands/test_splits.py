"""split and leakage, and that `check --json` and `show --json` tell what the Curate page tells."""

from __future__ import annotations

from lib.data import datasets
from lib.data.checks import CHECKS
from tests.app import seeds


def test_rows_are_dealt_as_an_unsaved_edit_and_the_leak_is_gone(command):
    seeds.samples()
    dealt = command(
        "split", "support-desk", "--share", "train=0.7", "--share", "test=0.3", "--seed", "3", "--json"
    ).json()
    assert dealt["rows"] == 160 and dealt["changed"] > 0
    assert abs(dealt["shares"]["test"] - 0.3) < 0.05
    assert datasets.get("support-desk").version == 1
    shown = command("show", "support-desk", "--where", "split:is:test", "--limit", "0", "--json").json()
    assert shown["matching"] == dealt["counts"]["test"]
    found = command("leakage", "support-desk:train", "support-desk:test", "--json").json()
    assert found["counts"] == {kind: {"left": 0, "right": 0} for kind in ("exact", "question", "near")}
    assert found["rows"] == {"left": dealt["counts"]["train"], "right": dealt["counts"]["test"]}


def test_the_same_rows_under_another_name_leak_whole(command):
    seeds.samples()
    command("branch", "support-desk", "again")
    found = command("leakage", "support-desk", "again", "--json").json()
    assert found["shares"]["right"] == 1.0
    assert "160 rows of again (100.0%)" in command("leakage", "support-desk", "again").out


def test_what_cannot_be_dealt_or_compared_is_named(command):
    seeds.samples()
    for arguments, words in (
        (("split", "support-desk", "--share", "train=half"), "is not a share"),
        (("split", "support-desk", "--share", "train=0.5"), "add up to 1"),
        (("split", "support-desk", "--column", "nobody"), "has no column 'nobody'"),
        (("leakage", "support-desk:left", "support-desk:test"), "no split 'left'"),
        (("leakage", "support-desk", "support-desk"), "the same rows"),
    ):
        failed = command(*arguments)
        assert failed.code == 1
        assert words in failed.err


def test_check_and_show_tell_the_same(command):
    seeds.samples()
    checked = command("check", "support-desk", "--json").json()
    shown = command("show", "support-desk", "--limit", "160", "--json").json()
    counts = {check["name"]: check["rows"] for check in checked["checks"]}
    assert set(counts) == set(CHECKS)
    assert {name: rows for name, rows in shown["checks"].items() if rows} == {n: r for n, r in counts.items() if r}
    flagged = [row for row in shown["conversations"] if row["checks"]]
    assert len(flagged) == checked["flagged"]
    assert sum("secret" in row["checks"] for row in flagged) == counts["secret"]


def test_what_no_share_names_is_train(command):
    seeds.samples()
    shares = command("split", "support-desk", "--share", "test=0.3", "--json").json()["shares"]
    assert abs(shares["train"] - 0.7) < 0.05 and abs(shares["test"] - 0.3) < 0.05
