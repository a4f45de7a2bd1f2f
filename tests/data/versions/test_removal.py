"""Datasets removed, and those that are in use."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from lib import storage
from lib.data import datasets
from lib.data.edits import open_copy
from lib.data.imports.importer import import_source
from lib.data.versions import remove, save, unsaved
from lib.database import Activity, Comparison, Draft, JournalEntry, RowEdit, Run, session
from lib.errors import NotFound, WrongState
from lib.jobs import queue
from tests.data.versions.conftest import change, rows


def test_removing_a_dataset_leaves_nothing_of_it(info, write_rows, home):
    change(info, 3, status="accepted")
    save(info, "m", "ann")
    for folder in ("edits", "checks", "measures"):
        (home / folder / "faq" / "v0001").mkdir(parents=True, exist_ok=True)
    import_source(write_rows(rows(20)), "kept")
    change(datasets.get("kept"), 3, status="accepted")
    remove("faq", "ann")
    with pytest.raises(NotFound):
        datasets.versions("faq")
    with pytest.raises(NotFound):
        remove("faq", "ann")
    left = [
        str(path.relative_to(home)) for path in home.rglob("*") if path.name == "faq" or path.name.startswith(".faq")
    ]
    assert left == []
    with session() as opened:
        for table in (Draft, RowEdit, JournalEntry):
            assert opened.scalar(select(func.count()).select_from(table).where(table.dataset == "faq")) == 0
            assert opened.scalar(select(func.count()).select_from(table).where(table.dataset == "kept")) == 1
        assert (
            opened.scalars(select(Activity.what).order_by(Activity.id.desc())).first()
            == "removed the dataset faq, 2 versions"
        )
    import_source(write_rows(rows()), "faq")
    assert unsaved(datasets.get("faq")) == 0 and open_copy(datasets.get("faq")).state(3).status == "pending"


def live_run(opened, job_id: int) -> None:
    opened.add(Run(id="calm-owl", job_id=job_id, dataset="faq", version=1, model="m", template="t", config={}))


def live_comparison(opened, job_id: int) -> None:
    opened.add(Comparison(job_id=job_id, runs=[], dataset="faq", version=1, split="test", config={}))


@pytest.mark.parametrize(
    ("kind", "payload", "more", "said"),
    [
        ("train", {"run": "calm-owl"}, live_run, "the run calm-owl"),
        ("compare", {"comparison": 1}, live_comparison, "comparison 1"),
        ("check", {"dataset": "faq@1"}, None, "check"),
        ("save", {"dataset": "faq@1", "message": "m", "user": "ann"}, None, "save"),
        ("import", {"source": "x", "name": "faq"}, None, "import"),
        ("leakage", {"left": "other:train", "right": "faq@1:test", "near": 0.8}, None, "leakage"),
    ],
)
def test_a_dataset_in_use_stays(info, write_rows, kind, payload, more, said):
    import_source(write_rows(rows(20)), "unused")
    job_id = queue.submit(kind, payload, "ann")
    if more:
        with session() as opened:
            more(opened, job_id)
    with pytest.raises(WrongState, match=said):
        remove("faq", "ann")
    assert datasets.get("faq") == info
    remove("unused", "ann")
    queue.stop(job_id)
    remove("faq", "ann")


def test_a_damaged_dataset_can_be_removed(info):
    (info.path / storage.MANIFEST).write_text("{}")
    remove("faq", "ann")
    assert datasets.list_datasets() == []
