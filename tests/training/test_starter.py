"""The starter model itself, from the project's own home: minutes, not seconds."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from lib.data.imports.importer import import_source
from lib.settings import ROOT
from tests import tiny
from tests.helpers import THOROUGH, studio, write_lines

STARTER = ROOT / "data" / "models" / "starter"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (STARTER / "config.json").exists(), reason=f"the starter model is not at {STARTER}: run `make setup`"
    ),
]


@pytest.fixture
def starter_home(home, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", str(os.cpu_count()))
    (home / "models").mkdir(parents=True)
    (home / "models" / "starter").symlink_to(STARTER)
    import_source(str(write_lines(tmp_path / "rows.jsonl", tiny.ROWS)), "sums")
    return home


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("quantization", ["none", *(["nf4"] if THOROUGH > 1 else [])])
def test_the_starter_learns_and_says_the_same_once_merged(starter_home, tmp_path, quantization):
    """Comparing it is in the browser's walk; NF4, from plan to package, in tests/packaging with a tiny model."""
    settings = ["--set", "max_steps=12", "--set", "eval_rows=6", "--set", "max_length=128"]
    kind = f"quantization={quantization}"
    summary = told("train", "sums", "--model", "starter", "--template", "chatml", *settings, "--set", kind)
    before, after = summary["eval_loss"]
    assert after < before / 2
    run, out = summary["run"], tmp_path / "merged"
    parity = told("package", run, "--as", "merged", "--out", str(out))["parity"]
    assert parity["same"] == parity["prompts"] == 16 and parity["kl"] < 1e-5
    assert (out / "manifest.json").exists() and parity["sentence"] in (out / "README.md").read_text()


def told(*command: str) -> dict[str, Any]:
    """What a command that succeeds says with --json."""
    done = studio(*command, "--json", timeout=600)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))
