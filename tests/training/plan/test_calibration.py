"""Estimates against measured peaks: every one within 15 % (of what has to be free while a base is read, 25 %).

Of one H100 (80 GB): a Llama-2-7B shape with random weights, peaks as torch counts them in GiB. Of a CPU: the starter,
peaks of the whole process in MiB, with half of the tokens learned; and a larger model while it is read, in GiB.
"""

from __future__ import annotations

from typing import Any

import pytest

from lib.devices import Device
from lib.training.config import TrainConfig
from lib.training.plan.batches import Batch
from lib.training.plan.estimate import Precision, estimate
from lib.training.plan.kernels import Kernels
from lib.training.plan.shape_files import read_shape
from tests.training.plan.folders import LLAMA2_7B, STARTER, write_hollow

GPU = Device("cuda", 0, "NVIDIA H100 80GB HBM3", 80 << 30, 79 << 30, bf16=True, capability=9.0)
CPU = Device("cpu", 0, "AMD EPYC", 24 << 30, 20 << 30, bf16=True, cores=2)
NF4, INT8 = {"quantization": "nf4"}, {"quantization": "int8"}
OLD = {**NF4, "r": 64, "target_modules": "q_proj,v_proj", "lora_dropout": 0.1}
# What other trainers keep: peft's own adapters, with Liger's kernels or without, and no logits at all.
PLAIN, LIGER, FUSED = Kernels(2, False, False, logits=1), Kernels(2, True, False, logits=1), Kernels(2, True, logits=1)
FLOAT, FLOAT_PLAIN = Kernels(4, True, False, logits=1), Kernels(4, False, False, logits=1)


@pytest.mark.parametrize(
    ("measured", "settings", "rows", "checkpointing", "precision", "kernels"),
    [
        (6.04, NF4, 4, True, "bf16", PLAIN),
        (5.86, NF4, 4, True, "bf16", LIGER),
        (20.7, NF4, 4, False, "bf16", LIGER),
        (36.9, NF4, 8, False, "bf16", LIGER),
        (33.6, {}, 4, False, "bf16", FLOAT),
        (6.22, OLD, 4, True, "fp16", FLOAT_PLAIN),
        (4.379, NF4, 1, True, "bf16", FUSED),
        (5.569, NF4, 4, True, "bf16", FUSED),
        (20.203, NF4, 4, False, "bf16", FUSED),
        (36.425, NF4, 8, False, "bf16", FUSED),
        (68.885, NF4, 16, False, "bf16", FUSED),
        (13.560, {}, 1, True, "bf16", FLOAT),
        (15.038, {}, 4, True, "bf16", FLOAT),
        (33.619, {}, 4, False, "bf16", FLOAT),
        (9.654, INT8, 1, True, "bf16", LIGER),
        (17.235, INT8, 4, True, "bf16", LIGER),
        (26.034, INT8, 4, False, "bf16", LIGER),
    ],
)
def test_an_h100(
    tmp_path, measured: float, settings: dict[str, Any], rows: int, checkpointing, precision: Precision, kernels
):
    shape = read_shape(write_hollow(tmp_path / "model", LLAMA2_7B))
    config = TrainConfig.from_settings({**settings, "per_device_train_batch_size": rows, "max_length": 1024})
    batch = Batch(rows, rows * 1024, 0, 1024)
    found = estimate(shape, config, GPU, batch, precision, checkpointing=checkpointing, kernels=kernels)
    assert found.peak / 2**30 == pytest.approx(measured, rel=0.15)
    assert found.needed > found.peak and found.fits


@pytest.mark.parametrize(
    ("measured", "settings", "rows", "length", "precision"),
    [
        (1362, {}, 1, 64, "bf16"),
        (1397, {}, 4, 128, "bf16"),
        (1812, {}, 4, 256, "bf16"),
        (1362, {"gradient_checkpointing": "on"}, 4, 256, "bf16"),
        (2513, {}, 4, 512, "bf16"),
        (1334, NF4, 1, 64, "bf16"),
        (1705, NF4, 4, 256, "bf16"),
        (1339, {}, 1, 64, "fp32"),
        (2029, {}, 4, 128, "fp32"),
        (2735, {}, 4, 256, "fp32"),
        (4429, {}, 4, 512, "fp32"),
        (1416, NF4, 1, 64, "fp32"),
        (2844, NF4, 4, 256, "fp32"),
        (1742, INT8, 2, 128, "fp32"),
        (4390, {"target_modules": "q_proj,v_proj", "lora_dropout": 0.1}, 8, 256, "fp32"),
    ],
)
def test_a_cpu(tmp_path, measured: float, settings: dict[str, Any], rows: int, length: int, precision: Precision):
    shape = read_shape(write_hollow(tmp_path / "model", STARTER, dtype="F32"))
    config = TrainConfig.from_settings({**settings, "per_device_train_batch_size": rows, "max_length": length})
    batch = Batch(rows, rows * length, rows * length // 2, length)
    twice = config.gradient_checkpointing == "on"
    found = estimate(shape, config, CPU, batch, precision, checkpointing=twice)
    assert found.peak / 2**20 == pytest.approx(measured, rel=0.15)


@pytest.mark.parametrize(
    ("reading", "needed", "settings"),
    [(6.52, 4.37, {}), (3.75, 1.61, NF4), (4.40, 2.27, INT8)],
    ids=["as it is", "4 bits", "8 bits"],
)
def test_a_cpu_while_the_base_is_read(tmp_path, reading: float, needed: float, settings: dict[str, Any]):
    """A Llama shape of 1.1 billion parameters stored in 16 bits, computed in 32; GiB of the process, and without what
    is mapped. A batch of one word: the steps need less."""
    config = {**STARTER, "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22, "vocab_size": 32000}
    config |= {"num_attention_heads": 32, "num_key_value_heads": 4, "tie_word_embeddings": False}
    shape = read_shape(write_hollow(tmp_path / "model", config))
    asked = TrainConfig.from_settings({**settings, "r": 1, "target_modules": "q_proj"})
    found = estimate(shape, asked, CPU, Batch(1, 1, 1, 1), "fp32", checkpointing=False)
    assert found.peak / 2**30 == pytest.approx(reading, rel=0.15)
    assert found.needed / 2**30 == pytest.approx(needed, rel=0.25)


def test_a_measured_peak_of_reading_says_nothing_of_the_steps(tmp_path):
    """Pages of the files may have been taken back while it was measured: what the steps need stays the least."""
    shape = read_shape(write_hollow(tmp_path / "model", LLAMA2_7B))
    config = TrainConfig(per_device_train_batch_size=1)
    found = estimate(shape, config, CPU, Batch(1, 85, 50, 85), "fp32", checkpointing=False)
    assert found.of_reading and found.mapped == shape.file_bytes
    for peak in (found.peak, found.peak // 2):
        assert found.with_measurement(peak, "a dry run").needed >= found.needed
    steps = estimate(shape, config, CPU, Batch(8, 8000, 50, 1000), "fp32", checkpointing=False)
    assert not steps.of_reading and steps.with_measurement(100, "a dry run").needed == 100


def test_files_that_are_used_as_they_are_mapped_are_counted_once(tmp_path):
    shape = read_shape(write_hollow(tmp_path / "model", LLAMA2_7B))
    for settings in ({}, NF4):
        config = TrainConfig.from_settings({**settings, "per_device_train_batch_size": 1})
        found = estimate(shape, config, CPU, Batch(1, 85, 50, 85), "bf16", checkpointing=False)
        assert not found.of_reading and found.peak < 1.25 * shape.file_bytes + (4 << 30)
