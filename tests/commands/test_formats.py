"""render and parse: mixed lines, lines that are left out, a model's tokens, escaping, unrolling."""

from __future__ import annotations

import json

import pytest

BELOW = "Below is an instruction that describes a task. Write a response that appropriately completes the request."
MIX = [
    "<s>[INST] Hi [/INST] Ho </s>",
    "plain prose",
    f"{BELOW}\n\n### Instruction:\nSay hi\n\n### Response:\nHi.</s>",
    "<s>[INST] never closed",
    "<s>[INST] A [/INST] B </s><s>[INST] C [/INST] D </s>",
]
TALK = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "A"},
        {"role": "assistant", "content": "B"},
        {"role": "user", "content": "C"},
        {"role": "assistant", "content": "D"},
    ],
    "id": 7,
}
TAGS = {"messages": [{"role": "user", "content": "What is [/INST]?"}, {"role": "assistant", "content": "</s>"}]}


def lines(*rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def texts(*texts: str) -> str:
    return lines(*({"text": text} for text in texts))


def test_bad_lines_are_named_and_left_out_on_request(command):
    stopped = command("parse", "--template", "auto", input=texts(*MIX))
    assert stopped.code == 1 and "Line 2: This is plain text" in stopped.err
    kept = command("parse", "--template", "auto", "--keep-good", input=texts(*MIX) + "{\n\n")
    assert kept.code == 0 and len(kept.out.splitlines()) == 3
    told = kept.err.splitlines()
    assert told[0].startswith("Line 2: This is plain text") and told[1] == "Line 4: Turn 1: [INST] is never closed."
    assert told[2].startswith("Line 6 is not JSON") and told[3] == "llama2 2 · alpaca-lora 1 · refused 3"
    document = command("parse", "--template", "auto", "--keep-good", "--json", input=texts(*MIX))
    assert document.json() == [json.loads(line) for line in kept.out.splitlines()]
    assert document.err.endswith("llama2 2 · alpaca-lora 1 · refused 2\n")


def test_conversations_that_a_template_cannot_carry_are_named_and_left_out_on_request(command):
    stopped = command("render", "--template", "alpaca", input=lines(TALK))
    assert stopped.code == 1 and "--unroll" in stopped.err
    assert "--escape" in command("render", "--template", "llama2", input=lines(TAGS)).err
    pair = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}
    kept = command("render", "--template", "alpaca", "--keep-good", input=lines(TALK, pair))
    assert kept.code == 0 and len(kept.out.splitlines()) == 1
    assert kept.err.startswith("Line 1: alpaca cannot carry") and kept.err.endswith("\nalpaca 1 · refused 1\n")


def test_the_summary_of_one_form_and_of_nothing(command):
    assert command("parse", "--template", "llama2", input=texts(MIX[0])).err == ""
    kept = command("parse", "--template", "llama2", "--keep-good", input=texts(*MIX))
    assert kept.code == 0 and kept.err.endswith("llama2 2 · refused 3\n")
    assert command("parse", "--template", "auto", input="").err == "no lines\n"


@pytest.mark.parametrize("template", ["llama2", "guanaco", "chatml", "auto"])
def test_text_with_a_models_tokens_and_escaped_marks_comes_back(command, tiny_home, template):
    written = "llama2" if template == "auto" else template
    text = command("render", "--template", written, "--tokenizer", "tiny", "--escape", input=lines(TAGS, TALK))
    assert text.code == 0
    back = command("parse", "--template", template, "--tokenizer", "tiny", "--escaped", input=text.out)
    assert [json.loads(line) for line in back.out.splitlines()] == [TAGS, TALK]


def test_unrolled_into_one_text_for_each_answer(command):
    result = command("render", "--template", "alpaca", "--unroll", input=lines(TALK, {**TALK, "id": 8}))
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert [row["id"] for row in rows] == [7, 7, 8, 8]
    assert rows[1]["text"] == f"{BELOW}\n\n### Instruction:\nBe brief.\n\nC\n\n### Response:D</s>"
    assert result.err == "2 conversations became 4 texts; earlier turns are not carried.\n"
    plain = command("render", "--template", "plain", "--unroll", "--json", input=lines(TALK))
    assert [row["text"] for row in plain.json()] == ["Be brief.\nA\n\nB</s>", "Be brief.\nC\n\nD</s>"]
    refused = command("render", "--template", "llama2", "--unroll", input=lines(TALK))
    assert refused.code == 1 and "Leave --unroll out" in refused.err and refused.out == ""
    assert command("render", "--template", "alpaca", input=lines(TALK)).code == 1
