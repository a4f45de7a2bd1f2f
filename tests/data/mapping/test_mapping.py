"""Mappings by hand, shapes that are recognised, and rows read through them."""

from __future__ import annotations

import pytest

from lib.data.columns import Column
from lib.data.mapping import Mapping, read_conversation, recognise
from lib.data.mapping.writing import write_conversation
from lib.errors import BadInput
from lib.records import Conversation, Message

ALPACA = Mapping({"user": "instruction", "context": "input", "assistant": "output", "system": "system"})
SHAREGPT = Mapping({"messages": "conversations"})


def read(row, mapping):
    return [message.to_dict() for message in read_conversation(row, mapping).messages]


def turns(row, mapping):
    return [(message.role, message.content) for message in read_conversation(row, mapping).messages]


def test_parse_takes_roles_and_synonyms():
    assert Mapping.parse(["question=Q", "response=A=B"]).columns == {"user": "Q", "assistant": "A=B"}
    mapping = Mapping.parse(["conversations=c"])
    assert Mapping.from_dict(mapping.to_dict()) == mapping == Mapping({"messages": "c"})


@pytest.mark.parametrize("pairs", [["nonsense=x"], ["user"], ["user="], ["user=a", "prompt=b"]])
def test_parse_refuses(pairs):
    with pytest.raises(BadInput) as caught:
        Mapping.parse(pairs)
    assert caught.value.hint


def test_resolve_names_what_is_missing_and_what_there_is():
    assert Mapping({"user": "Q"}).resolve(["q", "a"]).columns == {"user": "q"}
    with pytest.raises(BadInput, match=r"'qestion'.*'question'") as caught:
        Mapping({"user": "qestion"}).resolve(["question", "answer"])
    assert "'answer'" in caught.value.hint
    with pytest.raises(BadInput, match="assistant"):
        Mapping({"user": "q"}).check()


def test_alpaca_keeps_all_fields():
    row = {"instruction": "Translate", "input": "chat", "output": "cat", "system": "Be brief."}
    assert read(row, ALPACA) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Translate", "context": "chat"},
        {"role": "assistant", "content": "cat"},
    ]


def test_values_become_text_and_blanks_are_kept():
    row = {"instruction": 5, "input": None, "output": True, "system": float("nan")}
    assert turns(row, ALPACA) == [("user", "5"), ("assistant", "true")]
    assert turns({"instruction": "  ", "output": "\t\n"}, ALPACA) == [("user", "  "), ("assistant", "\t\n")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"output": "x"}, "instruction is missing"),
        ({"instruction": "a", "output": None}, "output is missing"),
        ({"instruction": "a", "output": ["x"]}, "output is a list, text expected"),
        ({"instruction": "a", "output": "b", "input": {"k": 1}}, "input is an object, text expected"),
    ],
)
def test_reasons_of_refusal(row, reason):
    with pytest.raises(BadInput) as caught:
        read_conversation(row, ALPACA)
    assert caught.value.message == reason


def test_history_comes_first_and_system_before_it():
    mapping = Mapping({**ALPACA.columns, "history": "history"})
    row = {"instruction": "c", "output": "d", "history": [["a", "b"]], "system": "s"}
    assert [content for _, content in turns(row, mapping)] == ["s", "a", "b", "c", "d"]
    assert len(turns({**row, "history": '[["a", "b"]]'}, mapping)) == 5
    assert len(turns({**row, "history": None}, mapping)) == 3
    with pytest.raises(BadInput, match="item 1 is not a pair"):
        read_conversation({**row, "history": [["a"]]}, mapping)


def test_sharegpt_spellings():
    names = ["system", "human", "function_call", "observation", "gpt", "user", "bing", "tool", "chatgpt"]
    row = {"conversations": [{"from": name, "value": name} for name in names]}
    roles = [role for role, _ in turns(row, SHAREGPT)]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user", "assistant", "tool", "assistant"]


