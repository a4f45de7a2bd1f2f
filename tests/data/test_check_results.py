"""Checks kept beside the data: one file, replaced whole; the command gives the same facts."""

from __future__ import annotations

import json

from lib.data import check_results, datasets
from lib.data.checks import Settings
from lib.data.importer import import_source
from lib.jobs.context import JobContext

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
    result = check_results.run_job({"dataset": info.ref}, JobContext(1))
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
