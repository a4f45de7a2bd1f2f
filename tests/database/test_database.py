"""The real SQLite database: tables as the models say, many processes at once."""

from __future__ import annotations

import json

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from lib.database import Activity, Job, Run, note, session
from lib.database.models import Base
from lib.database.session import MIGRATIONS
from lib.errors import StorageError
from tests.helpers import python


def test_the_migrations_make_what_the_models_say(home):
    with session() as opened:
        context = MigrationContext.configure(opened.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert opened.connection().exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    assert (home / "studio.db").exists()


def test_a_block_that_fails_changes_nothing():
    with pytest.raises(ZeroDivisionError), session() as opened:
        opened.add(Activity(who="a", what="b"))
        opened.flush()
        raise ZeroDivisionError
    with session() as opened:
        assert opened.scalars(select(Activity)).all() == []


def test_notes_are_cut_to_their_column():
    note("tester", "x" * 1000, "runs?run=a")
    with session() as opened:
        assert len(opened.scalars(select(Activity)).one().what) == 512


def test_a_run_needs_its_job():
    with pytest.raises(IntegrityError), session() as opened:
        opened.add(Run(id="a-b", job_id=7, dataset="d", version=1, model="m", template="t", config={}))


INCREMENT = """
from lib.database import Job, session
print("ready", flush=True)
input()
for _ in range(50):
    with session() as opened:
        job = opened.get(Job, 1)
        job.progress = {"count": job.progress["count"] + 1}
"""


def _together(code: str, processes: int) -> list[str]:
    started = [python("-c", code, stdin=-1) for _ in range(processes)]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=90) for process in started]
    assert [process.returncode for process in started] == [0] * processes, outputs
    return [output for output, _ in outputs]


def test_no_increment_of_four_processes_is_lost():
    with session() as opened:
        opened.add(Job(kind="import", lane="light", payload={}, progress={"count": 0}))
    _together(INCREMENT, 4)
    with session() as opened:
        assert opened.get(Job, 1).progress == {"count": 200}


NEWEST = max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]
OPEN_FRESH = """
import json
from lib.database import note, session
from sqlalchemy import text
print("ready", flush=True)
input()
note("tester", "hello")
with session() as opened:
    print(json.dumps([row[0] for row in opened.execute(text("SELECT version_num FROM alembic_version"))]))
"""


def test_several_processes_open_a_fresh_home_at_once(home):
    assert not home.exists()
    assert {tuple(json.loads(output)) for output in _together(OPEN_FRESH, 4)} == {(NEWEST,)}
    with session() as opened:
        assert len(opened.scalars(select(Activity)).all()) == 4


def test_a_damaged_database_is_named(home):
    home.mkdir()
    (home / "studio.db").write_bytes(b"this is no database at all " * 100)
    with pytest.raises(StorageError, match="database does not answer") as caught:
        note("tester", "hello")
    assert "STUDIO_HOME" in caught.value.hint


def test_a_home_that_is_a_file_is_named(home):
    home.write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        note("tester", "hello")


def test_another_database_can_be_named(home, tmp_path, monkeypatch):
    monkeypatch.setenv("STUDIO_DATABASE_URL", f"sqlite:///{tmp_path / 'team.db'}")
    note("tester", "hello")
    assert (tmp_path / "team.db").exists() and not (home / "studio.db").exists()
    monkeypatch.setenv("STUDIO_DATABASE_URL", f"sqlite:///{tmp_path / 'none' / 'team.db'}")
    with pytest.raises(StorageError, match="database does not answer"):
        note("tester", "hello")
