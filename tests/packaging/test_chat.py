"""Chat templates made of the run's template: what transformers writes with them is what the model was trained on."""

from __future__ import annotations

import pytest

from lib.errors import StudioError
from lib.formats import TEMPLATES, ModelTokenizer, get_template, render_text, stored_template
from lib.packaging.chat import chat_template
from lib.records import Conversation, Message
from tests.formats.tokenizers_for_tests import TOKENIZERS

transformers = pytest.importorskip("transformers")

SYSTEM = Message("system", " Be brief.\n\nBe kind. ")
ASK, AGAIN = Message("user", "  What is a cat?\n"), Message("user", "And\n\na dog? ")
ANSWER = Message("assistant", "\nA small animal. ")
WITH_INPUT = Message("user", "Translate", "chat\n\n:)")
CONVERSATIONS = [
    [Message("user", "What is a cat?")],
    [Message("user", "Hé")],
    [ASK],
    [WITH_INPUT],
    [SYSTEM, ASK],
    [ASK, ANSWER, AGAIN],
    [SYSTEM, ASK, ANSWER, AGAIN, ANSWER, WITH_INPUT],
]
OWN = (
    "{{ bos_token }}{% for m in messages %}{{ m.role }}> {{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant> {% endif %}"
)


@pytest.fixture(params=sorted(TOKENIZERS))
def folder(request, tmp_path):
    return TOKENIZERS[request.param](tmp_path / request.param)


def plain(messages: list[Message]) -> list[dict[str, str]]:
    """As people who talk to a server write them: an input is part of the text."""
    joined = [f"{one.content}\n\n### Input:\n{one.context}" if one.context else one.content for one in messages]
    return [{"role": one.role, "content": text} for one, text in zip(messages, joined, strict=True)]


def unspaced(text: str) -> str:
    """Behind `<s>` a space is written for some tokenizers, which has no token of its own."""
    return text.replace("<s> ", "<s>")


def check(folder, template) -> int:
    tokenizer = ModelTokenizer(folder)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    theirs.chat_template = chat_template(template, tokenizer)
    checked = 0
    for messages in CONVERSATIONS:
        conversation = Conversation(tuple(messages))
        try:
            text = render_text(conversation, template, tokenizer, generation=True)
        except StudioError:
            continue
        checked += 1
        options = {"add_generation_prompt": True}
        assert unspaced(theirs.apply_chat_template(plain(messages), tokenize=False, **options)) == text
        ids = theirs.apply_chat_template(plain(messages), tokenize=True, return_dict=False, **options)
        ours = tokenizer.encode_conversation(conversation, template, generation=True).ids
        if all(message.role != "assistant" for message in messages):
            assert list(ids) == ours
        whole = Conversation((*messages, Message("assistant", "Yes.")))
        full = unspaced(theirs.apply_chat_template(plain(list(whole.messages)), tokenize=False))
        assert full == render_text(whole, template, tokenizer)
    return checked


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_every_template_writes_the_same_elsewhere(folder, name):
    assert check(folder, TEMPLATES[name]) >= 2


def test_one_of_ones_own(folder):
    assert check(folder, stored_template("mine@1", OWN)) == len(CONVERSATIONS)


@pytest.mark.parametrize("name", ["alpaca", "plain"])
def test_what_the_template_has_no_place_for_is_refused_by_name(tmp_path, name):
    folder = TOKENIZERS["starter_like"](tmp_path / "model")
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    theirs.chat_template = chat_template(get_template(name), ModelTokenizer(folder))
    for messages, reason in (([SYSTEM, ASK], "no place for a system message"), ([ASK, ANSWER, ASK], "one question")):
        with pytest.raises(Exception, match=f"{name}: .*{reason}"):
            theirs.apply_chat_template(plain(messages), tokenize=False)


def test_roles_out_of_turn_are_refused(tmp_path):
    folder = TOKENIZERS["llama2_like"](tmp_path / "model")
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    theirs.chat_template = chat_template(get_template("llama2"), ModelTokenizer(folder))
    for messages in ([ASK, ASK], [ANSWER], [ASK, ANSWER, SYSTEM]):
        with pytest.raises(Exception, match="speak in turn"):
            theirs.apply_chat_template(plain(messages), tokenize=False)
