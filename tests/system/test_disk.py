"""What the home takes, and what can be freed without losing anything."""

from __future__ import annotations

import threading

import pytest

from lib.database.models import RUNNING
from lib.errors import NotFound
from lib.jobs import queue
from lib.overview import activity
from lib.storage import exports_dir, uploads_dir
from lib.system import disk, freeing
from tests.system.making import exported, set_job, uploaded


@pytest.fixture(autouse=True)
def fresh():
    disk.forget()


def write(path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def test_each_file_counts_for_its_part_and_links_for_none(home, tmp_path):
    for name, size in [
        ("datasets/faq/v0001/rows.parquet", 1000),
        ("edits/faq/v0001/overlay-1.parquet", 200),
        ("checks/faq/v0001.parquet", 30),
        ("lint/faq/v0001/a.parquet", 4),
        ("runs/one/log.txt", 5),
        ("studio.db", 70),
        ("studio.db-wal", 8),
        ("worker.log", 9),
        ("templates/mine/v0001.json", 10),
    ]:
        write(home / name, size)
    write(tmp_path / "elsewhere/model.safetensors", 10**6)
    (home / "models").mkdir()
    (home / "models/linked").symlink_to(tmp_path / "elsewhere")
    usage = disk.measure()
    assert {name: size for name, size in usage.parts.items() if size} == {
        "datasets": 1200,
        "found out": 34,
        "runs": 5,
        "database": 78,
        "other": 19,
    }
    assert usage.used == 1336 and 0 < usage.free < usage.total


def test_a_home_that_is_not_there_yet_takes_nothing(home):
    assert disk.measure().used == 0


def test_a_page_does_not_wait_for_a_large_home(home, monkeypatch):
    finish, calls = threading.Event(), []
    measure = disk.measure

    def slow():
        calls.append(1)
        finish.wait(20)
        return measure()

    monkeypatch.setattr(disk, "measure", slow)
    assert disk.latest(wait=0.01) is None
    assert disk.latest(wait=0.01) is None and len(calls) == 1, "one measurement at a time"
    finish.set()
    found = disk.latest(wait=20)
    assert found and found.home == str(home)
    assert disk.latest() is found and len(calls) == 1, "kept for a while"


def test_exports_go_but_for_what_is_being_written(home):
    live = queue.submit("export", {"dataset": "faq@1"}, "ada")
    set_job(live, status=RUNNING)
    kept, gone = exported(live), exported(live + 1)
    (one,) = freeing.freeable()
    assert (one.name, one.items, one.size) == ("exports", 1, 4000)
    assert freeing.free("exports", "bob").size == 4000
    assert kept.exists() and not gone.exists()
    assert (activity(1)[0].who, activity(1)[0].what) == ("bob", "deleted 1 export, 4 kB")
    assert freeing.free("exports", "bob").items == 0 and len(activity()) == 1


def test_uploads_go_when_they_are_old_and_no_import_waits_for_them(home):
    fresh, old, wanted = uploaded("fresh", 0.2), uploaded("old", 3), uploaded("wanted", 3)
    queue.submit("import", {"source": str(wanted), "name": "faq", "user": "ada"}, "ada")
    assert freeing.free("uploads", "bob").items == 1
    assert fresh.exists() and wanted.exists() and not old.exists()
    assert not old.parent.exists()


def test_nothing_else_can_be_freed(home, tmp_path):
    with pytest.raises(NotFound, match="nothing that can be freed"):
        freeing.free("runs", "bob")
    for place in (exports_dir(), uploads_dir()):
        place.mkdir(parents=True)
    (exports_dir() / "7").symlink_to(tmp_path)
    assert freeing.freeable() == [] and freeing.free("exports", "bob").items == 0 and tmp_path.exists()
