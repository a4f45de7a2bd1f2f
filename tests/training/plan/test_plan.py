"""Plans of runs that are never started: rows as training takes them, what fits, and the nearest change that does."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from lib.data import datasets, versions
from lib.data.edits import open_copy
from lib.data.edits.journal import edit
from lib.data.lint import LintSettings
from lib.data.lint.run import lint
from lib.formats import load_tokenizer
from lib.jobs import queue
from lib.jobs.view import JobView
from lib.models import find
from lib.settings import ROOT
from lib.training import runs
from lib.training.config import TrainConfig
from lib.training.plan import dry_run_job, plan, submit_dry_run, turns
from lib.training.plan.after_failure import LESS, nearest_that_fits
from lib.training.plan.auto import needs_checkpointing, precision_of
from lib.training.plan.memory import ROOM
from lib.training.plan.pace import SLOWER, answer_token_seconds, pace_of, rate_of
from lib.training.plan.rows import rows_of
from lib.training.plan.shape_files import read_shape
from lib.training.presets import PRESETS
from lib.training.rows import prepare
from lib.training.run_view import RunView
from lib.words import speed
from tests import tiny
from tests.training.plan.conftest import cpu, gpu
from tests.training.plan.folders import STARTER, write_hollow

SILENT = {"instruction": "Say something.", "input": "", "output": " ", "split": "train"}
TAGGED = {"instruction": "What is [/INST] for?", "input": "", "output": "It ends a turn.", "split": "train"}
LONG = {"instruction": "Say hello.", "input": "", "output": "Hello! " * 100, "split": "train"}
ROWS = [*tiny.ROWS, SILENT, TAGGED, LONG]
LONG_ROWS = [
    {"instruction": f"Count to {n}.", "input": "", "output": "one two three " * (20 + n % 60), "split": "train"}
    for n in range(400)
]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"max_length": 100},
        {"max_length": 100, "long_rows": "cut"},
        {"min_answer_tokens": 12, "max_answer_tokens": 100},
        {"train_on_prompt": True},
        {"escape_tags": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("linted", [False, True], ids=["tokenized", "linted"])
def test_rows_are_counted_as_training_takes_them(tiny_home, store, settings, linted):
    info, config = store(ROWS), TrainConfig(**settings)
    if linted:
        lint(open_copy(info), LintSettings("llama2", "tiny", 77, config.escape_tags))
    found = rows_of(info, "tiny", "llama2", config)
    taken = prepare(info, "llama2", load_tokenizer(find("tiny").path), config)
    assert found.exact and found.used == len(taken.train)
    assert sorted(found.lengths.tolist()) == sorted(len(row.ids) for row in taken.train)
    assert sorted(found.learned.tolist()) == sorted(row.answer for row in taken.train)
    assert found.left_out == taken.left_out and found.cut == taken.cut
    assert found.eval_rows >= len(taken.evaluation)


def test_versions_that_differ_in_what_was_rejected_are_counted_apart(tiny_home, store):
    info, config = store(ROWS), TrainConfig()
    all_of_them = rows_of(info, "tiny", "llama2", config).used
    edit(info, next(row for row, _ in datasets.conversations(info, "train")), 0, "ada", status="rejected")
    saved = versions.save(info, "one out", "ada")
    assert rows_of(saved, "tiny", "llama2", config).used == all_of_them - 1


def test_columns_named_like_those_of_the_lint_do_no_harm(tiny_home, store):
    rows = [{**row, "total": 1, "answer": "x", "findings": "y", "kinds": "z"} for row in tiny.ROWS]
    info = store(rows)
    before = rows_of(info, "tiny", "llama2", TrainConfig())
    lint(open_copy(info), LintSettings("llama2", "tiny", 512))
    assert rows_of(info, "tiny", "llama2", TrainConfig()).to_dict() == before.to_dict()


def test_many_rows_are_sampled_and_say_so_until_they_are_linted(tiny_home, store):
    info = store([{**row, "split": "train"} for row in LONG_ROWS * 20], "many")
    sampled = rows_of(info, "tiny", "llama2", TrainConfig())
    assert not sampled.exact and "estimated from" in sampled.source
    lint(open_copy(info), LintSettings("llama2", "tiny", 512))
    began = time.perf_counter()
    counted = rows_of(info, "tiny", "llama2", TrainConfig())
    assert counted.exact and time.perf_counter() - began < 5  # measured at 0.1 s; here only against hours
    assert sampled.tokens == pytest.approx(counted.tokens, rel=0.05)
    assert sampled.used == pytest.approx(counted.used, rel=0.05)


def test_packing_counts_as_the_trainer_packs(tiny_home, store):
    from lib.training.trainer.batches import pack

    found = rows_of(store(LONG_ROWS), "tiny", "llama2", TrainConfig(max_length=512))
    assert found.sequences(512) == len(pack(found.lengths.tolist(), 512))


def test_a_run_that_fits_can_start(tiny_home, store):
    found = plan(store(), "tiny", "llama2", TrainConfig(max_steps=8), cpu())
    assert found.fits and found.can_start and not found.faults
    assert found.precision == "fp32" and not found.memory.checkpointing
    assert found.pace.steps == 8 and found.pace.seconds > found.pace.ready_seconds > 0
    assert {item.name for item in found.memory.items} >= {"base", "adapter", "optimizer", "activations", "loss"}
    assert all(item.words for item in found.memory.items)
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["rows"]["used"] == 54 and document["memory"]["fits"] and document["shape"]["modules"]


def test_what_cannot_fit_is_refused_with_the_nearest_change(store, seven):
    info = store(LONG_ROWS)
    config = TrainConfig(quantization="nf4", gradient_checkpointing="off", per_device_train_batch_size=16)
    roomy = plan(info, seven, "llama2", config, gpu(79))
    tight = plan(info, seven, "llama2", config, gpu(8))
    assert roomy.fits and not tight.fits and not tight.can_start
    nearest = tight.proposals[0]
    assert nearest.bytes < 8 * 2**30 and nearest.why in tight.faults["memory"]
    mended = plan(info, seven, "llama2", TrainConfig.from_settings({**config.to_dict(), **nearest.settings}), gpu(8))
    assert mended.fits and mended.memory.needed == nearest.bytes
    assert mended.config.rows_per_step == config.rows_per_step


def test_a_large_model_fits_a_cpu_in_4_bits(store, seven):
    """Its files are mapped while it is read: they are part of the peak, and none of what has to be free."""
    info, config, device = store(), TrainConfig(max_steps=8), cpu(22)
    asked = plan(info, seven, "llama2", config, device)
    assert not asked.fits and asked.memory.peak > 37 * 2**30 > 28 * 2**30 > asked.memory.needed > 25 * 2**30
    assert "while the base is read" in asked.memory.how
    nearest = asked.proposals[0]
    assert nearest.settings == {"quantization": "nf4"} and nearest.bytes < 8 * 2**30
    mended = plan(info, seven, "llama2", TrainConfig.from_settings({**config.to_dict(), **nearest.settings}), device)
    assert mended.fits and mended.memory.needed == nearest.bytes
    assert mended.pace.ready_seconds > asked.pace.ready_seconds and mended.pace.seconds > asked.pace.seconds


def test_a_cpu_where_all_fits_is_not_told_of_4_bits(store, seven):
    found = plan(store(), seven, "llama2", TrainConfig(max_steps=8), cpu(64))
    assert found.fits and all("quantization" not in one.settings for one in found.proposals)


def test_a_batch_left_to_the_plan_is_the_largest_that_fits(store, seven):
    info, config = store(LONG_ROWS), TrainConfig(quantization="nf4", gradient_checkpointing="on")
    left = replace(config, per_device_train_batch_size=0, gradient_accumulation_steps=2)
    for size in (4, 2, 1):
        named = plan(info, seven, "llama2", replace(config, per_device_train_batch_size=size), gpu(40))
        found = plan(info, seven, "llama2", left, gpu(named.memory.needed * 1.001 / ROOM / 2**30))
        assert found.fits and found.config.per_device_train_batch_size == size
        assert found.config.rows_per_step == left.rows_per_step == 8
    assert not plan(info, seven, "llama2", left, gpu(3)).fits


@pytest.mark.parametrize("device", [cpu(22), gpu(7), gpu(12), gpu(40), gpu(79)], ids=lambda one: f"{one.memory:_}")
def test_a_proposal_is_what_it_comes_to_with_the_batch_left_to_the_plan(store, seven, device):
    info = store(LONG_ROWS)
    config = TrainConfig(gradient_checkpointing="off", per_device_train_batch_size=0, gradient_accumulation_steps=2)
    found = plan(info, seven, "llama2", config, device)
    assert found.proposals
    for one in found.proposals:
        chosen = TrainConfig.from_settings({**config.to_dict(), **one.settings})
        then = plan(info, seven, "llama2", chosen, device, proposals=False)
        assert then.fits
        assert (then.memory.needed, then.pace.seconds) == (one.bytes, pytest.approx(one.seconds, rel=1e-6))


def test_a_run_keeps_the_batch_that_was_chosen_for_it(tiny_home, store):
    info, config = store(), TrainConfig.from_settings(PRESETS["first-look"].settings)
    assert config.per_device_train_batch_size == 0 and PRESETS["first-look"].model == "starter"
    view = runs.create(info.ref, "tiny", "llama2", config, "ann")
    assert view.config == replace(config, per_device_train_batch_size=4)
    assert "per_device_train_batch_size" not in runs.repeat(view), "which is the default"
    elsewhere = runs.create(info.ref, "ada/not-here", "llama2", config, "ann")
    assert elsewhere.config.per_device_train_batch_size == 4
    submitted = queue.get(submit_dry_run(info, "tiny", "llama2", config, "ann"))
    assert submitted.payload["settings"]["per_device_train_batch_size"] == 4
    assert dry_run_job(info, "tiny", "llama2", view.config) == submitted


def test_without_room_for_the_base_nothing_helps(store, seven):
    found = plan(store(), seven, "llama2", TrainConfig(), gpu(2))
    assert "memory" in found.faults and not found.proposals and "Nothing" in found.faults["memory"]


def test_the_fastest_that_fits_is_proposed(store, seven):
    config = TrainConfig(
        quantization="nf4", gradient_checkpointing="on", per_device_train_batch_size=1, gradient_accumulation_steps=8
    )
    found = plan(store(LONG_ROWS), seven, "llama2", config, gpu(79))
    fastest = found.proposals[0]
    assert "fastest" in fastest.why and fastest.seconds < found.pace.seconds
    assert fastest.settings["gradient_checkpointing"] == "off"
    assert fastest.settings["per_device_train_batch_size"] * fastest.settings["gradient_accumulation_steps"] == 8
    # With little memory the same question has another answer.
    saving = plan(store(LONG_ROWS), seven, "llama2", config, gpu(7)).proposals
    assert all(one.bytes <= 7 * 2**30 for one in saving)


def test_auto_keeps_activations_only_where_they_fit(store, seven):
    config = TrainConfig(quantization="nf4", per_device_train_batch_size=8, max_length=1024)
    folder, lengths = find(seven).path, [1024] * 8
    assert not needs_checkpointing(folder, config, lengths, lengths, gpu(79))
    assert needs_checkpointing(folder, config, lengths, lengths, gpu(24))
    assert needs_checkpointing(folder, replace(config, gradient_checkpointing="on"), lengths, lengths, gpu(79))
    assert not needs_checkpointing(folder, replace(config, gradient_checkpointing="off"), lengths, lengths, gpu(6))


def test_precision_is_the_devices():
    auto = TrainConfig()
    assert precision_of(auto, gpu(80)) == "bf16"
    assert precision_of(auto, gpu(15, "Tesla T4", 7.5)) == "fp16"
    assert precision_of(auto, cpu()) == "fp32" and precision_of(auto, replace(cpu(), bf16=True)) == "bf16"
    assert precision_of(replace(auto, precision="fp32"), gpu(80)) == "fp32"


def test_faults_are_told_together(tiny_home, store):
    config = TrainConfig(target_modules="q_proj,c_attn", max_length=8, precision="fp16")
    faults = plan(store(), "tiny", "llama2", config, cpu()).faults
    assert set(faults) == {"target_modules", "rows", "precision"}
    assert "c_attn" in faults["target_modules"] and "down_proj" in faults["target_modules"]
    assert "longer than max_length" in faults["rows"]


@pytest.mark.parametrize(
    ("settings", "rows", "template", "name", "words"),
    [
        ({"max_steps": 500}, None, "llama2", "max_steps", "times"),
        ({"max_steps": 1}, None, "llama2", "max_steps", "rows are seen in"),
        ({"learning_rate": 0.01}, None, "llama2", "learning_rate", "high"),
        ({"r": 8}, None, "llama2", "lora_alpha", "4 times; 16 goes with this rank"),
        ({"learning_rate": 1e-6}, None, "llama2", "learning_rate", "low"),
        ({}, None, "llama2", "template", "template of its own"),
        ({}, ROWS[:20], "llama2", "rows", "few"),
        ({}, [*ROWS, *[SILENT] * 9], "llama2", "rows", "left out"),
        ({"max_length": 100, "long_rows": "cut"}, ROWS, "llama2", "long_rows", "stop"),
        ({}, [row for row in tiny.ROWS if row["split"] == "train"], "llama2", "eval_split", "empty"),
        ({"max_length": 5000}, None, "llama2", "max_length", "512"),
        ({"quantization": "int8"}, None, "llama2", "quantization", "slower"),
    ],
)
def test_warnings_in_words(tiny_home, store, settings, rows, template, name, words):
    found = plan(store(rows), "tiny", template, TrainConfig(**settings), cpu())
    assert any(one.name == name and words in one.text for one in found.warnings), found.warnings


def test_accumulated_batches_take_the_time_of_the_rows_that_there_are(tiny_home, store):
    info, shared = store(), {"max_steps": 6, "packing": False}
    one = plan(info, "tiny", "llama2", TrainConfig(per_device_train_batch_size=64, **shared), cpu()).pace
    many = TrainConfig(per_device_train_batch_size=2, gradient_accumulation_steps=500, **shared)
    several = plan(info, "tiny", "llama2", many, cpu()).pace
    assert (several.steps, several.epochs, several.tokens) == (one.steps, one.epochs, one.tokens)
    assert several.seconds - several.ready_seconds < 10 * (one.seconds - one.ready_seconds)


def test_questions_that_the_training_rows_give_away_are_said(tiny_home, store):
    question = "What makes the sky look blue on a clear day in the middle of summer?"
    rows = [*ROWS, {"instruction": question, "input": "", "output": "The air scatters blue light.", "split": "train"}]
    rows.append(rows[-1] | {"output": "Scattering.", "split": "test"})
    known = [one.text for one in plan(store(rows), "tiny", "llama2", TrainConfig(), cpu()).warnings]
    held_out = sum(row.get("split") == "test" for row in rows)
    assert any(f"1 of {held_out} row" in text and "look better than it is" in text for text in known), known


def test_measurements_and_sample_answers_count_in_the_time(tiny_home, store):
    info, settings = store(), {"max_steps": 10, "eval_rows": 32, "eval_steps": 0.5}
    none, some, often = (
        plan(info, "tiny", "llama2", TrainConfig(**settings | changed), cpu())
        for changed in ({"sample_tokens": 0}, {"sample_tokens": 40}, {"sample_tokens": 40, "eval_steps": 1})
    )
    a_token = answer_token_seconds(none.shape, none.device)
    assert some.pace.seconds - none.pace.seconds == pytest.approx(3 * 40 * a_token)
    measured = none.pace.tokens_per_second * (some.pace.seconds - none.pace.ready_seconds)
    assert measured > 3 * some.rows.eval_rows * some.rows.mean / 2, "half of a training token each: there, not back"
    assert often.pace.seconds > some.pace.seconds


def test_only_a_measured_time_is_told_as_one(tiny_home, store):
    found = plan(store(), "tiny", "llama2", TrainConfig(), cpu()).pace
    assert not found.measured and found.most_seconds == SLOWER * found.seconds
    assert replace(found, measured=True).most_seconds == found.seconds


def test_edits_that_are_not_saved_are_said(tiny_home, store):
    info = store()
    edit(info, 1, 0, "ada", values={"output": "Another answer."})
    told = [one.text for one in plan(info, "tiny", "llama2", TrainConfig(), cpu()).warnings]
    assert told[0] == f"1 row edited since: a run takes {info.ref} as it was saved."


def test_the_models_own_template_is_no_cause_for_a_warning(tiny_home, store):
    warnings = plan(store(), "tiny", "model", TrainConfig(), cpu()).warnings
    assert not any(one.name == "template" for one in warnings)


def test_the_pace_is_that_of_the_newest_run_like_it(tiny_home, store):
    shape, config, device = read_shape(find("tiny").path), TrainConfig(), cpu()
    rows = rows_of(store(), "tiny", "llama2", config)
    figures = {"tokens_per_second": 200.0, "tokens": 4000, "steps": 40, "device": "CPU (x86_64)", "ready_seconds": 9.0}

    def run(name: str, **changed) -> RunView:
        now = JobView(1, "train", "finished", {}, 0, "", 0, 0, {}, None, None, False)
        setting = replace(config, **changed)
        return RunView(name, "sums", 1, "tiny", "llama2", setting, 0, "", now, figures)

    def pace(runs, asked):
        rate = rate_of(runs, "tiny", shape, asked, device, "fp32")
        return pace_of(shape, asked, device, rows, checkpointing=False, precision="fp32", rate=rate)

    measured = pace([run("odd-one", quantization="nf4"), run("newest"), run("older")], config)
    assert measured.measured and "newest" in measured.source and measured.ready_seconds == 9.0
    assert measured.tokens_per_second == pytest.approx(200, rel=0.3)
    # Twice the rank is more work: slower than the run was, but by little.
    assert pace([run("newest")], replace(config, r=256)).tokens_per_second < measured.tokens_per_second
    assert not pace([run("odd-one", quantization="nf4")], config).measured


def test_the_first_measurement_is_counted_once_and_what_a_run_kept_is_known(home, store):
    write_hollow(home / "models" / "tiny", STARTER)
    shape, config, device = read_shape(home / "models" / "tiny"), TrainConfig(max_steps=2), gpu(80)
    view = runs.create(store().ref, "tiny", "llama2", config, "tester")
    summary = {"steps": 2, "tokens": 800, "tokens_per_second": 200.0, "device": device.name, "ready_seconds": 9.0}

    def rate(**known):
        found = replace(view, summary=summary | known)
        return rate_of([found], "tiny", shape, config, device, "bf16")

    assert rate(measuring_seconds=3.0).ready_seconds == 6.0
    # A run that computed its layers twice did more work in its time: the device is faster than it seems without that.
    assert rate(gradient_checkpointing=True).factor < rate(gradient_checkpointing=False).factor == rate().factor


def test_each_optimizer_is_planned_with_what_it_keeps(home, store, seven):
    def states(optim):
        config = TrainConfig(optim=optim)
        (item,) = [item for item in estimate_of(config) if item.name == "optimizer"]
        return item.bytes

    def estimate_of(config):
        return plan(store_ref, seven, "llama2", config, gpu(80)).memory.items

    store_ref = store()
    adamw = states("adamw_torch")
    assert states("lion_32bit") * 2 == adamw and states("sgd") == 0 and states("ademamix") * 2 == 3 * adamw
    assert states("adamw_8bit") == 2 * states("lion_8bit") < adamw


def test_planning_imports_no_torch():
    code = (
        "import sys, lib.training.plan, lib.devices, studio.commands.plan;"
        "assert not {'torch', 'transformers', 'peft', 'trl'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_starter_like_model_takes_what_the_page_promises(home, store):
    write_hollow(home / "models" / "small", STARTER, dtype="F32")
    found = plan(store(), "small", "llama2", TrainConfig(max_length=256), cpu(4))
    assert found.fits and found.memory.peak < 3 * 2**30


def test_after_running_out_of_memory_much_less_is_proposed(store, seven, monkeypatch):
    monkeypatch.setattr(turns, "default_device", lambda: gpu(80))  # it was made where it fitted
    settings = {"per_device_train_batch_size": 16, "gradient_accumulation_steps": 2, "max_length": 512}
    view = runs.create(store(LONG_ROWS).ref, seven, "llama2", TrainConfig.from_settings(settings), "tester")
    device = gpu(24)
    changed = nearest_that_fits(view, device)
    info = datasets.get(view.data_ref)
    before = plan(info, seven, "llama2", view.config, device)
    after = plan(info, seven, "llama2", TrainConfig.from_settings({**view.config.to_dict(), **changed}), device)
    assert changed and after.memory.needed <= LESS * before.memory.needed
    assert after.config.rows_per_step == before.config.rows_per_step


def test_of_data_that_has_gone_nothing_is_proposed(store, seven, monkeypatch):
    monkeypatch.setattr(turns, "default_device", lambda: gpu(80))
    view = runs.create(store().ref, seven, "llama2", TrainConfig(), "tester")
    assert nearest_that_fits(replace(view, dataset="gone"), gpu(24)) == {}


@pytest.mark.parametrize(
    ("pace", "words"), [(16_779.4, "16,779"), (10, "10"), (9.96, "10.0"), (0.36, "0.4"), (0, "0.0")]
)
def test_a_slow_pace_is_still_told_apart(pace, words):
    assert speed(pace) == f"{words} tokens/s"
