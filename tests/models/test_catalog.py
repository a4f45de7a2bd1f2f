"""Where a model's name leads, what is said of it, and which folders are refused. No torch, no network."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import models
from lib.errors import ModelError, NotFound
from lib.models.architectures import causal_types
from lib.models.weights import weight_files
from lib.settings import ROOT
from tests.models.hub_server import CARD, LLAMA, model_files, weights, write_folder


def write_model(folder: Path, config: str | None = None, content: bytes | None = None) -> Path:
    """A folder with weights of a hundred numbers, without a README."""
    files = model_files(README__md=None, model__safetensors=weights(100) if content is None else content)
    return write_folder(folder, files | ({"config.json": config.encode()} if config is not None else {}))


def test_names_folders_and_the_list(home, tmp_path):
    write_model(home / "models/beta")
    write_model(home / "models/starter")
    write_model(home / "models/.scratch")
    (home / "models/empty").mkdir()
    assert [model.name for model in models.list_models()] == ["starter", "beta"]
    found = models.find("beta")
    assert (found.architecture, found.path) == ("LlamaForCausalLM", home / "models/beta")
    elsewhere = write_model(tmp_path / "else where")
    assert models.find(str(elsewhere)).path == elsewhere


def test_what_is_said_of_a_model(home, tmp_path):
    model = models.find(str(write_model(tmp_path / "one")))
    assert (model.parameters, model.context_length, model.license, model.source) == (100, 2048, "", "folder")
    assert model.size == len(weights(100)) and model.chat_template and not model.problem
    write_folder(model.path, {"README.md": CARD, "tokenizer_config.json": b"{}"})
    again = models.find(str(model.path))
    assert (again.license, again.chat_template) == ("apache-2.0", False), "seen at once"
    nested = {"architectures": ["X"], "text_config": {"max_position_embeddings": 99}}
    assert models.find(str(write_model(tmp_path / "nested", json.dumps(nested)))).context_length == 99
    packed = json.dumps(LLAMA | {"quantization_config": {"quant_method": "bitsandbytes"}})
    quantized = models.find(str(write_model(tmp_path / "packed", packed)))
    assert (quantized.quantized, quantized.parameters) == ("bitsandbytes", None)
    write_model(home / "models/starter")
    assert (models.find("starter").license, models.find("starter").source) == ("apache-2.0", "starter")
    assert json.dumps(model.to_dict())


def test_a_card_whose_body_only_speaks_of_a_licence(tmp_path):
    folder = write_model(tmp_path / "one")
    write_folder(folder, {"README.md": b"---\nlanguage: en\n---\n\nlicense: ask us\n"})
    assert models.find(str(folder)).license == ""


def test_without_models_the_list_is_empty():
    assert models.list_models() == []


@pytest.mark.parametrize(
    ("name", "hint"), [("starter", "make setup"), ("nope", "Models here"), ("../x", "Models here"), ("a/b/c", "Hub id")]
)
def test_unknown_names(name, hint):
    with pytest.raises(NotFound) as caught:
        models.find(name)
    assert hint in caught.value.hint


def test_a_model_in_the_cache_of_the_hub_is_used_as_it_is(home, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(NotFound, match="not on this machine"):
        models.find("ada/small")
    repo = tmp_path / "cache/models--ada--small"
    folder = write_model(repo / "snapshots" / ("c" * 40))
    write_folder(repo / "refs", {"main": b"c" * 40})
    found = models.find("ada/small")
    assert (found.path, found.source) == (folder, "hub cache")
    assert models.find(f"ada/small@{'c' * 40}").path == folder
    (folder / "model.safetensors").write_bytes(weights(100)[:-1])
    with pytest.raises(NotFound, match="not on this machine"):
        models.find("ada/small")


def test_folders_that_are_no_models(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"no config\.json") as caught:
        models.find(str(tmp_path / "empty"))
    assert caught.value.hint
    for number, text in enumerate(["{", "[]", '"text"']):
        with pytest.raises(ModelError, match=r"config\.json"):
            models.find(str(write_model(tmp_path / f"bad{number}", config=text)))
    pickled = write_model(tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"no \.safetensors weights"):
        models.find(str(pickled))


WHOLE = weights(5_000)
BROKEN = {
    "empty": (b"", "cut off"),
    "seven bytes": (b"1234567", "cut off"),
    "header cut": (WHOLE[:30], "cut off"),
    "one byte short": (WHOLE[:-1], "of 5,0"),
    "too long": (WHOLE + b"x", "1 bytes too many"),
    "other file": (b"<html>not found</html>" * 40, "no safetensors file"),
    "odd header": (struct.pack("<Q", 2) + b"[]", "no safetensors file"),
    "no offsets": (struct.pack("<Q", 9) + b'{"a": {}}', "no safetensors file"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_weights_are_named(home, case):
    content, words = BROKEN[case]
    write_model(home / "models/broken", content=content)
    model = models.list_models()[0]
    assert "model.safetensors" in model.problem and words in model.problem
    with pytest.raises(ModelError, match="broken cannot be used") as caught:
        model.check()
    assert caught.value.hint


@given(st.binary(max_size=200))
def test_no_content_of_a_file_is_too_odd(tmp_path_factory, content):
    folder = write_model(tmp_path_factory.mktemp("odd") / "model", content=content)
    assert models.find(str(folder)).problem


def test_shards_that_are_missing_or_cut_off_are_named(tmp_path):
    names = [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    index = json.dumps({"weight_map": {str(n): name for n, name in enumerate(names)}}).encode()
    files = {name: weights(100, n) for n, name in enumerate(names)} | {"consolidated.safetensors": weights(300)}
    folder = write_folder(
        tmp_path / "m", model_files(model__safetensors=None, model__safetensors__index__json=index) | files
    )
    model = models.find(str(folder))
    assert not model.problem and model.parameters == 300, "the same weights in another form do not count"
    assert [file.name for file in weight_files(folder)] == names
    (folder / names[1]).write_bytes(files[names[1]][:-7])
    assert models.find(str(folder)).problem.startswith(f"{names[1]} is cut off")
    (folder / names[1]).unlink()
    assert models.find(str(folder)).problem == f"{names[1]} of its weights is missing."
    (folder / names[2]).unlink()
    assert models.find(str(folder)).problem == f"{names[1]} and 1 more of its weights are missing."
    (folder / names[1]).write_bytes(files[names[1]])
    (folder / names[2]).write_bytes(files[names[2]])
    assert not models.find(str(folder)).problem


def test_what_else_is_in_the_way_of_training(tmp_path):
    folder = write_model(tmp_path / "m", json.dumps(LLAMA | {"model_type": "odd", "auto_map": {"AutoConfig": "x.Y"}}))
    assert "code of its own" in models.find(str(folder)).problem
    other = write_model(tmp_path / "n")
    (other / "tokenizer.json").unlink()
    assert "tokenizer.json" in models.find(str(other)).problem


def test_the_kinds_that_transformers_can_load_are_read_as_it_has_them():
    code = (
        "import json; from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as names;"
        "print(json.dumps({key: str(value) for key, value in names.items()}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert dict(causal_types()) == json.loads(done.stdout.splitlines()[-1]) and "llama" in causal_types()


def test_the_fingerprint_follows_the_weights(home, tmp_path):
    one, same, other = (
        write_model(tmp_path / name, content=weights(50, seed)) for name, seed in (("a1", 1), ("a2", 1), ("b1", 2))
    )
    assert models.fingerprint(one) == models.fingerprint(same) != models.fingerprint(other)
    before = models.fingerprint(one)
    kept = list((home / "models/.fingerprints").iterdir())
    assert len(kept) == 3 and json.loads(kept[0].read_text())["sha256"]
    (one / "model.safetensors").write_bytes(weights(51))
    assert models.fingerprint(one) != before


def test_nothing_heavy_is_imported():
    code = (
        "import sys; import lib.models.download, lib.models.removal, lib.training.samples;"
        "assert not {'torch', 'transformers', 'peft', 'trl'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
