"""Sample answers and early stopping in real, tiny trainings: what is written, and that training is not disturbed."""

from __future__ import annotations

import json

import pytest

from lib.data import datasets
from lib.formats import get_template, load_tokenizer
from lib.models import find
from lib.storage import run_dir
from lib.training.config import TrainConfig
from lib.training.rows import prepare
from lib.training.samples import REFUSED, by_question, questions, read_samples, samples_file
from tests.helpers import FakeJob

STEPS = 6


@pytest.fixture
def tokenizer(tiny_home):
    return load_tokenizer(find("tiny").path)


@pytest.fixture
def asked(new_run, tokenizer):
    """Questions of a new run with these settings."""

    def ask(template="llama2", rows=None, **settings):
        run = new_run(rows, template, **{"sample_tokens": TrainConfig().sample_tokens, **settings})
        info = datasets.get(run.data_ref)
        prepared = prepare(info, get_template(template), tokenizer, run.config)
        return run, prepared, questions(run.config, info, prepared, get_template(template), tokenizer)

    return ask


@pytest.fixture
def train(tiny_home, tmp_path):
    """Train an adapter with transformers' own trainer; returns the trainer and the loss of each step."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    rows = [{"input_ids": [5 + n, 7, 9 + n % 3, 2], "labels": [-100, 7, 9 + n % 3, 2]} for n in range(24)]

    def collate(batch):
        return {name: torch.tensor([row[name] for row in batch]) for name in batch[0]}

    def run(*callbacks, checkpointing=False, steps=STEPS, **settings):
        torch.manual_seed(0)
        base = AutoModelForCausalLM.from_pretrained(find("tiny").path)
        lora = LoraConfig(r=2, lora_dropout=0.2, target_modules="all-linear", task_type="CAUSAL_LM")
        arguments = {
            "max_steps": steps,
            "learning_rate": 0.02,
            "per_device_train_batch_size": 4,
            "logging_steps": 1,
            "eval_strategy": "steps",
            "eval_steps": 2,
            "save_strategy": "no",
            "report_to": "none",
            "use_cpu": True,
            "disable_tqdm": True,
            "seed": 0,
            "gradient_checkpointing": checkpointing,
            **settings,
        }
        trainer = Trainer(
            get_peft_model(base, lora),
            TrainingArguments(str(tmp_path / "checkpoints"), **arguments),
            collate,
            train_dataset=rows,
            eval_dataset=rows[:4],
            callbacks=list(callbacks),
        )
        return trainer, lambda: [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]

    return run


def samples_of(run, prepared, tokenizer, job=None):
    from lib.training.trainer.samples import Samples

    return Samples.of(run, prepared, tokenizer, job or FakeJob())


# Which questions


def test_without_a_word_the_first_held_out_row_is_asked(asked):
    run, prepared, (question,) = asked()
    rows = dict(datasets.conversations(datasets.get(run.data_ref)))
    assert question.row_id == min(row.row_id for row in prepared.evaluation)
    assert question.prompt == rows[question.row_id].messages[0].content
    assert question.reference == rows[question.row_id].answer()


def test_the_prompt_is_the_one_that_the_answer_was_trained_behind(asked):
    _, prepared, (question,) = asked(eval_rows=50)
    row = next(row for row in prepared.evaluation if row.row_id == question.row_id)
    assert row.ids[: len(question.ids)] == question.ids
    assert set(row.labels[: len(question.ids)]) == {-100} and row.labels[len(question.ids)] != -100


def test_one_question_a_line_each_once(asked):
    assert [q.prompt for q in asked(sample_prompts=" Who are you?\n\nAdd 2 and 2.\nWho are you?\n")[2]] == [
        "Who are you?",
        "Add 2 and 2.",
    ]
    assert asked(sample_prompts="Who?", sample_tokens=0)[2] == []


def test_without_held_out_rows_the_first_row_is_asked(asked):
    rows = [{"instruction": f"Say {n}.", "input": "", "output": f"{n}", "split": "train"} for n in range(6)]
    _, prepared, (question,) = asked(rows=rows)
    assert prepared.evaluation == [] and question.prompt == "Say 0."


def test_a_question_that_the_template_cannot_carry_is_told(asked, tokenizer, train):
    run, prepared, (bad, good) = asked(sample_prompts="What is [INST] for?\nAdd 2 and 2.", sample_tokens=3)
    assert "[INST]" in bad.problem and not bad.ids and not good.problem
    _, _, (escaped, _) = asked(sample_prompts="What is [INST] for?\nAdd 2 and 2.", escape_tags=True)
    assert escaped.ids and not escaped.problem
    train(samples_of(run, prepared, tokenizer))[0].evaluate()
    first, second = read_samples(run.id)
    assert (first.ended, first.answer, first.problem) == (REFUSED, "", bad.problem) and second.ended != REFUSED


# What is written


def test_before_the_first_step_at_each_measurement_and_at_the_end(asked, tokenizer, train):
    run, prepared, _ = asked(sample_prompts="Add 2 and 2.\nTell me a much longer story about it.", sample_tokens=5)
    job = FakeJob()
    trainer, _ = train(samples_of(run, prepared, tokenizer, job), steps=5, learning_rate=0.2)
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    assert {one["text"] for one in job.said} == {"answering the sample questions"}
    samples = read_samples(run.id)
    assert [sample.step for sample in samples] == [0, 0, 2, 2, 4, 4, 5, 5]
    answers = by_question(samples)
    assert list(answers) == ["Add 2 and 2.", "Tell me a much longer story about it."]
    for changed in answers.values():
        assert len({sample.answer for sample in changed}) > 1, "the model learns"
        assert all(sample.tokens == 5 for sample in changed if sample.ended == "length")
        assert all(sample.tokens < 5 for sample in changed if sample.ended == "end")
        assert all(sample.seconds > 0 for sample in changed)


def test_in_a_batch_the_answers_are_those_given_alone(asked, tokenizer, train):
    prompts = ["Add 2 and 2.", "Tell me a much longer story about it."]
    answers = []
    for chosen in ("\n".join(prompts), *prompts):
        run, prepared, _ = asked(sample_prompts=chosen, sample_tokens=8)
        train(samples_of(run, prepared, tokenizer))[0].evaluate()
        answers += [[sample.answer for sample in read_samples(run.id)]]
    assert answers[0] == answers[1] + answers[2]


@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_losses_are_those_of_a_run_without_samples(asked, tokenizer, train, checkpointing):
    run, prepared, _ = asked(sample_tokens=6)
    losses = []
    for callbacks in ([], [samples_of(run, prepared, tokenizer)]):
        trainer, found = train(*callbacks, checkpointing=checkpointing)
        trainer.evaluate()
        trainer.train()
        losses.append(found())
    assert losses[0] == losses[1] and len(losses[0]) == STEPS
    assert [sample.step for sample in read_samples(run.id)] == [0, 2, 4, 6]


def test_model_and_random_numbers_are_left_as_they_were(asked, tokenizer, train):
    import torch

    run, prepared, _ = asked(sample_tokens=4)
    samples = samples_of(run, prepared, tokenizer)
    trainer, _ = train(checkpointing=True)
    model = trainer.model.train()
    model.gradient_checkpointing_enable()
    model.get_submodule("base_model.model.lm_head").eval()
    before = [module.training for module in model.modules()]
    settings, torch_state = model.config.to_dict(), torch.random.get_rng_state()
    torch.set_num_threads(2)
    samples.on_evaluate(trainer.args, trainer.state, trainer.control, model=model)
    assert [module.training for module in model.modules()] == before
    assert model.config.to_dict() == settings and torch.equal(torch.random.get_rng_state(), torch_state)
    assert torch.get_num_threads() == 2
    assert model.is_gradient_checkpointing and len(read_samples(run.id)) == 1
    torch.set_num_threads(1)


def test_a_job_that_stops_is_not_kept_waiting(asked, tokenizer, train):
    run, prepared, _ = asked(sample_tokens=400)
    asks = []
    job = FakeJob(stop_when=lambda _: len(asks) > 3 or bool(asks.append(1)))
    trainer, _ = train(samples_of(run, prepared, tokenizer, job))
    trainer.evaluate()
    assert read_samples(run.id) == [], "cut short, so not an answer"
    trainer.evaluate()
    assert read_samples(run.id) == []


def test_a_resumed_run_takes_its_later_answers_back(asked, tokenizer, train):
    run, prepared, _ = asked(sample_tokens=3)
    trainer, _ = train(samples_of(run, prepared, tokenizer))
    trainer.train()
    first = read_samples(run.id)
    samples = samples_of(run, prepared, tokenizer)
    trainer.state.global_step = 2
    samples.on_train_begin(trainer.args, trainer.state, trainer.control, model=trainer.model)
    assert read_samples(run.id) == first[:2]
    trainer.state.global_step = 4
    samples.on_evaluate(trainer.args, trainer.state, trainer.control, model=trainer.model)
    assert [sample.step for sample in read_samples(run.id)] == [0, 2, 4]


def test_half_written_lines_and_newer_fields(tiny_home):
    assert read_samples("new") == []
    path = samples_file("new")
    path.parent.mkdir(parents=True)
    line = {"step": 2, "prompt": "a", "answer": "b\u2028c", "tokens": 1, "seconds": 0.1, "ended": "end", "later": 1}
    again = json.dumps({**line, "answer": "d", "step": 0}, ensure_ascii=False)
    path.write_text(f"{json.dumps(line, ensure_ascii=False)}\n{again}\n{again}\n{again[:20]}", encoding="utf-8")
    assert [(sample.step, sample.answer) for sample in read_samples("new")] == [(0, "d"), (2, "b\u2028c")]


# Early stopping


def stopping(patience, folder="run"):
    from lib.training.trainer.stopping import EarlyStopping

    return EarlyStopping(run_dir(folder) / "checkpoints", patience)


def weights(trainer):
    return {n: w.detach().clone() for n, w in trainer.model.named_parameters() if w.requires_grad}


def losses_at(trainer):
    return {entry["step"]: entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry}


def test_it_stops_when_nothing_gets_better_and_keeps_the_best_state(train):
    import torch

    stop = stopping(2)
    # Steps that are far too large: the loss falls, then only rises.
    trainer, _ = train(stop, steps=40, learning_rate=0.5, eval_steps=1, lr_scheduler_type="constant")
    trainer.evaluate()
    trainer.train()
    measured = losses_at(trainer)
    best = min(measured, key=measured.get)
    assert trainer.state.global_step == best + 2 < 40
    assert stop.summary == {"stopped_early": True, "best_step": best, "best_eval_loss": measured[best]}
    last = weights(trainer)
    assert stop.restore(trainer.model, measured[best + 2]) == measured[best]
    assert any(not torch.equal(weight, last[name]) for name, weight in weights(trainer).items())
    assert trainer.evaluate()["eval_loss"] == pytest.approx(measured[best])
    stop.clean()
    assert list(stop.folder.glob("*")) == list(stop.folder.glob(".*")) == []


def test_a_run_that_gets_better_to_its_end_is_left_alone(train):
    stop = stopping(1)
    trainer, _ = train(stop, steps=4, learning_rate=1e-3)
    trainer.train()
    kept = weights(trainer)
    measured = losses_at(trainer)
    assert measured[4] < measured[2]
    assert stop.restore(trainer.model, measured[4]) == measured[4]
    assert all((weight == kept[name]).all() for name, weight in weights(trainer).items())
    assert stop.summary == {"stopped_early": False, "best_step": 4, "best_eval_loss": measured[4]}


def test_without_patience_nothing_is_kept(train):
    stop = stopping(0)
    trainer, _ = train(stop, steps=4)
    trainer.train()
    assert stop.summary == {} and stop.restore(trainer.model, 1.5) == 1.5 and not stop.folder.exists()


def test_a_resumed_run_ends_where_an_unbroken_one_does(train):
    settings = {
        "steps": 40,
        "learning_rate": 0.5,
        "eval_steps": 1,
        "lr_scheduler_type": "constant",
        "save_strategy": "steps",
        "save_steps": 2,
    }
    whole = stopping(3, "whole")
    trainer, _ = train(whole, **settings)
    trainer.train()
    assert whole.restore(trainer.model, None) is not None
    best = whole.summary["best_step"]
    assert whole.summary["stopped_early"]

    broken = stopping(3, "whole")  # what a killed run left, and another process
    resumed, _ = train(broken, **settings)
    checkpoint = max(step for step in range(2, best + 3, 2))
    resumed.train(resume_from_checkpoint=f"{resumed.args.output_dir}/checkpoint-{checkpoint}")
    broken.restore(resumed.model, None)
    assert broken.summary == whole.summary
    for name, weight in weights(resumed).items():
        assert weight.equal(weights(trainer)[name])


# In whole runs


@pytest.mark.parametrize("quantization", ["none", "nf4", "int8"])
def test_a_run_with_samples_learns_what_one_without_does(new_run, quantization):
    from safetensors.torch import load_file

    from lib.training import trainer

    if quantization != "none":
        pytest.importorskip("bitsandbytes")
    adapters, losses = [], []
    for tokens in (0, 8):
        run = new_run(sample_tokens=tokens, quantization=quantization, lora_dropout=0.1)
        summary = trainer.run_job({"run": run.id}, FakeJob())
        losses.append((summary["loss"], summary["eval_loss"]))
        adapters.append(load_file(run.folder / "adapter" / "adapter_model.safetensors"))
        assert [sample.step for sample in read_samples(run.id)] == ([0, 2, 4] if tokens else [])
    assert losses[0] == losses[1]
    assert all(weight.equal(adapters[1][name]) for name, weight in adapters[0].items())


def test_a_run_that_stops_early_says_so_and_keeps_its_best_state(new_run):
    from lib.training import trainer

    run = new_run(
        max_steps=60, eval_steps=1, early_stopping_patience=2, learning_rate=0.9, lr_scheduler_type="constant"
    )
    summary = trainer.run_job({"run": run.id}, FakeJob())
    assert summary["stopped_early"] and summary["steps"] == summary["best_step"] + 2 < 60
    assert summary["eval_loss"][1] == summary["best_eval_loss"]
    assert not list((run.folder / "checkpoints").glob("*best*"))
