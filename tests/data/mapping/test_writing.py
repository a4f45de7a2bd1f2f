"""Conversations that go back into the columns they came from."""

from __future__ import annotations

import copy as copying
import json

import pytest
from hypothesis import HealthCheck, given, settings

from lib.data.columns import Column
from lib.data.mapping import Mapping
from lib.data.mapping.reading import read_conversation
from lib.data.mapping.writing import write_conversation
from lib.errors import CannotCarry
from lib.formats import render_text
from lib.records import Conversation, Message
from tests.formats.strategies import MILD, any_order, conversations

FULL = {"system": "system", "history": "history", "context": "context"}
OPENAI = [
    {"role": "user", "content": "Hi", "id": 1},
    {"role": "assistant", "content": "Hello", "id": 2, "context": ["kept"]},
    {"role": "user", "content": "Why?", "id": 3},
    {"role": "assistant", "content": "So.", "id": 4, "weight": 0.5},
]
SHAREGPT = [{"from": "human", "value": "Hi", "id": 1}, {"from": "gpt", "value": "Hello", "id": 2}]
WITH_SYSTEM = [{"role": "system", "content": "Be brief."}, *OPENAI]
PAIR = {"q": "Hi", "a": "Hello"}


def of(row, mapping, **kinds):
    """A shape of rows: a row, its mapping, the kinds of its columns."""
    guessed = {name: "text" if isinstance(value, str | None) else "json" for name, value in row.items()}
    return row, Mapping(mapping), [Column(name, kind) for name, kind in {**guessed, **kinds}.items()]


def rendered(template):
    return render_text(Conversation((Message("user", "Hi"), Message("assistant", "Hello"))), template)


SHAPES = {
    "openai": of({"m": OPENAI}, {"messages": "m"}),
    "openai with a system prompt": of({"m": WITH_SYSTEM}, {"messages": "m"}),
    "sharegpt": of({"c": SHAREGPT}, {"messages": "c"}),
    "sharegpt, one side only": of({"c": SHAREGPT[:1]}, {"messages": "c"}),
    "json text": of({"m": json.dumps(OPENAI)}, {"messages": "m"}),
    "messages and a system column": of({"m": OPENAI, "s": "Be brief."}, {"messages": "m", "system": "s"}),
    "messages, both system prompts": of({"m": WITH_SYSTEM, "s": "Be long."}, {"messages": "m", "system": "s"}),
    "messages and an empty system column": of({"m": OPENAI, "s": None}, {"messages": "m", "system": "s"}),
    "pair": of(PAIR, {"user": "q", "assistant": "a"}),
    "pair with all": of({**PAIR, **dict.fromkeys(FULL)}, {"user": "q", "assistant": "a", **FULL}, history="json"),
    "pair, history as json text": of(
        {**PAIR, **dict.fromkeys(FULL), "history": '[["a", "b"]]', "system": "s", "context": "c"},
        {"user": "q", "assistant": "a", **FULL},
    ),
    "preferred answer": of({"p": "Hi", "chosen": "Hello"}, {"user": "p", "chosen": "chosen"}),
    "preferred messages": of({"chosen": OPENAI}, {"chosen": "chosen"}),
    "preferred messages beside the question": of({"p": "Hi", "chosen": OPENAI}, {"user": "p", "chosen": "chosen"}),
    "preferred answer as messages": of({"p": "Hi", "chosen": OPENAI[1:2]}, {"user": "p", "chosen": "chosen"}),
    "preferred answer as json text": of(
        {"p": "Hi", "chosen": json.dumps(OPENAI[1:2])}, {"user": "p", "chosen": "chosen"}
    ),
    "prompt as messages": of({"p": OPENAI[:3], "chosen": OPENAI[3:]}, {"user": "p", "chosen": "chosen"}),
    "prompt as messages, answer as text": of({"p": WITH_SYSTEM[:4], "a": "Hello"}, {"user": "p", "assistant": "a"}),
    "preferred, rendered": of({"chosen": rendered("llama2")}, {"chosen": "chosen"}),
    **{
        template: of({"text": rendered(template)}, {"text": "text"})
        for template in ("llama2", "llama2-oneline", "alpaca", "alpaca-input", "chatml", "llama3")
    },
    "rendered and a system column": of({"text": rendered("llama2"), "s": "S"}, {"text": "text", "system": "s"}),
}
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def check(conversation, shape):
    """Write, and read again; returns the values, None where the row has no place for it."""
    row, mapping, columns = shape
    before = copying.deepcopy(row)
    try:
        values = write_conversation(conversation, row, mapping, columns)
    except CannotCarry:
        return None
    finally:
        assert row == before
    assert read_conversation({**row, **values}, mapping) == conversation
    kinds = {column.name: column.kind for column in columns}
    assert values.keys() <= kinds.keys() and all(name in row for name in values)
    assert all(kinds[name] == "json" or isinstance(value, str | None) for name, value in values.items())
    return values


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_written_is_read(name):
    @quick
    @given(conversations())
    def nasty(conversation):
        values = check(conversation, SHAPES[name])
        if name.startswith(("openai", "sharegpt", "json text", "messages", "preferred messages")):
            assert values is not None or conversation.messages[0] == Message("system", "")
        if name == "pair with all" and not any(message.context for message in conversation.messages[:-2]):
            assert values is not None or conversation.messages[0] == Message("system", "")

    @quick
    @given(any_order)
    def disorderly(conversation):
        values = check(conversation, SHAPES[name])
        if name.startswith(("openai", "sharegpt", "json text")):
            assert values is not None

    nasty()
    disorderly()


