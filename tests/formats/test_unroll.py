"""Unrolling: a conversation of several turns as several of one."""

from __future__ import annotations

import pytest
from hypothesis import given

from lib.errors import CannotCarry
from lib.formats import TEMPLATES, render_text
from lib.formats.unroll import unroll
from lib.records import Conversation
from tests.formats.conversations import talk
from tests.formats.strategies import MILD, any_order, conversations, few


def test_one_for_each_answer() -> None:
    assert unroll(talk("u:A", "a:B", "u:C", "a:D", context="x")) == [
        talk("u:A", "a:B", context="x"),
        talk("u:C", "a:D"),
    ]


def test_the_system_prompt_stands_in_front_of_every_question() -> None:
    conversation = talk("s:Be brief.", "u:A", "a:B", "u:C", "a:D")
    assert unroll(conversation) == [talk("u:Be brief.\n\nA", "a:B"), talk("u:Be brief.\n\nC", "a:D")]
    assert unroll(conversation, TEMPLATES["plain"].joint)[0] == talk("u:Be brief.\nA", "a:B")
    assert unroll(talk("s: ", "u:A", "a:B")) == [talk("u:A", "a:B")]


def test_one_pair_comes_back_as_it_is() -> None:
    for conversation in (talk("u:A", "a:B"), talk("u:A")):
        assert unroll(conversation)[0] is conversation


def test_other_columns_go_with_each_and_an_open_question_is_kept() -> None:
    conversation = Conversation(talk("u:A", "a:B", "u:C").messages, {"id": 7})
    first, last = unroll(conversation)
    assert (first, last) == (talk("u:A", "a:B"), talk("u:C"))
    assert first.extra == last.extra == {"id": 7}


@pytest.mark.parametrize(
    ("conversation", "reason"),
    [
        (talk("s:S"), "message 1 (system): there is nothing but"),
        (talk("a:A", "u:B"), "message 1 (assistant): the assistant speaks first"),
        (talk("s:S", "u:A", "u:B", "a:C"), "message 3 (user): two user messages"),
        (talk("u:A", "a:B", "t:C", "a:D"), "message 3 (tool): there is no place for tool messages"),
        (talk("u:A", "s:S", "a:B"), "message 2 (system): a system message may only come first"),
    ],
)
def test_other_orders_are_refused_by_name(conversation: Conversation, reason: str) -> None:
    with pytest.raises(CannotCarry) as error:
        unroll(conversation)
    assert error.value.message.startswith(f"unroll cannot carry {reason}") and error.value.hint


@few
@given(conversation=conversations(MILD))
def test_every_answer_is_in_one_of_them(conversation: Conversation) -> None:
    singles = unroll(conversation)
    answers = [one.content for one in conversation.messages if one.role == "assistant"]
    assert [single.answer() for single in singles] == answers
    for template in [name for name, template in TEMPLATES.items() if template.one_pair]:
        for single in singles:
            try:
                assert render_text(single, template)
            except CannotCarry as error:
                assert "one question" not in error.message and "(system)" not in error.message


@few
@given(conversation=any_order)
def test_any_order_is_unrolled_or_refused(conversation: Conversation) -> None:
    try:
        assert unroll(conversation)
    except CannotCarry as error:
        assert error.message and error.hint
