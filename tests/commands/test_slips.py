"""What a slip in a command line leads to: a message and what to do, and nothing written."""

from __future__ import annotations

import contextlib
import os
import signal
import threading

import pytest

from lib.evaluation import prompt_sets
from lib.jobs import queue, worker
from lib.training import runs
from studio.commands.output import follow
from tests.training.plan.conftest import store

__all__ = ["store"]  # a fixture


@pytest.mark.parametrize("options", [["--out", ""], ["--out", " "], ["--out", "", "--push", "ada/faq"]])
def test_an_export_to_nowhere(home, store, command, options):
    store()
    ended = command("export", "sums", "--template", "llama2", *options)
    assert ended.code == 1 and "--out is empty" in ended.err


def test_a_split_that_there_is_not(home, store, command):
    store()
    ended = command("show", "sums", "--split", "nosuch")
    assert ended.code == 1 and "no split 'nosuch'" in ended.err and "train, test, validation" in ended.err
    assert command("show", "sums", "--split", "validation", "--json").json()["matching"] == 0


def test_a_set_of_prompts_is_deleted_when_that_is_meant(home, command):
    prompt_sets.add("mine", [{"role": "user", "content": "Hi?"}], "Hi!")
    ended = command("prompts", "mine", "--delete")
    assert ended.code == 1 and "deletes mine with 1 prompt" in ended.err and "--yes" in ended.err
    assert command("prompts", "mine", "--delete", "--yes").code == 0
    assert not prompt_sets.list_sets()


@pytest.mark.parametrize("listing", ["datasets", "runs"])
def test_an_empty_list_says_where_it_looked(home, command, listing):
    ended = command(listing, "--json")
    assert ended.code == 0 and ended.json() == {listing: []} and str(home) in ended.err


def test_a_file_in_the_place_of_a_folder(studio_home, command, tmp_path):
    (tmp_path / "file").write_text("")
    (view,) = runs.list_runs()
    ended = command("compare", view.id, "--export", str(tmp_path / "file" / "a.csv"))
    assert ended.code == 1 and "file is no folder" in ended.err


def test_a_ctrl_c_counts_also_where_exceptions_are_passed_over(home, monkeypatch):
    def ensure() -> None:
        with contextlib.suppress(BaseException):  # as libraries do in their callbacks
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(worker, "ensure", ensure)
    assert follow(queue.submit("train", {"run": "none"}, "ann")).status == "stopped"


def test_ctrl_c_at_any_moment_ends_the_wait(home, monkeypatch):
    """Also in the middle of waiting: what the handler does must not wait for what it interrupts."""
    monkeypatch.setattr(worker, "ensure", lambda: None)
    for number in range(8):
        job_id = queue.submit("train", {"run": "none"}, "ann")
        timer = threading.Timer(0.05 + number * 0.07, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        assert follow(job_id).status == "stopped"
        timer.join()
