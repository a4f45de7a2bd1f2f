"""Lint of a dataset: every row once, what is stored is what single rows show, and what policies do is exact."""

from __future__ import annotations

import json
import os

import pytest

from lib import storage
from lib.data import datasets
from lib.data.edits import edit, open_copy
from lib.data.edits.conversations import conversations
from lib.data.lint import LintSettings, results, run
from lib.data.lint import job as lint_job
from lib.data.lint.results import Bar
from lib.data.lint.run import lint
from lib.data.versions.removal import remove
from lib.errors import BadInput, NotFound, Stopped, StorageError
from lib.formats.fitting import POLICIES
from lib.formats.lint import LINTS, Linter, lint_row
from lib.jobs import queue
from lib.training.config import TrainConfig
from lib.training.rows import prepare
from tests.data.lint.conftest import CHAT, LLAMA, OWN, ROWS, chat
from tests.helpers import FakeJob

SETTINGS = [CHAT, OWN, LLAMA, LintSettings("alpaca", "llama", 60), LintSettings("llama2", "chat", 40, escape=True)]


def found(info, settings):
    return {kind["name"]: kind for kind in results.summary(info, settings)["kinds"]}


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_what_is_stored_is_what_single_rows_show(info, settings):
    lint(open_copy(info), settings)
    tokenizer = settings.tokenizer()
    expected = {
        row_id: lint_row(one, settings.template, tokenizer, settings.max_length, settings.escape)
        for row_id, one in datasets.conversations(info)
    }
    stored = results.rows_of(info, settings, limit=1000)
    assert [(row.row_id, row.kind, row.detail, row.message) for row in stored] == [
        (row_id, finding.kind, finding.detail, finding.message)
        for row_id, findings in expected.items()
        for finding in findings
    ]
    for name, kind in found(info, settings).items():
        rows = [row_id for row_id, findings in expected.items() if name in {finding.kind for finding in findings}]
        assert kind["rows"] == len(rows) and kind["share"] == len(rows) / len(ROWS)
        assert [example["row"] for example in kind["examples"]] == rows[:5]
        assert [row.row_id for row in results.rows_of(info, settings, name, 1000)] == sorted(
            row_id for row_id, findings in expected.items() for finding in findings if finding.kind == name
        )
    assert results.summary(info, settings)["flagged"] == sum(map(bool, expected.values()))


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_counted_is_what_training_does(info, settings, policy):
    lint(open_copy(info), settings)
    config = TrainConfig(max_length=settings.max_length, long_rows=policy, escape_tags=settings.escape)
    prepared = prepare(info, settings.template, settings.tokenizer(), config)
    assert results.summary(info, settings)["effects"][policy] == prepared.long_rows.to_dict()
    assert results.summary(info, settings)["left_out"] == len(ROWS) - prepared.long_rows.rows


def test_the_summary_says_what_was_looked_at(info):
    summary = lint(open_copy(info), CHAT)
    assert summary == results.summary(info, CHAT) == json.loads(json.dumps(summary))
    assert (summary["data"], summary["seq"], summary["rows"]) == ("rows@1", 0, len(ROWS))
    assert summary["settings"] == {"template": "chatml", "model": "chat", "max_length": 60, "escape": False}
    assert [kind["name"] for kind in summary["kinds"]] == list(LINTS)
    linted = Linter("chatml", CHAT.tokenizer(), 60)([one for _, one in datasets.conversations(info)])
    totals = [one.total for one in linted if one.total]
    assert summary["left_out"] == len(ROWS) - len(totals) == 2
    assert (summary["tokens"], summary["longest"]) == (sum(totals), max(totals))
    assert summary["trained"] == sum(one.answer for one in linted)
    pad = found(info, CHAT)["pad_is_eos"]
    assert (pad["found"], pad["rows"], pad["detail"]) == (True, 0, "both are <|im_end|>")
    assert not found(info, CHAT)["bos_missing"]["found"]
    assert found(info, CHAT)["wrong_template"]["suggest"] == {"template": "model"}


def test_lengths_are_counted_in_bars_and_above_any_limit(info):
    lint(open_copy(info), CHAT)
    linted = Linter("chatml", CHAT.tokenizer(), 60)([one for _, one in datasets.conversations(info)])
    totals = [one.total for one in linted if one.total]
    bars = results.lengths(info, CHAT)
    assert sum(bar.rows for bar in bars) == len(totals)
    for bar in bars:
        assert bar.rows == sum(bar.low <= total < (bar.high or 10**9) for total in totals)
    assert bars[-1].high is None and isinstance(bars[0], Bar)
    for limit in (0, 15, min(totals), max(totals)):
        assert results.longer_than(info, CHAT, limit) == sum(total > limit for total in totals)


