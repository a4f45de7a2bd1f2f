"""The loss is TRL's, with less work: the same figures, gradients and adapters on the same rows."""

from __future__ import annotations

import pytest

from lib.data import datasets
from lib.formats import load_tokenizer
from lib.models import find
from lib.training.rows import prepare

torch = pytest.importorskip("torch")


@pytest.fixture
def build(new_run, monkeypatch, tiny_home):
    """A trainer as the job builds it; `plain` makes it of TRL's loss and peft's and transformers' own layers."""
    from lib.training.trainer import building, kernels
    from lib.training.trainer.recorder import Recorder
    from lib.training.trainer.steps import OrderedTrainer
    from tests.helpers import FakeJob

    def build_trainer(plain=False, **settings):
        run = new_run(**{"precision": "fp32", **settings})
        base = find("tiny")
        prepared = prepare(datasets.get(run.data_ref), run.template, load_tokenizer(base.path), run.config)
        run.folder.mkdir(parents=True, exist_ok=True)
        recorder = Recorder(run.folder / "metrics.jsonl", FakeJob())
        with monkeypatch.context() as patch:
            if plain:
                patch.setattr(building, "AnswerLossTrainer", OrderedTrainer)
                for step in ("prepare_process", "prepare_base", "prepare_adapted"):
                    patch.setattr(kernels, step, lambda *_: None)
            return building.build(run, base.path, prepared, recorder), prepared

    return build_trainer


def figures(trainer):
    """Losses of each step, held-out losses, and the adapter's weights."""
    history = trainer.state.log_history
    losses = [line["loss"] for line in history if "loss" in line]
    held_out = [line["eval_loss"] for line in history if "eval_loss" in line]
    norms = [float(line["grad_norm"]) for line in history if "grad_norm" in line]
    weights = [weight.detach() for name, weight in trainer.model.named_parameters() if "lora_" in name]
    return losses, held_out, norms, torch.cat([weight.flatten() for weight in weights])


@pytest.mark.parametrize(
    "settings",
    [{}, {"gradient_accumulation_steps": 3, "per_device_train_batch_size": 2}, {"packing": True, "max_length": 128}],
    ids=["plain", "accumulated", "packed"],
)
def test_training_is_the_same_as_with_trl(build, settings):
    settings = {"max_steps": 3, "learning_rate": 0.001, **settings}
    ours, _ = build(**settings)
    theirs, _ = build(plain=True, **settings)
    ours.train()
    theirs.train()
    for mine, plain in zip(figures(ours), figures(theirs), strict=True):
        assert len(mine) == len(plain) > 0
        torch.testing.assert_close(torch.as_tensor(mine), torch.as_tensor(plain), atol=1e-5, rtol=1e-5)


def test_gradients_of_a_4_bit_base_are_right_also_after_an_evaluation(build):
    """Against the same base with its 4-bit weights written out in full."""
    from bitsandbytes.functional import dequantize_4bit

    held = [build(quantization=kind, optim="sgd", max_steps=2, warmup_steps=0)[0] for kind in ("nf4", "none")]
    small, full = (dict(trainer.model.named_modules()) for trainer in held)
    quantized = [name for name in small if name.endswith(".base_layer")]
    assert len(quantized) == 14
    with torch.no_grad():
        for name in quantized:
            full[name].weight.copy_(dequantize_4bit(small[name].weight.data, small[name].weight.quant_state))
    for trainer in held:
        trainer.evaluate()
        trainer.train()
    for mine, plain in zip(*(figures(trainer)[:3] for trainer in held), strict=True):
        assert mine == pytest.approx(plain, rel=0.01)


def test_rows_of_a_flattened_batch_do_not_see_each_other(build):
    """The loss of several rows in one sequence is the mean over the trained tokens of each row alone."""
    from transformers import AutoModelForCausalLM

    trainer, prepared = build()
    trainer.model.eval()
    rows = prepared.train[:4]
    batch = trainer.data_collator([trainer.train_dataset[index] for index in range(4)])
    assert batch["input_ids"].shape == (1, sum(len(row.ids) for row in rows))
    with torch.no_grad():
        together = float(trainer.compute_loss(trainer.model, dict(batch)))
        plain = AutoModelForCausalLM.from_pretrained(find("tiny").path)
        nats = [
            float(plain(torch.tensor([row.ids]), labels=torch.tensor([row.labels])).loss) * row.answer for row in rows
        ]
    assert together == pytest.approx(sum(nats) / sum(row.answer for row in rows), abs=1e-5)