def test_messages_with_parts_calls_context_and_json_text():
    mapping = Mapping({"messages": "messages"})
    call = {"role": "assistant", "content": None, "tool_calls": [{"name": "w"}]}
    parts = {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    assert turns({"messages": [parts, call]}, mapping) == [("user", "ab"), ("assistant", '[{"name": "w"}]')]
    assert turns({"messages": '[{"role": "user", "content": "x"}]'}, mapping) == [("user", "x")]
    with_context = [{"role": "user", "content": "x", "context": "y"}]
    assert read({"messages": with_context}, mapping) == with_context


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "is empty"),
        (None, "is missing"),
        ("words", "a list of messages expected"),
        ([{"from": "martian", "value": "x"}], "message 1 has the unknown role 'martian'"),
        ([{"from": ["x"], "value": "x"}], "unknown role"),
        ([{"value": "x"}], "message 1 has no role"),
        (["x"], "message 1 is text"),
        ([{"from": "human", "value": "a"}, {"from": "gpt"}], "message 2 text is missing"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "image_url"),
    ],
)
def test_messages_that_are_refused(messages, reason):
    with pytest.raises(BadInput) as caught:
        read_conversation({"conversations": messages}, SHAREGPT)
    assert reason in caught.value.message


def test_first_message_of_the_assistant_and_odd_orders_are_kept():
    row = {"conversations": [{"from": "gpt", "value": "a"}, {"from": "gpt", "value": "b"}]}
    assert len(turns(row, SHAREGPT)) == 2


def test_preference_takes_chosen():
    mapping = Mapping({"user": "prompt", "chosen": "chosen", "rejected": "rejected"})
    expected = [("user", "q"), ("assistant", "good")]
    answer = {"role": "assistant", "content": "good"}
    question = {"role": "user", "content": "q"}
    for prompt, chosen in (("q", "good"), ("q", [question, answer]), ("q", [answer]), ([question], [answer])):
        assert turns({"prompt": prompt, "chosen": chosen, "rejected": "bad"}, mapping) == expected


def test_rendered_text_is_parsed():
    mapping = Mapping({"text": "text"})
    assert turns({"text": "<s>[INST] Hi [/INST] Hello </s>"}, mapping) == [("user", "Hi"), ("assistant", "Hello")]
    for value in ("plain prose", "<s>[INST] never closed", None, 5):
        with pytest.raises(BadInput, match="text"):
            read_conversation({"text": value}, mapping)


MESSAGES = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]


