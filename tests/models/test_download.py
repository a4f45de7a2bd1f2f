"""Models fetched from a Hub on this machine: whole or not at all, and never the same bytes twice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal

import psutil
import pytest

from lib import models
from lib.errors import ModelError, NotFound, StorageError, StudioError
from lib.jobs import queue, worker
from lib.models import download as downloads
from lib.models import fetching
from lib.models.download import download, unfinished
from lib.models.job import newest_job, submit
from lib.models.removal import delete_model
from lib.system.document import document
from tests.helpers import FakeJob, wait_until
from tests.models.hub_server import COMMIT, Hub, Repo, model_files, running, weights

BIG = 3_000_000


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(fetching, "WAIT_SECONDS", (0.01,))


@pytest.fixture
def small(hub):
    hub.repos["ada/small"] = Repo()
    return hub.repos["ada/small"]


@pytest.fixture
def large(hub):
    """Two shards of 3 MB."""
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = json.dumps({"weight_map": dict(zip("ab", names, strict=True))}).encode()
    files = model_files(model__safetensors=None, model__safetensors__index__json=index)
    files |= {name: weights(BIG, number) for number, name in enumerate(names)}
    hub.repos["ada/large"] = Repo(files)
    return hub.repos["ada/large"]


def sent(hub, names) -> int:
    return sum(hub.sent.get(name, 0) for name in names)


def contents(folder) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "manifest.json"}


def wanted(repo) -> dict[str, bytes]:
    return {name: content for name, content in repo.files.items() if name != ".gitattributes"}


def test_a_model_arrives_as_a_plain_folder(hub, small, home):
    job = FakeJob()
    model = download("ada/small", job)
    assert model.path.parent == home / "models" and contents(model.path) == wanted(small)
    manifest = json.loads((model.path / "manifest.json").read_text())
    assert (manifest["repo"], manifest["commit"], manifest["license"]) == ("ada/small", COMMIT, "apache-2.0")
    for file in manifest["files"]:
        content = small.files[file["name"]]
        assert file["size"] == len(content) and file["sha256"] == hashlib.sha256(content).hexdigest()
    assert job.said[0]["text"].startswith("looking at")
    last = job.said[-1]
    assert last["done"] == last["total"] == sum(map(len, wanted(small).values())) and last["unit"] == "bytes"
    assert "fetching ada/small: " in last["text"] and " of " in last["text"]
    assert [path.name for path in (home / "models").glob(".fetch*")] == []


def test_it_is_found_by_its_id_and_needs_no_network(hub, small, home, monkeypatch):
    model = download("ada/small", FakeJob())
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    asked = len(hub.asked)
    for name in ("ada/small", f"ada/small@{COMMIT}", f"ada/small@{COMMIT[:8]}", model.path.name):
        assert models.find(name).path == model.path
    found = models.list_models()[0]
    assert (found.name, found.source, found.license, found.context_length) == (
        "ada/small",
        "hub",
        "apache-2.0",
        2048,
    )
    assert found.chat_template and found.parameters == 50_000 and found.check()
    assert downloads.fetch("ada/small", FakeJob()).path == model.path
    fresh = hashlib.sha256(hashlib.sha256(small.files["model.safetensors"]).digest()).hexdigest()
    assert models.fingerprint(model.path) == fresh
    assert len(hub.asked) == asked
    with pytest.raises(NotFound, match="not on this machine") as caught:
        models.find("ada/other")
    assert "models get ada/other" in caught.value.hint


def test_a_second_download_fetches_nothing_and_a_new_commit_comes_beside_it(hub, small):
    first = download("ada/small", FakeJob())
    before = dict(hub.sent)
    assert download("ada/small", FakeJob()).path == first.path
    assert hub.sent["model.safetensors"] == before["model.safetensors"]
    small.commit, small.files = "b" * 40, model_files(model__safetensors=weights(40_000, 5))
    second = download("ada/small", FakeJob())
    assert second.path != first.path and models.find("ada/small").path == second.path
    assert [model.name for model in models.list_models()] == ["ada/small", f"ada/small@{COMMIT[:12]}"]
    assert models.find(f"ada/small@{COMMIT[:12]}").path == first.path, "runs on it can go on"


def test_a_revision_lies_beside_main(hub, small):
    small.revisions["v1"] = "d" * 40
    download("ada/small", FakeJob())
    old = download("ada/small@v1", FakeJob())
    assert models.find("ada/small@v1").path == old.path != models.find("ada/small").path
    assert {model.name for model in models.list_models()} == {"ada/small", "ada/small@v1"}


def test_a_renamed_model_is_found_by_both_names(hub, small):
    hub.repos["ada/old"] = Repo(renamed="ada/small")
    model = download("ada/old", FakeJob())
    assert models.find("ada/old").path == models.find("ada/small").path == model.path


def test_a_cut_connection_goes_on_where_it_was(hub, large):
    hub.cut_after = 1_000_000
    model = download("ada/large", FakeJob())
    assert contents(model.path) == wanted(large)
    for name in large.files:
        if name.endswith("safetensors"):
            again = [range_ for _, path, range_ in hub.asked if path.endswith(name) and range_]
            assert len(again) == 1 and int(again[0][6:-1]) > 0
            assert hub.sent[name] < BIG + 300_000


def test_a_server_that_knows_no_ranges_sends_all_of_it(hub, large):
    hub.cut_after, hub.ranges = 1_000_000, False
    assert contents(download("ada/large", FakeJob()).path) == wanted(large)


def test_stopped_and_started_again(hub, large, home):
    hub.pause = 0.001
    job = FakeJob(stop_when=lambda job: any(said["done"] > BIG // 2 for said in job.said))
    with pytest.raises(StudioError, match="stopped") as caught:
        download("ada/large", job)
    assert "kept" in caught.value.hint
    assert models.list_models() == []
    (partial,) = unfinished()
    assert (partial.id, partial.commit) == ("ada/large", COMMIT) and BIG // 3 < partial.done < partial.total
    assert document()["unfinished"] == [partial.to_dict()]
    before, hub.pause = sum(hub.sent.values()), 0
    job = FakeJob()
    assert contents(download("ada/large", job).path) == wanted(large)
    first = next(said for said in job.said if said.get("unit"))
    assert first["done"] == partial.done and first["rate"] == 0
    assert sum(hub.sent.values()) - before < partial.total - partial.done + 600_000
    assert unfinished() == []


def test_killed_half_way_it_goes_on(hub, large, home, no_process_left, monkeypatch):
    """kill -9 of the job's process, twice; then a worker takes it up again and nothing is fetched a second time."""
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_HUB_CACHE", str(home / "cache"))
    hub.pause = 0.05
    shards = [name for name in large.files if name.endswith("safetensors")]
    for part in (0.25, 0.5):
        job_id = submit("ada/large", "tester")
        assert submit("ada/large", "tester") == job_id
        worker.ensure()
        wait_until(lambda part=part: sent(hub, shards) > part * 2 * BIG, "bytes on their way")
        pid = wait_until(lambda number=job_id: queue.process_of(number)[0], "a process")
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
        wait_until(lambda number=job_id: queue.get(number).status == "interrupted", "an end")
        assert models.list_models() == [] and unfinished()[0].done > 0
    hub.pause = 0
    job_id = submit("ada/large", "tester")
    worker.ensure()
    job = wait_until(lambda: None if queue.get(job_id).live else queue.get(job_id), "the end")
    assert job.status == "finished", job.error
    assert newest_job("ada/large").id == job_id
    assert contents(models.find("ada/large").path) == wanted(large)
    # What was under way in the server's and the kernel's buffers when the process died.
    assert sent(hub, shards) < sum(len(large.files[name]) for name in shards) * 1.5
    starts = [int(range_[6:-1]) for _, path, range_ in hub.asked if path.endswith("safetensors") and range_]
    assert len(starts) >= 2 and max(starts) > BIG // 3


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer_config.json"], ids=["sha256", "git"])
def test_a_spoilt_file_is_named_and_comes_anew(hub, small, name):
    hub.spoil = {name}
    with pytest.raises(StorageError, match=f"{name} did not arrive") as caught:
        download("ada/small", FakeJob())
    assert "again" in caught.value.hint and models.list_models() == []
    hub.spoil = set()
    assert contents(download("ada/small", FakeJob()).path) == wanted(small)


