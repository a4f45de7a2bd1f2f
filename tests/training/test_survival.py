"""Runs that are cut off and taken up again: whole checkpoints, the losses of an unbroken run, more steps."""

from __future__ import annotations

import json
import shutil

import pytest
from filelock import FileLock

from lib.database import Job, session
from lib.errors import BadInput, ModelError, StorageError, WrongState
from lib.training import checkpoints, runs
from tests import tiny
from tests.helpers import FakeJob

torch = pytest.importorskip("torch")


class Killed(BaseException):
    """Ends the training from within as a kill does: nothing of ours catches it."""


class KilledJob(FakeJob):
    """Ends the training when the step's line is written, before anything else is done at that step."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self._step = step

    def progress(self, done, total=None, text="", **more):
        if text == "training" and done >= self._step:
            raise Killed
        super().progress(done, total, text, **more)


@pytest.fixture
def train(tiny_home):
    from lib.training import trainer

    def run_here(run, job=None):
        payload = runs.get(run.id).job.payload
        return trainer.run_job(payload, job or FakeJob())

    return run_here


@pytest.fixture
def cut_off(train):
    """Train until a step's line is written, and no further."""

    def until(run, step):
        with pytest.raises(Killed):
            train(run, KilledJob(step))
        ended(run, "interrupted")
        return run

    return until


def ended(run, status, error=None):
    """What the worker writes when the run's process is gone."""
    with session() as opened:
        job = opened.get(Job, runs.get(run.id).job.id)
        job.status, job.error = status, error


def stopper(step):
    return FakeJob(stop_when=lambda job: any(said["done"] >= step for said in job.said))


def losses(run):
    return [(line["step"], line["loss"]) for line in runs.metrics(run.id) if "loss" in line]


def measured(run):
    return [(line["step"], line["eval_loss"]) for line in runs.metrics(run.id) if "eval_loss" in line]


def weights(run):
    from safetensors.torch import load_file

    return load_file(run.folder / "adapter" / "adapter_model.safetensors")


def assert_alike(one, other):
    assert [step for step, _ in losses(one)] == [step for step, _ in losses(other)]
    assert [loss for _, loss in losses(one)] == pytest.approx([loss for _, loss in losses(other)], rel=1e-6)
    assert measured(one) == [(step, pytest.approx(loss, rel=1e-6)) for step, loss in measured(other)]
    theirs = weights(other)
    for name, weight in weights(one).items():
        torch.testing.assert_close(weight, theirs[name], rtol=1e-5, atol=1e-6)


CASES = {
    "plain": {},
    "dropout": {"lora_dropout": 0.2},
    "accumulated": {"gradient_accumulation_steps": 3, "per_device_train_batch_size": 2},
    "packed": {"packing": True, "max_length": 64},
    "grouped": {"group_by_length": True},
    "epochs": {"max_steps": 0, "num_train_epochs": 1},
    "samples and patience": {"sample_tokens": 8, "early_stopping_patience": 3},
    "nf4": {"quantization": "nf4", "lora_dropout": 0.1},
}


@pytest.mark.parametrize("settings", CASES.values(), ids=CASES)
def test_a_run_that_was_cut_off_ends_as_one_that_was_not(new_run, train, cut_off, settings):
    """Cut off in its second pass over the rows, well after its newest checkpoint."""
    settings = {"max_steps": 17, "save_steps": 5, "eval_steps": 4, **settings}
    whole, broken = new_run(**settings), new_run(**settings)
    expected = train(whole)
    at = 9 if settings["max_steps"] == 0 else 15 if settings.get("packing") is None else 13
    cut_off(broken, at)
    assert 0 < runs.resumable(runs.get(broken.id)) < at
    runs.resume(broken.id, "tester")
    summary = train(broken)
    assert_alike(broken, whole)
    for key in ("steps", "tokens"):
        assert summary[key] == expected[key]
    assert summary["loss"] == pytest.approx(expected["loss"], rel=1e-6)
    assert summary["eval_loss"] == pytest.approx(expected["eval_loss"], rel=1e-6)


def test_cut_off_again_and_again(new_run, train, cut_off):
    whole, broken = new_run(max_steps=12, save_steps=3), new_run(max_steps=12, save_steps=3)
    train(whole)
    for step in (2, 5, 6, 11):
        cut_off(broken, step)
        runs.resume(broken.id, "tester")
    train(broken)
    assert_alike(broken, whole)
    manifest = json.loads((broken.folder / "manifest.json").read_text())
    assert manifest["resumed_from"] == 9 and manifest["checkpoints"] == 1
    assert manifest["ready_seconds"] > 0 and 0 <= manifest["other_share"] < 1


