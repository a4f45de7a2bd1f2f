"""What a run dies of is named, with the settings that would help."""

from __future__ import annotations

import json

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from lib.database import Job, session
from lib.errors import StorageError
from lib.training import runs, suggestions
from lib.training.config import TrainConfig

torch = pytest.importorskip("torch")


@pytest.fixture
def named(new_run):
    """Raise an error inside a run and give what comes out."""
    from lib.training.trainer import faults

    def raised(error=None, do=None, loading=False, **settings):
        phase = faults.Phase()
        phase.loading, phase.step = loading, 6
        with pytest.raises(Exception) as caught, faults.named(new_run(**settings), phase):
            if do:
                do()
            raise error
        return caught.value

    return raised


@pytest.mark.parametrize(
    ("settings", "suggest"),
    [
        ({"per_device_train_batch_size": 8}, {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}),
        ({"per_device_train_batch_size": 1}, {"gradient_checkpointing": "on"}),
        ({"per_device_train_batch_size": 1, "gradient_checkpointing": "on"}, {"quantization": "nf4"}),
        (
            {"per_device_train_batch_size": 1, "gradient_checkpointing": "on", "quantization": "nf4"},
            {"max_length": 256},
        ),
    ],
    ids=["batch", "checkpointing", "base", "rows"],
)
def test_a_gpu_without_memory_is_named_with_the_change_that_saves_some(named, settings, suggest):
    error = named(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), **settings)
    assert "The memory of the GPU ran out at step 7." in error.message
    assert error.to_dict()["suggest"] == suggest and error.to_dict()["fault"] == "memory"
    for value in suggest.values():
        assert str(value) in error.hint


def test_a_machine_without_memory_is_named(named):
    for error in (named(do=lambda: torch.empty(1 << 50)), named(MemoryError())):
        assert "The memory of this machine ran out" in error.message and error.suggest


def test_a_base_that_does_not_fit_is_to_be_held_in_four_bits(named):
    error = named(torch.OutOfMemoryError("CUDA out of memory."), loading=True)
    assert "while the base was loaded" in error.message and error.suggest == {"quantization": "nf4"}
    last = named(torch.OutOfMemoryError("CUDA out of memory."), loading=True, quantization="nf4")
    assert last.suggest == {} and "smaller model" in last.hint


def test_what_torch_says_of_a_full_disk_is_understood(named):
    assert isinstance(named(do=lambda: torch.save(torch.zeros(1 << 16), "/dev/full")), StorageError)


def test_other_errors_stay_what_they_are(named):
    assert isinstance(named(RuntimeError("shapes differ")), RuntimeError)


@given(batch=st.integers(1, 300), steps=st.integers(1, 50), length=st.integers(8, 5000))
def test_suggestions_end_and_never_take_fewer_rows_a_step(batch, steps, length):
    config = TrainConfig(per_device_train_batch_size=batch, gradient_accumulation_steps=steps, max_length=length)
    for _ in range(40):
        suggest = suggestions.for_memory(config)
        if not suggest:
            break
        config = TrainConfig(**{**config.to_dict(), **suggest})
    assert not suggest and config.per_device_train_batch_size == 1 and config.quantization == "nf4"
    assert batch * steps <= config.rows_per_step <= 2 * batch * steps


def test_a_rising_loss_is_named(tmp_path):
    from types import SimpleNamespace

    from lib.training.trainer.recorder import Recorder
    from tests.helpers import FakeJob

    job = FakeJob()
    recorder = Recorder(tmp_path / "metrics.jsonl", job, TrainConfig(learning_rate=0.003))
    recorder.start()
    for step, loss in enumerate([2.0] * 15 + [1.5] * 15 + [4.0] * 15 + [1.5] * 15, start=1):
        recorder.on_log(None, SimpleNamespace(global_step=step, max_steps=60), None, {"loss": loss})
    warned = [said["done"] for said in job.said if "warning" in said]
    assert warned and 31 < warned[0] < 45 and warned[-1] < 56
    assert job.said[44]["suggest"] == {"learning_rate": 0.001} and "rising" in job.said[44]["warning"]


def test_the_command_resumes_and_extends(new_run, jobs_here):
    from studio.commands import train

    app = typer.Typer()
    train.register(app)

    def command(*arguments):
        return CliRunner().invoke(app, list(arguments))

    run = new_run(max_steps=4)
    jobs_here()
    assert runs.get(run.id).status == "finished"
    refused = command("resume", run.id)
    assert refused.exception.hint.endswith(f"python -m studio resume {run.id} --steps 20.")
    extended = command("resume", run.id, "--steps", "3", "--json")
    summary = json.loads(extended.stdout.splitlines()[-1])
    assert summary["run"] == run.id and summary["steps"] == 7
    assert [line["step"] for line in runs.metrics(run.id) if "loss" in line] == [1, 2, 3, 4, 5, 6, 7]
    with session() as opened:
        opened.get(Job, runs.get(run.id).job.id).status = "interrupted"
    assert f"It can go on from step 7: python -m studio resume {run.id}" in command("run", run.id).stdout
    detached = command("resume", run.id, "--detach", "--json")
    assert json.loads(detached.stdout.splitlines()[-1])["run"] == run.id
    assert runs.get(run.id).status == "finished" and runs.get(run.id).summary["steps"] == 7
