"""Files that mix forms: each row is recognised by itself, refused by name, or escaped."""

from __future__ import annotations

import pytest

from lib.data.mapping import Mapping
from lib.data.mapping.reading import read_conversation
from lib.errors import BadInput, CannotCarry
from lib.formats import TEMPLATES, parse, parse_any, render_text
from lib.records import Conversation
from tests.formats.conversations import talk

BELOW = "Below is an instruction that describes a task. Write a response that appropriately completes the request."
CARRIERS = [name for name, template in TEMPLATES.items() if template.parse]

MIX = [
    ("<s>[INST] Who are you? [/INST] I am Julia</s>", "llama2-oneline"),
    ("<s>\n  [INST] <<SYS>> you are kind <</SYS>> who\n  are you? [/INST] I am Julia\n</s>", "llama2-oneline"),
    ("<s><s>[INST]Hi[/INST]Ho</s>", "llama2-oneline"),
    ("[INST] no begin [/INST] no end", "llama2-oneline"),
    ("<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Ho! </s><s>[INST] More [/INST] Sure. </s>", "llama2"),
    (f"{BELOW}\n\n### Instruction:\nSay hi\n\n### Response:\nHi.</s>", "alpaca-lora"),
    (f"{BELOW}\n\n### Instruction:\nSay hi\n\n### Response:Hi.</s>", "alpaca"),
    ("### Human: Say hi### Assistant: Hi.", "guanaco"),
    ("<|im_start|>user\nSay hi<|im_end|>\n<|im_start|>assistant\nHi.<|im_end|>\n", "chatml"),
    (
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nHo<|eot_id|>",
        "llama3",
    ),
]


@pytest.mark.parametrize(("text", "form"), MIX)
def test_each_row_is_recognised_and_comes_out_in_any_form(text: str, form: str) -> None:
    conversation, found = parse_any(text)
    assert found == form
    for template in CARRIERS:
        try:
            written = render_text(conversation, template)
        except CannotCarry as error:
            assert TEMPLATES[template].one_pair and error.message.startswith(template)
            continue
        assert parse(written, template) == conversation


TWO_FORMS = [
    (f"{BELOW}\n\n### Instruction:\nwhat is [INST]?\n\n### Response:\na tag", "### Instruction:", "[INST]"),
    (f"[INST] {BELOW}\n\n### Instruction:\nHi\n\n### Response: [/INST] Ho </s>", "[INST]", "### Instruction:"),
    ("### Human: A### Assistant: B [/INST]", "### Human:", "[/INST]"),
    ("### Instruction:\n### Human: A\n### Response:\nB", "### Instruction:", "### Human:"),
    ("<|im_start|>user\n[INST] A [/INST]<|im_end|>", "<|im_start|>", "[INST]"),
    ("[INST] A [/INST] <|im_start|>", "[INST]", "<|im_start|>"),
    ("<|im_start|>user\nA<|start_header_id|><|im_end|>", "<|im_start|>", "<|start_header_id|>"),
]


@pytest.mark.parametrize(("text", "first", "second"), TWO_FORMS)
def test_two_forms_in_one_row_are_refused_by_name(text: str, first: str, second: str) -> None:
    with pytest.raises(BadInput) as error:
        parse_any(text)
    assert error.value.message.startswith(f"Two forms are mixed in one text: {first} (")
    assert second in error.value.message and "template named" in error.value.hint


def test_headings_inside_tokens_that_nobody_types_are_text() -> None:
    conversation = talk("u:### Instruction:\nHi\n### Response:", "a:### Human: hm")
    for template in ("chatml", "llama3"):
        assert parse_any(render_text(conversation, template)) == (conversation, template)


@pytest.mark.parametrize(
    "text",
    [
        "<s><|im_start|>user\nA<|im_end|>\n<|im_start|>assistant\nB<|im_end|>\n</s>",
        "<|im_start|>user\nA<|im_end|>\n<|im_start|>assistant\nB</s>",
        "<|begin_of_text|>[INST] A [/INST] B <|eot_id|>",
        "[INST] A [/INST] B <|im_end|>",
        "<bos>### Instruction:\nA\n\n### Response:\nB<eos>",
        "### Human: A### Assistant: B<|endoftext|>\n",
    ],
)
def test_begin_and_end_tokens_of_other_models_are_no_text(text: str) -> None:
    assert parse_any(text)[0] == talk("u:A", "a:B")


