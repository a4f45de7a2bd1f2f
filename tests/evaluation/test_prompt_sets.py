"""Prompt sets: prompts added one by one, from files of every kind, kept from the playground, and made a dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.data import datasets
from lib.errors import BadInput, NotFound
from lib.evaluation import prompt_sets
from lib.evaluation.prompt_files import read_prompts
from tests.helpers import write_lines

ASK = [{"role": "user", "content": "Hi?"}]


def contents(name):
    return [(prompt.messages[-1]["content"], prompt.reference) for prompt in prompt_sets.prompts(name)]


def test_prompts_come_and_go():
    first = prompt_sets.add("smoke", ASK, "Hello.", {"file": "x"}, "ann")
    prompt_sets.add("smoke", [{"role": "system", "content": "Be brief."}, *ASK], user="bob")
    prompt_sets.add("other", ASK)
    assert [one.name for one in prompt_sets.list_sets()] == ["other", "smoke"]
    found = prompt_sets.get("smoke")
    assert (found.prompts, found.with_reference, found.created_by) == (2, 1, "ann")
    assert prompt_sets.prompts("smoke", limit=1)[0] == first and first.origin == {"file": "x"}
    assert len(prompt_sets.prompts("smoke", offset=1)) == 1
    renamed = prompt_sets.rename("smoke", "tests", "ann")
    assert renamed.prompts == 2 and prompt_sets.prompts("tests")[0].prompt_set == "tests"
    prompt_sets.remove(first.id, "ann")
    assert prompt_sets.get("tests").prompts == 1
    prompt_sets.delete("tests", "ann")
    assert [one.name for one in prompt_sets.list_sets()] == ["other"]
    for wrong in (
        lambda: prompt_sets.get("tests"),
        lambda: prompt_sets.prompts("tests"),
        lambda: prompt_sets.remove(first.id, "ann"),
        lambda: prompt_sets.delete("tests", "ann"),
        lambda: prompt_sets.rename("tests", "new", "ann"),
    ):
        with pytest.raises(NotFound):
            wrong()


def test_what_is_no_prompt_is_refused():
    prompt_sets.add("there", ASK)
    prompt_sets.add("smoke", ASK)
    for wrong in (
        lambda: prompt_sets.add("Not A Name", ASK),
        lambda: prompt_sets.add("smoke", []),
        lambda: prompt_sets.add("smoke", [{"role": "user", "content": " "}]),
        lambda: prompt_sets.add("smoke", [*ASK, {"role": "assistant", "content": "Hello."}]),
        lambda: prompt_sets.add("smoke", [{"role": "robot", "content": "Hi?"}]),
        lambda: prompt_sets.rename("smoke", "there", "ann"),
        lambda: prompt_sets.rename("smoke", "../there", "ann"),
        lambda: prompt_sets.to_dataset("smoke", "made", "ann"),
    ):
        with pytest.raises(BadInput):
            wrong()
    assert prompt_sets.get("smoke").prompts == 1


def test_a_prompt_kept_twice_is_kept_once():
    first = prompt_sets.keep("liked", ASK, "", {"run": "a", "judged": "bad", "answer": "No."}, "ann")
    again = prompt_sets.keep("liked", ASK, "Hello.", {"run": "b", "judged": "good", "answer": "Hello."}, "bob")
    assert again.id == first.id and again.reference == "Hello." and again.origin["run"] == "b"
    prompt_sets.keep("liked", [{"role": "user", "content": "Other?"}], "", {}, "ann")
    assert contents("liked") == [("Hi?", "Hello."), ("Other?", "")]


FILES = {
    "lines.txt": (
        "One?\n\n  Two?  \r\nThree\u2028still three?\n",
        [("One?", ""), ("Two?", ""), ("Three\u2028still three?", "")],
    ),
    "pairs.csv": ('prompt,completion\n"One, two?",Yes.\nThree?,\n', [("One, two?", "Yes."), ("Three?", "")]),
    "expected.csv": ("id,question,expected\n1,One?,Yes.\n2,Two?,\n", [("One?", "Yes."), ("Two?", "")]),
    "alone.csv": ("what to ask\nOne?\nTwo?\n", [("One?", ""), ("Two?", "")]),
    "rows.jsonl": (
        "\n".join(
            json.dumps(row)
            for row in (
                {"messages": ASK, "reference": "Hello."},
                {"messages": [*ASK, {"role": "assistant", "content": "Hey."}, {"role": "user", "content": "Well?"}]},
            )
        ),
        [("Hi?", "Hello."), ("Well?", "")],
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_prompts_of_a_file(name, tmp_path):
    text, expected = FILES[name]
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    added = prompt_sets.add_file(tmp_path / name, "smoke", "ann")
    assert contents("smoke") == expected and added.added == len(expected) and not added.refused
    assert added.with_reference == sum(bool(reference) for _, reference in expected)
    assert prompt_sets.prompts("smoke")[0].origin == {"file": name}


def test_rows_of_a_file_that_are_no_prompt_are_named(tmp_path):
    rows = [{"prompt": "One?"}, {"prompt": ""}, {"prompt": 3}, {"other": "x"}, {"prompt": "Two?"}]
    added = prompt_sets.add_file(write_lines(tmp_path / "p.jsonl", rows), "smoke", "ann")
    assert contents("smoke") == [("One?", ""), ("Two?", "")]
    assert added.refused == {"it asks nothing": 1, "prompt holds no text": 2} and added.first.startswith("row 2: ")
    for name, text in (("empty.txt", "\n\n"), ("two.csv", "a,b\n1,2\n"), ("none.jsonl", '{"prompt": ""}\n')):
        (tmp_path / name).write_text(text)
        with pytest.raises(BadInput):
            prompt_sets.add_file(tmp_path / name, "smoke", "ann")
    with pytest.raises(NotFound):
        prompt_sets.add_file(tmp_path / "nothing.txt", "smoke", "ann")
    (tmp_path / "odd.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(BadInput, match="not UTF-8"):
        prompt_sets.add_file(tmp_path / "odd.txt", "smoke", "ann")
    assert prompt_sets.get("smoke").prompts == 2


LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)


@settings(max_examples=40, deadline=None)
@given(st.lists(LINE, min_size=1, max_size=8))
def test_every_line_of_text_is_a_prompt(tmp_path_factory, lines):
    path: Path = tmp_path_factory.mktemp("lines") / "p.txt"
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    found = [messages[0]["content"] for messages, _ in read_prompts(path).prompts]
    assert found == [line.strip("\ufeff" if place == 0 else "").strip() for place, line in enumerate(lines)] or (
        lines[0].startswith("\ufeff")
    )


def test_prompts_with_a_reference_become_a_dataset():
    talk = [{"role": "user", "content": "Sum up.", "context": "A long text."}]
    prompt_sets.add("smoke", talk, "Short.")
    prompt_sets.add("smoke", ASK)
    prompt_sets.add("smoke", [{"role": "system", "content": "Be brief."}, *ASK], "Hello.")
    report = prompt_sets.to_dataset("smoke", "made", "ann")
    assert (report.version, report.rows) == (1, 2)
    rows = [conversation for _, conversation in datasets.conversations(datasets.get("made"))]
    assert rows[0].messages[0].context == "A long text." and [row.answer() for row in rows] == ["Short.", "Hello."]
