"""Golden texts, refusals by name, and what is trained."""

from __future__ import annotations

import pytest

from lib.errors import BadInput, CannotCarry, ModelError, NotFound
from lib.formats import TEMPLATES, Segment, get_template, parse, render, render_text
from lib.records import Conversation
from tests.formats.conversations import talk

WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
    "response that appropriately completes the request.\n\n### Instruction:\nTranslate\n\n### Input:\nchat"
)
WITHOUT_INPUT = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request."
    "\n\n### Instruction:\nSay hi"
)
TRANSLATE = talk("u:Translate", "a:cat", context="chat")
SAY_HI = talk("u:Say hi", "a:Hi.")

GOLDEN = [
    ("llama2", talk("u:Hi"), "<s>[INST] Hi [/INST]"),
    ("llama2", talk("u:Hi", "a:Hello!"), "<s>[INST] Hi [/INST] Hello! </s>"),
    (
        "llama2",
        talk("s:Be brief.", "u:Hi", "a:Hello!"),
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello! </s>",
    ),
    (
        "llama2",
        talk("u:A", "a:B", "u:C", "a:D"),
        "<s>[INST] A [/INST] B </s><s>[INST] C [/INST] D </s>",
    ),
    (
        "llama2",
        talk("s:S", "u:A", "a:B", "u:C"),
        "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nA [/INST] B </s><s>[INST] C [/INST]",
    ),
    ("llama2", talk("u:  Hi \n", "a:\n Yo  "), "<s>[INST] Hi [/INST] Yo </s>"),
    ("llama2", talk("u:Hi", "a:"), "<s>[INST] Hi [/INST]  </s>"),
    ("llama2", talk("s: S \n", "u: A", "a:B"), "<s>[INST] <<SYS>>\n S \n\n<</SYS>>\n\n A [/INST] B </s>"),
    (
        "llama2-oneline",
        talk("s:sys", "u:question", "a:answer"),
        "<s>[INST] <<SYS>> sys <</SYS>> question [/INST] answer</s>",
    ),
    ("llama2-oneline", talk("u:A", "a:B", "u:C"), "<s>[INST] A [/INST] B</s><s>[INST] C [/INST]"),
    ("alpaca", TRANSLATE, f"{WITH_INPUT}\n\n### Response:cat</s>"),
    ("alpaca", SAY_HI, f"{WITHOUT_INPUT}\n\n### Response:Hi.</s>"),
    ("alpaca-lora", TRANSLATE, f"{WITH_INPUT}\n\n### Response:\ncat</s>"),
    ("alpaca-lora", SAY_HI, f"{WITHOUT_INPUT}\n\n### Response:\nHi.</s>"),
    ("alpaca-lora", talk("u:Say hi"), f"{WITHOUT_INPUT}\n\n### Response:\n"),
    (
        "alpaca-input",
        SAY_HI,
        WITH_INPUT.replace("Translate", "Say hi").replace("chat", "") + "\n\n### Response:\nHi.</s>",
    ),
    (
        "chatml",
        talk("s:S", "u:A", "a:B"),
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nA<|im_end|>\n<|im_start|>assistant\nB<|im_end|>\n",
    ),
    ("chatml", talk("u:A"), "<|im_start|>user\nA<|im_end|>\n<|im_start|>assistant\n"),
    (
        "llama3",
        talk("u:A", "a:B"),
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nA<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nB<|eot_id|>",
    ),
    ("guanaco", talk("u:A", "a:B", "u:C", "a:D"), "### Human: A### Assistant: B</s>### Human: C### Assistant: D</s>"),
    ("guanaco", talk("s:Be brief.", "u:Hi"), "Be brief.\n### Human: Hi### Assistant:"),
    ("guanaco", TRANSLATE, "### Human: Translate\n\n### Input:\nchat### Assistant: cat</s>"),
    ("plain", SAY_HI, "Say hi\n\nHi.</s>"),
    ("plain", talk("u:Say\nhi"), "Say\nhi\n\n"),
    ("plain", TRANSLATE, "Translate\n\n### Input:\nchat\n\ncat</s>"),
    ("llama2", TRANSLATE, "<s>[INST] Translate\n\n### Input:\nchat [/INST] cat </s>"),
]


@pytest.mark.parametrize(("template", "conversation", "text"), GOLDEN)
def test_golden_texts(template: str, conversation: Conversation, text: str) -> None:
    generation = conversation.messages[-1].role == "user"
    assert render_text(conversation, template, generation=generation) == text


def test_order_and_names_of_the_templates() -> None:
    llama2, alpaca = ["llama2", "llama2-oneline"], ["alpaca", "alpaca-lora", "alpaca-input"]
    assert list(TEMPLATES) == [*llama2, *alpaca, "guanaco", "plain", "chatml", "llama3", "model"]
    assert all(template.name == name and template.label and template.help for name, template in TEMPLATES.items())
    with pytest.raises(NotFound, match="vicuna") as error:
        get_template("vicuna")
    assert "llama2-oneline" in error.value.hint


