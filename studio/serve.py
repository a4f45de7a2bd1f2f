"""Web server and worker as two processes under one supervisor, until Ctrl-C.

A process that dies is started again; runs go on in processes of their own and are found again. When the supervisor
itself is killed, both end by themselves (they watch for it), so that no port stays taken.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

from lib.errors import BadInput
from lib.settings import ROOT, settings
from lib.storage import disk_errors

RESTARTS_A_MINUTE = 5


def serve(host: str, port: int) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        BadInput: the port is taken, or a setting cannot be read.
    """
    settings.check()
    _check_port(host, port)
    with disk_errors(settings.home):
        settings.home.mkdir(parents=True, exist_ok=True)
    commands = {
        "web": [sys.executable, "-m", "studio.web", host, str(port)],
        "worker": [sys.executable, "-m", "lib.jobs.worker"],
    }
    processes = {name: _start(command) for name, command in commands.items()}
    print(f"Tandem is at http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}  (Ctrl-C ends it)")
    sys.stdout.flush()
    signal.signal(signal.SIGTERM, lambda *_: _interrupt())
    try:
        _supervise(commands, processes)
    except KeyboardInterrupt:
        print("\nEnding.")
    finally:
        _end(list(processes.values()))
        _end_engine()


def _supervise(commands: dict[str, list[str]], processes: dict[str, subprocess.Popen[bytes]]) -> None:
    deaths: list[float] = []
    while True:
        time.sleep(0.3)
        for name, process in processes.items():
            if process.poll() is None:
                continue
            deaths = [when for when in deaths if time.time() - when < 60] + [time.time()]
            if len(deaths) > RESTARTS_A_MINUTE:
                print(f"The {name} process ends again and again; giving up.", file=sys.stderr)
                raise SystemExit(1)
            print(f"The {name} process ended (exit {process.returncode}); starting it again.", file=sys.stderr)
            processes[name] = _start(commands[name])


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    # A session of its own keeps Ctrl-C in the terminal from reaching it before the supervisor has said so.
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True, env=os.environ.copy())


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()


def _end_engine() -> None:
    """The engine only answers the pages, so it goes with them; runs and comparisons go on."""
    from lib.jobs import queue

    live = queue.live_jobs()
    for job in live:
        if job.kind == "engine":
            queue.stop(job.id)
    if any(job.kind != "engine" for job in live):
        print("Work that is under way goes on; start the studio again to see it.")


def _interrupt() -> None:
    raise KeyboardInterrupt


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadInput(
                f"Port {port} on {host} cannot be used: {error.strerror}.", f"Choose another: --port {port + 1}."
            ) from error
