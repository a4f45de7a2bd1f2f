"""Guanaco: the data set's own rows, the spellings that are about, and what is trained."""

from __future__ import annotations

import pytest

from lib.errors import BadInput
from lib.formats import ModelTokenizer, Segment, parse, parse_any, render, render_text
from lib.records import Conversation
from tests.formats.conversations import talk

TWO = talk("u:A", "a:B", "u:C", "a:D")

READ = [
    ("### Human: A### Assistant: B### Human: C### Assistant: D", TWO),
    ("### Human: A### Assistant: B### Human: now to a dog", talk("u:A", "a:B", "u:now to a dog")),
    ("### Human: A\n### Assistant: B\n### Human: C\n### Assistant: D\n", TWO),
    ("### Human: A ### Assistant: B</s>### Human: C ### Assistant: D </s>\n", TWO),
    ("<s>### Human:A\n\n### Assistant:\nB</s><s>### Human:\nC\n\n### Assistant:\nD</s>", TWO),
    ("\n<s><s>### Human: A### Assistant:", talk("u:A")),
    ("### Human: A\n### Assistant: B\n### Human:", talk("u:A", "a:B")),
    ("You are kind.\nAlways.\n\n### Human: A\n### Assistant: B", talk("s:You are kind.\nAlways.", "u:A", "a:B")),
    ("### Human: Q\n\n### Input:\nI\n### Assistant: A", talk("u:Q", "a:A", context="I")),
    ("### Human: A### Assistant: </s>", talk("u:A", "a:")),
    ("### Human: A### Assistant:### Human: C", talk("u:A", "a:", "u:C")),
    ("### Human: 1 < 2 #### Assistant: yes", talk("u:1 < 2 #", "a:yes")),
]


@pytest.mark.parametrize(("text", "conversation"), READ)
def test_texts_as_files_have_them(text: str, conversation: Conversation) -> None:
    assert parse(text, "guanaco") == conversation
    assert parse_any(text) == (conversation, "guanaco")


REFUSED = [
    ("Hi there", "no ### Human:"),
    ("### Assistant: A### Human: B", "### Assistant: comes first"),
    ("### Human: A### Human: B### Assistant: C", "Heading 2: ### Human: follows another"),
    ("### Human: A### Assistant: B### Assistant: C", "Heading 3: ### Assistant: follows another"),
    ("### Human: A</s> b### Assistant: C", "</s> stands inside the user text"),
    ("### Human: A### Assistant: B</s> C### Human: D", "</s> stands inside the assistant text"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_texts_that_cannot_be_read_say_why(text: str, reason: str) -> None:
    with pytest.raises(BadInput) as error:
        parse(text, "guanaco")
    assert reason in error.value.message and error.value.hint


def test_every_answer_and_its_end_are_trained() -> None:
    assert render(TWO, "guanaco") == [
        Segment("### Human: A### Assistant:", False),
        Segment(" B", True),
        Segment("</s>", True, True),
        Segment("### Human: C### Assistant:", False),
        Segment(" D", True),
        Segment("</s>", True, True),
    ]


def test_tokens_come_from_the_model(tokenizers: dict[str, ModelTokenizer]) -> None:
    text = render_text(TWO, "guanaco", tokenizers["llama3_like"])
    assert text.count("<|begin_of_text|>") == 1 and text.count("<|eot_id|>") == 2
    assert parse(text, "guanaco", tokenizers["llama3_like"]) == TWO


def test_whitespace_round_texts_is_stripped() -> None:
    conversation = talk("s: S\n", "u:\n A \n", "a:  B\n\n")
    assert render_text(conversation, "guanaco") == "S\n### Human: A### Assistant: B</s>"
