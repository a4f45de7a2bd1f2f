"""Plain prompt and completion: the first blank line tells them apart, or the conversation is refused."""

from __future__ import annotations

import pytest

from lib.errors import BadInput
from lib.formats import ModelTokenizer, Segment, parse, parse_any, render
from lib.records import Conversation
from tests.formats.conversations import talk

READ = [
    ("Q\n\nA</s>", talk("u:Q", "a:A")),
    ("Q\non two lines\n\nA\n\nof two paragraphs", talk("u:Q\non two lines", "a:A\n\nof two paragraphs")),
    ("<s>Q\n\n A\n</s>\n", talk("u:Q", "a: A\n")),
    ("Q\n\n", talk("u:Q")),
    ("Q\n\n</s>", talk("u:Q", "a:")),
    ("\n\nA", talk("u:", "a:A")),
    ("Q\n\n\nA", talk("u:Q", "a:\nA")),
    ("Q\n\n### Input:\nI\n\nA", talk("u:Q", "a:A", context="I")),
    ("Q\n\n### Input:\nA</s>", talk("u:Q", "a:### Input:\nA")),
]


@pytest.mark.parametrize(("text", "conversation"), READ)
def test_the_first_blank_line_ends_the_question(text: str, conversation: Conversation) -> None:
    assert parse(text, "plain") == conversation


def test_what_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(BadInput, match="no blank line"):
        parse("a question\nand an answer", "plain")
    with pytest.raises(BadInput, match="</s> stands inside the assistant text"):
        parse("Q\n\nA</s> more", "plain")
    with pytest.raises(BadInput, match="no form that can be read"):
        parse_any("Q\n\nA</s>")


def test_the_answer_and_its_end_are_trained(tokenizers: dict[str, ModelTokenizer]) -> None:
    assert render(talk("u:Q", "a:A"), "plain", tokenizers["llama3_like"]) == [
        Segment("<|begin_of_text|>", False, True),
        Segment("Q\n\n", False),
        Segment("A", True),
        Segment("<|eot_id|>", True, True),
    ]