def test_cut_off_when_only_the_adapter_was_missing(new_run, train, cut_off, monkeypatch):
    from lib.training.trainer import job as training

    whole, broken = new_run(max_steps=5), new_run(max_steps=5)
    train(whole)
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_adapter", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            train(broken)
    ended(broken, "interrupted")
    assert runs.resumable(runs.get(broken.id)) == 5
    runs.resume(broken.id, "tester")
    assert train(broken)["steps"] == 5
    assert_alike(broken, whole)


def test_cut_off_before_its_first_checkpoint_it_begins_anew(new_run, train, cut_off):
    whole, broken = new_run(), new_run()
    train(whole)
    cut_off(broken, 1)
    assert runs.resumable(runs.get(broken.id)) == 0
    runs.resume(broken.id, "tester")
    train(broken)
    assert_alike(broken, whole)


def test_a_stopped_run_keeps_its_adapter_and_goes_on_to_its_planned_end(new_run, train):
    whole, stopped = new_run(max_steps=10, eval_steps=3), new_run(max_steps=10, eval_steps=3)
    train(whole)
    summary = train(stopped, stopper(4))
    ended(stopped, "stopped")
    kept = weights(stopped)
    assert runs.resumable(runs.get(stopped.id)) == summary["steps"] == 5
    assert [checkpoint.step for checkpoint in checkpoints.whole(stopped.folder)] == [5]
    runs.resume(stopped.id, "tester")
    assert train(stopped)["steps"] == 10
    assert_alike(stopped, whole)
    assert any(not torch.equal(weight, kept[name]) for name, weight in weights(stopped).items())


def test_a_finished_run_is_extended(new_run, train):
    run = new_run(max_steps=6, lr_scheduler_type="linear", warmup_steps=0, learning_rate=0.01)
    train(run)
    ended(run, "finished")
    before = losses(run)
    assert runs.resumable(runs.get(run.id)) is None and runs.extendable(runs.get(run.id)) == 6
    with pytest.raises(WrongState, match="cannot be resumed") as caught:
        runs.resume(run.id, "tester")
    assert "--steps" in caught.value.hint
    view = runs.extend(run.id, "tester", 4)
    assert view.config.max_steps == 10
    assert json.loads((run.folder / "config.json").read_text())["settings"]["max_steps"] == 10
    assert train(run)["steps"] == 10
    assert losses(run)[:6] == before and [step for step, _ in losses(run)] == list(range(1, 11))
    rates = {line["step"]: line["learning_rate"] for line in runs.metrics(run.id) if "learning_rate" in line}
    assert rates[7] == pytest.approx(0.01 * 4 / 10) and rates[10] == pytest.approx(0.01 * 1 / 10)
    with pytest.raises(BadInput, match="0 steps"):
        runs.extend(run.id, "tester", 0)


def test_it_is_taken_up_once(new_run, train, cut_off):
    run = cut_off(new_run(max_steps=8, save_steps=2), 5)
    view = runs.resume(run.id, "tester")
    assert view.id == run.id and view.status == "queued" and view.job.id != run.job.id
    with pytest.raises(WrongState, match="cannot be resumed") as caught:
        runs.resume(run.id, "tester")
    assert "Stop it first" in caught.value.hint
    with pytest.raises(WrongState, match="cannot be extended"):
        runs.extend(run.id, "tester", 5)
    assert len(runs.list_runs()) == 1


def test_two_processes_never_train_one_run(new_run, train, monkeypatch):
    from lib.training.trainer import job as training

    run = new_run()
    monkeypatch.setattr(training, "LOCK_SECONDS", 0.1)
    with FileLock(run.folder / ".lock"), pytest.raises(WrongState, match="Another process still trains"):
        train(run)
    assert train(run)["steps"] == 4


def test_a_retry_is_a_run_of_its_own_that_names_its_parent(new_run):
    run = new_run()
    ended(run, "failed", {"error": "OutOfMemory", "fault": "memory", "message": "It was too much.", "hint": ""})
    suggest = runs.get(run.id).error["suggest"]
    assert suggest == {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}
    child = runs.retry(run.id, "tester", suggest)
    assert child.id != run.id and child.parent == run.id and child.config.rows_per_step == run.config.rows_per_step
    assert child.config.per_device_train_batch_size == 2
    assert json.loads((child.folder / "config.json").read_text())["parent"] == run.id
    assert child.to_dict()["parent"] == run.id and runs.get(run.id).parent is None


