"""Shapes from headers alone: known models have their known numbers of parameters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib.errors import ModelError
from lib.training.plan.shape_files import read_shape
from tests.training.plan.folders import LLAMA2_7B, LLAMA3_8B, STARTER, llama_tensors, write_header, write_hollow

SEVEN = ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")


@pytest.mark.parametrize(
    ("config", "parameters", "adapters"),
    [(LLAMA2_7B, 6_738_415_616, 39_976_960), (LLAMA3_8B, 8_030_261_248, 41_943_040), (STARTER, 134_515_008, 4_884_480)],
    ids=["llama-2-7b", "llama-3-8b", "starter"],
)
def test_known_models_have_their_parameters(tmp_path, config, parameters, adapters):
    shape = read_shape(write_hollow(tmp_path / "model", config))
    assert shape.parameters == parameters
    assert shape.adapter_parameters(16, "all-linear") == adapters
    assert shape.module_names == SEVEN and shape.gated
    assert (shape.layers, shape.hidden, shape.vocab) == (
        config["num_hidden_layers"],
        config["hidden_size"],
        config["vocab_size"],
    )
    assert shape.tied == config["tie_word_embeddings"] and bool(shape.head) != shape.tied
    assert shape.dtype_bytes == 2 and shape.file_bytes == 2 * parameters


def test_the_tiny_model_is_as_torch_counts_it(tiny_folder):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_folder)
    shape = read_shape(tiny_folder)
    assert shape.parameters == model.num_parameters() and shape.dtype_bytes == 4
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    assert shape.adapter_parameters(4, "all-linear") == adapted.num_parameters(only_trainable=True)


def test_some_modules_and_dora(tmp_path):
    shape = read_shape(write_hollow(tmp_path / "model", LLAMA2_7B))
    assert shape.adapter_parameters(64, ["q_proj", "v_proj"]) == 64 * 2 * 4096 * 2 * 32
    assert shape.adapter_parameters(64, ["q_proj"], dora=True) == (64 * 2 * 4096 + 4096) * 32
    assert shape.missing(["q_proj", "c_attn"]) == ["c_attn"] and shape.missing("all-linear") == []


def test_gpt2_has_its_weights_the_other_way_round(tmp_path):
    tensors = {"transformer.wte.weight": (100, 8), "transformer.wpe.weight": (16, 8)}
    for layer in range(2):
        tensors |= {
            f"transformer.h.{layer}.attn.c_attn.weight": (8, 24),
            f"transformer.h.{layer}.attn.c_attn.bias": (24,),
            f"transformer.h.{layer}.mlp.c_proj.weight": (32, 8),
            f"transformer.h.{layer}.ln_1.weight": (8,),
        }
    config = {"model_type": "gpt2", "n_embd": 8, "n_layer": 2, "n_head": 2}
    shape = read_shape(write_hollow(tmp_path / "model", config, tensors))
    assert [(one.name, one.d_in, one.d_out, one.count) for one in shape.linears] == [
        ("c_attn", 8, 24, 2),
        ("c_proj", 32, 8, 2),
    ]
    assert shape.tied and not shape.gated and shape.embeddings == 8 * 116 and shape.other == 2 * (24 + 8)


def test_shards_and_other_files_beside_them(tmp_path):
    folder = write_hollow(tmp_path / "model", LLAMA3_8B)
    (folder / "model.safetensors").unlink()
    names = list(llama_tensors(LLAMA3_8B).items())
    for number, part in enumerate((names[:100], names[100:]), start=1):
        write_header(folder / f"model-0000{number}-of-00002.safetensors", dict(part))
    write_header(folder / "consolidated.safetensors", dict(names))  # the publisher's own form
    weights = {
        name: f"model-0000{1 if number < 100 else 2}-of-00002.safetensors" for number, (name, _) in enumerate(names)
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    assert read_shape(folder).parameters == 8_030_261_248


def test_quantised_files_have_the_shapes_of_the_configuration(tmp_path):
    config = {**STARTER, "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
    plain = llama_tensors(STARTER)
    folder = write_hollow(
        tmp_path / "model", config, {name: shape for name, shape in plain.items() if "proj" not in name}
    )
    packed = {name: (shape[0] * shape[1] // 2, 1) for name, shape in plain.items() if "proj" in name}
    write_header(folder / "model-00002.safetensors", packed, "U8")
    (folder / "model.safetensors").rename(folder / "model-00001.safetensors")
    shape = read_shape(folder)
    assert shape.quantized == "bitsandbytes" and shape.parameters == 134_515_008 and shape.module_names == SEVEN


@pytest.mark.parametrize("damage", ["header", "config", "nothing"])
def test_damaged_files_are_named(tmp_path: Path, damage):
    folder = write_hollow(tmp_path / "model", STARTER)
    if damage == "header":
        (folder / "model.safetensors").write_bytes(b"\xff" * 40)
    elif damage == "config":
        (folder / "config.json").write_text("{")
    else:
        (folder / "config.json").unlink()
    with pytest.raises(ModelError) as caught:
        read_shape(folder)
    assert ("model.safetensors" if damage == "header" else "config.json") in caught.value.message and caught.value.hint
