"""The commands as users run them: real processes, pipes, Ctrl-C, kill -9."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys

import httpx2 as httpx
import psutil
import pytest

from lib.database import Worker, session
from lib.jobs import queue
from lib.settings import ROOT
from lib.training import runs
from tests import tiny
from tests.helpers import alive, python, studio, wait_until, write_lines

KEYS = {"run", "steps", "tokens", "seconds", "tokens_per_second", "peak_memory_bytes", "loss", "eval_loss", "status"}


def test_training_through_worker_and_job_process(finished_home):
    """What the session's `train --json` printed and left: see `finished_home`."""
    summary = json.loads((finished_home / "train.out").read_text())
    assert set(summary) == KEYS and summary["steps"] == 4
    (folder,) = (finished_home / "runs").iterdir()
    assert folder.name == summary["run"]
    assert (folder / "adapter" / "adapter_model.safetensors").exists()
    assert (folder / "metrics.jsonl").exists() and (folder / "config.json").exists()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {key: manifest[key] for key in KEYS - {"status"}} | {"status": "finished"} == summary
    assert "data: {" in (folder / "log.txt").read_text()
    progress = (finished_home / "train.err").read_text()
    assert f"run {summary['run']} on sums@1" in progress and "Traceback" not in progress


def test_render_and_parse_through_a_pipe():
    rows = [
        {"messages": [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": f"{n}!"}], "n": n}
        for n in range(2000)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    command = (
        f'"{sys.executable}" -m studio render --template llama3 | "{sys.executable}" -m studio parse --template auto'
    )
    ended = subprocess.run(command, shell=True, cwd=ROOT, input=text, capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in ended.stdout.splitlines()] == rows
    assert ended.stderr == "llama3 2,000\n", "what was recognised, and nothing else"
    command = f'"{sys.executable}" -m studio render --template llama3 | head -n 1'
    ended = subprocess.run(command, shell=True, cwd=ROOT, input=text, capture_output=True, text=True, check=True)
    assert ended.stdout.count("\n") == 1 and "Traceback" not in ended.stderr


def test_failures_have_no_traceback(home):
    unknown = studio("show", "nope", "--json")
    assert unknown.returncode == 1 and json.loads(unknown.stdout)["error"] == "NotFound"
    assert "Traceback" not in unknown.stderr
    assert studio("show").returncode == 2


def test_ctrl_c_keeps_what_a_run_has_learned(studio_home, no_process_left):
    settings = [
        part for key, value in {**tiny.SETTINGS, "max_steps": 100_000}.items() for part in ("--set", f"{key}={value}")
    ]
    before = {view.id for view in runs.list_runs()}
    command = python("-m", "studio", "train", "sums", "--model", "tiny", "--template", "llama2", *settings, "--json")
    run = wait_until(lambda: next((view for view in runs.list_runs() if view.id not in before), None), "the run")
    wait_until(lambda: len(runs.metrics(run.id)) > 3, "the first steps")
    command.send_signal(signal.SIGINT)
    output, errors = command.communicate(timeout=60)
    assert command.returncode == 130 and f"resume {run.id}" in errors
    summary = json.loads(output)
    assert summary["status"] == "stopped" and set(summary) == KEYS and 3 <= summary["steps"] < 100_000
    view = runs.get(run.id)
    assert view.status == "stopped" and view.has_adapter and view.summary["steps"] == summary["steps"]


@pytest.fixture
def server(home, no_process_left):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home.parent.mkdir(exist_ok=True)
    with (home.parent / "serve.log").open("w") as log:
        process = python("-m", "studio", "--port", str(port), "--home", str(home), stdout=log, stderr=log)
    wait_until(lambda: healthy(port), "the app answers")
    wait_until(worker_pid, "the worker is there")
    yield process, port
    process.kill()
    process.wait()


def healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).text == "ok"
    except httpx.HTTPError:
        return False


def worker_pid() -> int:
    with session() as opened:
        workers = opened.query(Worker).all()
    return next((worker.pid for worker in workers if queue.is_alive(worker.pid, worker.started)), 0)


def web_pid(process: subprocess.Popen[str]) -> int:
    children = [child for child in psutil.Process(process.pid).children() if alive(child.pid)]
    return next((child.pid for child in children if "studio.web" in " ".join(child.cmdline())), 0)


def test_the_studio_comes_back_and_goes_away(server):
    process, port = server
    web, worker = web_pid(process), worker_pid()
    psutil.Process(web).kill()
    wait_until(lambda: web_pid(process) not in (0, web) and healthy(port), "the app is back on its port")
    psutil.Process(worker).kill()
    wait_until(lambda: worker_pid() not in (0, worker), "a worker is back")
    taken = studio("--port", str(port))
    assert taken.returncode == 1 and f"Port {port}" in taken.stderr and "--port" in taken.stderr
    family = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert [child for child in family if alive(child.pid)] == []


def test_a_setting_that_is_no_number_is_said_at_once(studio_home, monkeypatch):
    monkeypatch.setenv("STUDIO_WORKER_POLL_SECONDS", "soon")
    refused = studio()
    assert refused.returncode == 1 and "STUDIO_WORKER_POLL_SECONDS is 'soon'" in refused.stderr
    assert "0.5" in refused.stderr and "Traceback" not in refused.stderr


def test_when_the_supervisor_is_killed_all_end(server):
    process, port = server
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 2
    process.kill()
    process.wait()
    wait_until(lambda: not any(alive(child.pid) for child in family), "web and worker end", seconds=10)
    assert not healthy(port)


def test_output_that_does_not_fit_on_the_disk_is_said(home):
    def shell(line: str, command: str = "presets") -> subprocess.CompletedProcess[str]:
        line = f'"{sys.executable}" -m studio {command} --json {line}'
        return subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)

    ended = shell("> /dev/full")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: The output cannot be written: the disk that it goes to is full.\n")
    refused = shell("> /dev/full", "show nothere")
    assert refused.returncode == 1 and "cannot be written" in refused.stderr and "Traceback" not in refused.stderr
    assert shell("| true").stderr == ""


def test_a_home_that_cannot_be_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDIO_HOME", "/proc/nope")
    rows = write_lines(tmp_path / "rows.jsonl", tiny.ROWS)
    refused = studio("import", str(rows), "--name", "sums", "--json")
    assert refused.returncode == 1 and json.loads(refused.stdout)["error"] == "StorageError"
    assert "Traceback" not in refused.stderr
