"""Comparisons with the tiny model: what is stored, what is left out and said, and what is refused."""

from __future__ import annotations

import json
import re
import time

import pyarrow.parquet as pq
import pytest

from lib.data import datasets
from lib.data.imports.importer import import_source
from lib.errors import BadInput, BadSettings, ModelError, NotFound, Stopped, WrongState
from lib.evaluation import comparisons, prompt_sets
from lib.evaluation.comparing.circles import circles
from lib.evaluation.comparisons import CompareConfig
from lib.evaluation.metrics import METRICS
from lib.storage import comparison_dir
from lib.training import runs
from lib.training.config import TrainConfig
from tests import tiny
from tests.helpers import FakeJob, write_lines


def kinds(view):
    return [warning["kind"] for warning in view.result["warnings"]]


def texts(view, *names):
    stored = comparisons.outputs(view.id)
    return {name: stored[f"text|{name}"] for name in names or view.sides}


def test_two_runs_and_their_base(run, train, compare):
    other = train(seed=7, learning_rate=0.05)
    counted = [name for name in METRICS if not name.startswith("distinct")]  # an answer of one word has no pairs
    view = compare([run.id, other.id, run.id], metrics=tuple(counted))
    document = json.loads(json.dumps(view.to_dict(), allow_nan=False))

    assert document["runs"] == [run.id, other.id] and document["split"] == "test" and document["rows"] == 6
    assert list(document["models"]) == view.sides == ["tiny", run.id, other.id]
    for scores in document["models"].values():
        assert set(scores) == set(counted) == set(view.metrics)
        for summary in scores.values():
            assert summary["n"] == 6 and {"n", "mean", "low", "high"} <= set(summary)
            assert summary["low"] <= summary["mean"] <= summary["high"]
    assert [(pair["base"], pair["tuned"]) for pair in document["pairs"]] == [
        ("tiny", name) for name in (run.id, other.id) for _ in counted
    ]
    for pair in document["pairs"]:
        assert {"difference", "low", "high", "p", "p_holm", "wins", "ties", "losses", "verdict"} <= set(pair)
        assert pair["wins"] + pair["ties"] + pair["losses"] == 6 and pair["sentence"]
    assert set(document["verdicts"]) == {run.id, other.id}
    assert document["warnings"] == [] and document["left_out"] == {} and document["with_leaks"] is None
    assert comparisons.list_comparisons()[0].id == view.id


def test_what_was_asked_and_answered_is_kept(run, compare):
    view = compare([run.id])
    held_out = dict(datasets.conversations(datasets.get("sums"), split="test"))
    table = pq.read_table(comparison_dir(view.id) / "outputs.parquet").to_pylist()
    assert [row["row_id"] for row in table] == sorted(held_out)
    for row in table:
        assert row["reference"] == held_out[row["row_id"]].answer()
        assert row["prompt"] == held_out[row["row_id"]].messages[0].content
        assert row["leaked"] is False and row[f"ref_tokens|{run.id}"] > 0 and row["ended|tiny"] in ("end", "length")
    assert view.result["circling"] == {
        side: sum(row[f"ended|{side}"] == "length" and circles(row[f"text|{side}"]) for row in table)
        for side in view.sides
    }
    asked = {question["row_id"]: question for question in comparisons.questions(view.id)}
    assert {number: question["reference"] for number, question in asked.items()} == {
        number: conversation.answer() for number, conversation in held_out.items()
    }
    base, tuned = (view.result["sides"][name] for name in view.sides)
    assert base["adapter_sha256"] is None and tuned["adapter_sha256"] and base["base_sha256"] == tuned["base_sha256"]
    assert view.result["proof"] == {run.id: {"differs": True, "adapter_sha256": tuned["adapter_sha256"]}}
    assert set(view.result["signatures"]) == set(view.config["metrics"])


