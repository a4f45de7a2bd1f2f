"""The export as a job: a file to download, progress on the way, nothing left when it is stopped."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from lib.errors import BadInput, BadSettings, NotFound, Stopped
from lib.export.job import KEPT, exported_file, newest_job, run_job, submit
from lib.export.options import ExportOptions
from lib.formats import saved
from lib.jobs import queue
from lib.storage import exports_dir
from tests.export.files import dataset, read
from tests.export.hub_server import FakeHub, running
from tests.helpers import FakeJob

ROWS = [{"instruction": f"question {n}", "input": "", "output": f"answer {n}"} for n in range(40)]
LLAMA2 = ExportOptions(template="llama2")


@pytest.fixture
def info(tmp_path):
    return dataset(tmp_path, ROWS, test_fraction=0.25)


def test_a_file_is_offered(info, jobs_here):
    number = submit(info, LLAMA2, "csv", "ann")
    jobs_here()
    job = queue.get(number)
    assert job.status == "finished", job.error
    assert newest_job(info).id == number
    assert job.result["rows"] == 40 and job.result["dataset"] == info.ref
    assert (job.progress["done"], job.progress["total"]) == (40, 40)
    assert "text" not in job.progress, "what a job does is said while it does it"
    path = exported_file(job)
    assert path.name == job.result["file"] == f"{info.name}-v1-llama2.csv" and len(read(path)) == 40
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    path.unlink()
    assert exported_file(job) is None


@pytest.mark.parametrize("ending", ["jsonl", ".parquet"])
def test_a_folder_is_offered_as_one_zip(info, jobs_here, ending):
    number = submit(info, ExportOptions("messages", split_files=True), ending)
    jobs_here()
    job = queue.get(number)
    path = exported_file(job)
    assert path.name == f"{info.name}-v1-messages.zip"
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as packed:
        assert packed.testzip() is None
        names = [name.partition("/")[2] for name in packed.namelist()]
    end = ending.removeprefix(".")
    assert sorted(names) == ["README.md", f"test.{end}", f"train.{end}"]
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    json.dumps(job.result)


@pytest.mark.parametrize("split_files", [True, False])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_stopped_it_leaves_nothing(info, split_files, after):
    payload = {
        "dataset": info.ref,
        "options": ExportOptions("messages", split_files=split_files).to_dict(),
        "format": ".jsonl",
        "push": "",
        "public": False,
    }
    job = FakeJob(lambda job: len(job.said) >= after)
    if after == 1 or split_files:
        with pytest.raises(Stopped):
            run_job(payload, job)
        assert not list(exports_dir().iterdir())
    else:
        assert run_job(payload, job)["rows"] == 40


def test_faults_are_told_before_anything_is_queued(info):
    for options, format_, push, kind in [
        (ExportOptions(), "csv", "", BadSettings),
        (LLAMA2, "xml", "", BadInput),
        (LLAMA2, "csv", "nobody", BadInput),
        (ExportOptions(template="../../nope"), "csv", "", NotFound),
    ]:
        with pytest.raises(kind):
            submit(info, options, format_, push=push)
    assert newest_job(info) is None


def test_the_newest_exports_are_kept_and_those_of_live_jobs(info, jobs_here):
    first = submit(info, LLAMA2, "csv", "ann")
    jobs_here()
    live = submit(info, LLAMA2, "csv", "ann")  # an old one that is not through yet
    for number in range(first, first + KEPT + 5):
        folder = exports_dir() / str(number)
        folder.mkdir(exist_ok=True)
        (folder / "file.csv").write_text("of an earlier export")
    (exports_dir() / "999").mkdir()  # of a job that was killed before it wrote anything
    (exports_dir() / "notes").mkdir()  # not ours
    assert exported_file(queue.get(first)) is not None
    payload = queue.get(first).payload
    job = FakeJob()
    job.id = first + KEPT + 5
    run_job(payload, job)
    kept = {live, *range(job.id - KEPT + 2, job.id + 1)}
    assert {folder.name for folder in exports_dir().iterdir()} == {*map(str, kept), "notes"}
    assert exported_file(queue.get(first)) is None


def test_a_failed_export_removes_no_other(info, jobs_here):
    number = submit(info, LLAMA2, "csv", "ann")
    jobs_here()
    for name in range(number + 1, number + KEPT + 3):
        (exports_dir() / str(name)).mkdir()
        (exports_dir() / str(name) / "file.csv").write_text("x")
    job = FakeJob(lambda job: bool(job.said))
    job.id = 999
    with pytest.raises(Stopped):
        run_job(queue.get(number).payload, job)
    assert exported_file(queue.get(number)) is not None and len(list(exports_dir().iterdir())) == KEPT + 3


def test_the_template_is_that_of_the_day_it_was_asked_for(info, jobs_here):
    source = "{% for m in messages %}<{{ m.role }}> {{ m.content }}\n{% endfor %}"
    saved.save("mine", source, "ann")
    number = submit(info, ExportOptions(template="mine"), "jsonl", "ann")
    saved.save("mine", source.replace("<", "["), "ann")
    jobs_here()
    job = queue.get(number)
    assert job.payload["options"]["template"] == "mine@1"
    assert job.result["file"] == f"{info.name}-v1-mine@1.jsonl"
    assert read(exported_file(job))[0]["text"].startswith("<user> ")


def test_it_pushes_and_keeps_no_token(info, jobs_here, online, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with running(FakeHub()) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        number = submit(info, LLAMA2, "parquet", push="ada/terms")
        jobs_here()
    job = queue.get(number)
    assert job.status == "finished", job.error
    assert job.result["pushed"] == f"{hub.url}/datasets/ada/terms"
    assert sorted(hub.files) == ["README.md", "test.parquet", "train.parquet"]
    with zipfile.ZipFile(exported_file(job)) as packed:
        assert {name.partition("/")[2]: packed.read(name) for name in packed.namelist()} == hub.files
    assert "hf_secret" not in json.dumps([job.payload, job.result, job.progress])


def test_a_push_that_fails_fails_the_job(info, jobs_here, online, monkeypatch):
    number = submit(info, LLAMA2, "parquet", push="ada/terms")
    jobs_here()
    job = queue.get(number)
    assert job.status == "failed" and "no token" in job.error["message"]
    assert not list(exports_dir().iterdir())
