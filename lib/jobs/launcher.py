"""How a job becomes a process. The one seam that a cluster would replace."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import psutil

from lib.jobs import lanes, queue
from lib.jobs.context import log_path
from lib.jobs.processes import end_session, is_alive, serves
from lib.settings import ROOT


class Launcher(Protocol):
    """Runs jobs somewhere. `stop` ends one at once; asking nicely is `lib.jobs.queue.stop`.

    `forget_ended` is asked again and again: it gives each job once, when its process has ended, with its exit status.
    """

    def submit(self, job_id: int) -> None: ...
    def stop(self, job_id: int) -> None: ...
    def forget_ended(self) -> dict[int, int]: ...
    def logs(self, job_id: int) -> Path: ...


# Jobs share the processor with each other and with the pages: threads that spin while they wait slow all.
_PATIENT = {"OMP_WAIT_POLICY": "passive"}


class LocalLauncher:
    """A process of its own session on this machine, so that it outlives worker, web server and browser.

    `module` is what each process runs, with the job's number as its argument.
    """

    def __init__(self, module: str = "lib.jobs.run") -> None:
        self._module = module
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def submit(self, job_id: int) -> None:
        """Start the job's process. Its output goes to a file: a pipe that nobody drains would block it."""
        log = log_path(job_id)
        log.parent.mkdir(parents=True, exist_ok=True)
        job = queue.get(job_id)
        environment = _PATIENT | os.environ | lanes.environment(job.lane, job.device) | {"PYTHONUNBUFFERED": "1"}
        with log.open("ab") as output:
            self._children[job_id] = subprocess.Popen(
                [sys.executable, "-u", "-m", self._module, str(job_id)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
            )

    def forget_ended(self) -> dict[int, int]:
        """Reap the processes that ended, with what they left behind; returns their jobs with exit statuses."""
        ended = {job_id: code for job_id, child in self._children.items() if (code := child.poll()) is not None}
        for job_id in ended:
            end_session(self._children.pop(job_id).pid)
        return ended

    def stop(self, job_id: int) -> None:
        """Kill the job's whole process tree."""
        pid, started = queue.process_of(job_id)
        if not pid or not (is_alive(pid, started) or serves(pid, job_id)):
            return
        with contextlib.suppress(psutil.NoSuchProcess):  # it ends at this moment
            family = psutil.Process(pid)
            for process in [*family.children(recursive=True), family]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()

    def logs(self, job_id: int) -> Path:
        return log_path(job_id)
