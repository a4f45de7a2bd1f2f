"""Text back to conversations: exact for what is written here, forgiving for what stands in real files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import BadInput, CannotCarry
from lib.formats import TEMPLATES, ModelTokenizer, parse, parse_any, render_text
from lib.formats.checks import check
from lib.formats.segments import Specials, find_any, text_of
from lib.records import Conversation, Message
from tests.formats.conversations import talk
from tests.formats.strategies import MILD, NASTY, any_order, conversations, few, texts

READABLE = [name for name, template in TEMPLATES.items() if template.parse]
RECOGNISED = [name for name in READABLE if name != "plain"]
SLASHED = [
    *NASTY,
    "\\",
    "[\\INST]",
    "[\\\\INST]",
    "<\\s>",
    "#\\## Input:",
    "### Human:",
    "### Assistant:",
    "### Human: ",
]
SHAPES = [
    Specials("<|endoftext|>", "<|endoftext|>", frozenset({"<|endoftext|>"})),
    Specials("", "<|endoftext|>", frozenset({"<|endoftext|>", "<|im_start|>", "<|im_end|>"})),
    Specials("<bos>", "", frozenset({"<bos>"})),
    Specials("[BOS]", "[EOS]", frozenset({"[BOS]", "[EOS]", "[INST]", "[/INST]"})),
    Specials("^", "]", frozenset({"^", "]"})),
]
BELOW = "Below is an instruction that describes a task. Write a response that appropriately completes the request."

SLOPPY = [
    (
        "<s>[INST] what is your name? [/INST] my name is Julia</s>",
        talk("u:what is your name?", "a:my name is Julia"),
        "llama2-oneline",
    ),
    (
        "<s>\n  [INST] <<SYS>> you are a good bot <</SYS>> what\n  is your name? [/INST] My name is Julia\n</s>",
        talk("s:you are a good bot", "u:what\n  is your name?", "a:My name is Julia"),
        "llama2-oneline",
    ),
    ("<s><s>[INST]Hi[/INST]Hello</s>", talk("u:Hi", "a:Hello"), "llama2-oneline"),
    ("[INST] no begin [/INST] no end", talk("u:no begin", "a:no end"), "llama2-oneline"),
    ("[INST] open [/INST] ", talk("u:open"), None),
    (
        "<s>[INST]\n<<SYS>>\nS\n<</SYS>>\n\nA [/INST] B </s><s> [INST]C[/INST]\nD</s>\n",
        talk("s:S", "u:A", "a:B", "u:C", "a:D"),
        "llama2",
    ),
    ("[INST] A [/INST] B [INST] C [/INST] D", talk("u:A", "a:B", "u:C", "a:D"), None),
    ("[INST]<<SYS>>S<</SYS>>A[/INST]a[0] < b[1]</s></s>", talk("s:S", "u:A", "a:a[0] < b[1]"), "llama2-oneline"),
    ("<s>[INST] Q\n\n### Input:\nI [/INST] A </s>", talk("u:Q", "a:A", context="I"), "llama2"),
    (f"{BELOW}\n\n### Instruction:\nSay hi\n\n### Response:\nHi.</s>", talk("u:Say hi", "a:Hi."), "alpaca-lora"),
    (f"<s>{BELOW}\n\n### Instruction:\nSay hi\n\n### Response:Hi.", talk("u:Say hi", "a:Hi."), "alpaca"),
    ("### Instruction: Q\n### Input: I\n### Response: A", talk("u:Q", "a:A", context="I"), None),
    ("### Instruction:\r\nQ\r\n\r\n### Response:\r\nA\r\n</s>", talk("u:Q", "a:A"), None),
    ("<|im_start|>user\nA<|im_end|>\n<|im_start|>assistant\nB", talk("u:A", "a:B"), "chatml"),
]


@pytest.mark.parametrize(("text", "conversation", "template"), SLOPPY)
def test_text_as_it_stands_in_files(text: str, conversation: Conversation, template: str | None) -> None:
    found, name = parse_any(text)
    assert found == conversation
    assert template in (None, name)
    assert parse(text, name) == conversation


REFUSED = [
    ("plain prose with no form at all", "no form"),
    ("", "no form"),
    ("<s>[INST] never closed", "[INST] is never closed"),
    ("never opened [/INST] answer", "[/INST] comes before"),
    ("preface [INST] q [/INST] a", "text before [INST]"),
    ("<s>[INST] q [/INST] a</s> more", "text outside of any turn"),
    ("[INST] a [INST] b [/INST] c", "second [INST]"),
    ("[INST] a </s> b [/INST] c", "inside the question"),
    ("[INST] a [/INST] [INST] b [/INST] c", "Turn 1 has no answer"),
    ("[INST] <<SYS>> s [/INST] c", "<<SYS>> is never closed"),
    ("[INST] a [/INST] b </s>[INST] <<SYS>> s <</SYS>> c [/INST] d", "stands inside a user text"),
    ("### Instruction:\nSay hi", "no ### Response:"),
    ("### Response:\nHi", "no ### Instruction:"),
    ("You are Julia.\n\n### Instruction:\na\n\n### Response:\nb", "would be lost"),
    ("### Instruction:\na\n\n### Response:\nb\n\n### Response:\nc", "stands inside"),
    ("<|im_start|>narrator\nB<|im_end|>", "does not start with system"),
    ("<|im_start|>user\nA\n<|im_start|>assistant\nB<|im_end|>", "never closed"),
    ("<|start_header_id|>user<|end_header_id|>\n\nA<|eot_id|> b <|start_header_id|>", "text after"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_text_that_cannot_be_read_says_why(text: str, reason: str) -> None:
    with pytest.raises(BadInput) as error:
        parse_any(text)
    assert reason in error.value.message
    assert error.value.hint


def test_long_texts_without_tags_are_read_in_one_pass() -> None:
    answer = "< [ " * 50_000 + " \n" * 50_000 + "."
    assert parse(f"[INST] q [/INST] {answer}", "llama2") == talk("u:q", f"a:{answer}")
    assert parse(f"### Instruction:\nq\n### Response:{answer}", "alpaca") == talk("u:q", f"a:{answer}")


@pytest.mark.parametrize("template", READABLE)
@pytest.mark.parametrize("escape", [False, True], ids=["as it is", "escaped"])
@few
@given(data=st.data(), generation=st.booleans())
def test_what_is_written_is_read_back(
    tokenizers: dict[str, ModelTokenizer], template: str, escape: bool, data: st.DataObject, generation: bool
) -> None:
    parts = data.draw(st.sampled_from([SLASHED, MILD]))
    conversation = data.draw(conversations(parts, one_pair=TEMPLATES[template].one_pair))
    expected = as_defined(template, conversation.prompt() if generation else conversation)
    for tokenizer in (None, *tokenizers.values()):
        if not escape and tokenizer and holds_any(conversation, tokenizer.specials.known):
            continue
        try:
            text = render_text(conversation, template, tokenizer, generation=generation, escape=escape)
        except CannotCarry as error:
            assert not (escape and "it holds" in error.message), "no mark is left that could be refused"
            continue
        assert parse(text, template, tokenizer, escaped=escape) == expected


@pytest.mark.parametrize("template", RECOGNISED)
@few
@given(data=st.data(), generation=st.booleans())
def test_what_is_written_with_mild_texts_is_recognised(
    tokenizers: dict[str, ModelTokenizer], template: str, data: st.DataObject, generation: bool
) -> None:
    conversation = data.draw(conversations(MILD, one_pair=TEMPLATES[template].one_pair))
    for tokenizer in (None, *tokenizers.values()):
        try:
            text = render_text(conversation, template, tokenizer, generation=generation)
        except CannotCarry:
            continue
        for read, form in (parse_any(text, tokenizer), parse_any(text)):
            assert TEMPLATES[form].tags == TEMPLATES[template].tags, "the same form but for its whitespace"
            assert said(read) == said(conversation.prompt() if generation else conversation)


@pytest.mark.parametrize("template", READABLE)
@pytest.mark.parametrize("specials", SHAPES, ids=lambda shape: f"{shape.bos}:{shape.eos}")
@few
@given(data=st.data(), generation=st.booleans())
def test_begin_and_end_tokens_of_every_shape(
    template: str, specials: Specials, data: st.DataObject, generation: bool
) -> None:
    conversation = data.draw(conversations(MILD, one_pair=TEMPLATES[template].one_pair))
    asked = conversation.prompt() if generation else conversation
    form = TEMPLATES[template]
    try:
        check(asked, form, generation=generation, forbidden=form.tags | specials.known)
        segments = form.segments(asked, specials, generation)
    except CannotCarry:
        return
    if (read := form.parse) and (specials.eos or all(one.content.strip() for one in asked.messages)):
        assert read(text_of(segments), specials) == as_defined(template, asked)


def test_text_written_with_another_models_tokens(tokenizers: dict[str, ModelTokenizer]) -> None:
    conversation = talk("s:S", "u:the </s> tag", "a:B", "u:C", "a:D")
    text = render_text(conversation, "llama2", tokenizers["llama3_like"])
    assert text.startswith("<|begin_of_text|>[INST]") and text.endswith("D <|eot_id|>")
    assert parse(text, "llama2", tokenizers["llama3_like"]) == conversation
    assert parse_any(text) == (conversation, "llama2")
    prompt = render_text(conversation, "llama2", tokenizers["llama3_like"], generation=True)
    assert parse_any(prompt) == (conversation.prompt(), "llama2")
    with pytest.raises(BadInput, match=r"text before \[INST\]"):
        parse(text, "llama2")
    assert parse("<s>[INST] A [/INST] B </s>", "llama2", tokenizers["llama2_like"]) == talk("u:A", "a:B")
    chatml = render_text(talk("u:A", "a:B"), "chatml", tokenizers["llama2_like"])
    assert chatml == "<s><|im_start|>user\nA<|im_end|>\n<|im_start|>assistant\nB</s>\n"
    assert parse(chatml, "chatml", tokenizers["llama2_like"]) == talk("u:A", "a:B")


@few
@given(text=texts([*NASTY, BELOW, "<|im_start|>user\n", "<|start_header_id|>user<|end_header_id|>\n\n"]))
def test_any_text_is_read_or_refused(text: str) -> None:
    for template in ("auto", *READABLE):
        try:
            assert parse_any(text)[0] if template == "auto" else parse(text, template)
        except BadInput as error:
            assert error.message and error.hint


@few
@given(conversation=any_order)
def test_any_order_of_roles_is_written_or_refused(conversation: Conversation) -> None:
    for template in READABLE:
        for generation in (False, True):
            try:
                assert render_text(conversation, template, generation=generation)
            except CannotCarry as error:
                assert error.message.startswith(template) and error.hint


def holds_any(conversation: Conversation, literals: frozenset[str]) -> bool:
    return any(find_any(text, literals) for one in conversation.messages for text in (one.content, one.context))


def said(conversation: Conversation) -> list[tuple[str, str, str]]:
    """Roles and texts without the whitespace round them, in which forms of one kind differ."""
    return [(one.role, one.content.strip(), one.context.strip()) for one in conversation.messages]


def as_defined(template: str, conversation: Conversation) -> Conversation:
    """The conversation without the whitespace that the template's own definition strips."""
    if template == "guanaco":
        return as_stripped(conversation, system_stays=False)
    return as_stripped(conversation) if template.startswith("llama2") else conversation


def as_stripped(conversation: Conversation, system_stays: bool = True) -> Conversation:
    """What forms that strip texts leave; Llama-2's code strips the first system and user text as one."""
    messages = []
    for number, message in enumerate(conversation.messages):
        content, context = message.content, message.context.rstrip()
        after_system = system_stays and number == 1 and conversation.messages[0].role == "system"
        if message.role == "assistant" or (message.role == "system" and not system_stays):
            content = content.strip()
        elif message.role == "user":
            content = content if after_system else content.lstrip()
            content = content if context else content.rstrip()
        messages.append(Message(message.role, content, context))
    return Conversation(tuple(messages))
