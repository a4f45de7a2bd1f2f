"""The real studio as a process of its own, on a free port and a home of its own, and its end."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from lib.settings import ROOT
from tests.helpers import wait_until

STARTER = ROOT / "data" / "models" / "starter"


@dataclass
class Studio:
    """A studio that answers; `log` is what it printed."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def web_process(self) -> psutil.Process:
        """The process that serves the pages, below the supervisor."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if "studio.web" in child.cmdline())

    def healthy(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
            return bool(answer.status == 200)
        return False


@contextlib.contextmanager
def serving(home: Path, log: Path | None = None) -> Iterator[Studio]:
    """Start the studio as a user does, wait until it answers, and end all its processes afterwards, jobs too."""
    port, log = free_port(), log or home.parent / f"{home.name}-studio.log"
    home.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "STUDIO_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "studio", "--port", str(port), "--home", str(home)],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    served = Studio(home, port, process, log)
    try:
        wait_until(lambda: served.healthy() or process.poll() is not None, "the studio answers")
        assert process.poll() is None, log.read_text()
        yield served
    finally:
        process.terminate()
        process.wait(timeout=20)
        end_processes(home)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_processes(home: Path) -> None:
    """Kill whatever still runs on a home: jobs live in sessions of their own and outlast the studio."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get("STUDIO_HOME") == str(home):
                process.kill()


def lend_starter(home: Path) -> Path:
    """The starter model in a home, as a link to the one that `make setup` made; made here when it is missing."""
    if not (STARTER / "config.json").exists():
        code = "from lib.models import starter; starter.convert(print)"
        env = {**os.environ, "STUDIO_HOME": str(ROOT / "data"), "HF_HUB_OFFLINE": "1"}
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True, timeout=280)
    (home / "models").mkdir(parents=True, exist_ok=True)
    (home / "models" / "starter").symlink_to(STARTER)
    return home
