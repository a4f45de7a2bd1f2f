"""Marks of the format inside messages, escaped on request and read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import CannotCarry
from lib.formats import TEMPLATES, ModelTokenizer, get_template, parse, render_text
from lib.formats.escaping import escapable, escape_tags, unescape
from tests.formats.conversations import talk
from tests.formats.strategies import NASTY, conversations, few

READABLE = [name for name, template in TEMPLATES.items() if template.parse]
SLASHED = [*NASTY, "\\", "[\\INST]", "[\\\\INST]", "<\\s>", "#\\## Input:"]


def test_a_tag_gets_a_backslash_and_one_that_has_some_gets_one_more() -> None:
    tags = escapable(get_template("llama2"))
    before = talk("u:say [INST] or [\\INST]", "a:</s> [[/INST]")
    after = escape_tags(before, tags)
    assert [message.content for message in after.messages] == ["say [\\INST] or [\\\\INST]", "<\\/s> [[\\/INST]"]
    assert unescape(after, tags) == before


@pytest.mark.parametrize("template", list(TEMPLATES))
@few
@given(data=st.data())
def test_every_conversation_comes_back(
    tokenizers: dict[str, ModelTokenizer], template: str, data: st.DataObject
) -> None:
    conversation = data.draw(conversations(SLASHED))
    for tokenizer in (None, *tokenizers.values()):
        tags = escapable(get_template(template), tokenizer)
        escaped = escape_tags(conversation, tags)
        assert unescape(escaped, tags) == conversation
        assert not any(tag in message.content for tag in tags for message in escaped.messages)


@pytest.mark.parametrize("template", READABLE)
@few
@given(data=st.data())
def test_escaped_text_reads_back(tokenizers: dict[str, ModelTokenizer], template: str, data: st.DataObject) -> None:
    conversation = data.draw(conversations(SLASHED, one_pair=TEMPLATES[template].one_pair))
    for tokenizer in (None, *tokenizers.values()):
        try:
            text = render_text(conversation, template, tokenizer, escape=True)
        except CannotCarry as error:
            assert "it holds" not in error.message, "no mark is left that could be refused"
            continue
        read = parse(text, template, tokenizer, escaped=True)
        same = [(one.role, one.content.strip(), one.context.strip()) for one in read.messages]
        assert same == [(one.role, one.content.strip(), one.context.strip()) for one in conversation.messages]
