"""models: the list, a look, getting one and deleting it, as commands."""

from __future__ import annotations

import json
import os

import pytest

from tests.helpers import studio
from tests.models.hub_server import Hub, Repo, model_files, running, write_folder


@pytest.fixture
def hub(home, monkeypatch):
    with running(Hub({"ada/small": Repo(), "ada/gated": Repo(gated="auto")})) as server:
        for name, value in {"HF_ENDPOINT": server.url, "HF_HUB_OFFLINE": "", "HF_HOME": str(home / "hf")}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server


def run(*arguments, status=0):
    done = studio("models", *arguments, env=dict(os.environ))
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_from_a_look_to_the_end(hub, home):
    assert "LlamaForCausalLM" in run("look", "ada/small").stdout
    assert json.loads(run("look", "ada/small", "--json").stdout)["license"] == "apache-2.0"
    got = json.loads(run("get", "ada/small", "--json").stdout)
    assert got["name"] == "ada/small" and (home / "models").samefile(os.path.dirname(got["path"]))  # noqa: PTH120
    listed = json.loads(run("--json").stdout)
    assert [model["name"] for model in listed["models"]] == ["ada/small"] and listed["unfinished"] == []
    assert "ada/small" in run().stdout
    refused = run("delete", "ada/small", status=1)
    assert "--yes" in refused.stderr and "Nothing was deleted" in refused.stderr
    run("delete", "ada/small", "--yes")
    assert json.loads(run("--json").stdout)["models"] == []


def test_refusals_say_what_to_do(hub):
    for name, words in (("ada/gated", "hf auth login"), ("ada/none", "spelling"), ("none", "owner/name")):
        done = run("get", name, "--json", status=1)
        assert words in done.stderr and words in json.loads(done.stdout)["hint"]


def test_broken_ones_are_listed_with_what_is_wrong(home):
    write_folder(home / "models/cut", model_files(model__safetensors=b"x"))
    assert "cut: model.safetensors is cut off" in run().stdout
