"""Rows packed without waste or contamination, and an order that only seed and epoch decide."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.data import datasets
from lib.errors import BadInput
from lib.formats import load_tokenizer
from lib.models import find
from lib.training.config import TrainConfig
from lib.training.rows import prepare

torch = pytest.importorskip("torch")

LENGTHS = st.lists(st.integers(1, 40), max_size=60)


@settings(deadline=None)  # the first call imports torch
@given(LENGTHS, st.integers(40, 90))
def test_packing_places_every_row_once_and_within_the_limit(lengths, limit):
    from lib.training.trainer.batches import pack

    sequences = pack(lengths, limit)
    assert sorted(itertools.chain(*sequences)) == list(range(len(lengths)))
    sizes = [sum(lengths[index] for index in sequence) for sequence in sequences]
    assert all(0 < size <= limit for size in sizes)
    # Two sequences that would fit into one are never left: best-fit would have joined them.
    assert all(one + other > limit for one, other in itertools.combinations(sizes, 2))


@settings(deadline=None)  # the first call imports torch
@given(LENGTHS, st.integers(0, 5), st.integers(0, 3), st.integers(1, 8), st.booleans())
def test_an_epoch_has_every_row_once_in_an_order_of_its_own(lengths, seed, epoch, per_step, grouped):
    from lib.training.trainer.batches import RowOrder

    def order(seed, epoch):
        rows = RowOrder(lengths, seed, per_step, grouped)
        rows.set_epoch(epoch)
        torch.rand(3)  # numbers that others draw do not matter
        return list(rows)

    assert sorted(order(seed, epoch)) == list(range(len(lengths)))
    assert order(seed, epoch) == order(seed, epoch)
    if len(lengths) > 20:
        assert order(seed, epoch) != order(seed, epoch + 1) != order(seed + 1, epoch)


def test_grouped_steps_are_alike_in_length_and_begin_with_the_longest():
    from lib.training.trainer.batches import RowOrder

    lengths = torch.randint(1, 500, (400,), generator=torch.Generator().manual_seed(0)).tolist()

    def spread(grouped):
        rows = [lengths[row] for row in RowOrder(lengths, 1, 4, grouped)]
        steps = [rows[start : start + 4] for start in range(0, len(rows), 4)]
        return steps, sum(max(step) - min(step) for step in steps) / len(steps)

    steps, alike = spread(True)
    assert alike < spread(False)[1] / 10
    assert sum(steps[0]) == max(map(sum, steps))
    assert steps != sorted(steps, key=sum, reverse=True)


@pytest.fixture
def build(new_run, tiny_home):
    from lib.training.trainer import building
    from lib.training.trainer.recorder import Recorder
    from tests.helpers import FakeJob

    def build_trainer(**chosen):
        run = new_run(**{"precision": "fp32", **chosen})
        base = find("tiny")
        prepared = prepare(datasets.get(run.data_ref), run.template, load_tokenizer(base.path), run.config)
        run.folder.mkdir(parents=True, exist_ok=True)
        recorder = Recorder(run.folder / "metrics.jsonl", FakeJob())
        trainer = building.build(run, base.path, prepared, recorder)
        if trainer.args.gradient_checkpointing:  # as `train` does before its first step
            trainer.model.gradient_checkpointing_enable(trainer.args.gradient_checkpointing_kwargs)
        return trainer, prepared

    return build_trainer


def gradients(trainer, batch, count):
    trainer.model.train()
    trainer.model.zero_grad()
    with torch.random.fork_rng():  # adapters of the start change nothing, and half of their gradients are 0
        torch.manual_seed(1)
        for name, weight in trainer.model.named_parameters():
            if "lora_B" in name and not weight.any():
                weight.data.normal_(0, 0.05)
    loss = trainer.compute_loss(trainer.model, batch, num_items_in_batch=count)
    loss.backward()
    found = [weight.grad.flatten().clone() for weight in trainer.model.parameters() if weight.requires_grad]
    return float(loss.detach()), torch.cat(found)


@pytest.mark.parametrize("checkpointing", ["off", "on"])
def test_packed_rows_have_the_loss_and_the_gradients_of_separate_ones(build, checkpointing):
    trainer, prepared = build(packing=True, max_length=256, gradient_checkpointing=checkpointing)
    packed = trainer.train_dataset[0]
    assert len(packed["seq_lengths"]) > 3
    boundaries = [0, *itertools.accumulate(packed["seq_lengths"])][:-1]
    assert all(packed["labels"][start] == -100 for start in boundaries)

    rows = {tuple(row.ids): row for row in prepared.train}
    ends = [*boundaries[1:], len(packed["input_ids"])]
    alone = [rows[tuple(packed["input_ids"][start:end])] for start, end in zip(boundaries, ends, strict=True)]
    count = torch.tensor(sum(row.answer for row in alone))
    together = gradients(trainer, trainer.data_collator([packed]), count)
    losses, parts = [], []
    for row in alone:
        batch = trainer.data_collator([{"input_ids": row.ids, "labels": row.labels}])
        loss, part = gradients(trainer, batch, count)
        losses.append(loss)
        parts.append(part)
    assert together[0] == pytest.approx(sum(losses), rel=1e-5)
    assert float((together[1] - torch.stack(parts).sum(0)).norm() / together[1].norm()) < 1e-5


def test_checkpointing_keeps_a_part_of_the_activations(build):
    def kept(checkpointing):
        trainer, _ = build(max_length=256, packing=True, gradient_checkpointing=checkpointing)
        sizes: dict[int, int] = {}

        def note(tensor):
            sizes[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
            return tensor

        batch = trainer.data_collator([trainer.train_dataset[0]])
        trainer.model.train()
        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            trainer.compute_loss(trainer.model, batch)
        return sum(sizes.values())

    assert kept("on") < kept("off") / 2


def test_a_packed_row_is_not_learned_from_the_one_before_it(build):
    """Where everything is learned, too: the first token of a row has nothing to be predicted from."""
    trainer, _ = build(packing=True, max_length=256, train_on_prompt=True)
    packed = trainer.train_dataset[0]
    batch = trainer.data_collator([packed])
    trainer.model.requires_grad_(False)
    before = float(trainer.compute_loss(trainer.model, dict(batch)))
    # Other words in the first row change the loss of that row alone.
    first = packed["seq_lengths"][0]
    changed = {**packed, "input_ids": [5] * first + packed["input_ids"][first:]}
    changed["labels"] = [-100] * first + packed["labels"][first:]
    unchanged = {**packed, "labels": changed["labels"]}
    losses = [
        float(trainer.compute_loss(trainer.model, trainer.data_collator([each]))) for each in (changed, unchanged)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert losses[0] != pytest.approx(before, rel=1e-6)


def test_the_loss_of_an_epoch_is_the_same_however_rows_are_batched(build):
    """At a learning rate that changes nothing: mean over all trained tokens, whichever rows stood together."""
    means = []
    for chosen in (
        {"per_device_train_batch_size": 1},
        {"per_device_train_batch_size": 4},
        {"per_device_train_batch_size": 3, "group_by_length": True},
        {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2},
        {"per_device_train_batch_size": 2, "packing": True, "max_length": 128},
    ):
        trainer, prepared = build(max_steps=0, num_train_epochs=1, learning_rate=1e-12, **chosen)
        counts = []
        plain = trainer.compute_loss

        def counted(model, inputs, *args, plain=plain, counts=counts, **kwargs):
            if model.training:
                counts.append(int((inputs["labels"] != -100).sum()))
            return plain(model, inputs, *args, **kwargs)

        trainer.compute_loss = counted
        trainer.train()
        losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
        accumulated = chosen.get("gradient_accumulation_steps", 1)
        weights = [sum(counts[start : start + accumulated]) for start in range(0, len(counts), accumulated)]
        assert sum(weights) == sum(row.answer for row in prepared.train)
        assert trainer.tokens_seen == sum(len(row.ids) for row in prepared.train)
        means.append(sum(map(float.__mul__, losses, map(float, weights))) / sum(weights))
    assert means == pytest.approx([means[0]] * len(means), rel=1e-5)


def test_a_trainer_of_another_process_sees_the_same_batches(build):
    def seen(epoch):
        trainer, _ = build(group_by_length=True, seed=5)
        torch.manual_seed(epoch)
        loader = trainer.get_train_dataloader()
        loader.set_epoch(epoch)
        return [batch["input_ids"][0].tolist() for batch in loader]

    assert seen(1) == seen(1)
    assert seen(1) != seen(2)


@pytest.mark.parametrize("quantization", ["none", "nf4"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_adapters_are_in_float32_off_a_gpu(tiny_home, dtype, quantization):
    """The gradient scaler of float16 refuses bfloat16, in which TRL puts the adapters of a 4-bit base."""
    from peft import LoraConfig, get_peft_model

    from lib.models import loading
    from lib.training.trainer import kernels

    dtype = getattr(torch, dtype)
    model = get_peft_model(
        loading.load_base(find("tiny").path, quantization, dtype), LoraConfig(target_modules="all-linear")
    )
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    if quantization == "nf4":
        for weight in trained:
            weight.data = weight.data.to(torch.bfloat16)
    kernels.prepare_adapted(model, dtype)
    assert {weight.dtype for weight in trained} == {torch.float32}


def test_precision_and_checkpointing_are_what_the_settings_say(tiny_home, new_run, build):
    from lib.training.trainer import building

    with pytest.raises(BadInput, match="fp16 needs a GPU"):
        building.computed_in(TrainConfig(precision="fp16"))
    fast = {name for name, there in torch.cpu.get_capabilities().items() if there} & {"avx512_bf16", "amx_bf16"}
    assert building.computed_in(TrainConfig()) == (torch.bfloat16 if fast else torch.float32)
    assert building.computed_in(TrainConfig(precision="fp32")) == torch.float32
    assert building.computed_in(TrainConfig(precision="bf16")) == torch.bfloat16
    base, prepared = find("tiny").path, build()[1]
    found = [
        building.uses_checkpointing(TrainConfig(gradient_checkpointing=kind), base, prepared)
        for kind in ("on", "off", "auto")
    ]
    assert found == [True, False, False]


@pytest.mark.parametrize(
    "chosen",
    [
        {"precision": "bf16"},
        {"quantization": "nf4"},
        {"quantization": "nf4", "precision": "bf16"},
        {"use_dora": True},
        {"lora_dropout": 0.1},
        {"gradient_checkpointing": "on"},
        {"use_rslora": True, "init_lora_weights": "gaussian"},
    ],
    ids=lambda chosen: " ".join(map(str, chosen.values())),
)
def test_every_setting_trains(build, chosen):
    trainer, _ = build(max_steps=6, **chosen)
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    assert trainer.evaluate()["eval_loss"] < before - 0.05
