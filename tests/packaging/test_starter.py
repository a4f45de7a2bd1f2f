"""The starter model itself, trained in 4 bits on the CPU, merged and compared: minutes, not seconds."""

from __future__ import annotations

import json

import pytest

from tests.helpers import studio
from tests.training.test_starter import pytestmark, starter_home  # noqa: F401 - a mark and a fixture

PACKAGED = 600  # seconds


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_the_starter_is_merged_and_says_the_same(starter_home, tmp_path, quantization):  # noqa: F811
    settings = ["--set", "max_steps=8", "--set", "eval_rows=6", "--set", "max_length=128"]
    trained = studio(
        "train", "sums", "--model", "starter", "--template", "chatml", *settings, "--set",
        f"quantization={quantization}", "--json", timeout=PACKAGED,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    run, out = json.loads(trained.stdout)["run"], tmp_path / "merged"
    done = studio("package", run, "--as", "merged", "--out", str(out), "--json", timeout=PACKAGED)
    assert done.returncode == 0, done.stderr
    parity = json.loads(done.stdout)["parity"]
    assert parity["same"] == parity["prompts"] and parity["kl"] < 1e-5
    assert (out / "manifest.json").exists() and parity["sentence"] in (out / "README.md").read_text()
