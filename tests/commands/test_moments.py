"""Points in time are written one way in all JSON documents."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from lib.data import datasets
from lib.evaluation import prompt_sets, votes
from lib.formats import saved
from lib.words import clock, moment
from tests.app import seeds
from tests.commands.test_templates import GOOD


def test_a_moment_is_written_in_utc():
    assert moment(0.5) == "1970-01-01T00:00:00.500000+00:00"
    assert moment(None) is None and moment(0) is None


@pytest.fixture
def in_tokyo(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_people_read_the_time_of_their_own_clock(in_tokyo, home, command, tmp_path):
    assert clock(0) == clock("1970-01-01T00:00:00+00:00") == "1970-01-01 09:00"
    seeds.samples()
    assert clock(datasets.get("medical-terms").created_at) in command("versions", "medical-terms").out
    (tmp_path / "mine.jinja").write_text(GOOD)
    command("templates", "save", "mine", str(tmp_path / "mine.jinja"))
    assert clock(saved.get("mine").created_at) in command("templates", "show", "mine").out


@pytest.mark.parametrize(
    "asked",
    [
        ("datasets",),
        ("versions", "medical-terms"),
        ("runs",),
        ("comparisons",),
        ("comparison", "1"),
        ("votes",),
        ("prompts",),
        ("prompts", "hard"),
        ("models",),
        ("system",),
    ],
    ids=" ".join,
)
def test_every_moment_in_a_document_can_be_read_back(home, command, asked):
    votes.create(1, "starter", seeds.full().id, "ann")
    prompt_sets.add("hard", [{"role": "user", "content": "Why?"}])
    found = dict(moments(command(*asked, "--json").json()))
    assert found
    assert all(value is None or datetime.fromisoformat(value).utcoffset() is not None for value in found.values())


def moments(document: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Place -> value of whatever is called `…_at`."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key.endswith("_at"):
                yield f"{at}.{key}", value
            else:
                yield from moments(value, f"{at}.{key}")
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from moments(value, f"{at}[{number}]")


def test_who_voted_last_when(home, command):
    ballot = votes.create(1, "starter", seeds.full().id, "ann")
    votes.cast(ballot.id, "bob", ballot.rows[0], "left")
    votes.close(ballot.id, "ann")
    (rater,) = command("votes", ballot.id, "--json").json()["raters"]
    assert datetime.fromisoformat(rater["last_at"]).utcoffset() is not None
