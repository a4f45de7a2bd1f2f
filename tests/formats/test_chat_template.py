"""The model's own chat template: rendered as transformers does, cut into prompt and answer."""

from __future__ import annotations

import pytest

from lib.errors import CannotCarry, ModelError
from lib.formats import ModelTokenizer, Segment, render, render_text
from lib.formats.chat_template import ChatTemplate
from lib.formats.jinja import TemplateError
from tests.formats.conversations import talk

END = frozenset({"<end>"})
ONE = talk("u:Hi", "a:Hello!")


def segments_of(source: str, *turns: str) -> list[Segment]:
    return ChatTemplate(source, {"eos_token": "<end>"}, END).segments(talk(*turns), generation=False)


def test_the_starters_template_adds_its_system_prompt(tokenizers: dict[str, ModelTokenizer]) -> None:
    starter = tokenizers["starter_like"]
    text = render_text(ONE, "model", starter)
    assert text.startswith("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nHi<|im_end|>")
    assert render(ONE, "model", starter)[-3:] == [
        Segment("Hello!", True),
        Segment("<|im_end|>", True, True),
        Segment("\n", False),
    ]
    prompt = render_text(ONE, "model", starter, generation=True)
    assert prompt.endswith("<|im_start|>assistant\n") and text.startswith(prompt)


def test_llama_templates_agree_with_ours(tokenizers: dict[str, ModelTokenizer]) -> None:
    conversation = talk("s:Be brief.", "u:Hi", "a:Hello!", "u:Who?", "a:Me.")
    for name, template in (("llama2_like", "llama2"), ("llama3_like", "llama3")):
        for generation in (False, True):
            ours = render(conversation, template, tokenizers[name], generation=generation)
            assert render(conversation, "model", tokenizers[name], generation=generation) == ours


def test_loops_json_and_generation_blocks() -> None:
    source = (
        "{% for m in messages %}{% if loop.index > 9 %}{% break %}{% endif %}"
        "{% if m.role == 'assistant' %}{% generation %}{{ m.content + eos_token }}{% endgeneration %}"
        "{% else %}{{ {'é<': m.content} | tojson }}{% endif %}{% endfor %}"
    )
    assert segments_of(source, "u:Hi", "a:Yo") == [
        Segment('{"é<": "Hi"}', False),
        Segment("Yo", True),
        Segment("<end>", True, True),
    ]


def test_text_in_front_of_the_answer_is_trained_with_it() -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'assistant' %}<think></think>{{ m.content }}<end>\n"
        "{% else %}{{ m.content }}:{% endif %}{% endfor %}"
    )
    assert segments_of(source, "u:Hi", "a:Yo")[1:3] == [
        Segment("<think></think>Yo", True),
        Segment("<end>", True, True),
    ]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ raise_exception('no system here') }}", "no system here"),
        ("{{ messages | length }}", "rewrites what came before it"),
        ("{% for m in messages %}{{ m.role }}{% endfor %}", "leaves it out or changes its text"),
        ("{{ messages[1:] | map(attribute='content') | join }}", "message 1: the chat template leaves it out"),
        ("{% for m in messages %}{{ m.content | upper }}{% endfor %}", "leaves it out or changes its text"),
    ],
)
def test_conversations_that_the_template_does_not_carry(source: str, reason: str) -> None:
    with pytest.raises(CannotCarry) as error:
        segments_of(source, "u:question", "a:answer")
    assert reason in error.value.message and error.value.message.startswith("model cannot carry")


@pytest.mark.parametrize("source", ["{% if %}", "{{ 1 / 0 }}", "{{ messages.append(1) }}", "{{ ''.__class__.mro() }}"])
def test_broken_and_hostile_templates(source: str) -> None:
    with pytest.raises(ModelError, match="chat template"):
        segments_of(source, "u:Hi", "a:Yo")


BLOCKS = (
    "{% for m in messages %}{% if m.role == 'assistant' %}A: {% generation %}{{ m.content }}<end>{% endgeneration %}\n"
    "{% else %}Q: {{ m.content }}\n{% endif %}{% endfor %}{% if add_generation_prompt %}A: {% endif %}"
)


def test_blocks_say_what_is_trained() -> None:
    segments = segments_of(BLOCKS, "u:Hi", "a:Yo", "u:And", "a:So")
    assert [segment.text for segment in segments if segment.trained] == ["Yo", "<end>", "So", "<end>"]
    only_last = BLOCKS.replace("{% generation %}", "{% if loop.last %}{% generation %}").replace(
        "{% endgeneration %}", "{% endgeneration %}{% else %}{{ m.content }}<end>{% endif %}"
    )
    trained = [segment.text for segment in segments_of(only_last, "u:Hi", "a:Yo", "u:And", "a:So") if segment.trained]
    assert trained == ["So", "<end>"]
    later = BLOCKS.replace("A: {% gen", "A: <think>{% gen")
    assert segments_of(later, "u:Hi", "a:Yo")[:2] == [Segment("Q: Hi\nA: <think>", False), Segment("Yo", True)]


def test_what_a_block_takes_of_the_prompt_is_refused_but_for_whitespace() -> None:
    space = BLOCKS.replace("A: {% generation %}", "A:{% generation %} ")
    assert segments_of(space, "u:Hi", "a:Yo") == segments_of(BLOCKS, "u:Hi", "a:Yo")
    with pytest.raises(CannotCarry, match="message 2: the trained part begins inside the prompt"):
        segments_of(BLOCKS.replace("A: {% generation %}", "{% generation %}A: "), "u:Hi", "a:Yo")


@pytest.mark.parametrize("source", [BLOCKS, BLOCKS.replace("{% generation %}", "").replace("{% endgeneration %}", "")])
def test_a_prompt_goes_on_as_the_training_text(source: str) -> None:
    template = ChatTemplate(source, {}, END)
    conversation = talk("u:Hi", "a:Yo", "u:And", "a:So")
    prompt = template.segments(conversation.prompt(), generation=True)
    whole = template.segments(conversation, generation=False)
    assert "".join(segment.text for segment in whole).startswith("".join(segment.text for segment in prompt))
    assert whole[: len(prompt)] == prompt


def test_what_fails_says_where() -> None:
    with pytest.raises(TemplateError) as error:
        segments_of("{% for m in messages %}\n  {{ m.content + 1 }}{% endfor %}", "u:Hi", "a:Yo")
    assert (error.value.line, error.value.column) == (2, 16)
    assert error.value.message.startswith("The model's chat template, line 2, column 16: can only concatenate")
    assert error.value.to_dict()["fault"]["line"] == 2
