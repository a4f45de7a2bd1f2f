"""Runs that are not like others: an adapter made elsewhere has pages that work; a run in trouble says so."""

from __future__ import annotations

import time

import psutil
import pytest

from lib.database import Job, session
from lib.jobs import queue
from lib.training import runs
from lib.training.adopt import adopt
from tests import tiny
from tests.app import seeds
from tests.app.screen import button, field, open_page, texts, words


@pytest.fixture
def guest(tiny_home, tiny_folder, tmp_path):
    adapter = tiny.write_adapter(tiny_folder, tmp_path / "their-adapter", seed=2)
    return adopt(str(adapter), "guest", "tiny", "chatml", "ann")


def test_an_adapter_made_elsewhere_has_its_pages(guest):
    seeds.samples()
    seeds.model()
    other = seeds.run("finished")
    alone = open_page("runs", run="guest")
    assert not alone.exception and not texts(alone, "error")
    assert "python -m studio adopt their-adapter --name guest" in " ".join(code.value for code in alone.code)
    labels = {one.label for one in alone.button}
    assert not {label for label in labels if label.startswith(("Resume", "Retry", "Go on"))}
    facts = alone.dataframe[-1].value
    assert "template (SHA-256)" in facts["fact"].tolist() and "their-adapter" in facts["value"].tolist()
    for place in ({}, {"runs": f"guest,{other.id}"}):
        page = open_page("runs", **place)
        assert not page.exception and not texts(page, "error") and "guest" in words(page)


def test_an_adapter_is_taken_in_on_the_page(tiny_home, tiny_folder, tmp_path):
    adapter = tiny.write_adapter(tiny_folder, tmp_path / "theirs", seed=2)
    app = open_page("runs")
    field(app, "Adapter").set_value(str(adapter))
    field(app, "Name of the run").set_value("guest").run()
    button(app, "Take it in").click().run()
    assert any("in which template" in text for text in texts(app, "error")) and not runs.list_runs()
    field(app, "In the template").set_value("chatml").run()
    button(app, "Take it in").click().run()
    assert not app.exception
    view = runs.get("guest")
    assert (view.status, view.template, view.model) == ("finished", "chatml", "tiny") and view.adopted
    listed = open_page("runs")
    assert "guest" in words(listed) and not texts(listed, "error")


def test_a_run_in_trouble_says_so_and_what_to_do(home):
    seeds.samples()
    seeds.model()
    view = seeds.run("queued")
    queue.claim(psutil.Process())
    with session() as opened:
        job = opened.get(Job, view.job.id)
        job.progress = {"done": 7, "total": 40, "beat": {"at": time.time() - 999, "usual": 1.0}}
        job.heartbeat_at = time.time()
    app = open_page("runs", run=view.id)
    assert not app.exception and any("since step 7" in text for text in texts(app, "warning"))


def test_a_run_that_the_system_ended_is_retried_with_what_fits(home):
    seeds.samples()
    seeds.model()
    view = seeds.run("queued", per_device_train_batch_size=16)
    with session() as opened:
        job = opened.get(Job, view.job.id)
        job.status, job.error = "interrupted", seeds.MEMORY
    app = open_page("runs", run=view.id)
    retry = next(one for one in app.button if one.label.startswith("Retry with"))
    button(app, retry.label).click().run()
    again = next(run for run in runs.list_runs() if run.parent == view.id)
    assert again.config.per_device_train_batch_size < 16 and again.config.rows_per_step == 16
