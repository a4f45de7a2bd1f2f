"""The Curate page: run the checks, see what they found, page through the rows."""

from __future__ import annotations

from lib.data import check_results, datasets
from lib.data.checks import Settings
from lib.jobs import queue
from tests.app import seeds
from tests.app.screen import button, open_page, texts, words


def test_a_check_is_offered_and_queued_once() -> None:
    seeds.samples()
    app = open_page("curate", dataset="support-desk@1")
    button(app, "Check all rows").click().run()
    assert not app.exception
    assert [job.payload["dataset"] for job in queue.live_jobs("check")] == ["support-desk@1"]
    assert not [one for one in app.button if one.label == "Check all rows"]  # its progress stands there instead


def test_what_was_found_is_shown_with_its_remedy_and_rows() -> None:
    seeds.samples()
    info = datasets.get("support-desk")
    found = check_results.check(info, Settings()).counts()
    app = open_page("curate", dataset=info.ref)
    assert not app.exception
    radio = app.radio[0]
    assert f"Personal data · {found['personal_data']}" in radio.options
    radio.set_value("personal_data").run()
    assert "Replace it by an invented one" in words(app)
    assert any("@example." in text for text in texts(app, "text"))


def test_a_clean_dataset_is_told_so_in_figures() -> None:
    seeds.samples()
    check_results.check(datasets.get("medical-terms"), Settings())
    app = open_page("curate", dataset="medical-terms@1")
    assert not app.exception
    assert "0 rows" in words(app)