@pytest.mark.parametrize(
    ("save_steps", "steps"), [(3, [3, 6, 9, 10]), (0.5, [5, 10]), (0, [4, 8, 10])], ids=["number", "share", "measured"]
)
def test_when_checkpoints_are_written(new_run, train, monkeypatch, save_steps, steps):
    from lib.training.trainer.checkpoints import Keeper

    written, kept = [], []
    write = Keeper.write

    def watched(keeper, trainer):
        write(keeper, trainer)
        written.append(trainer.state.global_step)
        kept.append([checkpoint.step for checkpoint in checkpoints.whole(keeper.run)])

    monkeypatch.setattr(Keeper, "write", watched)
    run = new_run(max_steps=10, eval_steps=4, save_steps=save_steps)
    train(run)
    assert written == steps
    assert kept == [steps[max(at - 1, 0) : at + 1] for at in range(len(steps))], "the newest two are kept"
    assert [checkpoint.step for checkpoint in checkpoints.whole(run.folder)] == [10], "the last one, when it has ended"


def test_every_two_minutes_at_least(new_run, train, monkeypatch):
    from lib.training.trainer import checkpoints as writing

    monkeypatch.setattr(writing, "SECONDS", 0.0)
    monkeypatch.setattr(writing, "SHARE", 0)
    run = new_run(max_steps=5, eval_steps=100)
    train(run)
    assert json.loads((run.folder / "manifest.json").read_text())["checkpoints"] == 5


def test_half_written_checkpoints_are_never_used(new_run, train, cut_off):
    run = cut_off(new_run(max_steps=8, save_steps=2), 5)
    folder = checkpoints.folder_of(run.folder)
    for name in (".checkpoint-abc", "checkpoint-6", "checkpoint-7", "checkpoint-x"):
        (folder / name).mkdir()
    (folder / "checkpoint-7" / "place.json").write_text('{"step": 7')
    assert runs.resumable(runs.get(run.id)) == 4
    runs.resume(run.id, "tester")
    assert train(run)["steps"] == 8
    assert not (folder / ".checkpoint-abc").exists()


def test_a_run_does_not_go_on_with_another_base(new_run, train, cut_off, tiny_home, tmp_path):
    run = cut_off(new_run(max_steps=8, save_steps=2), 5)
    (tiny_home / "models" / "tiny").unlink()
    tiny.write_model(tiny_home / "models" / "tiny", seed=7)
    runs.resume(run.id, "tester")
    with pytest.raises(ModelError, match="other weights than when the run began") as caught:
        train(run)
    assert "Put the former model back" in caught.value.hint


def test_a_run_does_not_go_on_with_other_rows(new_run, train, cut_off):
    run = cut_off(new_run(max_steps=8, save_steps=2), 5)
    place = checkpoints.newest(run.folder).folder / "place.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"rows_sha256": "another"}))
    runs.resume(run.id, "tester")
    with pytest.raises(WrongState, match="gives other rows"):
        train(run)


def test_what_is_gone_is_named(new_run, train, cut_off, tiny_home):
    run = cut_off(new_run(max_steps=8, save_steps=2), 5)
    runs.resume(run.id, "tester")
    data = tiny_home / "datasets" / run.dataset
    data.rename(data.with_name(".gone"))
    with pytest.raises(Exception, match="no dataset") as caught:
        train(run)
    assert caught.value.hint
    data.with_name(".gone").rename(data)
    (tiny_home / "models" / "tiny").unlink()
    with pytest.raises(Exception, match="no model") as caught:
        train(run)
    assert caught.value.hint


def test_a_disk_that_fills_leaves_the_last_whole_checkpoint(new_run, train, cut_off, small_disk):
    run = cut_off(new_run(max_steps=8, save_steps=2, eval_steps=100), 3)
    shutil.move(run.folder, small_disk / "run")
    run.folder.symlink_to(small_disk / "run")
    runs.resume(run.id, "tester")
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 30_000))
    with pytest.raises(StorageError, match="is full") as caught:
        train(run)
    assert caught.value.hint
    ended(run, "failed", caught.value.to_dict())
    assert runs.resumable(runs.get(run.id)) == 2
    assert [path.name for path in checkpoints.folder_of(run.folder).iterdir()] == ["checkpoint-2"]
    filler.unlink()
    runs.resume(run.id, "tester")
    assert train(run)["steps"] == 8
