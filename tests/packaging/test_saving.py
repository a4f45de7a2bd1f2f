"""The manifest of a run names all that it takes to repeat it."""

from __future__ import annotations

import subprocess

import pytest

from lib.data import datasets
from lib.formats import saved
from lib.models import find, fingerprint
from lib.settings import ROOT
from lib.training import runs
from lib.versions import git_state

pytest.importorskip("torch")

SOURCE = (
    "{% for m in messages %}{{ m.role }}> {{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant> {% endif %}"
)


def test_the_manifest_names_what_the_run_was_made_with(finished):
    saved.save("mine", SOURCE, "ann")
    view = finished(template="mine")
    manifest = runs.get(view.id).summary
    assert manifest["data"] == view.data_ref and manifest["data_hash"] == datasets.get(view.data_ref).hash
    assert (manifest["template"], manifest["template_source"]) == ("mine@1", SOURCE)
    assert manifest["base_sha256"] == fingerprint(find("tiny").path)
    assert {"python", "torch", "transformers", "trl", "peft", "bitsandbytes", "tokenizers"} <= set(manifest["versions"])
    assert manifest["command"].startswith(
        f"python -m studio train {view.data_ref} --model tiny --template mine@1 --set"
    )


def test_git_state(tmp_path, monkeypatch):
    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)

    assert git_state(tmp_path) == {}
    git("init")
    assert git_state(tmp_path) == {}, "no commit yet"
    (tmp_path / "file").write_text("1")
    git("add", ".")
    git("commit", "-m", "first")
    clean = git_state(tmp_path)
    assert len(clean["commit"]) == 40 and clean["dirty"] is False
    (tmp_path / "file").write_text("2")
    assert git_state(tmp_path) == {**clean, "dirty": True}
    (tmp_path / "inside").mkdir()
    assert git_state(tmp_path / "inside") == {}, "a studio unpacked inside somebody else's checkout"
    monkeypatch.setenv("PATH", "")
    assert git_state(ROOT) == {}


def test_an_adapter_takes_the_place_of_an_earlier_one(finished):
    """As when a run goes on after it had ended."""
    from lib.training import trainer
    from tests.helpers import FakeJob

    view = finished()
    first = (view.folder / "adapter" / "adapter_model.safetensors").stat().st_mtime_ns
    trainer.run_job({"run": view.id}, FakeJob())
    assert (view.folder / "adapter" / "adapter_model.safetensors").stat().st_mtime_ns > first
    assert not list(view.folder.glob(".adapter*"))