@pytest.mark.parametrize("name", SHAPES)
def test_what_did_not_change_is_not_written(name):
    row, mapping, columns = SHAPES[name]
    assert write_conversation(read_conversation(row, mapping), row, mapping, columns) == {}


@pytest.mark.parametrize("name", ["llama2", "alpaca", "chatml", "llama3"])
def test_plain_text_is_carried_by_templates(name):
    @quick
    @given(conversations(MILD, one_pair=True))
    def carried(conversation):
        marked = any("#" in message.content for message in conversation.messages)  # a template's heading, perhaps
        if not marked and not any(message.context for message in conversation.messages):
            assert check(conversation, SHAPES[name]) is not None or not all(
                message.content.strip() == message.content != "" for message in conversation.messages
            )

    carried()


def edited(name, change):
    row, mapping, columns = SHAPES[name]
    messages = list(read_conversation(row, mapping).messages)
    change(messages)
    return write_conversation(Conversation(tuple(messages)), row, mapping, columns)


def test_other_keys_of_messages_are_kept():
    values = edited("openai", lambda messages: messages.__setitem__(3, Message("assistant", "Because.")))
    assert values == {"m": [*OPENAI[:3], {**OPENAI[3], "content": "Because."}]}
    assert edited("openai", lambda messages: messages.pop(0)) == {"m": OPENAI[1:]}
    assert edited("openai", lambda messages: messages.insert(0, Message("system", "s"))) == {
        "m": [{"role": "system", "content": "s"}, *OPENAI]
    }
    twice = edited("openai", lambda messages: messages.insert(2, Message("assistant", "Hello?")))
    assert twice == {"m": [*OPENAI[:2], {"role": "assistant", "content": "Hello?"}, *OPENAI[2:]]}


def test_roles_are_spelled_as_the_row_spells_them():
    more = edited("sharegpt", lambda messages: messages.append(Message("user", "So?")))
    assert more["c"][2] == {"from": "human", "value": "So?"}
    answered = edited("sharegpt, one side only", lambda messages: messages.append(Message("assistant", "So.")))
    assert answered["c"][1] == {"from": "gpt", "value": "So."}
    swapped = edited("sharegpt", lambda messages: messages.__setitem__(1, Message("user", "Hello")))
    assert swapped["c"][1] == {"from": "human", "value": "Hello"}


def test_calls_of_tools_that_nobody_touched_are_kept():
    calls = {"role": "assistant", "content": None, "tool_calls": [{"name": "f"}]}
    row, mapping, columns = of({"m": [OPENAI[0], calls, {"role": "tool", "content": "1"}]}, {"messages": "m"})
    messages = [*read_conversation(row, mapping).messages[:2], Message("tool", "2")]
    values = write_conversation(Conversation(tuple(messages)), row, mapping, columns)
    assert values["m"] == [OPENAI[0], calls, {"role": "tool", "content": "2"}]


