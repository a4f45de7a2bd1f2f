"""Comparisons with the tiny model: stored results, their order, and what is refused."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from lib.data import datasets
from lib.data.imports.importer import import_source
from lib.errors import BadInput, ModelError, NotFound, Stopped, WrongState
from lib.evaluation import comparisons
from lib.evaluation.comparisons import CompareConfig
from lib.evaluation.metrics import METRICS
from lib.storage import comparison_dir
from lib.training import runs
from lib.training.config import TrainConfig
from tests import tiny
from tests.helpers import FakeJob, write_lines


@pytest.fixture
def run(studio_home):
    return runs.list_runs()[0]


@pytest.fixture
def train(studio_home):
    from lib.training import trainer

    def train_here(**settings):
        config = TrainConfig.from_settings({**tiny.SETTINGS, **settings})
        view = runs.create("sums", "tiny", "llama2", config, "tester")
        trainer.run_job({"run": view.id}, FakeJob())
        return runs.get(view.id)

    return train_here


@pytest.fixture
def compare(studio_home):
    from lib.evaluation import comparer

    def compare_here(run_ids, job=None, data=None, **config):
        view = comparisons.create(run_ids, data, "test", CompareConfig(**{"max_new_tokens": 8} | config), "tester")
        comparer.run_job({"comparison": view.id}, job or FakeJob())
        return comparisons.get(view.id)

    return compare_here


def test_two_runs_and_their_base(run, train, compare):
    other = train(seed=7, learning_rate=0.05)
    view = compare([run.id, other.id, run.id])
    document = json.loads(json.dumps(view.to_dict(), allow_nan=False))

    assert document["runs"] == [run.id, other.id] and document["split"] == "test" and document["rows"] == 6
    assert list(document["models"]) == ["tiny", run.id, other.id]
    for scores in document["models"].values():
        assert set(scores) == set(METRICS)
        for summary in scores.values():
            assert summary["n"] == 6 and {"n", "mean", "low", "high"} <= set(summary)
            assert summary["low"] <= summary["mean"] <= summary["high"]
    assert [(pair["base"], pair["tuned"]) for pair in document["pairs"]] == [
        ("tiny", name) for name in (run.id, other.id) for _ in METRICS
    ]
    for pair in document["pairs"]:
        assert {"difference", "low", "high", "p", "wins", "ties", "losses", "verdict"} <= set(pair)
        assert pair["wins"] + pair["ties"] + pair["losses"] == 6 and pair["sentence"]

    held_out = dict(datasets.conversations(datasets.get("sums"), split="test"))
    table = pq.read_table(comparison_dir(view.id) / "outputs.parquet").to_pylist()
    assert sorted(row["row_id"] for row in table) == sorted(held_out)
    for row in table:
        assert row["reference"] == held_out[row["row_id"]].answer()
        assert row["prompt"] == held_out[row["row_id"]].messages[0].content
    written = (comparison_dir(view.id) / "outputs.jsonl").read_text().splitlines()
    assert {json.loads(line)["row_id"] for line in written} == set(held_out)
    assert comparisons.list_comparisons()[0].id == view.id


def test_examples_in_order(run, compare):
    view = compare([run.id])
    rows = comparisons.examples(view.id)
    assert [row["row_id"] for row in rows] == sorted(row["row_id"] for row in rows)
    metric = next(iter(METRICS))
    ordered = comparisons.examples(view.id, order=f"{metric}:{run.id}:tiny")
    gaps = [abs(row[f"{metric}|{run.id}"] - row[f"{metric}|tiny"]) for row in ordered]
    assert gaps == sorted(gaps, reverse=True)
    pages = [comparisons.examples(view.id, limit=4, offset=offset) for offset in (0, 4, 8)]
    assert [len(page) for page in pages] == [4, 2, 0] and pages[0] + pages[1] == rows
    assert comparisons.examples(999) == []


def test_a_repeat_gives_the_same_texts_whatever_the_batch(run, compare):
    one, other = (comparisons.examples(compare([run.id], batch_rows=size).id) for size in (8, 1))
    for name in ("tiny", run.id):
        assert [row[f"text|{name}"] for row in one] == [row[f"text|{name}"] for row in other]
        nats = ([row[f"nats|{name}"] for row in rows] for rows in (one, other))
        assert next(nats) == pytest.approx(next(nats), rel=1e-5)


def test_a_limit_takes_the_same_rows_each_time(run, compare):
    views = [compare([run.id], limit=3, metrics=("chrf",)) for _ in range(2)]
    one, other = ([row["row_id"] for row in comparisons.examples(view.id)] for view in views)
    assert one == other and len(one) == 3
    assert set(views[0].result["models"]["tiny"]) == {"chrf"}


def test_rows_that_leave_no_room_for_an_answer_are_left_out(run, compare, tmp_path):
    long = {"instruction": "hello world, " * 90, "input": "", "output": "Hi!", "split": "test"}
    import_source(str(write_lines(tmp_path / "long.jsonl", [*tiny.ROWS, long])), "sums")
    view = compare([run.id], data="sums@2", max_new_tokens=300)
    assert view.result["rows"] == 6 and sum(view.result["left_out"].values()) == 1
    assert "room" in next(iter(view.result["left_out"]))


def test_stopped_half_way_it_keeps_whole_batches(run, compare):
    job = FakeJob(stop_when=lambda job: any(said["text"] == "asking" and said["done"] >= 4 for said in job.said))
    view = compare([run.id], job, batch_rows=2)
    assert view.result["rows"] == 4 and view.result["asked"] == 6
    assert len(comparisons.examples(view.id)) == 4


def test_stopped_before_the_first_answers_there_is_nothing(run, compare):
    with pytest.raises(Stopped, match="before its first answers"):
        compare([run.id], FakeJob(stop_when=lambda job: True))


def test_what_cannot_be_compared_is_refused(run, studio_home, tmp_path):
    def refuse(kind, match, run_ids=(run.id,), data=None, split="test", **config):
        with pytest.raises(kind, match=match) as caught:
            comparisons.create(run_ids, data, split, CompareConfig(**config), "tester")
        assert caught.value.hint

    waiting = runs.create("sums", "tiny", "llama2", TrainConfig(quantization="int8"), "tester")
    refuse(WrongState, f"{waiting.id} is queued and has no adapter", [run.id, waiting.id])
    (waiting.folder / "adapter").mkdir(parents=True)
    (waiting.folder / "adapter" / "adapter_model.safetensors").write_bytes(b"")
    refuse(BadInput, "different bases", [run.id, waiting.id])
    refuse(BadInput, "no run to compare", [])
    refuse(NotFound, "no run 'nope'", ["nope"])
    refuse(NotFound, "nope", metrics=("nope",))
    refuse(NotFound, "nope", data="nope")
    refuse(BadInput, "no rows in its validation split", split="validation")
    import_source(str(write_lines(tmp_path / "few.jsonl", [{"instruction": "a", "output": "b"}])), "few")
    refuse(BadInput, "few@1 has no rows in its test split", data="few")
    with pytest.raises(NotFound, match="no comparison 999"):
        comparisons.get(999)
    assert comparisons.list_comparisons() == []


def test_an_adapter_that_changes_nothing_is_named(train, compare):
    idle = train(max_steps=1)  # the first step of a warm-up has a learning rate of 0
    with pytest.raises(ModelError, match="answers exactly as its base"):
        compare([idle.id])


def test_a_run_with_escaped_marks_is_asked_with_escaped_marks(train, compare, tmp_path):
    tagged = {"instruction": "What is [/INST]?", "input": "", "output": "A mark.", "split": "test"}
    import_source(str(write_lines(tmp_path / "tagged.jsonl", [*tiny.ROWS, tagged])), "sums")
    plain, escaped = (compare([train(escape_tags=escape).id], data="sums@2") for escape in (False, True))
    assert plain.result["left_out"] == {"cannot be carried by the template": 1}
    assert escaped.result["rows"] == 7 and not escaped.result["left_out"]
