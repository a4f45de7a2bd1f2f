"""`python -m studio plan`: says what a run takes and starts nothing, unless it is asked to measure."""

from __future__ import annotations

import pytest

from lib.jobs import queue
from lib.training.plan import turns
from tests.commands.conftest import command
from tests.training.plan.conftest import cpu

__all__ = ["command"]  # a fixture
SETTINGS = ("--set", "max_steps=4", "--set", "r=4", "--set", "max_length=128")
NEED = {"settings", "device", "fits", "can_start", "memory", "rows", "time", "warnings", "faults", "proposals", "shape"}


@pytest.fixture
def sums(tiny_home, store):
    return store()


def test_a_plan_in_words_and_as_a_document(command, sums):
    words = command("plan", "sums", "--model", "tiny", *SETTINGS)
    assert words.code == 0, words.err
    for part in ("base", "activations", "overhead", "54 of 54 used", "4 steps", "estimated"):
        assert part in words.out
    document = command("plan", "sums", "--model", "tiny", *SETTINGS, "--json").json()
    assert "error" not in document
    assert set(document) >= NEED and document["fits"] and document["can_start"]
    assert document["time"]["steps"] == 4 and document["rows"]["used"] == 54
    assert not queue.live_jobs()


def test_what_cannot_fit_ends_with_status_1(command, seven, store, monkeypatch):
    store()
    result = command("plan", "sums", "--model", seven, "--memory", "2", "--json")
    document = result.json()
    assert result.code == 1 and not document["fits"] and "memory" in document["faults"]
    monkeypatch.setattr(turns, "default_device", lambda: cpu(2))  # some machines have room for it
    started = command("train", "sums", "--model", seven, "--json").json()
    assert document["error"] == started["error"] == "CannotStart"
    assert document["message"].startswith("The run cannot start.") and document["hint"] and "suggest" in document
    assert "of the 2.0 GiB that are free can be used" in result.err and "Traceback" not in result.err


def test_measured_on_request(command, sums, jobs_here):
    result = command("plan", "sums", "--model", "tiny", *SETTINGS, "--measure", "--json")
    assert result.code == 0, result.err
    assert result.json()["measured"] and result.json()["memory"]["measured"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "nope", "--model", "tiny"), "nope"),
        (("plan", "sums", "--model", "nope"), "nope"),
        (("plan", "sums", "--model", "tiny", "--template", "nope"), "nope"),
        (("plan", "sums", "--model", "tiny", "--preset", "nope"), "nope"),
        (("plan", "sums", "--model", "tiny", "--set", "nope=1"), "nope"),
        (("plan", "sums", "--model", "tiny", "--set", "eval_split=nope"), "nope"),
        (("plan", "sums", "--model", "tiny", "--set", "target_modules=nope"), "no layers named nope"),
    ],
)
def test_expected_failures(command, sums, arguments, said):
    result = command(*arguments)
    assert result.code == 1 and said in result.err and "Traceback" not in result.err