REFUSED = [
    ("llama2", talk("u:say [INST] now", "a:ok"), "message 1 (user): it holds [INST]"),
    ("llama2", talk("u:hi", "a:say <</SYS>>"), "message 2 (assistant): it holds <</SYS>>"),
    ("llama2", talk("s:a </s> b", "u:hi", "a:ok"), "message 1 (system): it holds </s>"),
    ("llama2-oneline", talk("u:hi", "a:<s>"), "it holds <s>"),
    ("llama2", talk("u:x", "a:y", context="[/INST]"), "it holds [/INST]"),
    ("alpaca", talk("u:a ### Response: b", "a:c"), "it holds ### Response:"),
    ("alpaca-lora", talk("u:a", "a:### Input: c"), "it holds ### Input:"),
    ("alpaca-input", talk("u:a", "a:c", context="### Instruction:"), "it holds ### Instruction:"),
    ("alpaca", talk("u:a", "a:c</s>"), "it holds </s>"),
    ("alpaca", talk("s:S", "u:a", "a:c"), "message 1 (system)"),
    ("alpaca", talk("u:a", "a:b", "u:c", "a:d"), "one question and one answer"),
    ("chatml", talk("u:a", "a:<|im_end|>"), "it holds <|im_end|>"),
    ("llama3", talk("u:a<|eot_id|>", "a:b"), "it holds <|eot_id|>"),
    ("llama2", talk("u:", "a:ok", context="chat"), "cannot be told apart"),
    ("chatml", talk("u:a\n\n### Input:\nb", "a:ok"), "cannot be told apart"),
    ("llama2", talk("s:only"), "nothing but a system message"),
    ("llama2", talk("a:first", "u:then"), "the assistant speaks first"),
    ("llama2", talk("u:one", "u:two"), "message 2 (user): two user messages"),
    ("llama3", talk("u:one", "a:two", "a:three"), "message 3 (assistant): two assistant messages"),
    ("chatml", talk("u:one", "s:late", "a:two"), "a system message may only come first"),
    ("chatml", talk("u:one", "t:result", "a:two"), "no place for tool messages"),
    ("llama2", talk("u:hi", "a:\ud83d"), "half of a character"),
    ("guanaco", talk("u:a ### Assistant: b", "a:c"), "it holds ### Assistant:"),
    ("guanaco", talk("s: \n", "u:a", "a:c"), "message 1 (system): it is empty"),
    ("guanaco", talk("u:", "a:ok", context="chat"), "cannot be told apart"),
    ("plain", talk("s:S", "u:a", "a:c"), "message 1 (system)"),
    ("plain", talk("u:a", "a:b", "u:c", "a:d"), "one question and one answer"),
    ("plain", talk("u:a\n\nb", "a:c"), "message 1 (user): a blank line ends the question"),
    ("plain", talk("u:a\n", "a:c"), "or a last line break"),
    ("plain", talk("u:a", "a:### Input:\nb\n\nc"), "message 2 (assistant): it starts as the input"),
    ("llama2", talk("u:open"), "ends without an answer"),
]


@pytest.mark.parametrize(("template", "conversation", "reason"), REFUSED)
def test_refusals_name_template_message_and_reason(template: str, conversation: Conversation, reason: str) -> None:
    with pytest.raises(CannotCarry) as error:
        render(conversation, template)
    assert error.value.message.startswith(f"{template} cannot carry message")
    assert reason in error.value.message
    assert error.value.hint


@pytest.mark.parametrize("template", ["alpaca", "alpaca-lora", "alpaca-input"])
def test_headings_that_are_not_the_templates_own_are_carried(template: str) -> None:
    conversation = talk("u:Explain\n#### Answer", "a:### Output:\n42\n### Response")
    assert parse(render_text(conversation, template), template) == conversation


@pytest.mark.parametrize("template", [name for name in TEMPLATES if name != "model"])
def test_an_empty_answer_is_carried(template: str) -> None:
    conversation = talk("u:Say nothing", "a:")
    assert parse(render_text(conversation, template), template) == conversation


def test_the_answers_and_their_ends_are_trained() -> None:
    segments = render(talk("u:A", "a:B", "u:C", "a:D"), "llama2")
    assert segments == [
        Segment("<s>", False, True),
        Segment("[INST] A [/INST]", False),
        Segment(" B ", True),
        Segment("</s>", True, True),
        Segment("<s>", False, True),
        Segment("[INST] C [/INST]", False),
        Segment(" D ", True),
        Segment("</s>", True, True),
    ]
    lora = render(SAY_HI, "alpaca-lora")
    assert lora[0].text.endswith("### Response:\n")
    assert lora[1:] == [Segment("Hi.", True), Segment("</s>", True, True)]
    chatml = render(talk("u:A", "a:B"), "chatml")
    assert chatml[-3:] == [Segment("B", True), Segment("<|im_end|>", True, True), Segment("\n", False)]
    assert sum(segment.trained for segment in chatml) == 2


def test_the_model_template_needs_a_model() -> None:
    with pytest.raises(ModelError, match="needs a model"):
        render(SAY_HI, "model")
    with pytest.raises(BadInput, match="cannot be read back"):
        parse("text", "model")
