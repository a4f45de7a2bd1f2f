"""The job `round trip`: all rows of a dataset through a template and back, with edits seen, stopped, found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.data.edits import edit
from lib.data.imports.importer import import_source
from lib.data.round_trip_job import newest_job, run_job, submit
from lib.data.versions import save
from lib.errors import NotFound, Stopped
from lib.formats import saved
from lib.jobs import queue
from tests.data.conftest import WriteRows
from tests.formats.conversations import talk
from tests.formats.tokenizers_for_tests import starter_like
from tests.helpers import FakeJob

SAFE = (
    "{% for m in messages %}<{{ m.role }}> {{ m.content }}<end>\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant> {% endif %}"
)
STRIPPED = SAFE.replace("m.content", "m.content | trim")
NO_SYSTEM = SAFE.replace("in messages", "in messages if m.role != 'system'")
ROWS = [
    talk("u:Hi", "a:Yo"),
    talk("s:Be brief.", "u:Hi", "a:Yo", "u:And?", "a:So."),
    talk("u: Hi \n", "a:Yo"),
    talk("u:a <end> b", "a:c"),
    talk("u:x", "u:y", "a:z"),
    talk("u:[INST] x", "a:z"),
]


@pytest.fixture
def info(write_rows: WriteRows) -> DatasetInfo:
    import_source(write_rows([row.to_dict() for row in ROWS]), "rows", test_fraction=0)
    return datasets.get("rows")


@pytest.fixture
def model(home: Path) -> str:
    folder = starter_like(home / "models" / "chat")
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").touch()
    return "chat"


def checked(info: DatasetInfo, template: str, jobs_here, model: str | None = None, escape: bool = False) -> dict:
    number = submit(info, template, model, escape, "ann")
    jobs_here()
    job = queue.get(number)
    assert job.status == "finished", job.error
    assert newest_job(info, template, model, escape).id == number
    return json.loads(json.dumps(job.result))


def counts(found: dict) -> dict[str, int]:
    assert found["rows"] == sum(found[key] for key in ("same", "whitespace", "differs", "unread", "left_out"))
    assert found["left_out"] == sum(reason["rows"] for reason in found["refused"].values())
    return {key: found[key] for key in ("rows", "same", "whitespace", "differs", "left_out") if found[key]}


def test_a_template_that_brings_rows_back(info, jobs_here):
    saved.save("mine", SAFE, "ann")
    found = checked(info, "mine", jobs_here)
    assert (found["template"], found["safe"], found["readable"]) == ("mine@1", True, True)
    assert counts(found) == {"rows": 6, "same": 4, "left_out": 2}
    reasons = {reason: refused["first"] for reason, refused in found["refused"].items()}
    assert list(reasons.values()) == [[4], [5]] and "<end>" in next(iter(reasons))
    assert counts(checked(info, "mine", jobs_here, escape=True)) == {"rows": 6, "same": 5, "left_out": 1}


def test_whitespace_that_is_stripped_is_told_and_system_texts_that_go_are_refused(info, jobs_here):
    saved.save("mine", STRIPPED, "ann")
    found = checked(info, "mine", jobs_here)
    assert counts(found) == {"rows": 6, "same": 3, "whitespace": 1, "left_out": 2}
    assert found["whitespace_first"] == [3] and found["safe"]
    saved.save("mine", NO_SYSTEM, "ann")
    found = checked(info, "mine", jobs_here)
    assert found["template"] == "mine@2" and counts(found) == {"rows": 6, "same": 3, "left_out": 3}
    assert [2] in [reason["first"] for reason in found["refused"].values()]


def test_the_template_of_a_model_needs_it_and_puts_its_own_prompt_in(info, jobs_here, model):
    saved_row = talk("s:You are a helpful assistant.", "u:Hi", "a:Yo")
    edit(info, 2, 0, "ann", values={"messages": [message.to_dict() for message in saved_row.messages]})
    found = checked(info, "model", jobs_here, model)
    assert found["differs"] == 1 and not found["safe"]
    assert found["differences"] == [{"row": 2, "what": "system, user, assistant comes back as user, assistant"}]
    number = submit(info, "model", None, False, "ann")
    jobs_here()
    assert queue.get(number).status == "failed" and "needs a model" in queue.get(number).error["message"]


def test_edits_that_are_not_saved_are_seen(info, jobs_here):
    before = checked(info, "llama2", jobs_here)
    assert before["left_out"] == 2
    edit(info, 6, 0, "ann", values={"messages": [message.to_dict() for message in ROWS[0].messages]})
    edit(info, 5, 0, "ann", deleted=True)
    after = checked(info, "llama2", jobs_here)
    assert (after["rows"], after["left_out"]) == (5, 0)
    second = save(info, "mended", "ann")
    assert checked(second, "llama2", jobs_here)["rows"] == 5
    assert checked(info, "llama2", jobs_here)["rows"] == 6, "its edits belong to the second version now"


def test_it_stops_half_way_and_says_how_far_it_is(write_rows):
    rows = [talk(f"u:{n}", "a:x").to_dict() for n in range(1200)]
    import_source(write_rows(rows), "many", test_fraction=0)
    info = datasets.get("many")
    payload = {"dataset": info.ref, "template": "llama2", "model": None, "escape": False}
    whole = FakeJob()
    assert run_job(payload, whole)["rows"] == 1200
    assert [(said["done"], said["total"]) for said in whole.said] == [(500, 1200), (1000, 1200), (1200, 1200)]
    half = FakeJob(lambda job: len(job.said) == 1)
    with pytest.raises(Stopped) as caught:
        run_job(payload, half)
    assert half.said[-1]["done"] == 500 and caught.value.hint


def test_checks_are_found_by_version_of_the_template_model_and_escaping(info, jobs_here, model):
    saved.save("mine", SAFE, "ann")
    first = submit(info, "mine", None, False, "ann")
    assert newest_job(info, "mine", None, False).id == first and newest_job(info, "mine@1", None, False).live
    saved.save("mine", STRIPPED, "ann")
    assert newest_job(info, "mine", None, False) is None, "nobody has checked the new version"
    jobs_here()
    assert queue.get(first).result["template"] == "mine@1", "the version that was asked for"
    others = [submit(info, "mine", None, False, "ann"), submit(info, "mine@1", model, False, "ann")]
    others.append(submit(info, "mine@1", None, True, "ann"))
    assert [
        newest_job(info, "mine", None, False).id,
        newest_job(info, "mine@1", model, False).id,
        newest_job(info, "mine@1", None, True).id,
        newest_job(info, "mine@1", None, False).id,
    ] == [*others, first]
    jobs_here()
    assert {queue.get(number).status for number in others} == {"finished"}
    for use in (lambda: submit(info, "nope", None, False, "ann"), lambda: newest_job(info, "mine@9", None, False)):
        with pytest.raises(NotFound):
            use()
