"""Turns cut, put together, taken out and put in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.data.mapping.turns import add_turn, drop_turn, merge_turns, split_turn
from lib.errors import BadInput
from lib.records import Conversation, Message, replace_text

TWO = [Message("user", "one\ntwo\n\nthree", "about"), Message("assistant", "four")]


def test_a_turn_is_cut_before_a_line():
    assert split_turn(TWO, 0, 1) == [Message("user", "one", "about"), Message("assistant", "two\n\nthree"), TWO[1]]
    assert split_turn(TWO, 0, 2) == [Message("user", "one\ntwo", "about"), Message("assistant", "three"), TWO[1]]


@pytest.mark.parametrize(("number", "line"), [(0, 0), (0, 4), (0, -4), (1, 1), (2, 1), (-1, 1)])
def test_a_cut_leaves_something_on_both_sides(number, line):
    with pytest.raises(BadInput):
        split_turn(TWO, number, line)


def test_two_turns_become_one():
    assert merge_turns(TWO, 0) == [Message("user", "one\ntwo\n\nthree\n\nfour", "about")]
    both = [Message("user", "a"), Message("user", "b", "c"), Message("assistant", "d")]
    assert merge_turns(both, 0) == [Message("user", "a\n\nc\n\nb"), both[2]]
    with pytest.raises(BadInput):
        merge_turns(TWO, 1)


def test_a_turn_is_taken_out():
    assert drop_turn(TWO, 0) == TWO[1:]
    with pytest.raises(BadInput, match="only turn"):
        drop_turn(TWO[:1], 0)
    with pytest.raises(BadInput, match="no turn 3"):
        drop_turn(TWO, 2)


def test_a_turn_of_the_other_side_is_put_at_the_end():
    assert [message.role for message in add_turn(add_turn(TWO))] == ["user", "assistant", "user", "assistant"]
    assert add_turn([Message("system", "s")])[-1] == Message("user", "")
    assert add_turn([Message("tool", "s")])[-1] == Message("assistant", "")


messages = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "assistant", "tool"]), st.text("ab \n", max_size=8)),
    min_size=1,
    max_size=4,
)


@given(messages, st.integers(-1, 4), st.integers(-1, 5))
def test_a_cut_loses_nothing_but_space(before, number, line):
    try:
        after = split_turn(before, number, line)
    except BadInput:
        return
    joined = "".join(message.content for message in after)
    assert "".join(joined.split()) == "".join("".join(message.content for message in before).split())
    assert len(after) == len(before) + 1


def test_every_text_is_changed():
    said = Conversation((Message("system", "ab"), Message("user", "ab", "ab")), {"id": 1})
    changed = replace_text(said, lambda text: text.replace("a", "b"))
    assert changed.messages == (Message("system", "bb"), Message("user", "bb", "bb")) and changed.extra == {"id": 1}