def test_a_limit_takes_the_same_rows_each_time(run, compare):
    views = [compare([run.id], limit=3, metrics=("chrf",)) for _ in range(2)]
    one, other = (comparisons.outputs(view.id) for view in views)
    assert one == other and len(one["row_id"]) == 3
    assert set(views[0].result["models"]["tiny"]) == {"chrf"}


def test_rows_that_leave_no_room_for_an_answer_are_left_out(run, compare, tmp_path):
    long = {"instruction": "hello world, " * 90, "input": "", "output": "Hi!", "split": "test"}
    import_source(str(write_lines(tmp_path / "long.jsonl", [*tiny.ROWS, long])), "sums")
    view = compare([run.id], data="sums@2", max_new_tokens=300)
    assert view.result["rows"] == 6 and list(view.result["left_out"].values()) == [1]
    assert "no room for an answer in its 512 tokens" in next(iter(view.result["left_out"]))
    with pytest.raises(BadInput, match="Nothing of sums@2 test can be asked: 7 leave tiny no room"):
        compare([run.id], data="sums@2", max_new_tokens=600)


def test_a_run_with_escaped_marks_is_asked_with_escaped_marks(run, train, compare, tmp_path):
    tagged = {"instruction": "What is [/INST]?", "input": "", "output": "A mark.", "split": "test"}
    import_source(str(write_lines(tmp_path / "tagged.jsonl", [*tiny.ROWS, tagged])), "sums")
    left = {"cannot be carried by the template llama2": 1}
    assert compare([run.id], data="sums@2").result["left_out"] == left
    escaping = train(escape_tags=True)
    alone = compare([escaping.id], data="sums@2")
    assert alone.result["rows"] == 7 and not alone.result["left_out"]
    both = compare([run.id, escaping.id], data="sums@2")
    assert both.result["unmatched"] == 1 and both.result["left_out"] == left and both.result["rows"] == 6
    assert {"settings", "unmatched"} <= set(kinds(both))


def test_stopped_half_way_it_scores_what_all_have_answered(run, compare):
    """No sooner than after the first answer, and goes on from there when resumed."""
    from lib.evaluation.comparing.job import run_job

    for number in range(80):
        prompt_sets.add("many", [{"role": "user", "content": f"Say {number}."}], f"Well: {number}.")
    job = FakeJob(stop_when=lambda job: any(said["text"] == "asking" and said["done"] >= 130 for said in job.said))
    view = compare([run.id], job, prompt_set="many", metrics=("chrf", "perplexity"))
    assert view.result["rows"] == 64 and view.result["asked"] == 80 and view.result["stopped"]
    assert "stopped" in kinds(view) and view.result["models"]["tiny"]["perplexity"]["n"] == 64
    before = comparisons.outputs(view.id)
    run_job({"comparison": view.id}, FakeJob())
    whole = comparisons.get(view.id)
    assert whole.result["rows"] == 80 and "stopped" not in kinds(whole)
    after = dict(zip(comparisons.outputs(view.id)["row_id"], texts(whole)[run.id], strict=True))
    assert all(after[row] == text for row, text in zip(before["row_id"], before[f"text|{run.id}"], strict=True))


def test_the_rate_is_that_of_the_answers_alone(run, compare, monkeypatch):
    """The references of a set can take ten times as long to read; then the rate looked like a fault."""
    from lib.inference.generator import Generator

    read = Generator.losses

    def slowly(self, rows, adapter):
        time.sleep(2)
        return read(self, rows, adapter)

    monkeypatch.setattr(Generator, "losses", slowly)
    job, began = FakeJob(), time.monotonic()
    view = compare([run.id], job, metrics=("chrf", "perplexity"))
    rate = [said["tokens_per_second"] for said in job.said if "tokens_per_second" in said][-1]
    assert rate > 1.2 * view.result["tokens"] / (time.monotonic() - began)


