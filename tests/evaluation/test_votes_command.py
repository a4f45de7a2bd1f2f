"""`python -m studio votes`."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from lib.evaluation import votes
from studio.commands import votes as command
from tests.evaluation import stored


@pytest.fixture
def run():
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)

    def invoke(*arguments):
        result = CliRunner().invoke(app, ["votes", *arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


def test_listed_shown_and_exported(run, tmp_path):
    assert json.loads(run("--json").stdout) == {"ballots": []}
    ballot = votes.create(stored.pairs(), "starter", "gentle-otter", "ada", question="Which is kinder?")
    votes.cast(ballot.id, "bob", ballot.rows[0], "left")
    assert "Which is kinder?" in run().stdout and ballot.id in run().stdout
    shown = run(ballot.id).stdout
    assert "1 of 12" in shown and "gentle-otter" not in shown
    document = json.loads(run(ballot.id, "--json").stdout)
    assert document["raters"] == [{"name": "bob", "votes": 1, "skipped": 0}] and document["open"]
    assert "gentle-otter" not in json.dumps(document)
    votes.close(ballot.id, "ada")
    told = run(ballot.id).stdout
    assert "gentle-otter against starter (base): No evidence" in told and "Voted: bob 1 of 12." in told
    assert json.loads(run(ballot.id, "--json").stdout)["win_rate"]["votes"] == 1
    out = tmp_path / "pairs.jsonl"
    assert "1 line written" in run(ballot.id, "--export", "dpo", "--out", str(out)).stdout
    assert set(json.loads(out.read_text())) == {"prompt", "chosen", "rejected"}


def test_wrong_use(run, tmp_path):
    assert run("--export", "dpo").exit_code == 2
    assert run("--export", "dpo", "--out", str(tmp_path / "x")).exit_code == 2
