"""A real engine in its own process, started by a real worker, asked by the client that the Playground uses."""

from __future__ import annotations

import os
import signal

import httpx2 as httpx
import pytest

from lib.errors import ModelError, StudioError
from lib.inference import client
from lib.inference.client import Ask
from lib.jobs import queue
from lib.storage import engine_file, read_json
from lib.training import runs
from tests.helpers import python, wait_until


@pytest.fixture
def worker(studio_home, monkeypatch, no_process_left):
    monkeypatch.setenv("STUDIO_ENGINE_IDLE_SECONDS", "3")
    with (studio_home / "worker.log").open("w") as log:
        process = python("-m", "lib.jobs.worker", stdout=log, stderr=log)
    yield process
    process.kill()
    process.wait()


def engine_pid():
    (job,) = queue.live_jobs("engine")
    return queue.process_of(job.id)[0]


def question(run, **changes):
    messages = [{"role": "user", "content": "Add 3 and 3."}]
    sampling = {"max_new_tokens": 12}
    return Ask(
        **{"model": "tiny", "template": "llama2", "runs": [None, run], "messages": messages} | changes,
        sampling=sampling,
    )


def test_an_engine_from_waking_to_idle(worker):
    run = runs.list_runs()[0].id
    steps = list(client.ask(question(run)))
    assert "waking" in steps[0].note and "loading" in steps[1].note
    assert [step.note for step in steps[2:-1]] == ["answering"] * (len(steps) - 3) and len(steps) > 5
    base, tuned = steps[-1].completions
    assert steps[-1].texts == [base["text"], tuned["text"]] and base["text"] != tuned["text"]
    assert base["ended"] in ("end", "length") and base["tokens"] <= 12 and base["seconds"] > 0
    assert list(client.ask(question(run)))[-1].texts == steps[-1].texts, "greedy answers repeat"

    known = read_json(engine_file())
    assert engine_file().stat().st_mode & 0o077 == 0
    address = f"http://127.0.0.1:{known['port']}"
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert httpx.get(f"{address}/health", headers=headers).status_code == 403
        assert httpx.post(f"{address}/generate", headers=headers, json=vars(question(run))).status_code == 403
    health = httpx.get(f"{address}/health", headers={"Authorization": f"Bearer {known['token']}"}).json()
    assert health["adapters"] == [run] and health["waiting"] == 0

    for changes, said in [
        ({"runs": ["no-such-run"]}, "has no adapter"),
        ({"model": "nope"}, "no model 'nope'"),
        ({"template": "nope"}, "no template"),
        ({"messages": []}, "no messages"),
        ({"messages": [{"role": "user", "content": "Hi! " * 500}]}, "more than the model's"),
    ]:
        with pytest.raises(StudioError, match=said) as caught:
            list(client.ask(question(run, **changes)))
        assert caught.value.hint

    long = Ask("tiny", "llama2", [None, run], [{"role": "user", "content": "Hi"}], sampling={"max_new_tokens": 400})
    answering = client.ask(long)
    wait_until(lambda: next(answering).texts[0], "the first words")
    pid = engine_pid()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ModelError, match="went away") as caught:
        list(answering)
    assert "Ask again" in caught.value.hint

    assert list(client.ask(question(run)))[-1].texts == steps[-1].texts, "a new engine answers"
    (job,) = queue.live_jobs("engine")
    wait_until(lambda: not queue.get(job.id).live, "the idle engine ends", seconds=30)
    assert queue.get(job.id).status == "finished" and queue.get(job.id).result["answers"] >= 1
    assert not engine_file().exists()
    assert not queue.live_jobs("engine")