def test_the_time_left_knows_of_references_that_are_still_to_be_read(run, compare, monkeypatch):
    """Of 160 answers and references the first 128 are done: what is left takes about a quarter of what they took."""
    from lib.inference.generator import Generator

    read = Generator.losses

    def slowly(self, rows, adapter):
        time.sleep(0.02 * len(rows))
        return read(self, rows, adapter)

    monkeypatch.setattr(Generator, "losses", slowly)
    for number in range(80):
        prompt_sets.add("many", [{"role": "user", "content": f"Say {number}."}], f"Well: {number}.")
    job = FakeJob()
    compare([run.id], job, prompt_set="many", metrics=("chrf",), max_new_tokens=4)
    half = [said for said in job.said if said["text"] == "asking" and said["done"] == 128]
    assert 0.02 * 32 < half[0]["seconds_left"] < 0.02 * 32 * 3
    assert all(said.get("seconds_left") is None for said in job.said if said["text"] == "loading the model")
    assert [said["seconds_left"] for said in job.said if said["text"] == "asking"][-1] < 0.1


def test_while_references_are_read_it_is_said_how_long_that_takes(run, compare, monkeypatch):
    """In small batches on a CPU, by length: the short references come first, and say little of how many are left."""
    from lib.inference.generator import Generator

    read, batches = Generator.losses, []

    def slowly(self, rows, adapter):
        batches.append(rows)
        time.sleep(0.001 * sum(len(ids) for ids, _ in rows))
        return read(self, rows, adapter)

    monkeypatch.setattr(Generator, "losses", slowly)
    for number in range(40):
        prompt_sets.add("long", [{"role": "user", "content": f"Say {number}."}], "Well. " * (10 if number < 20 else 60))
    job = FakeJob()
    compare([run.id], job, prompt_set="long", metrics=("chrf", "perplexity"), max_new_tokens=4)
    assert all(len(rows) * max(len(ids) for ids, _ in rows) <= 2_048 for rows in batches)
    told = [said["text"] for said in job.said if said["text"].startswith("reading reference")]
    assert len(told) == len(batches) > 4 and "more" not in told[0]
    assert all(re.search(r"\(about \d+ s more\), then answering$", text) for text in told[1:])
    seconds = sum(0.001 * len(ids) for rows in batches[1:] for ids, _ in rows)
    assert 0.5 * seconds - 1 < int(re.search(r"about (\d+)", told[1])[1]) < 2.5 * seconds + 1


def test_stopped_before_the_first_answers_there_is_nothing(run, compare):
    with pytest.raises(Stopped, match=r"before its first answers\. Resume it: python -m studio compare --resume 1"):
        compare([run.id], FakeJob(stop_when=lambda job: True))


def test_prompts_without_a_reference_count_where_none_is_needed(run, compare):
    for number, reference in enumerate(["", "It is 2.", "It is 4.", "", "It is 8.", "It is 10."]):
        prompt_sets.add("few", [{"role": "user", "content": f"Add {number}."}], reference)
    talk = [("user", "Hi!"), ("assistant", "Hello!"), ("user", "Add 3.")]
    prompt_sets.add("few", [{"role": role, "content": text} for role, text in talk])
    view = compare([run.id], prompt_set="few", metrics=("chrf", "perplexity", "distinct1"))
    counts = {name: summary["n"] for name, summary in view.result["models"]["tiny"].items()}
    assert counts["chrf"] == counts["perplexity"] == 4 and counts["distinct1"] == 7
    assert kinds(view) == ["no_reference"] and view.asked == "prompt set few" and not view.data_ref
    stored = comparisons.outputs(view.id)
    assert stored["nats|tiny"][0] is None and stored["prompt"][-1] == "user: Hi!\n\nassistant: Hello!\n\nuser: Add 3."
    prompt_sets.rename("few", "fewer", "tester")
    assert comparisons.get(view.id).asked == "prompt set fewer"


def test_a_system_prompt_goes_to_all(run, compare):
    plain, told = compare([run.id]), compare([run.id], system="Answer in one word.")
    assert comparisons.outputs(told.id)["prompt"][0].startswith("system: Answer in one word.\n\nuser: Add")
    assert texts(plain) != texts(told)


