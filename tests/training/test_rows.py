"""From rows to ids and labels: nothing learned from prompts, every row that is left out counted."""

from __future__ import annotations

import pytest

from lib.data import datasets
from lib.data.edits import edit
from lib.data.imports.importer import import_source
from lib.data.versions import save
from lib.errors import BadInput
from lib.formats import load_tokenizer, render
from lib.formats.custom import custom_template
from lib.training.config import TrainConfig
from lib.training.rows import prepare
from tests.formats.tokenizers_for_tests import starter_like
from tests.helpers import write_lines

SHORT = [
    {"instruction": f"Add {n} and 1.", "input": "", "output": f"It is {n + 1}.", "split": "train"} for n in range(8)
]
LONG = {"instruction": "Say hello often.", "input": "", "output": "Hello! " * 200, "split": "train"}
TAGGED = {"instruction": "What is [/INST] for?", "input": "", "output": "It ends a turn.", "split": "train"}
TEST = [{**row, "instruction": row["instruction"] + " Now!", "split": "test"} for row in SHORT]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return load_tokenizer(starter_like(tmp_path_factory.mktemp("models") / "starter-like"))


@pytest.fixture
def stored(tmp_path):
    def store(rows):
        import_source(str(write_lines(tmp_path / "rows.jsonl", rows)), "rows")
        return datasets.get("rows")

    return store


def test_labels_are_ignored_exactly_on_the_prompt(stored, tokenizer):
    info = stored(SHORT + TEST)
    prepared = prepare(info, "llama2", tokenizer, TrainConfig())
    conversations = dict(datasets.conversations(info, split="train"))
    assert len(prepared.train) == 8
    for row in prepared.train:
        conversation = conversations[row.row_id]
        prompt = tokenizer.tokenize(render(conversation, "llama2", tokenizer, generation=True)).ids
        assert row.ids[: len(prompt)] == prompt
        assert row.labels == [-100] * len(prompt) + row.ids[len(prompt) :]
        assert row.answer == len(row.ids) - len(prompt)
        assert tokenizer.decode(row.ids[len(prompt) :], continuation=True).strip() == conversation.answer()
    assert prepared.to_dict()["train_tokens"] == sum(len(row.ids) for row in prepared.train)
    assert prepared.to_dict()["trained_tokens"] == sum(row.answer for row in prepared.train)


def test_prompts_too_when_asked(stored, tokenizer):
    prepared = prepare(stored(SHORT), "llama2", tokenizer, TrainConfig(train_on_prompt=True))
    assert all(row.labels == row.ids for row in prepared.train)


def test_held_out_rows_do_not_depend_on_the_seed(stored, tokenizer):
    info = stored(SHORT + TEST)
    one, other = (prepare(info, "llama2", tokenizer, TrainConfig(eval_rows=3, seed=seed)) for seed in (1, 2))
    assert [row.row_id for row in one.evaluation] == [row.row_id for row in other.evaluation]
    tests = {row_id for row_id, _ in datasets.conversations(info, split="test")}
    assert len(one.evaluation) == 3 and {row.row_id for row in one.evaluation} <= tests
    with_validation = stored([*SHORT, *TEST, {**SHORT[0], "instruction": "Validate!", "split": "dev"}])
    assert len(prepare(with_validation, "llama2", tokenizer, TrainConfig()).evaluation) == 1


def test_long_rows_are_dropped_or_cut_and_counted(stored, tokenizer):
    info = stored([*SHORT, LONG])
    dropped = prepare(info, "llama2", tokenizer, TrainConfig(max_length=128))
    assert dropped.left_out == {"longer than max_length": 1} and len(dropped.train) == 8
    assert dropped.examples["longer than max_length"].startswith("row 9: ")
    cut = prepare(info, "llama2", tokenizer, TrainConfig(max_length=128, long_rows="cut"))
    assert (cut.cut, cut.left_out, len(cut.train)) == (1, {}, 9)
    assert len(cut.train[-1].ids) == len(cut.train[-1].labels) == 128
    nothing_left = prepare(info, "llama2", tokenizer, TrainConfig(max_length=8, long_rows="cut", train_on_prompt=True))
    assert nothing_left.cut == 9
    with pytest.raises(BadInput, match="nothing left to learn after cutting"):
        prepare(info, "llama2", tokenizer, TrainConfig(max_length=8, long_rows="cut"))


