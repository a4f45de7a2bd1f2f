"""versions, save, diff, restore, branch, delete, and what `show` says of edits."""

from __future__ import annotations

import pytest

from lib.data import datasets
from lib.data.checks import Settings
from lib.data.checks import results as check_results
from lib.data.edits import edit
from lib.data.imports.importer import import_source
from tests.helpers import write_lines

ROWS = [{"question": f"Question {n}?", "answer": "Same." if n < 2 else f"Answer {n}.", "level": n} for n in range(20)]


@pytest.fixture
def info(tmp_path):
    import_source(str(write_lines(tmp_path / "rows.jsonl", ROWS)), "faq")
    return datasets.get("faq")


@pytest.fixture
def edited(info):
    edit(info, 3, 0, "ann", values={"answer": "Better."}, status="accepted", tags=("good",))
    edit(info, 4, 0, "ann", deleted=True)
    return info


def test_show_has_the_facts_and_the_unsaved_edits(command, edited):
    check_results.check(edited, Settings())
    document = command("show", "faq", "--limit", "3", "--json").json()
    assert (document["rows"], document["unsaved"], document["matching"]) == (20, 2, 19)
    assert document["statuses"] == {"pending": 18, "accepted": 1, "rejected": 0} and document["tags"] == {"good": 1}
    assert document["checks"]["exact_duplicate"] == 0
    third = document["conversations"][2]
    assert third["messages"][1] == {"role": "assistant", "content": "Better."}
    assert {key: third[key] for key in ("row", "status", "tags", "note", "edited")} == {
        "row": 3,
        "status": "accepted",
        "tags": ["good"],
        "note": "",
        "edited": True,
    }
    words = command("show", "faq").out
    assert "accepted 1" in words and "2 rows with unsaved edits" in words and "assistant: Better." in words
    saved = command("show", "faq", "--saved", "--limit", "4", "--json").json()
    assert (saved["matching"], saved["unsaved"]) == (20, 2)
    assert saved["conversations"][2]["messages"][1]["content"] == "Answer 2."


def test_show_finds_filters_and_sorts(command, edited):
    def ids(*arguments: str) -> list[int]:
        document = command("show", "faq", *arguments, "--json").json()
        return [row["row"] for row in document["conversations"]]

    assert ids("--where", "status:is:accepted") == [3]
    assert ids("--where", ".level:in:5..8", "--where", ".level:not:6") == [6, 8]
    assert ids("--search", "better") == [3] and ids("--search", "better", "--saved") == []
    assert ids("--sort", "-row", "--limit", "2", "--offset", "1") == [19, 18]
    assert ids("--where", "deleted:is:yes") == [4]
    assert ids("--where", "answer_chars:in:..6") == [1, 2]
    assert ids("--where", "tag:is:good", "--split", "validation") == []


def test_save_versions_diff_restore_and_branch(command, edited):
    unsaved = command("diff", "faq", "--json").json()
    assert (unsaved["removed"], unsaved["changed"], unsaved["unsaved"]) == (1, 1, True)
    saved = command("save", "faq", "--message", "first pass", "--json")
    assert saved.code == 0 and "20 of 20 rows saved" in saved.err
    assert (saved.json()["version"], saved.json()["rows"], saved.json()["recipe"]["message"]) == (2, 19, "first pass")
    document = command("diff", "faq@1", "faq@2", "--limit", "1", "--json").json()
    assert {key: document[key] for key in ("added", "removed", "changed", "unchanged")} == {
        "added": 0,
        "removed": 1,
        "changed": 1,
        "unchanged": 18,
    }
    [row] = document["differing"]
    assert (row["row"], row["kind"]) == (3, "changed")
    assert row["fields"]["status"] == {"before": "pending", "after": "accepted"}
    assert row["after"]["messages"][1]["content"] == "Better."
    words = command("diff", "faq@1", "faq@2").out
    assert "0 added, 1 removed, 1 changed (content 1, status 1, tags 1), 18 unchanged" in words
    assert "- assistant: Answer 2.\n+ assistant: Better." in words and "row 4 removed" in words
    assert command("diff", "faq@1", "--json").json()["changed"] == 0
    assert command("restore", "faq@1", "--message", "back", "--json").json()["version"] == 3
    assert command("branch", "faq@2", "other", "--json").json()["name"] == "other"
    listed = command("versions", "faq", "--json").json()["versions"]
    assert [(one["version"], one["rows"], one["unsaved"]) for one in listed] == [(1, 20, 0), (2, 19, 0), (3, 20, 0)]
    words = command("versions", "faq").out
    assert "edits of faq@1" in words and "restore of faq@1" in words and "first pass" in words
    for arguments in (("versions", "other"), ("branch", "faq", "third")):
        assert command(*arguments).code == 0


def test_restore_and_branch_say_what_stays_behind(command, edited):
    command("branch", "faq", "copy")
    assert "2 rows with unsaved edits of faq@1 not taken along" in command("branch", "faq", "again").err
    command("save", "faq", "--message", "m")
    edit(datasets.get("faq"), 5, 0, "ann", status="rejected")
    refused = command("restore", "faq@1", "--message", "back", "--json")
    assert refused.code == 1 and "1 row with unsaved edits" in refused.json()["message"]
    assert command("restore", "faq@1", "--message", "back", "--discard").out == "faq@3: 20 rows, as in faq@1\n"


def test_delete_wants_to_be_sure(command, edited):
    asked = command("delete", "faq", "--json")
    assert asked.code == 1 and "--yes" in asked.json()["hint"] and datasets.get("faq") == edited
    assert command("delete", "faq", "--yes", "--json").json() == {"deleted": "faq", "versions": 1}
    assert command("datasets", "--json").json() == {"datasets": []}
    assert command("delete", "faq", "--yes").code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("versions", "nope"), "nope"),
        (("save", "faq", "--message", "m"), "no unsaved edits"),
        (("save", "faq", "--message", " "), "no message"),
        (("save", "nope", "--message", "m"), "nope"),
        (("diff", "faq", "nope"), "nope"),
        (("diff", "faq", "faq@1", "--kind", "moved"), "moved"),
        (("restore", "faq", "--message", "m"), "No version"),
        (("restore", "faq@1", "--message", "m"), "latest"),
        (("branch", "faq", "faq"), "already"),
        (("branch", "faq", "A B"), "cannot be used"),
        (("delete", "nope", "--yes"), "nope"),
        (("delete", "../x", "--yes"), "cannot be used"),
        (("show", "faq", "--where", "status"), "not a condition"),
        (("show", "faq", "--where", "nope:is:1"), "nope"),
        (("show", "faq", "--sort", "tag"), "sorted"),
        (("show", "faq", "--sort", "answer_tokens"), "No model"),
        (("show", "faq", "--sort", "answer_tokens", "--tokenizer", "nope"), "nope"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_expected_failures(command, info, arguments, said):
    result = command(*arguments)
    assert result.code == 1 and said in result.err and "Traceback" not in result.err
    assert len(result.err.splitlines()) == 2
    assert said in command(*arguments, "--json").json()["message"]


@pytest.mark.parametrize(
    "arguments", [("save", "faq"), ("restore", "faq@1"), ("branch", "faq"), ("diff",)], ids=" ".join
)
def test_wrong_usage(command, arguments):
    assert command(*arguments).code == 2
