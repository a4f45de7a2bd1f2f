"""The Vote page: starting a vote, voting blind, closing it, its result."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from lib.evaluation import votes
from lib.evaluation.votes import BallotView
from studio.components.voting import booth
from tests.app.screen import button, field, open_page, texts, words
from tests.evaluation import stored

NAMES = ("starter", "gentle-otter")


@pytest.fixture
def ballot() -> BallotView:
    return votes.create(stored.pairs(), *NAMES, "ada")


@pytest.fixture(autouse=True)
def read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests look at a pair for no time; that a person needs some is tested in the browser."""
    monkeypatch.setattr(booth, "READING_SECONDS", 0.0)


def test_a_second_press_on_a_pair_that_had_just_come_is_not_counted(ballot: BallotView, monkeypatch) -> None:
    app = start(ballot, "bob")
    monkeypatch.setattr(booth, "READING_SECONDS", 60.0)
    press(app, "Tie")
    assert votes.standing(ballot.id, "bob").done == 0
    assert "had only just come" in words(app)
    monkeypatch.setattr(booth, "READING_SECONDS", 0.0)
    press(app, "Tie")
    assert votes.standing(ballot.id, "bob").done == 1 and "had only just come" not in words(app)


def test_no_callback_of_the_booth_draws(ballot: BallotView, monkeypatch) -> None:
    """In a fragment Streamlit does not show what a callback draws."""
    monkeypatch.setattr(booth, "READING_SECONDS", 60.0)
    pair = votes.pair(ballot.id, "bob", 0)
    kept = {booth._IN_SIGHT: (pair.row_id, time.monotonic())}
    monkeypatch.setattr(booth, "st", SimpleNamespace(session_state=kept))
    booth._vote(ballot, "bob", pair, "left")
    assert kept[booth._TOO_SOON]


def as_person(app: AppTest, name: str) -> AppTest:
    """A browser that has given this name before."""
    app.session_state["person"] = name
    return app.run()


def start(ballot: BallotView, name: str) -> AppTest:
    app = open_page("vote", ballot=ballot.id)
    field(app, "Your name").set_value(name)
    return press(app, "Start voting")


def press(app: AppTest, label: str) -> AppTest:
    button(app, label).click().run()
    assert not app.exception
    return app


def shown(app: AppTest) -> dict[str, Any]:
    """The pair that is drawn."""
    given = [json.loads(part.proto.json or "{}") for part in app.get("bidi_component")]
    return next(data for data in given if "texts" in data)


def everything_sent(app: AppTest) -> str:
    """All that the page sends to the browser, seen or not."""
    found: list[str] = []

    def gather(block: Any) -> None:
        for child in block.children.values():
            found.append(str(getattr(child, "proto", "")))
            if hasattr(child, "children"):
                gather(child)

    gather(app._tree)
    return "\n".join(found) + str(app.query_params)


def test_a_vote_is_started_on_a_finished_comparison() -> None:
    made = stored.comparison({"starter": ["a", "same", "b"], "gentle-otter": ["1", "same", "2"]})
    app = open_page("vote", comparison=str(made))
    assert not app.exception
    assert "2 pairs of 2 · 1 row left out: the same answer twice" in words(app)
    field(app, "Your name").set_value("ada").run()
    field(app, "Question to people").set_value("Which is <b>kinder</b>?").run()
    press(app, "Start the vote")
    (ballot,) = votes.list_ballots()
    assert (ballot.question, ballot.created_by, ballot.total) == ("Which is <b>kinder</b>?", "ada", 2)
    assert app.query_params["ballot"] in (ballot.id, [ballot.id])
    assert "You started this vote" in words(app) and f"?ballot={ballot.id}" in words(app)
    listed = open_page("vote")
    assert "2 pairs of comparison 1" in words(listed)


def test_voting_is_blind_and_by_person(ballot: BallotView) -> None:
    app = start(ballot, " bob ")
    assert "0 of 12 voted on" in words(app)
    first = votes.pair(ballot.id, "bob", 0)
    assert shown(app) == {"prompt": first.prompt, "texts": [first.left, first.right], "titles": ["A", "B"]}
    field(app, "Comment (optional)").set_value("clearer").run()
    press(app, "A is better")
    assert votes.pair(ballot.id, "bob", 0).choice == "left" and votes.pair(ballot.id, "bob", 0).comment == "clearer"
    assert shown(app)["prompt"] == votes.pair(ballot.id, "bob", 1).prompt
    for label in ("Tie", "Both bad", "Skip", "B is better"):
        press(app, label)
    assert votes.standing(ballot.id, "bob").choices[:5] == ("left", "tie", "both_bad", "skip", "right")
    assert "4 of 12 voted on, 1 pair skipped" in words(app)
    sent = everything_sent(app)
    assert "A short answer to number" in sent
    for name in NAMES:
        assert name not in sent
    assert "Close the vote" not in words(app) and "bob:" not in words(app)


def test_going_back_changing_and_taking_back(ballot: BallotView) -> None:
    app = start(ballot, "bob")
    press(app, "Tie")
    press(app, "Tie")
    press(app, "Previous")
    assert field(app, "Pair").value == 1 and button(app, "Tie").proto.type == "primary"
    press(app, "Both bad")
    assert votes.standing(ballot.id, "bob").choices[:3] == ("tie", "both_bad", "")
    assert field(app, "Pair").value == 2
    press(app, "Undo last")
    assert votes.standing(ballot.id, "bob").choices[:3] == ("tie", "tie", "")
    assert field(app, "Pair").value == 1
    field(app, "Pair").set_value(0).run()
    field(app, "Comment (optional)").set_value("afterwards").run()
    assert votes.pair(ballot.id, "bob", 0).comment == "afterwards"
    press(app, "Undo last")
    assert votes.pair(ballot.id, "bob", 0).comment == "" and field(app, "Comment (optional)").value == ""


