"""Where a model's name leads, and which folders are refused. No torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib import models
from lib.errors import ModelError, NotFound


def write_model(folder: Path, config: str = '{"architectures": ["LlamaForCausalLM"]}', weights: bytes = b"x") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(config)
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def test_names_folders_and_the_list(home, tmp_path):
    write_model(home / "models/beta")
    write_model(home / "models/starter")
    write_model(home / "models/.scratch")
    (home / "models/empty").mkdir()
    assert [model.name for model in models.list_models()] == ["starter", "beta"]
    found = models.find("beta")
    assert (found.architecture, found.size, found.path) == ("LlamaForCausalLM", 1, home / "models/beta")
    elsewhere = write_model(tmp_path / "else where")
    assert models.find(str(elsewhere)).path == elsewhere


def test_without_models_the_list_is_empty():
    assert models.list_models() == []


@pytest.mark.parametrize(
    ("name", "hint"), [("starter", "make setup"), ("nope", "Models here"), ("../x", "Models here")]
)
def test_unknown_names(name, hint):
    with pytest.raises(NotFound) as caught:
        models.find(name)
    assert hint in caught.value.hint


@pytest.mark.parametrize("download", [False, True])
def test_a_hub_id_that_cannot_be_had(download, home, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(home / "cache"))
    with pytest.raises(NotFound, match="could not be had from the Hub"):
        models.find("no-such-owner/no-such-model", download=download)


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


def test_the_fingerprint_follows_the_weights(home, tmp_path):
    one, same, other = (write_model(tmp_path / name, weights=name[:1].encode()) for name in ("a1", "a2", "b1"))
    assert models.fingerprint(one) == models.fingerprint(same) != models.fingerprint(other)
    before = models.fingerprint(one)
    kept = list((home / "models/.fingerprints").iterdir())
    assert len(kept) == 3 and json.loads(kept[0].read_text())["sha256"]
    (one / "model.safetensors").write_bytes(b"changed")
    assert models.fingerprint(one) != before
