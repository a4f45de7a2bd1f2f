"""Every test has an empty home of its own; a tiny Llama and a home with a finished run are made once."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from filelock import FileLock
from sqlalchemy import Engine, text

from lib.database import session
from lib.jobs import queue, run, worker
from lib.jobs.context import log_path
from lib.settings import settings
from tests import tiny
from tests.helpers import studio, write_lines

# Tiny tensors: a second thread only gets in the way. Read when torch is imported, here and in every job's process.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def no_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is made for several tests, before one has its home, must not end in the home of whoever runs them."""
    os.environ["STUDIO_HOME"] = str(tmp_path_factory.mktemp("nobody") / "home")


@pytest.fixture(scope="session", autouse=True)
def modules(tmp_path_factory: pytest.TempPathFactory) -> None:
    """`evaluate` copies metric folders there to import them; read once, when it is imported itself."""
    os.environ["HF_MODULES_CACHE"] = str(tmp_path_factory.mktemp("modules"))


_seen = {"modules": 0}


@pytest.fixture(autouse=True)
def frozen() -> None:
    """What the libraries hold stays: to look through it for garbage takes up to a second each time."""
    if len(sys.modules) > _seen["modules"] + 100:
        _seen["modules"] = len(sys.modules)
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("STUDIO_HOME", str(folder))
    monkeypatch.setenv("STUDIO_USER", "tester")
    monkeypatch.setenv("STUDIO_WORKER_POLL_SECONDS", "0.1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("STUDIO_DATABASE_URL", raising=False)
    return folder


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and no rows, as the migrations make it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(tmp_path_factory.mktemp("tables")))
        with session() as opened:
            opened.execute(text("SELECT 1"))
        made = settings.home / "studio.db"
    with contextlib.closing(sqlite3.connect(made)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # all of it in the one file
    return made


@pytest.fixture(autouse=True)
def copied_tables(home: Path, tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new database is a copy of that one: the migrations take longer than most tests."""
    module = importlib.import_module("lib.database.session")
    upgrade = module._upgrade

    def copy(engine: Engine, url: str) -> None:
        file = Path(url.removeprefix("sqlite:///"))
        if url.startswith("sqlite") and not file.exists():
            shutil.copyfile(tables, file)
        upgrade(engine, url)

    monkeypatch.setattr(module, "_upgrade", copy)


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the processes of a parallel test run make once for all of them."""
    top = factory.getbasetemp()
    top = top.parent if "PYTEST_XDIST_WORKER" in os.environ else top
    done, folder = top / f"{name}.made", top / name
    with FileLock(top / f"{name}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers with random weights; slow only in that it imports torch."""
    return made_once(tmp_path_factory, "tiny", tiny.write_model)


@pytest.fixture
def tiny_home(home: Path, tiny_folder: Path) -> Path:
    """A home with the model `tiny`."""
    (home / "models").mkdir(parents=True)
    (home / "models" / "tiny").symlink_to(tiny_folder)
    return home


@pytest.fixture(scope="session")
def finished_home(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Path:
    """A home with the dataset `sums` and one run on it, made by the commands in real processes. Only to read."""
    made = made_once(tmp_path_factory, "finished", lambda folder: _finish(folder / "home", tiny_folder))
    mine = tmp_path_factory.mktemp("finished-copy") / "home"
    shutil.copytree(made / "home", mine, symlinks=True)
    return mine


def _finish(folder: Path, tiny_folder: Path) -> None:
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "tiny").symlink_to(tiny_folder)
    source = write_lines(folder.parent / "sums.jsonl", tiny.ROWS)
    env = {"STUDIO_HOME": str(folder), "HF_HUB_OFFLINE": "1", "STUDIO_USER": "tester"}
    imported = studio("import", str(source), "--name", "sums", env=env)
    assert imported.returncode == 0, imported.stderr
    settings = [part for key, value in tiny.SETTINGS.items() for part in ("--set", f"{key}={value}")]
    trained = studio("train", "sums", "--model", "tiny", "--template", "llama2", *settings, "--json", env=env)
    assert trained.returncode == 0, trained.stderr
    (folder / "train.out").write_text(trained.stdout)
    (folder / "train.err").write_text(trained.stderr)


@pytest.fixture
def studio_home(home: Path, finished_home: Path) -> Path:
    """A copy of the finished home, to use and spoil."""
    shutil.copytree(finished_home, home, symlinks=True)
    return home


@pytest.fixture
def jobs_here(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let jobs run in this process, which has torch loaded already, whenever a worker would be started."""

    def work() -> None:
        before = signal.getsignal(signal.SIGTERM)
        while job := queue.claim(psutil.Process()):
            log = log_path(job.id)
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a") as file, contextlib.redirect_stdout(file):
                run.main(job.id)
        signal.signal(signal.SIGTERM, before)  # a job takes it as a wish to stop; the tests shall end of it

    monkeypatch.setattr(worker, "ensure", work)
    return work


@pytest.fixture
def no_process_left(home: Path) -> Iterator[None]:
    """End every process that the test started on its home and left alive."""
    yield
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get("STUDIO_HOME") == str(home):
                process.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte; skipped where mounting is not permitted."""
    place = tmp_path / "small-disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here (needs root)")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)
