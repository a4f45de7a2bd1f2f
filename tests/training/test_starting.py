"""A run that cannot be is refused before it is queued: models that cannot be trained, values that nobody means."""

from __future__ import annotations

import json
import shutil

import pytest

from lib.data import datasets
from lib.database import Job, session
from lib.errors import BadSettings, ModelError
from lib.formats import load_tokenizer
from lib.formats.saved import save
from lib.formats.templates import TEMPLATES
from lib.jobs import memory, queue, worker
from lib.training import runs
from lib.training.adopt import adopt
from lib.training.config import TrainConfig
from lib.training.plan import plan, turns
from lib.training.plan.after_failure import nearest_that_fits
from lib.training.presets import get_preset, save_preset
from lib.training.remedies import remedy
from lib.training.template_hash import template_sha256
from lib.training.values import MOST
from tests import tiny
from tests.app import seeds
from tests.commands.conftest import command
from tests.helpers import python
from tests.models.hub_server import LLAMA, model_files, weights, write_folder
from tests.training.plan.conftest import cpu, gpu, store
from tests.training.plan.folders import LLAMA2_7B, write_hollow

__all__ = ["command", "store"]  # fixtures
INDEX = {"weight_map": {"a": "model-1-of-2.safetensors", "b": "model-2-of-2.safetensors"}}
ODD = LLAMA | {"model_type": "odd", "auto_map": {"AutoModelForCausalLM": "odd.Odd"}}
SPOILT = {
    "a shard is missing": (
        {"model__safetensors": None, "model__safetensors__index__json": json.dumps(INDEX).encode()},
        {"model-1-of-2.safetensors": weights(9)},
        "model-2-of-2.safetensors of its weights is missing",
        "all of them",
    ),
    "cut off": ({"model__safetensors": weights(99)[:-5]}, {}, "model.safetensors is cut off", "all of them"),
    "pickled": ({"model__safetensors": None}, {"pytorch_model.bin": b"x"}, "no .safetensors weights", "Convert"),
    "code of its own": ({"config__json": json.dumps(ODD).encode()}, {}, "code of its own", "built in"),
    "no tokenizer": ({"tokenizer__json": None}, {}, "no tokenizer.json", "AutoTokenizer"),
    "no config": ({"config__json": None}, {}, "no config.json", "Give the folder"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_model_that_cannot_be_trained_is_named_with_what_to_do(home, store, case):
    changed, more, said, hint = SPOILT[case]
    write_folder(home / "models" / "spoilt", {**model_files(**changed), **more})
    with pytest.raises(ModelError) as caught:
        runs.create(store().ref, "spoilt", "llama2", TrainConfig(), "ann")
    assert said in caught.value.message and hint in caught.value.hint
    assert not runs.list_runs() and not queue.live_jobs() and not (home / "runs").exists()


def test_an_adapter_is_not_taken_in_on_such_a_base(tiny_home, tiny_folder, tmp_path):
    adapter = tiny.write_adapter(tiny_folder, tmp_path / "adapter", seed=1)
    broken = shutil.copytree(tiny_folder, tiny_home / "models" / "broken")
    (broken / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"broken cannot be used: it has no tokenizer\.json"):
        adopt(str(adapter), "guest", "broken", "chatml")


def test_one_of_the_hub_that_is_not_here_is_left_to_the_run(home, store):
    assert runs.create(store().ref, "ada/small", "llama2", TrainConfig(), "ann").status == "queued"


@pytest.mark.parametrize("name", MOST)
def test_values_that_nobody_means_are_refused(name):
    kept = {"max_steps": 1, name: MOST[name]}
    assert getattr(TrainConfig.from_settings(kept), name) == MOST[name]
    with pytest.raises(BadSettings) as caught:
        TrainConfig.from_settings({**kept, name: MOST[name] * 10})
    assert caught.value.faults == {name: f"must be {MOST[name]:,} or less"}


def test_runs_that_were_stored_with_such_values_are_still_listed(home):
    seeds.samples()
    seeds.model()
    view = runs.create("medical-terms", "starter", "llama2", TrainConfig(max_steps=99_999_999), "ann")
    assert view in runs.list_runs()
    with pytest.raises(BadSettings, match="max_steps"):
        runs.retry(view.id, "ann")
    assert runs.retry(view.id, "ann", {"max_steps": 10}).config.max_steps == 10


def test_few_rows_are_worth_a_warning(tiny_home, store):
    few, many = store(tiny.ROWS[:49], "few"), store(tiny.ROWS[:60], "many")
    said = plan(few, "tiny", "llama2", TrainConfig(), cpu()).warnings
    assert any(one.name == "rows" and "44 rows are few" in one.text and "by heart" in one.text for one in said)
    assert not any("few" in one.text for one in plan(many, "tiny", "llama2", TrainConfig(), cpu()).warnings)


def killed(view):
    """As the worker writes down a run that the system has ended."""
    with session() as opened:
        job = opened.get(Job, view.job.id)
        job.status, job.error = "interrupted", memory.named("The system ended the process")
    return runs.get(view.id)


def test_after_the_system_has_ended_it_the_plan_says_what_would_fit(home, command):
    seeds.samples()
    seeds.model()
    config = TrainConfig(per_device_train_batch_size=16, max_length=256)
    view = killed(runs.create("medical-terms", "starter", "llama2", config, "ann"))
    found = remedy(view)
    assert found and TrainConfig.from_settings({**config.to_dict(), **found}).rows_per_step == 16
    assert f"per_device_train_batch_size={found['per_device_train_batch_size']}" in command("run", view.id).out
    assert remedy(runs.retry(view.id, "ann", found)) == {}, "it has not failed"


def test_where_the_plan_cannot_be_asked_half_the_batch_is_tried(home):
    seeds.samples()
    view = killed(runs.create("medical-terms", "ada/small", "llama2", TrainConfig(), "ann"))
    assert remedy(view) == {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}


def test_presets_propose_template_and_model(tiny_home, store, command, monkeypatch):
    monkeypatch.setattr(worker, "ensure", lambda: None)
    store()
    save_preset("mine", TrainConfig(**tiny.SETTINGS), "ann", "for sums", template="chatml", model="tiny")
    preset = get_preset("mine")
    assert (preset.template, preset.model) == ("chatml", "tiny") and get_preset("first-look").template == ""
    proposed = command("train", "sums", "--preset", "mine", "--detach", "--json").json()["run"]
    assert (runs.get(proposed).template, runs.get(proposed).model) == ("chatml", "tiny")
    named = command("plan", "sums", "--preset", "mine", "--template", "llama2", "--json").json()
    assert (named["template"], named["model"], named["settings"]["r"]) == ("llama2", "tiny", 4)


def test_a_run_says_what_it_was_made_with(studio_home, command):
    (view,) = runs.list_runs()
    document = command("run", view.id, "--json").json()
    facts = document["facts"]
    assert facts == view.facts and {"data", "model", "template", "versions", "device", "threads", "command"} <= set(
        facts
    )
    assert all(len(facts[key]) == 64 for key in ("data_hash", "base_sha256", "template_sha256"))
    assert facts["ready_seconds"] > 0 and 0 <= facts["other_share"] < 1
    assert facts["git"].keys() == {"commit", "dirty"} if "git" in facts else True
    words = command("run", view.id).out
    assert facts["base_sha256"] in words and f"torch {facts['versions']['torch']}" in words
    assert "after the start of its process" in words and facts["command"] in words


def test_templates_are_told_apart_by_what_they_write(tiny_home):
    tokenizer = load_tokenizer((tiny_home / "models" / "tiny").resolve())
    source = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    mine = [save("mine", source, "ann"), save("mine", source.replace(": ", "> "), "ann")]
    found = [template_sha256(template, tokenizer) for template in (*TEMPLATES.values(), *mine)]
    assert len(set(found)) == len(TEMPLATES) + 2
    assert found[-2:] == [template_sha256(template, tokenizer) for template in mine]


@pytest.mark.parametrize(
    ("free", "batch", "keys"),
    [
        (
            8,
            8,
            {"quantization", "gradient_checkpointing", "per_device_train_batch_size", "gradient_accumulation_steps"},
        ),
        (40, 4, {"gradient_checkpointing"}),
    ],
    ids=["all together", "one is enough"],
)
def test_after_failure_as_much_is_changed_as_it_takes(home, store, free, batch, keys, monkeypatch):
    monkeypatch.setattr(turns, "default_device", lambda: gpu(80))
    write_hollow(home / "models" / "seven", LLAMA2_7B)
    rows = [{"instruction": f"Say {n}.", "output": "so " * 250} for n in range(40)]
    config = TrainConfig(per_device_train_batch_size=batch, max_length=1024)
    view = runs.create(store(rows).ref, "seven", "llama2", config, "ann")
    changed = nearest_that_fits(view, gpu(free))
    assert set(changed) == keys
    better = TrainConfig.from_settings({**config.to_dict(), **changed})
    assert plan(datasets.get(view.data_ref), "seven", "llama2", better, gpu(free)).fits
    assert better.rows_per_step == batch


@pytest.mark.parametrize("module", ["lib.training.starting", "lib.training.plan"])
def test_the_modules_can_be_imported_in_any_order(module):
    tried = python("-c", f"import {module}")
    assert tried.wait(60) == 0, tried.communicate()[1]
