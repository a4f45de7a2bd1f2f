"""Deleting models: what a live job needs stays, and what lies elsewhere is not touched."""

from __future__ import annotations

import json

import pytest

from lib import models
from lib.database import Job, Run, session
from lib.errors import NotFound, WrongState
from lib.jobs import queue
from lib.models import job as download_job
from lib.models.removal import delete_model, runs_on
from tests.models.hub_server import model_files, write_folder


@pytest.fixture
def model(home):
    write_folder(home / "models/beta", model_files())
    return models.find("beta")


def add_run(name: str, model: str, status: str) -> None:
    with session() as opened:
        job = queue.new_job("train", {"run": name}, "tester")
        job.status = status
        opened.add(job)
        opened.flush()
        opened.add(Run(id=name, job_id=job.id, dataset="d", version=1, model=model, template="llama2", config={}))


def test_a_model_goes_whole(model, home):
    add_run("old-run", "beta", "finished")
    assert runs_on(model) == ["old-run"]
    assert delete_model("beta", "tester") == model.path
    assert models.list_models() == [] and [path.name for path in (home / "models").iterdir()] == []
    with pytest.raises(NotFound):
        delete_model("beta", "tester")


@pytest.mark.parametrize("status", ["queued", "running"])
def test_not_while_a_run_needs_it(model, home, status):
    add_run("new-run", str(model.path), status)
    with pytest.raises(WrongState, match="in use by the run new-run"):
        delete_model("beta", "tester")
    assert models.find("beta")


def test_not_while_the_engine_holds_it(model):
    job_id = queue.submit("engine", {}, "tester")
    with session() as opened:
        opened.get(Job, job_id).progress = {"model": str(model.path)}
    with pytest.raises(WrongState, match="engine"):
        delete_model("beta", "tester")


def test_not_while_a_run_on_it_is_packaged(model):
    add_run("old-run", "beta", "finished")
    queue.submit("package", {"of": "old-run", "as": "merged"}, "tester")
    with pytest.raises(WrongState, match="package"):
        delete_model("beta", "tester")


def test_a_link_goes_and_what_it_leads_to_stays(home, tmp_path):
    folder = write_folder(tmp_path / "elsewhere", model_files())
    (home / "models").mkdir(parents=True)
    (home / "models/linked").symlink_to(folder)
    delete_model("linked", "tester")
    assert folder.exists() and models.list_models() == []


def test_what_lies_outside_the_home_is_not_ours(tmp_path):
    folder = write_folder(tmp_path / "elsewhere", model_files())
    with pytest.raises(WrongState, match="outside"):
        delete_model(str(folder), "tester")
    assert folder.exists()


def test_a_broken_one_goes_by_its_name(home):
    write_folder(home / "models/broken", {"config.json": b"{"})
    delete_model("broken", "tester")
    assert not (home / "models/broken").exists()


@pytest.mark.parametrize("name", ["..", ".fingerprints", "", "../models/beta", "/", "."])
def test_nothing_else_can_be_named(model, home, name):
    (home / "models/.fingerprints").mkdir()
    with pytest.raises((NotFound, WrongState)):
        delete_model(name, "tester")
    assert models.find("beta") and (home / "models/.fingerprints").exists()


def test_not_while_it_is_being_fetched(home):
    partial = write_folder(home / "models/.fetch-ada--small--c0ffee", {"config.json.part": b"x"})
    about = {"repo": "ada/small", "revision": "v1", "commit": "c0ffee", "size": 10}
    (partial / "plan.json").write_text(json.dumps(about))
    job_id = download_job.submit("ada/small@v1", "tester")
    for name in ("ada/small@v1", partial.name):
        with pytest.raises(WrongState, match="its download"):
            delete_model(name, "tester")
    queue.stop(job_id)
    delete_model("ada/small@v1", "tester")
    assert not partial.exists()