def test_json_text_stays_json_text():
    values = edited("json text", lambda messages: messages.__setitem__(1, Message("assistant", "Grüß dich")))
    assert json.loads(values["m"])[1] == {**OPENAI[1], "content": "Grüß dich"} and "ü" in values["m"]
    chosen = edited(
        "preferred answer as json text", lambda messages: messages.__setitem__(1, Message("assistant", "No"))
    )
    assert json.loads(chosen["chosen"]) == [{**OPENAI[1], "content": "No"}]


def test_only_what_changed_is_written():
    values = edited("pair, history as json text", lambda messages: messages.__setitem__(-1, Message("assistant", "No")))
    assert values == {"a": "No"}
    assert edited("pair, history as json text", lambda messages: messages.pop(0)) == {"system": ""}
    numbers = of({"q": 42, "a": 7}, {"user": "q", "assistant": "a"}, q="json", a="integer")
    assert write_conversation(Conversation((Message("user", "42"), Message("assistant", "8"))), *numbers) == {"a": 8}


@pytest.mark.parametrize(
    ("kind", "text", "stored"),
    [("integer", "12", 12), ("float", "1.5", 1.5), ("boolean", "true", True), ("json", "12", "12")],
)
def test_text_becomes_what_its_column_holds(kind, text, stored):
    start = {"integer": 1, "float": 2.5, "boolean": False, "json": 1}[kind]
    shape = of({"q": "Hi", "a": start}, {"user": "q", "assistant": "a"}, a=kind)
    assert write_conversation(Conversation((Message("user", "Hi"), Message("assistant", text))), *shape) == {
        "a": stored
    }


@pytest.mark.parametrize(
    ("kind", "text"), [("integer", "1.5"), ("integer", "x"), ("boolean", "1"), ("float", "true"), ("float", "1.50")]
)
def test_text_that_its_column_cannot_hold_is_refused(kind, text):
    start = {"integer": 1, "float": 2.5, "boolean": False}[kind]
    shape = of({"q": "Hi", "a": start}, {"user": "q", "assistant": "a"}, a=kind)
    with pytest.raises(CannotCarry):
        write_conversation(Conversation((Message("user", "Hi"), Message("assistant", text))), *shape)


@pytest.mark.parametrize(
    ("shape", "messages", "reason"),
    [
        ("pair", [("system", "s"), ("user", "a"), ("assistant", "b")], "no column for the system"),
        ("pair", [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")], "no column for the history"),
        ("pair", [("assistant", "b"), ("user", "a")], "in turn"),
        ("pair", [("user", "a")], "in turn"),
        ("pair with all", [("system", "s")], "in turn"),
        ("preferred answer", [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")], "history"),
        ("openai with a system prompt", [("system", ""), ("user", "a")], None),
        ("messages and a system column", [("system", "s")], "cannot hold"),
        ("preferred answer as messages", [("system", "s")], "no column for the system"),
        ("preferred answer as messages", [("user", "s")], "Write both"),
        ("prompt as messages", [("user", "s")], "Write both"),
    ],
)
def test_refusals_say_why(shape, messages, reason):
    said = Conversation(tuple(Message(role, text) for role, text in messages))
    if reason is None:
        assert check(said, SHAPES[shape]) is not None
        return
    with pytest.raises(CannotCarry, match=reason):
        write_conversation(said, *SHAPES[shape])


@pytest.mark.parametrize("history", ["[1]", '[["a"]]', "none", '[["a", null]]'])
def test_earlier_turns_that_cannot_be_read_are_refused(history):
    row = {"q": "Hi", "a": "Hello", "h": history}
    with pytest.raises(CannotCarry, match="earlier turns"):
        write_conversation(
            Conversation((Message("user", "a"), Message("assistant", "b"))),
            *of(row, {"user": "q", "assistant": "a", "history": "h"}),
        )


@pytest.mark.parametrize("value", [None, "no list", [], 3, [1], '["a"]'])
def test_rows_that_cannot_be_read_are_refused(value):
    for role in ("messages", "chosen", "text"):
        with pytest.raises(CannotCarry):
            write_conversation(
                Conversation((Message("user", "a"), Message("assistant", "b"))), *of({"m": value}, {role: "m"})
            )
