"""A real engine in its own process, started by a real worker, asked by the client that the Playground uses."""

from __future__ import annotations

import json
import os
import shutil
import signal

import httpx2 as httpx
import pytest
from safetensors.torch import load_file, save_file

from lib.errors import ModelError
from lib.evaluation.sides import Side, base_side, model_side, run_side
from lib.inference import client
from lib.inference.client import Ask
from lib.jobs import queue
from lib.storage import engine_file, read_json, run_dir, write_json
from lib.training import runs
from tests import tiny
from tests.helpers import python, wait_until

QUESTION = [{"role": "user", "content": "Add 3 and 3."}]


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


def question(*sides: Side, messages=QUESTION, tokens=12):
    return Ask([{**side.to_dict(), "messages": messages} for side in sides], {"max_new_tokens": tokens})


def answers(*sides: Side, **more):
    return list(client.ask(question(*sides, **more)))[-1]


def patient_model(home):
    """`tiny` with room for answers that go on for minutes, and with nothing that makes it end them."""
    folder = shutil.copytree((home / "models" / "tiny").resolve(), home / "models" / "patient")
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", {**config, "max_position_embeddings": 20_000})
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"][config["eos_token_id"]] = 0  # of all logits, some are greater
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return "patient"


def health():
    known = read_json(engine_file())
    headers = {"Authorization": f"Bearer {known['token']}"}
    return httpx.get(f"http://127.0.0.1:{known['port']}/health", headers=headers).json()


def test_an_engine_from_waking_to_idle(worker):
    tuned = run_side(runs.list_runs()[0].id)
    base = base_side(tuned)
    steps = list(client.ask(question(base, tuned)))
    assert "waking" in steps[0][0].note
    assert any("loading" in answer.note for step in steps for answer in step)
    first = steps[-1]
    assert first[0].text != first[1].text
    assert first[0].ended in ("end", "length") and 0 < first[0].tokens <= 12 and first[0].rate > 0
    assert [one.text for one in answers(base, tuned)] == [one.text for one in first], "greedy answers repeat"
    assert answers(tuned)[0].text == first[1].text, "an answer does not depend on who is asked beside"

    asked = ("ask", QUESTION[0]["content"], tuned.name, "--base", "--max-new-tokens", "12", "--json")
    command = python("-m", "studio", *asked)
    said = json.loads(command.communicate(timeout=60)[0])
    assert command.returncode == 0 and [one["side"] for one in said["answers"]] == [base.name, tuned.name]
    assert [one["text"] for one in said["answers"]] == [one.text for one in first], "by command as on the page"

    known = read_json(engine_file())
    assert engine_file().stat().st_mode & 0o077 == 0
    address = f"http://127.0.0.1:{known['port']}"
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert httpx.get(f"{address}/health", headers=headers).status_code == 403
        assert httpx.post(f"{address}/generate", headers=headers, json={"panes": []}).status_code == 403
    assert health()["adapters"] == [tuned.run] and health()["waiting"] == 0

    answering = client.ask(question(base, tuned, tokens=400))
    wait_until(lambda: next(answering)[0].text, "the first words")
    os.kill(engine_pid(), signal.SIGKILL)
    with pytest.raises(ModelError, match="went away") as caught:
        list(answering)
    assert "Ask again" in caught.value.hint

    assert [one.text for one in answers(base, tuned)] == [one.text for one in first], "a new engine answers"
    (job,) = queue.live_jobs("engine")
    wait_until(lambda: not queue.get(job.id).live, "the idle engine ends", seconds=30)
    assert queue.get(job.id).status == "finished" and queue.get(job.id).result["answers"] >= 1
    assert not engine_file().exists()
    assert not queue.live_jobs("engine")


def test_sides_of_other_bases_and_templates_answer_together_and_each_fault_is_said_in_its_pane(worker, studio_home):
    tuned = run_side(runs.list_runs()[0].id)
    other = tiny.write_model(studio_home / "models" / "other", inner=192, seed=5)
    alien = run_dir("alien") / "adapter"
    alien.mkdir(parents=True)
    tiny.write_adapter(other, alien, seed=1)
    renderer = read_json(tuned_folder(tuned) / "renderer.json")
    (alien / "renderer.json").write_text(f'{{"base_sha256": "{renderer["base_sha256"]}"}}')
    whole = [{"role": "system", "content": "Be brief."}, *QUESTION, {"role": "assistant", "content": "6"}, *QUESTION]
    sides = [
        base_side(tuned),
        tuned,
        model_side("tiny", "chatml"),
        model_side("other", "plain"),
        model_side("tiny", "alpaca"),
        Side("gone", "nope", None, "none", "llama2"),
        Side("gone", "tiny", "no-such-run", "none", "llama2"),
        Side("gone", "tiny", None, "none", "nope"),
        Side("alien", "tiny", "alien", "none", "llama2"),
    ]
    steps = list(client.ask(question(*sides, messages=whole)))
    found = steps[-1]
    assert [one.ended == "refused" for one in found] == [False, False, False, True, True, True, True, True, True]
    assert [bool(one.text) for one in found[:3]] == [True, True, True]
    assert found[2].prompt_tokens > found[0].prompt_tokens, "each in its own template"
    faults = ["plain", "alpaca", "no model 'nope'", "no adapter", "no template", "cannot be put"]
    for one, said in zip(found[3:], faults, strict=True):
        assert said in one.message and one.hint
    assert answers(tuned, messages=whole)[0].text == found[1].text

    first = answers(base_side(tuned), model_side("other", "plain"), tuned)
    assert all(one.ended in ("end", "length") for one in first)
    assert first[0].text == answers(base_side(tuned))[0].text
    assert first[1].text == answers(model_side("other", "plain"))[0].text
    (long,) = answers(tuned, messages=[{"role": "user", "content": "Hi! " * 500}])
    assert "more than the model's" in long.message and "Shorten" in long.hint


def tuned_folder(side):
    return run_dir(side.run) / "adapter"


def test_people_wait_in_a_line_that_moves_and_who_goes_away_is_left_off(worker, studio_home):
    side = model_side(patient_model(studio_home), "plain")
    assert answers(side)
    first, second, third = (client.ask(question(side, tokens=15_000)) for _ in range(3))
    wait_until(lambda: next(first)[0].text, "the first answers")
    wait_until(lambda: "1 before you" in next(second)[0].note, "the second waits")
    wait_until(lambda: "2 before you" in next(third)[0].note, "the third waits behind it")
    second.close()
    wait_until(lambda: "1 before you" in next(third)[0].note, "a waiting one that leaves lets others move up")
    first.close()
    wait_until(lambda: next(third)[0].text, "one that leaves while it is answered makes room")
    third.close()
    wait_until(lambda: health()["waiting"] == 0, "nobody is left", seconds=10)
    assert answers(side)[0].ended in ("end", "length")
