"""Real training in miniature: which files a run leaves, what they say, and how it fails."""

from __future__ import annotations

import json
import math
import shutil

import pytest

from lib.data import datasets
from lib.errors import BadInput, ModelError, Stopped, StorageError, StudioError
from lib.formats import Segment, load_tokenizer
from lib.models import find, fingerprint
from lib.training import runs
from lib.training.config import OPTIMIZERS
from lib.training.rows import prepare
from tests import tiny
from tests.helpers import FakeJob, wait_until

SUMMARY = {
    "run",
    "steps",
    "tokens",
    "seconds",
    "tokens_per_second",
    "peak_memory_bytes",
    "loss",
    "eval_loss",
}


@pytest.fixture
def train(tiny_home):
    from lib.training import trainer

    def run_here(run, job=None):
        return trainer.run_job({"run": run.id}, job or FakeJob())

    return run_here


def adapter_weights(run):
    from safetensors.torch import load_file

    return load_file(run.folder / "adapter" / "adapter_model.safetensors")


def test_a_run_leaves_adapter_metrics_and_manifest(new_run, train):
    base = find("tiny").path
    before = fingerprint(base)
    content = (base / "model.safetensors").read_bytes()
    run, job = new_run(), FakeJob()
    summary = train(run, job)

    assert set(summary) == SUMMARY and summary["run"] == run.id
    assert summary["steps"] == 4 and summary["peak_memory_bytes"] > 1_000_000
    assert summary["tokens_per_second"] == pytest.approx(summary["tokens"] / summary["seconds"], rel=0.05)
    first, last = summary["loss"]
    assert math.isfinite(first) and last < first
    assert summary["eval_loss"][1] < summary["eval_loss"][0]

    lines = runs.metrics(run.id)
    losses = [line["loss"] for line in lines if "loss" in line]
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4]
    assert (losses[0], losses[-1]) == (first, last)
    assert [line["step"] for line in lines if "eval_loss" in line] == [0, 2, 4]
    assert lines[-1]["eval_loss"] == summary["eval_loss"][1]
    assert [line["tokens"] for line in lines] == sorted(line["tokens"] for line in lines)
    assert all(line["memory"] > 1_000_000 and line["tokens_per_second"] >= 0 for line in lines)
    assert job.said[-1]["text"] == "saving the adapter" and job.said[-1]["done"] == job.said[-1]["total"] == 4

    weights = adapter_weights(run)
    assert any(weight.abs().max() > 0 for name, weight in weights.items() if "lora_B" in name)
    renderer = json.loads((run.folder / "adapter" / "renderer.json").read_text())
    assert renderer["template"] == "llama2" and renderer["base"] == "tiny" and renderer["base_sha256"] == before
    assert renderer["tokenizer_sha256"] == load_tokenizer(base).fingerprint
    assert (run.folder / "adapter" / "tokenizer.json").exists()

    manifest_file = run.folder / "manifest.json"
    manifest = json.loads(manifest_file.read_text())
    assert {key: manifest[key] for key in SUMMARY} == summary
    assert manifest["settings"] == run.config.to_dict() and manifest["data"] == run.data_ref
    assert manifest["rows"]["train_rows"] == 54 and manifest["versions"]["trl"]
    others = [path for path in run.folder.rglob("*") if path.is_file() and path != manifest_file]
    assert manifest_file.stat().st_mtime_ns >= max(path.stat().st_mtime_ns for path in others)
    assert (base / "model.safetensors").read_bytes() == content and fingerprint(base) == before
    view = runs.get(run.id)
    assert view.has_adapter and view.to_dict()["eval_loss"] == summary["eval_loss"]


@pytest.mark.parametrize("packing", [False, True], ids=["plain", "packed"])
def test_tokens_are_the_real_ones_and_epochs_are_epochs(new_run, train, packing):
    run = new_run(max_steps=0, num_train_epochs=2, packing=packing, max_length=256)
    prepared = prepare(datasets.get(run.data_ref), "llama2", load_tokenizer(find("tiny").path), run.config)
    summary = train(run)
    assert summary["tokens"] == 2 * sum(len(row.ids) for row in prepared.train)
    if not packing:
        assert summary["steps"] == 2 * math.ceil(54 / 4)


def test_the_seed_decides(new_run, train):
    import torch

    one, same, other = (new_run(max_steps=2, seed=seed) for seed in (1, 1, 2))
    summaries = [train(run)["loss"] for run in (one, same, other)]
    assert summaries[0] == summaries[1] != summaries[2]
    for name, weight in adapter_weights(one).items():
        assert torch.equal(weight, adapter_weights(same)[name])


@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_quantized_bases_train_on_a_cpu(new_run, train, quantization):
    pytest.importorskip("bitsandbytes")
    run = new_run(quantization=quantization, max_steps=3)
    summary = train(run)
    assert summary["steps"] == 3 and all(map(math.isfinite, summary["loss"] + summary["eval_loss"]))
    assert any(weight.abs().max() > 0 for name, weight in adapter_weights(run).items() if "lora_B" in name)


