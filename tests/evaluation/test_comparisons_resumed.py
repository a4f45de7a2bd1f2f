"""A comparison whose process is killed half way goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal

import psutil
import pytest

from lib.errors import NotFound, WrongState
from lib.evaluation import comparisons, prompt_sets
from lib.evaluation.comparing.files import Records
from lib.evaluation.comparisons import CompareConfig
from lib.jobs import queue
from lib.storage import comparison_dir
from tests.helpers import FakeJob, python, wait_until

CONFIG = CompareConfig(max_new_tokens=30, metrics=("chrf", "perplexity"), temperature=0.8, seed=3)


@pytest.fixture
def many(studio_home):
    """A prompt set that takes several batches."""
    wanted = [f"Add {number} and {'one and ' * (number % 7)}two." for number in range(80)]
    for text in wanted:
        prompt_sets.add("many", [{"role": "user", "content": text}], "It is a number.")
    return "many"


def answers(number):
    path = comparison_dir(number) / "outputs.jsonl"
    return path.read_text().count('"text"') if path.exists() else 0


def kill_half_way(view):
    """Run its job in a process of its own, and kill that once there are some answers."""
    assert queue.take(view.job.id, psutil.Process())
    process = python("-m", "lib.jobs.run", str(view.job.id), start_new_session=True)
    try:
        wait_until(lambda: answers(view.id) >= 20 or process.poll() is not None, "the first answers")
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    queue.sweep()


def test_killed_half_way_it_ends_with_the_same_answers(run, many, compare):
    from lib.evaluation.comparing.job import run_job

    unbroken = comparisons.create([run.id], None, "", CONFIG, "tester", prompt_set=many)
    run_job({"comparison": unbroken.id}, FakeJob())
    view = comparisons.create([run.id], None, "", CONFIG, "tester", prompt_set=many)
    kill_half_way(view)
    broken = comparisons.get(view.id)
    assert broken.status == "interrupted" and broken.resumable and not broken.result
    kept = answers(view.id)
    assert 20 <= kept < 160
    lines = comparison_dir(view.id) / "outputs.jsonl"
    with lines.open("a") as file:
        file.write('{"row_id": 3, "side": "tiny", "text": "cut o')  # as a kill in the midst of a write leaves it
    prompt_sets.delete(many, "tester")  # the snapshot does not need it

    again = comparisons.resume(view.id, "tester")
    assert again.job.id != view.job.id and again.status == "queued"
    with pytest.raises(WrongState, match="is queued"):
        comparisons.resume(view.id, "tester")
    job = FakeJob()
    run_job({"comparison": view.id}, job)
    assert next(said for said in job.said if said["text"] == "asking")["done"] == kept
    ours, theirs = (comparisons.outputs(number) for number in (view.id, unbroken.id))
    assert list(ours) == list(theirs)
    for name, values in ours.items():
        if "perplexity" not in name and "nats" not in name:
            assert theirs[name] == values, name
        elif "#sums" not in name:  # losses of another process may differ in the last bit
            assert theirs[name] == pytest.approx(values, rel=1e-6), name
    left, right = (comparisons.get(number).result for number in (view.id, unbroken.id))
    for key in ("verdicts", "proof", "rows", "left_out"):
        assert left[key] == right[key]
    for side, by_metric in left["models"].items():
        for metric, figures in by_metric.items():
            assert right["models"][side][metric] == pytest.approx(figures, rel=1e-6)
    written = [json.loads(line) for line in lines.read_text().splitlines()]
    keys = [(line["row_id"], line["side"]) for line in written if "text" in line]
    assert len(keys) == len(set(keys)) == 160  # none was asked twice


def test_what_changed_since_is_not_mixed_in(run, train, compare):
    from lib.evaluation.comparing.job import run_job

    view = compare([run.id], metrics=("chrf",))
    weights = run.folder / "adapter" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(WrongState, match=rf"{run.id} has changed since this comparison began \(adapter_sha256\)"):
        run_job({"comparison": view.id}, FakeJob())


def test_only_what_ended_early_is_resumed(run, compare, studio_home):
    view = comparisons.create([run.id], None, "test", CONFIG, "tester")
    queue.stop(view.job.id)
    assert comparisons.resume(view.id, "tester").status == "queued"
    with pytest.raises(NotFound):
        comparisons.resume(999, "tester")
    job = comparisons.get(view.id).job.id
    assert queue.take(job, psutil.Process())
    queue.end(job, "finished")
    with pytest.raises(WrongState, match="has finished"):
        comparisons.resume(view.id, "tester")


def test_odd_texts_come_back_as_they_were(tmp_path):
    """Line separators of Unicode, quotes, and a line cut in the midst of a letter."""
    odd = {"row_id": 1, "side": "a|b", "repeat": 0, "text": 'x\u2028y\x85z\n"é', "ended": "end", "tokens": 1}
    path = tmp_path / "outputs.jsonl"
    with Records(path) as records:
        records.add(odd)
        records.sync()
    with path.open("ab") as file:
        file.write("é".encode()[:1])
    with Records(path) as records:
        assert records.answers == {(1, "a|b", 0): odd}
        records.add(odd | {"row_id": 2})
    assert len(Records(path).answers) == 2
