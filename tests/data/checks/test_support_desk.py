"""The planted dirt of the sample is found kind by kind, and clean rows are left alone."""

from __future__ import annotations

import json

import pytest

from lib.data import datasets
from lib.data.checks import CHECKS, CheckReport, run_checks_of
from lib.data.imports.importer import import_source
from lib.settings import ROOT

SAMPLES = ROOT / "studio" / "samples"
CHECK_OF_KIND = {
    "exact_duplicate": "exact_duplicate",
    "near_duplicate": "near_duplicate",
    "conflicting_answer": "conflict",
    "empty_output": "empty",
    "noinput": "placeholder",
    "cut_off": "cut_off",
    "wrong_language": "wrong_language",
    "personal_data": "personal_data",
    "secret": "secret",
    "markup": "markup",
    "mojibake": "mojibake",
    "very_long": "long",
    "merged_rows": "merged",
    "template_tags": "template_tags",
    "boilerplate": "boilerplate",
    "too_short": "short",
    "role_mixup": "role_mixup",
}
DIRT = json.loads((SAMPLES / "support-desk" / "dirt.json").read_text())


def checked(sample: str) -> tuple[CheckReport, dict[str, int]]:
    import_source(str(SAMPLES / sample / "rows.jsonl"), sample)
    info = datasets.get(sample)
    rows = datasets.page(info, limit=1000).rows
    return run_checks_of(info), {row["ticket"]: row["_row_id"] for row in rows if "ticket" in row}


@pytest.fixture
def desk() -> tuple[CheckReport, dict[str, int]]:
    return checked("support-desk")


def test_every_planted_row_is_found_by_the_check_of_its_kind(desk):
    report, row_of = desk
    missed = {
        kind: [item["ticket"] for item in planted if row_of[item["ticket"]] not in report.rows_of(CHECK_OF_KIND[kind])]
        for kind, planted in DIRT.items()
    }
    assert {kind: tickets for kind, tickets in missed.items() if tickets} == {}


def test_clean_rows_are_left_alone(desk):
    report, row_of = desk
    planted = {item[key] for items in DIRT.values() for item in items for key in ("ticket", "of") if key in item}
    clean = {row for ticket, row in row_of.items() if ticket not in planted}
    alarms = [finding for finding in report.findings if finding.row_id in clean]
    assert len({finding.row_id for finding in alarms}) <= 0.03 * len(clean), alarms


def test_groups_are_named_after_the_lowest_row(desk):
    report, row_of = desk
    for kind in ("exact_duplicate", "near_duplicate", "conflicting_answer"):
        groups = {f.row_id: f.group for f in report.findings if f.check == CHECK_OF_KIND[kind]}
        for item in DIRT[kind]:
            pair = row_of[item["ticket"]], row_of[item["of"]]
            assert groups[max(pair)] == min(pair), item


def test_the_report_as_a_document(desk):
    document = json.loads(json.dumps(desk[0].to_dict()))
    assert (document["data"], document["rows"]) == ("support-desk@1", 160)
    assert [check["name"] for check in document["checks"]] == list(CHECKS)
    assert 75 <= document["flagged"] <= 90
    for check in document["checks"]:
        assert check["share"] == check["rows"] / 160
        assert len(check["examples"]) == min(5, check["rows"])
        assert all(len(example["detail"]) <= 200 for example in check["examples"])


def test_a_clean_dataset_stays_clean():
    report, _ = checked("medical-terms")
    assert len({finding.row_id for finding in report.findings}) < 0.02 * report.rows, report.findings
