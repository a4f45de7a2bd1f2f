"""A conversation with several panes: what each is asked, and what becomes of it when a question is changed."""

from __future__ import annotations

from lib.inference.talk import Answer, Talk

SIX = Answer("6", "end", tokens=1, seconds=0.5)


def said(talk: Talk, pane: str) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in talk.messages(pane)]


def test_each_pane_goes_on_with_its_own_answers():
    talk = Talk(system="Be brief.").asked("3+3?", "sums").heard({"a": SIX, "b": Answer("7", "length")}).done()
    talk = talk.asked("Sure?")
    assert said(talk, "a") == [("system", "Be brief."), ("user", "3+3?"), ("assistant", "6"), ("user", "Sure?")]
    assert said(talk, "b")[2] == ("assistant", "7")
    assert talk.messages("a")[1]["context"] == "sums"
    assert said(talk, "new") == [("system", "Be brief."), ("user", "Sure?")]
    assert (talk.unseen("a"), talk.unseen("new")) == (0, 1)


def test_a_question_that_a_pane_refused_is_no_part_of_its_conversation():
    talk = Talk().asked("1").heard({"a": SIX, "b": Answer(ended="refused", message="No.")}).done().asked("2")
    assert said(talk, "b") == [("user", "2")]
    assert talk.unseen("b") == 1


def test_an_earlier_question_that_is_asked_anew_drops_what_came_after():
    talk = Talk().asked("1").heard({"a": SIX}).done().asked("2").heard({"a": SIX}).done().asked("3").done()
    again = talk.asked("two", at=1)
    assert [turn.content for turn in again.turns] == ["1", "two"]
    assert again.going and not again.turns[-1].answers
    assert said(again, "a") == [("user", "1"), ("assistant", "6"), ("user", "two")]


def test_what_was_written_when_it_was_stopped_stays():
    talk = Talk().asked("1").heard({"a": SIX, "b": Answer("The ans", tokens=2, seconds=0.5)})
    stopped = talk.done().turns[-1].answers
    assert (stopped["a"], stopped["b"].text, stopped["b"].ended) == (SIX, "The ans", "stopped")
    assert stopped["b"].rate == 4
    assert talk.done(fault=("The engine went away.", "Ask again.")).turns[-1].fault
    assert talk.conversation("a", at=0).messages[-1].content == "1"
