"""A model of the Hub on the Train page: looked up, refused with reasons, fetched."""

from __future__ import annotations

import pytest

from lib.jobs import queue
from lib.models.job import newest_job
from tests.app import seeds
from tests.app.screen import button, open_page, texts, words
from tests.models.conftest import hub
from tests.models.hub_server import Repo

__all__ = ["hub"]  # a fixture


@pytest.fixture(autouse=True)
def data(home, hub):
    seeds.samples()
    hub.repos |= {"ada/small": Repo(), "ada/gated": Repo(gated="manual")}


def test_a_model_that_is_not_here_is_looked_up_and_fetched():
    app = open_page("train", dataset="medical-terms", model="ada/small")
    assert "is not on this machine yet" in words(app) and "Start" not in [one.label for one in app.button]
    button(app, "Look it up on the Hub").click().run()
    assert "apache" in words(app)
    button(app, "Download").click().run()
    assert not app.exception
    job = newest_job("ada/small")
    assert job and job.status == "queued" and f"stop-{job.id}" in [one.key for one in app.button]
    queue.stop(job.id)
    assert button(app.run(), "Look it up on the Hub")


@pytest.mark.parametrize(
    ("name", "said"), [("ada/gated", "It is gated"), ("ada/none", "none of that name"), ("no folder", "no model")]
)
def test_what_cannot_be_had_is_explained_and_not_offered(name, said):
    app = open_page("train", dataset="medical-terms", model=name)
    if "/" in name:
        button(app, "Look it up on the Hub").click().run()
    assert not app.exception and any(said in text for text in texts(app, "error"))
    assert "Download" not in [one.label for one in app.button]