@pytest.mark.parametrize(
    ("row", "label", "columns"),
    [
        (
            {"instruction": "a", "input": "", "output": "b"},
            "Alpaca (instruction, input, output)",
            {"user": "instruction", "context": "input", "assistant": "output"},
        ),
        (
            {"instruction": "a", "input": "", "output": "b", "system": "s", "history": []},
            "Alpaca (instruction, input, output, system, history)",
            {**ALPACA.columns, "history": "history"},
        ),
        (
            {"instruction": "a", "context": "", "response": "b", "category": "c"},
            "Dolly (instruction, context, response)",
            {"user": "instruction", "context": "context", "assistant": "response"},
        ),
        (
            {"conversations": [{"from": "human", "value": "a"}]},
            "ShareGPT (conversations)",
            {"messages": "conversations"},
        ),
        ({"conversations": MESSAGES}, "Conversations with role and content (conversations)", None),
        ({"messages": MESSAGES, "id": 1}, "OpenAI messages (messages)", {"messages": "messages"}),
        ({"prompt": "a", "completion": "b"}, "Prompt and completion (prompt, completion)", None),
        ({"prompt": "a", "response": "b"}, "Prompt and response (prompt, response)", None),
        (
            {"Question": "a", "Answer": "b"},
            "Question and answer (Question, Answer)",
            {"user": "Question", "assistant": "Answer"},
        ),
        ({"query": "a", "response": "b"}, "Query and response (query, response)", None),
        ({"input": "a", "output": "b"}, "Input and output (input, output)", {"user": "input", "assistant": "output"}),
        ({"text": "[INST] a [/INST] b"}, "Rendered text (text)", {"text": "text"}),
        (
            {"prompt": "a", "chosen": "b", "rejected": "c"},
            "Preference, chosen is taken (prompt, chosen, rejected)",
            {"user": "prompt", "chosen": "chosen", "rejected": "rejected"},
        ),
        (
            {"question": "a", "answer": "b", "Split": "dev"},
            "Question and answer (question, answer)",
            {"user": "question", "assistant": "answer", "split": "Split"},
        ),
        (
            {"question": "a", "answer": "b", "set": "blue"},
            "Question and answer (question, answer)",
            {"user": "question", "assistant": "answer"},
        ),
    ],
)
def test_shapes(row, label, columns):
    found = recognise(list(row), [row])
    assert (found.label, found.confidence) == (label, 1.0)
    assert columns is None or found.mapping.columns == columns


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ({"Question": "a", "Reply": "b"}, {"user": "Question", "assistant": "Reply"}),
        ({"Q": "a", "A": "b"}, {"user": "Q", "assistant": "A"}),
        ({"Ask": "a", "response": "b", "Split": "dev"}, {"user": "Ask", "assistant": "response", "split": "Split"}),
        ({"user_message": "a", "Bot Response": "b"}, {"user": "user_message", "assistant": "Bot Response"}),
        ({"a": "b", "problem": "p", "Solution": "s"}, {"user": "problem", "assistant": "Solution"}),
    ],
)
def test_other_names_of_question_and_answer_are_guessed(row, columns):
    found = recognise(list(row), [row])
    assert found.mapping.columns == columns and found.confidence == 1.0
    assert "guessed" in found.label and found.hint


def test_a_guess_needs_text_on_both_sides():
    rows = [{"q": "a", "a": "b"}, {"q": "a", "a": ""}, {"q": "a", "a": 5}]
    assert recognise(["q", "a"], rows[:2]).confidence == 0.5
    assert not recognise(["q", "a"], rows).mapping


def test_confidence_is_the_share_that_reads_and_nothing_known_gives_a_hint():
    rows = [{"prompt": "a", "completion": "b"}, {"prompt": None, "completion": "b"}]
    assert recognise(["prompt", "completion"], rows).confidence == 0.5
    for row in ({"x": "a", "y": "b"}, {"text": "plain prose"}):
        found = recognise(list(row), [row])
        assert not found.mapping and "--map" in found.hint and next(iter(row)) in found.hint


MIXED = [
    {"text": "<s>[INST] a [/INST] b </s>"},
    {"messages": [{"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}], "text": ""},
    {"instruction": "e", "output": "f", "input": "g"},
]


def test_rows_in_several_forms_are_recognised_each_in_its_columns():
    columns = list({name: None for row in MIXED for name in row})
    found = recognise(columns, [{name: row.get(name) for name in columns} for row in MIXED])
    assert found.confidence == 1
    read = [read_conversation(row, found.mapping).messages for row in MIXED]
    assert [[message.content for message in messages] for messages in read] == [["a", "b"], ["c", "d"], ["e", "f"]]
    assert read[2][0].context == "g"


def test_a_row_with_nothing_in_any_form_is_refused_by_the_first_one():
    mapping = Mapping({"messages": "messages", "text": "text"})
    with pytest.raises(BadInput, match="messages"):
        read_conversation({"messages": None, "text": ""}, mapping)
    assert read_conversation(MIXED[0], mapping).answer() == "b"


def test_an_edit_of_a_row_goes_into_the_form_that_it_is_in():
    mapping = Mapping({"messages": "messages", "text": "text"})
    columns = [Column("messages", "json"), Column("text", "text")]
    edited = Conversation((Message("user", "a"), Message("assistant", "better")))
    changed = write_conversation(edited, {"messages": None, **MIXED[0]}, mapping, columns)
    assert changed == {"text": "<s>[INST] a [/INST] better </s>"}