def test_stopped_half_way_it_keeps_what_it_has_learned(new_run, train):
    run = new_run(max_steps=50)
    job = FakeJob(stop_when=lambda job: any(said["done"] >= 3 for said in job.said))
    summary = train(run, job)
    assert 3 <= summary["steps"] < 10
    assert summary["eval_loss"][1] is not None
    assert runs.get(run.id).has_adapter and (run.folder / "manifest.json").exists()


def test_stopped_before_the_first_step_it_has_nothing_to_keep(new_run, train):
    run = new_run(max_steps=50)
    with pytest.raises(Stopped, match="before its first step"):
        train(run, FakeJob(stop_when=lambda job: True))
    assert not runs.get(run.id).has_adapter and not (run.folder / "manifest.json").exists()


def test_without_held_out_rows_there_is_no_held_out_loss(new_run, train):
    rows = [{"instruction": f"Say {n}.", "output": f"{n}!"} for n in range(6)]
    assert train(new_run(rows=rows))["eval_loss"] == [None, None]


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"target_modules": "q_proj,c_attn"}, "no layers named c_attn", "down_proj, gate_proj, k_proj"),
        ({"max_length": 8}, "longer than max_length", "raise max_length"),
    ],
)
def test_settings_that_do_not_fit_are_named(new_run, train, settings, message, hint):
    with pytest.raises(BadInput, match=message) as caught:
        train(new_run(**settings))
    assert hint in str(caught.value) and caught.value.hint


def test_every_optimizer_that_can_be_chosen_is_there():
    from transformers.training_args import OptimizerNames

    assert set(OPTIMIZERS) <= {name.value for name in OptimizerNames}


def poison(folder, tiny_folder, text):
    """A copy of the tiny model that gives nan for every row with this token in it."""
    from safetensors.torch import load_file, save_file

    folder.unlink()
    shutil.copytree(tiny_folder, folder)
    weights = load_file(folder / "model.safetensors")
    (token,) = load_tokenizer(folder).tokenize([Segment(text, trained=False)]).ids
    weights["model.embed_tokens.weight"][token] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_run_that_diverges_is_named(new_run, train, tiny_home, tiny_folder):
    poison(tiny_home / "models" / "tiny", tiny_folder, "Z")
    odd = {"instruction": "Z", "input": "", "output": "Zz.", "split": "train"}
    run = new_run(rows=[*tiny.ROWS, odd], max_steps=0, num_train_epochs=1, gradient_accumulation_steps=2)
    with pytest.raises(ModelError, match=r"loss became nan at step \d+: the run diverged") as caught:
        train(run)
    assert "learning_rate" in caught.value.hint
    assert caught.value.to_dict()["suggest"] == {"learning_rate": 0.0033}
    assert not runs.get(run.id).has_adapter
    for line in (run.folder / "metrics.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_run_that_fails_says_too_what_it_was_made_with(new_run, train, tiny_home, tiny_folder):
    poison(tiny_home / "models" / "tiny", tiny_folder, "d")
    run = new_run()
    assert runs.get(run.id).facts == {}
    with pytest.raises(ModelError):
        train(run)
    facts = wait_until(lambda: runs.get(run.id).facts, "it is written down")
    assert runs.get(run.id).summary == {}
    assert facts["data"] == run.data_ref and facts["template"] == "llama2" and facts["versions"]["torch"]
    assert facts["base_sha256"] == fingerprint(find("tiny").path) and "--model tiny" in facts["command"]


def test_a_base_that_gives_nan_is_named(new_run, train, tiny_home, tiny_folder):
    poison(tiny_home / "models" / "tiny", tiny_folder, "d")
    with pytest.raises(ModelError, match="loss is nan before any training") as caught:
        train(new_run())
    assert caught.value.hint


def test_a_full_disk_is_named(new_run, train):
    run = new_run()
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises(StorageError, match="is full"):
        train(run)


def test_a_disk_that_fills_when_the_adapter_is_saved_is_named(new_run, train, small_disk):
    run = new_run(max_steps=1, r=64)
    run.folder.mkdir(parents=True, exist_ok=True)
    shutil.move(run.folder, small_disk / "run")
    run.folder.symlink_to(small_disk / "run")
    (small_disk / "filler").write_bytes(b"x" * 900_000)
    with pytest.raises(StorageError, match="is full"):
        train(run)
    assert not runs.get(run.id).has_adapter and not (run.folder / "manifest.json").exists()
    assert [path.name for path in (small_disk / "run").iterdir() if path.name.startswith(".")] == [".lock"]


def test_broken_models_are_named(new_run, train, tiny_home, tiny_folder):
    run = new_run()
    (tiny_home / "models" / "tiny").unlink()
    folder = shutil.copytree(tiny_folder, tiny_home / "models" / "tiny")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(ModelError, match=r"cannot be (loaded|used)"):
        train(run)
    (folder / "model.safetensors").write_bytes(weights)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "no-such-type"}))
    with pytest.raises(ModelError, match=r"cannot be (loaded|used)"):
        train(run)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").unlink()
    with pytest.raises(StudioError) as caught:
        train(run)
    assert caught.value.hint


def test_metrics_leave_out_a_line_that_is_being_written(new_run):
    run = new_run()
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"ste')
    assert [line["step"] for line in runs.metrics(run.id)] == [1, 2]