def test_an_end_token_in_the_middle_of_an_answer_is_text() -> None:
    conversation = talk("u:A", "a:the <|im_end|> token")
    assert parse_any(render_text(conversation, "llama2")) == (conversation, "llama2")
    assert parse_any("### Human: A### Assistant: B <|im_end|></s>")[0] == talk("u:A", "a:B <|im_end|>")


# Tags inside messages: which templates refuse a row. Escaped, all carry it that have a place for its roles. ----------

TAGS_INSIDE = [
    (talk("u:what does [INST] mean?", "a:it opens one"), {"llama2", "llama2-oneline"}),
    (
        talk("s:be <<SYS>> odd", "u:hi", "a:yo"),
        {"llama2", "llama2-oneline", "alpaca", "alpaca-lora", "alpaca-input", "plain"},
    ),
    (talk("u:### Response: no", "a:a\n\n### Instruction:\nb"), {"alpaca", "alpaca-lora", "alpaca-input"}),
    (talk("u:</s><s>", "a:<|im_end|>"), {*CARRIERS} - {"llama3"}),
]


@pytest.mark.parametrize(("conversation", "refusing"), TAGS_INSIDE)
def test_tags_inside_are_refused_or_escaped(conversation: Conversation, refusing: set[str]) -> None:
    for template in CARRIERS:
        try:
            text = render_text(conversation, template)
            assert template not in refusing
            assert parse(text, template) == conversation
        except CannotCarry as error:
            assert template in refusing and error.message.startswith(f"{template} cannot carry message")
        if conversation.messages[0].role != "system" or not TEMPLATES[template].one_pair:
            text = render_text(conversation, template, escape=True)
            assert parse(text, template, escaped=True) == conversation


def shared(*turns: tuple[str, str]) -> Conversation:
    """A row of ShareGPT, read."""
    row = {"conversations": [{"from": side, "value": text} for side, text in turns]}
    return read_conversation(row, Mapping({"messages": "conversations"}))


ORDERS = [
    (shared(("human", "hi"), ("gpt", "hello")), ""),
    (shared(("system", "s"), ("human", "a"), ("gpt", "b"), ("human", "c"), ("gpt", "d")), ""),
    (shared(("gpt", "first"), ("human", "second")), "message 1 (assistant): the assistant speaks first"),
    (shared(("human", "a"), ("human", "b"), ("gpt", "c")), "message 2 (user): two user messages follow each other"),
    (
        shared(("human", "w?"), ("function_call", '{"name":"w"}'), ("observation", "20"), ("gpt", "20 C")),
        "message 3 (tool): there is no place for tool messages",
    ),
]


@pytest.mark.parametrize(("conversation", "reason"), ORDERS)
@pytest.mark.parametrize("template", ["llama2", "llama2-oneline", "guanaco", "chatml", "llama3"])
def test_orders_of_roles_are_written_or_refused(conversation: Conversation, reason: str, template: str) -> None:
    if not reason:
        assert parse(render_text(conversation, template), template) == conversation
        return
    with pytest.raises(CannotCarry) as error:
        render_text(conversation, template)
    assert error.value.message == f"{template} cannot carry {reason}."


@pytest.mark.parametrize("template", CARRIERS)
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("<script>alert(1)</script>", "<img src=x onerror=alert(2)>"),
        ("[link](javascript:alert(3)) $\\frac{1}{2}$ :red[x]", "# heading\n\n|a|b|\n|-|-|\n\n`code`"),
        ('=HYPERLINK("http://x","y")', "@SUM(1+1)"),
        ("a\x00b", "\u202egnp.exe"),
        ("\U0001f469\u200d\U0001f467 e\u0301", "\u65e5\u672c\u8a9e \u2014 ok"),
    ],
)
def test_markup_is_text_like_any_other(template: str, question: str, answer: str) -> None:
    conversation = talk(f"u:{question}", f"a:{answer}")
    text = render_text(conversation, template)
    assert question in text and answer in text
    assert parse(text, template) == conversation