def test_what_cannot_be_compared_is_refused(run, studio_home, tmp_path):
    def refuse(kind, match, run_ids=(run.id,), data=None, split="test", asked=None, **config):
        with pytest.raises(kind, match=match) as caught:
            comparisons.create(run_ids, data, split, CompareConfig(**config), "tester", **(asked or {}))
        assert caught.value.hint

    waiting = runs.create("sums", "tiny", "llama2", TrainConfig(quantization="int8"), "tester")
    refuse(WrongState, f"{waiting.id} is queued and has no adapter", [run.id, waiting.id])
    refuse(BadInput, "no run to compare", [])
    refuse(BadInput, "stands alone", asked={"base": False})
    refuse(NotFound, "no run 'nope'", ["nope"])
    refuse(NotFound, "nope", metrics=("nope",))
    refuse(NotFound, "nope", data="nope")
    refuse(NotFound, "no prompt set 'nope'", asked={"prompt_set": "nope"})
    refuse(BadSettings, "max_new_tokens.*repeats: needs a temperature", max_new_tokens=0, repeats=2)
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


def test_repeats_show_how_much_is_noise(run, train, compare):
    """Drawn answers with three seeds, and two runs that differ by their seed alone."""
    twin = train(seed=7)
    view = compare([run.id, twin.id], metrics=("chrf", "perplexity"), temperature=1.0, repeats=3, seed=5)
    seeds, groups = view.result["noise"]["seeds"], view.result["noise"]["runs"]
    assert set(seeds) == set(view.sides) and set(seeds["tiny"]) == {"chrf"}
    assert seeds["tiny"]["chrf"]["n"] == 3 and seeds["tiny"]["chrf"]["swing"] > 0
    assert [group["runs"] for group in groups] == [[run.id, twin.id]] and groups[0]["metrics"]["perplexity"]["n"] == 2
    assert "temperature 1" in view.result["decoding"]
    alone = compare([run.id], metrics=("chrf",), temperature=1.0, seed=5, limit=2)
    drawn = dict(zip(comparisons.outputs(view.id)["row_id"], texts(view)[run.id], strict=True))
    for row, text in zip(comparisons.outputs(alone.id)["row_id"], texts(alone)[run.id], strict=True):
        assert drawn[row] == text  # whatever else is in the batch


def test_a_metric_that_fails_is_named_and_the_rest_counts(run, compare, tmp_path):
    """A team's folder that throws on one row, and one that is taken away before its turn."""
    from lib.evaluation.metrics.folders import add_folder, remove_folder

    body = FOLDER.format(raises='if "The answer is 20." in references: raise KeyError("twenty")')
    (tmp_path / "picky").mkdir()
    (tmp_path / "picky" / "picky.py").write_text(body)
    for name in ("picky", "gone"):
        add_folder(tmp_path / "picky", name, "tester", higher_is_better=True, low=0.0)

    class Removing(FakeJob):
        def progress(self, done, total=None, text="", **more):
            if text == "scoring":
                remove_folder("gone")

    view = compare([run.id], Removing(), metrics=("folder:picky", "folder:gone", "chrf"))
    assert list(view.metrics) == ["folder:picky", "chrf"] and view.result["rows"] == 6
    assert view.result["models"]["tiny"]["folder:picky"]["n"] == 5 and view.result["models"]["tiny"]["chrf"]["n"] == 6
    assert view.result["errors"]["folder:picky"]["tiny"]["rows"] == 1
    assert "twenty" in view.result["errors"]["folder:picky"][run.id]["first"]
    assert view.result["errors"]["folder:gone"]["tiny"]["rows"] == 6 and kinds(view) == ["metric"] * 4


FOLDER = """
import datasets
import evaluate

class Team(evaluate.Metric):
    def _info(self):
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description="", citation="", features=datasets.Features({{"predictions": text, "references": text}})
        )

    def _compute(self, predictions, references):
        {raises}
        return {{"score": float(len(predictions[0]) > 3)}}
"""