def test_limits_on_answers(stored, tokenizer):
    info = stored([*SHORT, LONG])
    prepared = prepare(info, "llama2", tokenizer, TrainConfig(max_length=4096, max_answer_tokens=100))
    assert prepared.left_out == {"longer than max_answer_tokens": 1}
    prepared = prepare(info, "llama2", tokenizer, TrainConfig(max_length=4096, min_answer_tokens=100))
    assert prepared.left_out == {"shorter than min_answer_tokens": 8}


def test_rows_that_the_template_refuses(stored, tokenizer):
    prepared = prepare(stored([*SHORT, TAGGED]), "llama2", tokenizer, TrainConfig())
    assert prepared.left_out == {"cannot be carried by the template": 1}
    assert "row 9" in prepared.examples["cannot be carried by the template"]
    with pytest.raises(BadInput, match=r"No row .* can be trained on: 1 cannot be carried .*\[/INST\]") as caught:
        prepare(stored([TAGGED]), "llama2", tokenizer, TrainConfig())
    assert "another template" in caught.value.hint


def test_rows_without_an_answer_are_left_out_and_counted(stored, tokenizer):
    silent = {"instruction": "Say something.", "input": "", "output": " \n", "split": "train"}
    prepared = prepare(stored([*SHORT, silent]), "llama2", tokenizer, TrainConfig())
    assert prepared.left_out == {"without an answer": 1}
    assert len(prepared.train) == len(SHORT)


def talk(turns, split="train"):
    pairs = (
        ({"role": "user", "content": f"Say {n}."}, {"role": "assistant", "content": f"{n} " * 10}) for n in range(turns)
    )
    messages = [{"role": "system", "content": "Be brief."}, *(message for pair in pairs for message in pair)]
    return {"messages": messages, "split": split}


@pytest.mark.parametrize("prompt_too", [False, True])
@pytest.mark.parametrize("policy", ["drop", "cut", "turns", "split"])
def test_long_rows_become_what_fitting_makes_of_them(stored, tokenizer, policy, prompt_too):
    info = stored([talk(1), talk(8)])
    config = TrainConfig(max_length=100, long_rows=policy, train_on_prompt=prompt_too)
    prepared = prepare(info, "chatml", tokenizer, config)
    whole = {row_id: render(one, "chatml", tokenizer) for row_id, one in datasets.conversations(info)}
    expected = {"drop": 1, "cut": 2, "turns": 2}.get(policy, 5)
    assert len(prepared.train) == expected == prepared.long_rows.made
    assert {row.row_id for row in prepared.train} <= set(whole)
    assert all(len(row.ids) == len(row.labels) <= 100 and row.answer for row in prepared.train)
    assert prepared.train[0].ids == tokenizer.tokenize(whole[1]).ids
    report = prepared.to_dict()["long_rows"]
    assert report["rows"] == 2 and report["fit"] == 1
    assert report == prepared.long_rows.to_dict()
    assert sum(report[name] for name in ("fit", "cut", "shortened", "split", "dropped")) == 2
    if policy in ("turns", "split"):
        system = tokenizer.tokenize(render(dict(datasets.conversations(info))[1], "chatml", tokenizer)).ids[:20]
        assert all(row.ids[:10] == system[:10] for row in prepared.train)


def test_marks_in_texts_are_escaped_on_request(stored, tokenizer):
    info = stored([*SHORT, TAGGED])
    prepared = prepare(info, "llama2", tokenizer, TrainConfig(escape_tags=True))
    assert prepared.left_out == {} and len(prepared.train) == 9
    assert r"What is [\/INST] for?" in tokenizer.decode(prepared.train[-1].ids)


def test_rows_rejected_in_review_are_left_out_and_counted(stored, tokenizer):
    info = stored(SHORT)
    edit(info, 3, 0, "ada", status="rejected")
    saved = save(info, "reviewed", "ada")
    prepared = prepare(saved, "llama2", tokenizer, TrainConfig())
    assert prepared.left_out == {"rejected in review": 1}
    assert [row.row_id for row in prepared.train] == [1, 2, 4, 5, 6, 7, 8]


def test_a_row_that_a_template_fails_on_is_left_out_and_named(stored, tokenizer):
    """One row that breaks a template of somebody's own must not end the run."""
    source = "{% for m in messages %}{{ m.content }} {{ 9 // (m.content | length - 4) }}\n{% endfor %}"
    rows = [*SHORT, {**SHORT[0], "instruction": "Why?"}]
    prepared = prepare(stored(rows), custom_template("mine", source), tokenizer, TrainConfig())
    assert prepared.left_out == {"cannot be carried by the template": 1} and len(prepared.train) == 8
    assert prepared.examples["cannot be carried by the template"].startswith("row 9: ")