def test_gated_models_need_a_token_that_only_the_hub_sees(hub, monkeypatch):
    with running(Hub()) as elsewhere:
        hub.repos["ada/gated"] = elsewhere.repos["ada/gated"] = Repo(gated="manual")
        hub.cdn = elsewhere.url.replace("127.0.0.1", "localhost")
        with pytest.raises(ModelError, match="gated") as caught:
            download("ada/gated", FakeJob())
        assert f"{hub.url}/ada/gated" in caught.value.hint
        assert not hub.sent.get("model.safetensors") and unfinished() == []
        monkeypatch.setenv("HF_TOKEN", hub.token)
        download("ada/gated", FakeJob())
        assert ("/ada/gated/resolve/" + COMMIT + "/model.safetensors", f"Bearer {hub.token}") in hub.tokens
        assert [token for path, token in elsewhere.tokens] == [None], "the token stays at the Hub"


def test_access_that_ends_half_way(hub, small):
    job = FakeJob()
    hub.repos["ada/small"].files.pop("README.md")
    about = hub.about("ada/small", Repo(), COMMIT)
    hub.about = lambda *_: about
    with pytest.raises(StudioError, match="answered 404"):
        download("ada/small", job)


def test_no_room(hub, small, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(downloads, "SPARE", 2 * usage.free)  # others write and delete meanwhile
    with pytest.raises(StorageError, match="ada/small needs") as caught:
        download("ada/small", FakeJob())
    assert "B more" in caught.value.message and "STUDIO_HOME" in caught.value.hint


def test_a_full_disk(hub, small, small_disk, monkeypatch):
    monkeypatch.setenv("STUDIO_HOME", str(small_disk))
    monkeypatch.setattr(downloads, "SPARE", -10_000_000)
    small.files["model.safetensors"] = weights(2_000_000)
    with pytest.raises(StorageError, match="is full"):
        download("ada/small", FakeJob())
    assert models.list_models() == []


def test_two_at_once_fetch_it_once(hub, large, home):
    import threading

    hub.pause = 0.005
    said, found = [FakeJob(), FakeJob()], []
    threads = [threading.Thread(target=lambda job=job: found.append(download("ada/large", job).path)) for job in said]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found[0] == found[1]
    shards = [name for name in large.files if name.endswith("safetensors")]
    assert sent(hub, shards) == sum(len(large.files[name]) for name in shards)
    assert any("another job" in entry["text"] for job in said for entry in job.said)


def test_a_refusal_fetches_nothing(hub, home):
    hub.repos["ada/pickled"] = Repo(model_files(model__safetensors=None, pytorch_model__bin=b"x" * 5000))
    with pytest.raises(ModelError, match="pickled"):
        download("ada/pickled", FakeJob())
    assert not hub.sent.get("pytorch_model.bin") and unfinished() == []


def test_what_came_of_an_older_commit_goes(hub, large, home):
    hub.pause = 0.001
    job = FakeJob(stop_when=lambda job: any(said["done"] > BIG // 2 for said in job.said))
    with pytest.raises(StudioError):
        download("ada/large", job)
    large.commit, hub.pause = "e" * 40, 0
    download("ada/large", FakeJob())
    assert unfinished() == []


def test_an_unfinished_download_can_be_deleted(hub, large, home):
    hub.pause = 0.001
    with pytest.raises(StudioError):
        download("ada/large", FakeJob(stop_when=lambda job: any(said["done"] > BIG // 2 for said in job.said)))
    delete_model("ada/large", "tester")
    assert unfinished() == [] and not list((home / "models").glob(".fetch*"))
