"""Sessions on the studio's database: SQLite in WAL mode, or whatever STUDIO_DATABASE_URL names."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import Session

from lib.database.models import Activity
from lib.errors import StorageError
from lib.settings import settings
from lib.storage import disk_errors

UPGRADE_LOCK = 7_236_001  # any number of our own: advisory locks of a database share one space
MIGRATIONS = Path(__file__).parent / "migrations"


@contextlib.contextmanager
def session() -> Iterator[Session]:
    """A session that commits when the block ends well and rolls back otherwise.

    Raises:
        StorageError: the database cannot be opened or written.
    """
    try:
        with Session(_engine(settings.database_url), expire_on_commit=False) as opened, opened.begin():
            yield opened
    except IntegrityError:
        raise
    except DatabaseError as error:
        raise StorageError(
            f"The database does not answer: {str(error.orig).splitlines()[0]}.",
            "Check that its disk has room and that STUDIO_HOME and STUDIO_DATABASE_URL are right.",
        ) from error


def note(who: str, what: str, link: str = "") -> None:
    """Add a line to the activity list."""
    with session() as opened:
        opened.add(Activity(at=time.time(), who=who, what=what[:512], link=link))


@lru_cache(maxsize=8)
def _engine(url: str) -> Engine:
    if url.startswith("sqlite"):
        with disk_errors(settings.home):
            settings.home.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 30} if url.startswith("sqlite") else {})
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin_immediate)
    _upgrade(engine, url)
    return engine


def _is_current(engine: Engine) -> bool:
    """True when the tables are at the newest revision, as nearly always: then alembic need not be imported (0.3 s)."""
    newest = max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]
    try:
        with engine.connect() as connection:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [newest]
    except DatabaseError:  # no such table yet; what else may be wrong comes to light below
        return False


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # this module emits BEGIN itself, see _begin_immediate
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Any) -> None:
    # A deferred transaction that reads and then writes fails with "database is locked" without waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _upgrade(engine: Engine, url: str) -> None:
    """Bring the tables to the newest revision; one process at a time."""
    if _is_current(engine):
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    lock = FileLock(settings.home / ".upgrade.lock") if url.startswith("sqlite") else contextlib.nullcontext()
    with lock, engine.connect() as connection:
        if engine.dialect.name == "postgresql":  # held until the commit below
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