def test_every_pair_voted_on_is_said_and_the_last_stays(ballot: BallotView) -> None:
    for row in ballot.rows[1:]:
        votes.cast(ballot.id, "bob", row, "tie")
    app = start(ballot, "bob")
    assert "bob has voted on 11 of 12 pairs here already." in texts(app, "warning")[0]
    press(app, "Go on with these votes")
    assert field(app, "Pair").value == 0
    press(app, "Tie")
    assert "You have voted on every pair" in words(app)
    assert field(app, "Pair").value == 1
    press(app, "Skip")
    assert "11 of 12 voted on, 1 pair skipped" in words(app)
    assert "You have voted on every pair" not in words(app) and "That was every pair; 1 pair skipped" in words(app)


def test_a_name_that_has_votes_is_not_taken_over_in_silence(ballot: BallotView) -> None:
    votes.cast(ballot.id, "Sam", ballot.rows[0], "tie")
    app = start(ballot, "sam")
    assert "Sam has voted on 1 of 12 pairs" in texts(app, "warning")[0]
    field(app, "Your name").set_value("Sam B.")
    press(app, "Start voting")
    assert not app.warning and "0 of 12 voted on" in words(app)
    press(start(ballot, "   "), "Start voting")
    assert "needs a name" in start(ballot, " ").error[0].value


def test_the_owner_sees_how_many_and_closes(ballot: BallotView) -> None:
    for row in ballot.rows[:3]:
        votes.cast(ballot.id, "bob", row, "left")
    app = as_person(open_page("vote", ballot=ballot.id), "ada")
    assert "bob: 3 of 12" in words(app) and owners_panel(app).proto.expanded
    for name in NAMES:
        assert name not in everything_sent(app)
    voter = start(ballot, "eve")
    app.button(key="close-vote").click().run()
    assert not app.exception and not votes.get(ballot.id).open
    assert "**gentle\\-otter** was voted on against **starter**." in texts(app, "markdown")
    press(voter, "Tie")  # on a page that was drawn before
    assert "**gentle\\-otter** was voted on against **starter**." in texts(voter, "markdown")
    assert not [one for one in voter.button if one.label == "Open it again"]
    app.button(key="reopen-vote").click().run()
    assert votes.get(ballot.id).open and "bob: 3 of 12" in words(app)


def owners_panel(app: AppTest) -> Any:
    return next(one for one in app.expander if "You started this vote" in one.label)


def test_who_started_it_and_votes_has_the_pair_before_everything_else(ballot: BallotView) -> None:
    app = as_person(open_page("vote", ballot=ballot.id), "ada")
    field(app, "Your name").set_value("ada")
    press(app, "Start voting")
    assert not owners_panel(app).proto.expanded and "0 of 12 voted on" in words(app)


def test_the_advice_for_a_link_names_the_port(ballot: BallotView, monkeypatch) -> None:
    monkeypatch.setattr(type(st.context), "url", "http://localhost:8612/vote?ballot=x")
    app = as_person(open_page("vote", ballot=ballot.id), "ada")
    assert "`make run HOST=0.0.0.0 PORT=8612`" in words(app) and "there is no sign-in" in words(app)


def test_a_result_has_its_figures_and_each_prompt(ballot: BallotView) -> None:
    for rater in ("bob", "eve"):
        for index, row in enumerate(ballot.rows):
            pair = votes.pair(ballot.id, rater, index)
            votes.cast(ballot.id, rater, row, "left" if "short" in pair.left else "right", f"*{index}*")
    votes.close(ballot.id, "ada")
    app = open_page("vote", ballot=ballot.id)
    assert not app.exception
    assert [metric.value for metric in app.metric] == ["100% [76, 100]", "12 / 0 / 0 / 0 / 0", "–", "24"]
    assert not [metric.label for metric in app.metric if "\\" in metric.label], "a help's name is read out as it is"
    assert "is liked better" in words(app)
    assert list(app.dataframe[0].value["said most often"]) == ["gentle-otter"] * 12
    assert list(app.dataframe[0].value["comments"]) == [2] * 12
    assert "**bob**, whose A was " in words(app) and ": \\*0\\*" in words(app), "A is another model for each person"
    assert "bob 12 of 12; eve 12 of 12" in words(app).replace("\\", "") and "Closed 20" in words(app)
    assert shown(app)["titles"] == ["base · starter", "gentle-otter"]
    assert "gentle\\-otter against starter\\: gentle\\-otter is liked better" in words(open_page("vote"))


def test_a_closed_vote_without_votes_and_a_wrong_link(ballot: BallotView) -> None:
    votes.close(ballot.id, "ada")
    assert "No evidence: nobody voted." in words(open_page("vote", ballot=ballot.id)).replace("\\", "")
    for wrong in ("nope", "<script>", "../.."):
        app = open_page("vote", ballot=wrong)
        assert not app.exception and "There is no vote" in app.error[0].value


def test_a_key_that_presses_the_buttons_of_two_pairs_is_one_vote(ballot: BallotView, monkeypatch) -> None:
    """While the next pair is drawn, the browser still has the buttons of the last."""
    monkeypatch.setattr(booth.st, "session_state", {booth._IN_SIGHT: (ballot.rows[0], 0.0)})
    first, second = votes.pair(ballot.id, "bob", 0), votes.pair(ballot.id, "bob", 1)
    for pair in (second, first, second):
        booth._vote(ballot, "bob", pair, "left")
    assert [bool(choice) for choice in votes.standing(ballot.id, "bob").choices[:2]] == [True, False]
