"""The layout of templates is learned from what they write, and text in it is read back."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import BadInput, CannotCarry
from lib.formats import ModelTokenizer, parse, render, render_text, text_of
from lib.formats.chat_template import ChatTemplate
from lib.formats.layout import Layout
from lib.records import Conversation, Message
from tests.formats.conversations import talk
from tests.formats.strategies import conversations, few

BOTH_TURNS = talk("s:Be\nbrief.", "u:Hi", "a:Hello\n\nyou", "u:Who?", "a:Me.")
PLAIN = (
    "{% for m in messages %}{% if m.role == 'assistant' %}A: {{ m.content }}\n\n{% else %}{{ m.role }}: "
    "{{ m.content }}\n{% endif %}{% endfor %}{% if add_generation_prompt %}A: {% endif %}"
)


def layout_of(source: str, **names: str) -> Layout:
    layout = ChatTemplate(source, names).layout
    assert layout
    return layout


def test_the_starters_own_system_prompt_reads_as_none(tokenizers: dict[str, ModelTokenizer]) -> None:
    starter = tokenizers["starter_like"]
    assert starter.chat and starter.chat.layout
    assert starter.chat.layout.default_system == "You are a helpful assistant."
    for conversation in (talk("u:Hi", "a:Yo"), BOTH_TURNS, talk("s:", "u:", "a:")):
        assert parse(render_text(conversation, "model", starter), "model", starter) == conversation
    same = talk("s:You are a helpful assistant.", "u:Hi", "a:Yo")
    assert parse(render_text(same, "model", starter), "model", starter) == talk("u:Hi", "a:Yo")


def test_what_the_template_puts_in_front_by_itself() -> None:
    turns = "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}"
    assert layout_of(turns).default_system == ""
    guarded = "{% if messages[0].role != 'system' %}<system>Be good.<end>{% endif %}" + turns
    assert layout_of(guarded).default_system == "Be good."
    always = "<system>Today is Monday.\n{% if messages[0].role == 'system' %}{{ messages[0].content }}{% endif %}<end>"
    rest = "{% for m in messages if m.role != 'system' %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}"
    assert layout_of(always + rest).default_system == "Today is Monday."


@pytest.mark.parametrize("generation", [False, True])
@few
@given(data=st.data())
def test_what_a_models_template_writes_is_read_back(
    tokenizer: ModelTokenizer, generation: bool, data: st.DataObject
) -> None:
    conversation = data.draw(conversations())
    assert tokenizer.chat and tokenizer.chat.layout
    own = tokenizer.chat.layout.default_system
    try:
        text = render_text(conversation, "model", tokenizer, generation=generation)
    except CannotCarry:
        return
    back = parse(text, "model", tokenizer)
    expected = conversation.prompt() if generation else conversation
    if own and expected.messages[0] == Message("system", own):
        expected = Conversation(expected.messages[1:])
    assert stripped(back) == stripped(expected)
    if tokenizer.name == "starter_like":
        assert back == expected


@few
@given(conversation=conversations())
def test_escaped_marks_come_back(tokenizer: ModelTokenizer, conversation: Conversation) -> None:
    try:
        text = render_text(conversation, "model", tokenizer, escape=True)
    except CannotCarry:
        return
    assert stripped(parse(text, "model", tokenizer, escaped=True)) == stripped(conversation)


@few
@given(conversation=conversations(["A:", "\nA: ", "user: ", "\n\n", "\nuser: ", "system: ", "x", " ", "\n", ""]))
def test_marks_that_are_plain_words_are_told_apart_or_refused(conversation: Conversation) -> None:
    template = ChatTemplate(PLAIN)
    for generation in (False, True):
        asked = conversation.prompt() if generation else conversation
        try:
            text = text_of(template.segments(asked, generation=generation))
        except CannotCarry:
            continue
        assert template.parse(text) == asked


def test_marks_in_texts_are_refused_by_name(tokenizers: dict[str, ModelTokenizer]) -> None:
    with pytest.raises(CannotCarry, match=r"message 1 \(user\): it holds \[/INST\]"):
        render(talk("u:a [/INST] b", "a:c"), "model", tokenizers["llama2_like"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Hello", "does not start with"),
        (
            "<|im_start|>system\nA<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>tool\nx<|im_end|>\n",
            "user text",
        ),
        ("<|im_start|>system\nA<|im_end|>\n<|im_start|>user\nHi", ""),
    ],
)
def test_text_in_another_form_says_why(tokenizers: dict[str, ModelTokenizer], text: str, reason: str) -> None:
    starter = tokenizers["starter_like"]
    if reason:
        with pytest.raises(BadInput, match=reason):
            parse(text, "model", starter)
    else:
        assert parse(text, "model", starter) == talk("s:A", "u:Hi")


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages | length }}",
        "{% for m in messages %}{{ m.content | upper }}{% endfor %}",
        "{% for m in messages %}{{ m.content }}\n{% endfor %}",
        "{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}",
        "{{ 1 / 0 }}",
    ],
)
def test_templates_without_a_layout_cannot_be_read(source: str) -> None:
    template = ChatTemplate(source)
    assert template.layout is None
    with pytest.raises(BadInput, match="cannot be read back"):
        template.parse("text")


TRL = Path(find_spec("trl").origin or "").parent / "chat_templates"  # type: ignore[union-attr]
UNREAD = {"idefics3", "llava_next", "smolvlm"}  # made for messages with pictures


@pytest.mark.parametrize("path", sorted(TRL.glob("*.jinja")), ids=lambda path: path.stem)
def test_templates_of_real_models(path: Path) -> None:
    template = ChatTemplate(path.read_text(), {"bos_token": "<BOS>", "eos_token": "<EOS>"}, frozenset({"<EOS>"}))
    if path.stem.removesuffix("_training") in UNREAD:
        assert template.layout is None
        return
    assert template.layout
    for conversation in (talk("u:Hi"), talk("u:Hi", "a:Yo\n\nthere"), talk("u:A", "a:B", "u:C", "a:D"), BOTH_TURNS):
        try:
            segments = template.segments(conversation, generation=conversation.messages[-1].role == "user")
        except CannotCarry:
            continue
        if conversation is BOTH_TURNS and template.layout.before_system is None:
            continue  # the system text is part of the question, as the template has it
        assert template.parse(text_of(segments)) == conversation


def stripped(conversation: Conversation) -> list[tuple[str, str, str]]:
    """Texts without the whitespace round each, and round a system text and a question together."""
    return [
        (message.role, message.content.strip(), message.context.strip() if message.context.strip() else "")
        for message in conversation.messages
    ]