def test_pages_of_findings(info):
    lint(open_copy(info), OWN)
    every = results.rows_of(info, OWN, "own_system_prompt", 100)
    pages = [results.rows_of(info, OWN, "own_system_prompt", 3, start) for start in (0, 3, 6)]
    assert [row for page in pages for row in page] == every and len(every) == 8
    assert results.findings_of(info, OWN, [1, 2]) == {1: every[:1]}


def test_without_a_limit_nothing_is_too_long(info):
    settings = LintSettings("chatml", "chat", None)
    summary = lint(open_copy(info), settings)
    assert not {"too_long", "nothing_left"} & {kind["name"] for kind in summary["kinds"] if kind["found"]}
    assert all(effect["fit"] == len(ROWS) - 2 for effect in summary["effects"].values())


def test_edits_count_and_deleted_and_rejected_rows_do_not(info):
    lint(open_copy(info), LLAMA)
    assert found(info, LLAMA)["tags_in_text"]["rows"] == 1 and not results.stale(open_copy(info), LLAMA)
    edit(info, 5, 0, "ada", values={"messages": chat("What is it?", "A start.")["messages"]})
    edit(info, 6, 0, "ada", deleted=True)
    edit(info, 10, 0, "ada", status="rejected")
    assert results.stale(open_copy(info), LLAMA)
    summary = lint(open_copy(info), LLAMA)
    assert (summary["rows"], summary["seq"]) == (len(ROWS) - 2, 3)
    for kind in ("tags_in_text", "specials_in_text"):
        assert found(info, LLAMA)[kind]["rows"] == 0
    assert not results.stale(open_copy(info), LLAMA)
    assert not {6, 10} & {row.row_id for row in results.rows_of(info, LLAMA, limit=100)}


def test_settings_have_files_of_their_own_and_the_oldest_go(info, monkeypatch):
    for settings in SETTINGS:
        lint(open_copy(info), settings)
    assert len({settings.file(info) for settings in SETTINGS}) == len(SETTINGS)
    assert all(not results.stale(open_copy(info), settings) for settings in SETTINGS)
    monkeypatch.setattr(run, "KEPT", 2)
    os.utime(CHAT.file(info), (1, 1))
    lint(open_copy(info), LLAMA)
    assert results.summary(info, CHAT) is None and results.summary(info, LLAMA)
    assert len(list(CHAT.file(info).parent.iterdir())) == 2
    with pytest.raises(NotFound, match="was not looked at"):
        results.rows_of(info, CHAT)


def test_another_tokenizer_or_chat_template_makes_findings_stale(info, models):
    lint(open_copy(info), OWN)
    path = models / "chat" / "tokenizer_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "chat_template": config["chat_template"].replace("helpful", "kind")}))
    assert results.stale(open_copy(info), OWN)


def test_damage_is_told(info):
    lint(open_copy(info), CHAT)
    CHAT.file(info).write_bytes(b"PAR1 damaged")
    with pytest.raises(StorageError, match="damaged"):
        results.summary(info, CHAT)


def test_settings_that_cannot_be_used(info):
    with pytest.raises(BadInput, match="0 tokens long"):
        LintSettings("chatml", "chat", 0)
    for settings in (LintSettings("nope", "chat", 60), LintSettings("chatml", "nope", 60)):
        with pytest.raises(NotFound):
            lint(open_copy(info), settings)


def test_a_dataset_that_is_removed_takes_its_lint_along(info):
    lint(open_copy(info), CHAT)
    remove("rows", "ada")
    assert not storage.lint_file("rows", 1, "any").parent.parent.exists()


def test_the_job_is_started_once_and_again_when_rows_change(info):
    number = lint_job.ensure(info, CHAT, "ada")
    assert number is not None and lint_job.ensure(info, CHAT, "ben") == number
    assert lint_job.ensure(info, LLAMA, "ben") != number
    job = lint_job.newest_job(info, CHAT)
    assert (job.id, job.live, job.created_by) == (number, True, "ada")
    seen = FakeJob()
    result = lint_job.run_job(queue.get(number).payload, seen)
    assert (result["rows"], result["settings"]) == (len(ROWS), CHAT.to_dict())
    assert lint_job.ensure(info, CHAT, "ada") is None
    edit(info, 1, 0, "ada", tags=["x"])
    assert lint_job.ensure(info, CHAT, "ada") is not None


def test_a_stopped_job_stores_nothing(info):
    stopping = FakeJob(lambda _: True)
    with pytest.raises(Stopped):
        lint_job.run_job({"dataset": info.ref, **CHAT.to_dict()}, stopping)
    assert results.summary(info, CHAT) is None
    assert not list(CHAT.file(info).parent.iterdir())


def test_the_order_of_the_rows_is_that_of_their_ids(info):
    lint(open_copy(info), CHAT)
    rows = datasets.select(info, f"SELECT row_id FROM read_parquet('{CHAT.file(info)}')")
    assert [row_id for (row_id,) in rows] == [row_id for row_id, _ in conversations(open_copy(info))]
