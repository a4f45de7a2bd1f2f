"""`python -m studio compare` and `prompts`."""

from __future__ import annotations

import csv
import json

import pytest
import typer
from typer.testing import CliRunner

from lib.errors import BadInput, NotFound, WrongState
from lib.evaluation import comparisons, prompt_sets
from lib.evaluation.comparisons import CompareConfig
from lib.jobs import queue
from studio.commands import compare as comparing
from studio.commands import comparisons as looking
from studio.commands import prompts as prompting


@pytest.fixture
def invoke(home):
    app = typer.Typer()
    app.callback()(lambda: None)
    comparing.register(app)
    looking.register(app)
    prompting.register(app)

    def call(*arguments):
        result = CliRunner().invoke(app, list(map(str, arguments)))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


def test_a_run_its_base_and_another_model_on_a_file_of_prompts(run, invoke, jobs_here, tmp_path):
    (tmp_path / "My Prompts.csv").write_text("prompt,reference\nSay one.,One.\nSay two.,\nSay three.,Three.\n")
    asked = ["compare", run.id, "--prompts", tmp_path / "My Prompts.csv", "--model", "tiny=chatml"]
    few = ["--metric", "chrf", "--metric", "stop_rate", "--max-new-tokens", "6"]
    done = invoke(*asked, *few, "--export", tmp_path / "out.csv", "--json")
    document = json.loads(done.stdout)
    assert set(document["models"]) == {"tiny", run.id, "tiny (none)"} and document["prompt_set"] == "my-prompts"
    assert document["models"]["tiny"]["chrf"]["n"] == 2 and document["models"]["tiny"]["stop_rate"]["n"] == 3
    assert {"n", "mean", "low", "high"} <= set(document["models"][run.id]["chrf"])
    wanted = {"difference", "low", "high", "p", "wins", "ties", "losses", "verdict"}
    assert all(wanted <= set(pair) for pair in document["pairs"]) and document["status"] == "finished"
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [row["prompt"] for row in csv.DictReader(file)] == ["Say one.", "Say two.", "Say three."]
    other = json.loads(invoke("comparison", str(document["comparison"]), "--base", run.id, "--json").stdout)
    assert {pair["base"] for pair in other["pairs"]} == {run.id}
    worst = json.loads(
        invoke("comparison", str(document["comparison"]), "--base", run.id, "--worst", "1", "--json").stdout
    )
    assert (worst["base"], worst["tuned"]) == (run.id, "tiny")
    shown = invoke(*asked[:2], "--prompts", "my-prompts", *few, "--temperature", "0.7", "--repeats", "2")
    assert "chrF" in shown.stdout and f"{run.id} against tiny: " in shown.stdout and "note: " in shown.stderr
    again = json.loads(invoke(*asked, *few, "--json").stdout)  # the file once more is a set of its own
    assert again["prompt_set"] == "my-prompts-2"


def test_one_that_was_stopped_is_resumed(run, invoke, jobs_here):
    view = comparisons.create([run.id], None, "test", CompareConfig(max_new_tokens=4, metrics=("chrf",)), "tester")
    queue.stop(view.job.id)
    document = json.loads(invoke("compare", "--resume", view.id, "--json").stdout)
    assert document["comparison"] == view.id and document["rows"] == 6 and document["status"] == "finished"
    with pytest.raises(WrongState, match="has finished"):
        invoke("compare", "--resume", view.id)
    for wrong, kind in (
        (["compare", run.id, "--resume", view.id], BadInput),
        (["compare", run.id, "--prompts", "nope"], NotFound),
        (["compare", run.id, "--export", "x.pdf"], BadInput),
        (["compare", run.id, "--model", "nope"], NotFound),
    ):
        with pytest.raises(kind):
            invoke(*wrong)


def test_prompt_sets_by_command(home, invoke, tmp_path):
    assert json.loads(invoke("prompts", "--json").stdout) == {"prompt_sets": []}
    (tmp_path / "p.csv").write_text("q1,ref\nOne?,1\n,2\n")
    added = invoke("prompts", "smoke", "--add", tmp_path / "p.csv", "--map", "user=q1", "--map", "assistant=ref")
    assert "1 prompts added, 1 with a reference; 1 rows refused, the first is row 3" in added.stdout
    prompt_sets.add("smoke", [{"role": "user", "content": "Two?"}])
    assert "smoke" in invoke("prompts").stdout and "Two?" in invoke("prompts", "smoke").stdout
    document = json.loads(invoke("prompts", "smoke", "--json").stdout)
    assert [prompt["reference"] for prompt in document["prompts"]] == ["1", ""]
    report = json.loads(invoke("prompts", "smoke", "--to-dataset", "made", "--json").stdout)
    assert report == {"name": "made", "version": 1, "rows": 1}
    invoke("prompts", "smoke", "--rename", "tests")
    with pytest.raises(BadInput):
        invoke("prompts", "tests", "--remove", 999)
    for prompt in document["prompts"]:
        last = invoke("prompts", "tests", "--remove", prompt["id"]).stdout
    assert "gone" in last
    with pytest.raises(NotFound):
        invoke("prompts", "tests")
    for wrong in (["prompts", "--delete"], ["prompts", "a", "--delete", "--rename", "b"]):
        with pytest.raises(BadInput):
            invoke(*wrong)
