"""Checks kept beside the data: one file, replaced whole; the command gives the same facts."""

from __future__ import annotations

import json

import pytest

from lib.data import datasets
from lib.data.checks import Settings, run_checks
from lib.data.checks import results as check_results
from lib.data.checks.job import run_job
from lib.data.imports.importer import import_source
from lib.errors import NotFound, StorageError
from lib.jobs.context import JobContext
from lib.storage import checks_file

ROWS = [{"question": f"What is {n}?", "answer": f"It is the number {n}, as everybody knows."} for n in range(12)]


def imported(tmp_path, rows):
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_source(str(source), "rows")
    return datasets.get("rows")


def test_nothing_is_known_before_the_first_check(tmp_path):
    assert check_results.summary(imported(tmp_path, ROWS)) is None


def test_the_job_keeps_findings_and_summary(tmp_path):
    info = imported(tmp_path, [*ROWS, ROWS[3], {"question": "And?", "answer": " "}])
    result = run_job({"dataset": info.ref}, JobContext(1))
    assert result == check_results.summary(info)
    assert [one.row_id for one in check_results.flagged(info, "empty", 10, 0)] == [14]
    duplicate = check_results.flagged(info, "exact_duplicate", 10, 0)[0]
    assert (duplicate.row_id, duplicate.group) == (13, 4)
    assert check_results.flagged(info, "exact_duplicate", 10, 1) == []


def test_a_second_check_replaces_the_first(tmp_path):
    info = imported(tmp_path, [*ROWS, ROWS[0]])
    check_results.check(info, Settings())
    check_results.check(info, Settings())
    assert len(check_results.flagged(info, "exact_duplicate", 10, 0)) == 1


def test_findings_of_checks_that_were_not_run_stay(tmp_path):
    info = imported(tmp_path, [*ROWS, ROWS[0], {"question": "And?", "answer": " "}])
    whole = check_results.check(info, Settings())
    alone = check_results.check(info, Settings(checks=frozenset(("empty",))))
    assert alone == whole
    assert check_results.summary(info) == whole.to_dict()


def test_findings_of_other_rows_do_not_stay(tmp_path):
    info = imported(tmp_path, [*ROWS, ROWS[0], {"question": "And?", "answer": " "}])
    check_results.check(info, Settings())
    rows = list(datasets.conversations(info))
    settings = Settings(checks=frozenset(("empty",)))
    kept = check_results.keep(
        run_checks(lambda: rows, len(rows), settings, dataset=info.name, version=info.version, seq=7)
    )
    summary = check_results.summary(info)
    assert summary == kept.to_dict()
    assert (summary["seq"], [one["name"] for one in summary["checks"]]) == (7, ["empty"])


def test_findings_of_a_check_that_is_no_more_go(tmp_path, monkeypatch):
    info = imported(tmp_path, [*ROWS, ROWS[0], {"question": "And?", "answer": " "}])
    check_results.check(info, Settings())
    fewer = {name: check for name, check in check_results.CHECKS.items() if name != "exact_duplicate"}
    monkeypatch.setattr(check_results, "CHECKS", fewer)
    kept = check_results.check(info, Settings(checks=frozenset(("empty",))))
    assert kept.rows_of("empty") == [14] and "exact_duplicate" not in kept.checks
    assert kept.rows_of("exact_duplicate") == []


def test_a_saved_version_has_seen_no_edit(tmp_path):
    assert check_results.check(imported(tmp_path, ROWS), Settings()).to_dict()["seq"] == 0


def test_clusters_come_largest_first(tmp_path):
    info = imported(tmp_path, [*ROWS, ROWS[3], ROWS[5], ROWS[5]])
    check_results.check(info, Settings())
    found = check_results.clusters(info, "exact_duplicate", 10, 0)
    assert [(one.group, one.rows, one.size) for one in found] == [(6, (6, 14, 15), 3), (4, (4, 13), 2)]
    assert check_results.clusters(info, "exact_duplicate", 1, 1) == found[1:]
    assert check_results.clusters(info, "empty", 10, 0) == []
    assert [check_results.cluster_count(info, name) for name in ("exact_duplicate", "empty")] == [2, 0]


def test_the_job_takes_a_threshold_and_checks(tmp_path):
    info = imported(tmp_path, ROWS)
    result = run_job({"dataset": info.ref, "checks": ["near_duplicate"], "near": 1.0}, JobContext(1))
    assert [(one["name"], one["rows"]) for one in result["checks"]] == [("near_duplicate", 0)]
    result = run_job({"dataset": info.ref, "checks": ["near_duplicate"], "near": 0.5}, JobContext(1))
    assert result["checks"][0]["rows"] == 11


def test_settings_name_checks_that_there_are():
    with pytest.raises(NotFound):
        check_results.settings_of(None, None, None, checks=frozenset(("nonsense",)))


def test_what_was_found_in_some_rows(tmp_path):
    info = imported(tmp_path, [*ROWS, *ROWS[:2]])
    check_results.check(info, Settings())
    found = check_results.findings_of(info, "exact_duplicate", [1, 13])
    assert {row_id: one.group for row_id, one in found.items()} == {13: 1}
    assert check_results.cluster_count(info, "exact_duplicate") == 2


def test_a_damaged_file_is_named(tmp_path):
    info = imported(tmp_path, ROWS)
    run_job({"dataset": info.ref}, JobContext(1))
    path = checks_file(info.name, info.version)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(StorageError, match="is damaged"):
        check_results.summary(info)
