"""The commands `package` and `adopt`, as people script them."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from lib.errors import StudioError
from studio.commands import package as commands

pytest.importorskip("torch")


@pytest.fixture
def call(monkeypatch, jobs_here):
    """Run a command here; jobs run while it follows them."""
    app = typer.Typer(pretty_exceptions_enable=False)
    commands.register(app)

    def invoke(*arguments: str):
        done = CliRunner().invoke(app, list(arguments))
        if isinstance(done.exception, StudioError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    return invoke


def test_package_and_adopt(finished, call, tmp_path):
    view, out = finished(template="chatml"), tmp_path / "out"
    document = json.loads(call("package", view.id, "--as", "merged", "--out", str(out), "--json"))
    assert {"run", "kind", "out", "bytes", "parity", "commands", "notes", "files", "pushed"} <= set(document)
    assert document["out"] == str(out) and document["parity"]["same"] == document["parity"]["prompts"]
    text = call("package", view.id, "--as", "adapter", "--out", str(tmp_path / "adapter"))
    assert "vllm serve tiny --enable-lora" in text and "note: The chat template gives" in text
    with pytest.raises(StudioError, match="is not empty"):
        call("package", view.id, "--out", str(out))
    taken = json.loads(call("adopt", str(tmp_path / "adapter"), "--name", "again", "--model", "tiny", "--json"))
    assert (taken["run"], taken["status"], taken["template"]) == ("again", "finished", "chatml")
    assert json.loads(call("package", "again", "--as", "merged", "--json"))["parity"]["kl"] < 1e-5


def test_a_broken_merge_ends_with_what_happened(finished, call, monkeypatch, tmp_path):
    from lib.packaging import merging

    view, merge = finished(quantization="nf4"), merging.merge
    monkeypatch.setattr(merging, "merge", lambda base, held, *rest: merge(base, "none", *rest))
    with pytest.raises(StudioError, match="does not say what the adapter says"):
        call("package", view.id, "--as", "merged", "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
