"""Prompt sets and taking comparisons up again on the team database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lib.database import Prompt, session
from lib.errors import WrongState
from lib.evaluation import comparisons, history, prompt_sets
from tests.evaluation import stored
from tests.postgres import postgres, server

__all__ = ["postgres", "server"]


def test_one_of_many_takes_it_up_again(postgres):
    number = stored.comparison({"a": ["x"], "b": ["y"]}, status="interrupted")

    def resume(person):
        try:
            return comparisons.resume(number, f"person {person}").job.id
        except WrongState:
            return None

    with ThreadPoolExecutor(8) as pool:
        jobs = [job for job in pool.map(resume, range(8)) if job]
    assert len(jobs) == 1 and comparisons.get(number).job.id == jobs[0]


def test_prompt_sets_and_notes(postgres):
    prompt_sets.add("smoke", [{"role": "user", "content": "Hi?"}], "Hello.", {"file": "x"}, "ann")
    kept = prompt_sets.keep("smoke", [{"role": "user", "content": "Hi?"}], "", {"judged": "good"}, "bob")
    assert prompt_sets.get("smoke").with_reference == 1 and kept.reference == "Hello."
    assert prompt_sets.rename("smoke", "tests", "ann").prompts == 1
    prompt_sets.delete("tests", "ann")
    with session() as opened:
        assert opened.query(Prompt).count() == 0
    number = stored.pairs()
    assert history.set_note(number, "Good.", "ann").note == "Good."
    history.delete(number, "ann")
    assert comparisons.list_comparisons() == []
