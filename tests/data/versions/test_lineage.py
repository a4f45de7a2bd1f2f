"""Older versions restored, datasets branched."""

from __future__ import annotations

import pytest

from lib.data.versions import branch, diff, lineage, remove, restore, save, unsaved
from lib.errors import BadInput, NotFound, WrongState
from tests.data.versions.conftest import ROWS, change, stored


def test_restore_makes_an_old_version_the_latest(info):
    change(info, 3, values={"answer": "x"})
    second = save(info, "changed", "ann")
    change(second, 4, status="accepted")
    with pytest.raises(WrongState, match="1 row with unsaved edits"):
        restore("faq", 1, "back", "ben")
    restored = restore("faq", 1, "back", "ben", discard=True)
    assert (restored.version, restored.parent, restored.user) == (3, 2, "ben")
    assert restored.recipe == {"kind": "restore", "base": 1, "message": "back"}
    assert stored(restored) == stored(info)
    assert (restored.columns, restored.mapping, restored.splits) == (info.columns, info.mapping, info.splits)
    assert unsaved(second) == 1 and unsaved(restored) == 0
    assert [step.ref for step in lineage(restored)] == ["faq@1", "faq@3"]
    with pytest.raises(WrongState, match="is the latest"):
        restore("faq", 3, "again", "ben")
    with pytest.raises(NotFound, match="no version 9"):
        restore("faq", 9, "again", "ben")
    with pytest.raises(BadInput, match="no message"):
        restore("faq", 1, " ", "ben")
    change(restored, 5, deleted=True)
    assert save(restored, "on", "ben").rows == ROWS - 1 and stored(info)[5]


def test_branch_begins_a_dataset(info):
    change(info, 3, values={"answer": "x"})
    second = save(info, "changed", "ann")
    change(second, 4, deleted=True)
    begun = branch("faq@2", "faq-short", "ann")
    assert (begun.ref, begun.parent, begun.recipe) == ("faq-short@1", None, {"kind": "branch", "from": "faq@2"})
    assert stored(begun) == stored(second) and unsaved(begun) == 0
    change(begun, 5, deleted=True)
    shorter = save(begun, "shorter", "ann")
    assert [step.ref for step in lineage(shorter)] == ["faq@1", "faq@2", "faq-short@1", "faq-short@2"]
    assert (diff(info, shorter).removed, diff(info, shorter).changed) == (1, 1)
    for name, error in (("faq-short", WrongState), ("faq", WrongState), ("A B", BadInput)):
        with pytest.raises(error):
            branch("faq@2", name, "ann")
    remove("faq", "ann")
    assert [step.ref for step in lineage(shorter)] == ["faq-short@1", "faq-short@2"]
    assert len(stored(begun)) == ROWS
