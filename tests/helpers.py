"""Waiting, processes and files: what the tests of processes share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import psutil

from lib.settings import ROOT

T = TypeVar("T")

THOROUGH = int(os.environ.get("THOROUGH", "1"))
"""So many times as many examples, trials and kills: `THOROUGH=10 pytest tests/formats` for those who change formats."""


def wait_until(check: Callable[[], T], what: str, seconds: float = 60) -> T:
    """Ask again and again until `check` gives something true; fail with `what` after the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")


def python(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """A Python process in the project's folder, with both outputs kept."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        text=True,
        **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


def studio(
    *arguments: str, input: str | None = None, env: dict[str, str] | None = None, timeout: float = 180
) -> subprocess.CompletedProcess[str]:
    """Run `python -m studio …` to its end, as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "studio", *arguments],
        cwd=ROOT,
        input=input,
        env=os.environ | (env or {}),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def write_lines(path: Path, rows: list[Any]) -> Path:
    """JSON Lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


class FakeJob:
    """Stands in for a `JobContext`: remembers what it was told, and asks to stop when `stop_when` says so."""

    def __init__(self, stop_when: Callable[[FakeJob], bool] = lambda job: False) -> None:
        self.id = 0
        self.said: list[dict[str, Any]] = []
        self._stop_when = stop_when

    @property
    def stopping(self) -> bool:
        return self._stop_when(self)

    def progress(self, done: float, total: float | None = None, text: str = "", **more: Any) -> None:
        self.said.append({"done": done, "total": total, "text": text, **more})

    @contextmanager
    def doing(self, text: str) -> Iterator[None]:
        self.said.append({**(self.said[-1] if self.said else {"done": 0, "total": None}), "text": text})
        yield

    def start_clock(self) -> None:
        return


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on a free port of this machine; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
