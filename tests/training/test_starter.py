"""The starter model itself, from the project's own home: minutes, not seconds."""

from __future__ import annotations

import json
import os

import pytest

from lib.data.imports.importer import import_source
from lib.settings import ROOT
from tests import tiny
from tests.helpers import studio, write_lines

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


@pytest.mark.timeout(900)
def test_the_starter_learns_and_compares(starter_home):
    settings = ["--set", "max_steps=12", "--set", "eval_rows=6", "--set", "max_length=128"]
    trained = studio("train", "sums", "--model", "starter", "--template", "chatml", *settings, "--json", timeout=600)
    assert trained.returncode == 0, trained.stderr
    summary = json.loads(trained.stdout)
    before, after = summary["eval_loss"]
    assert after < before / 2
    compared = studio("compare", summary["run"], "--limit", "4", "--metric", "perplexity", "--json", timeout=300)
    assert compared.returncode == 0, compared.stderr
    assert json.loads(compared.stdout)["rows"] == 4
