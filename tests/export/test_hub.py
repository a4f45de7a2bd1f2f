"""Pushing to the Hub with the real client, to a server on this machine; errors say what to do."""

from __future__ import annotations

import os
import time

import pytest

from lib.errors import BadInput, StudioError
from lib.export.dataset import export_folder
from lib.export.hub import push_to_hub
from lib.export.options import ExportOptions
from tests.export.files import dataset
from tests.export.hub_server import FakeHub, running


@pytest.fixture
def folder(tmp_path):
    rows = [{"instruction": f"question {n} ü", "input": "", "output": f"answer {n}"} for n in range(40)]
    info = dataset(tmp_path, rows, test_fraction=0.25)
    export_folder(info, ExportOptions(template="llama2"), tmp_path / "folder", ".parquet")
    return tmp_path / "folder"


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("lfs", [False, True])
def test_the_files_arrive_whole(online, folder, lfs):
    with running(FakeHub(lfs=lfs)) as hub:
        url = push_to_hub(folder, "ada/terms", token="hf_secret", endpoint=hub.url)
        assert url == f"{hub.url}/datasets/ada/terms"
    assert hub.files == contents(folder) and len(hub.files) == 3
    assert hub.repos["ada/terms"]["type"] == "dataset" and hub.repos["ada/terms"]["visibility"] == "private"
    assert "Bearer hf_secret" in hub.tokens
    assert sum("/commit/" in path for path in hub.asked) == 1, "all files in one commit"


def test_token_and_address_of_the_environment(online, folder, monkeypatch):
    with running(FakeHub()) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", "hf_env")
        push_to_hub(folder, "ada/terms", private=False)
    assert hub.files == contents(folder) and "Bearer hf_env" in hub.tokens
    assert hub.repos["ada/terms"]["visibility"] == "public"


def test_nothing_private_goes_into_a_public_dataset(online, folder):
    with running(FakeHub(public=True)) as hub:
        with pytest.raises(BadInput, match="everybody can read it"):
            push_to_hub(folder, "ada/terms", token="hf_x", endpoint=hub.url)
        assert not hub.files
        push_to_hub(folder, "ada/terms", private=False, token="hf_x", endpoint=hub.url)
    assert hub.files == contents(folder)


@pytest.mark.parametrize(
    "repo_id", ["terms", "a/b/c", "ada/..", "ada/x--y", "/x", "ada/", "../x", "a b/c", "ada/x.git"]
)
def test_ids_that_cannot_be(folder, repo_id):
    with pytest.raises(BadInput, match="not the id of a dataset") as caught:
        push_to_hub(folder, repo_id, token="hf_x")
    assert "owner/name" in caught.value.hint


FAULTS = {
    "401": ({"/repos/create": 401}, "does not accept the token", "hf auth login"),
    "403": ({"/repos/create": 403}, "no right to write for ada", "under your own name"),
    "403 commit": ({"/commit/": 403}, "no right to write for ada", "under your own name"),
    "yaml": ({"/validate-yaml": 400}, "It says no", ""),
    "refused": ({"/commit/": 413}, "answered 413", ""),
    "down": ({"/repos/create": 500}, "answered 500", ""),
    "dies at the start": ({"/repos/create": 0}, "cannot be reached, or did not answer to the end", "push again"),
    "dies half way": ({"/blob/": 0}, "cannot be reached, or did not answer to the end", "push again"),
    "dies at the commit": ({"/commit/": 0}, "cannot be reached, or did not answer to the end", "push again"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told_with_what_to_do(online, folder, fault, monkeypatch):
    fail, message, hint = FAULTS[fault]
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # the client tries again for half a minute
    with running(FakeHub(lfs=True, fail=fail)) as hub, pytest.raises(StudioError, match=message) as caught:
        push_to_hub(folder, "ada/terms", token="hf_secret", endpoint=hub.url)
    assert caught.value.message.startswith("ada/terms cannot be written") and hint in caught.value.hint
    assert caught.value.hint and "hf_secret" not in str(caught.value)
    assert hub.files == {}


def test_no_token_no_network(online, folder, monkeypatch):
    with pytest.raises(StudioError, match="there is no token") as caught:
        push_to_hub(folder, "ada/terms")
    assert "hf auth login" in caught.value.hint
    with pytest.raises(StudioError, match="cannot be reached"):
        push_to_hub(folder, "ada/terms", token="hf_x", endpoint="http://127.0.0.1:9")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(StudioError, match="HF_HUB_OFFLINE is set"):
        push_to_hub(folder, "ada/terms", token="hf_x", endpoint="http://127.0.0.1:9")
    assert "HF_ENDPOINT" not in os.environ
