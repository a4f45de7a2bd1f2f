"""The Datasets page: importing by path, rows as text, addresses that lead nowhere."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.data import datasets
from lib.data.imports.importer import import_source
from lib.jobs import queue
from studio.components import importing
from tests.app import seeds
from tests.app.screen import button, field, open_page, texts, words
from tests.helpers import python, wait_until, write_lines

HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    r"[link](javascript:alert(3)) $\frac{1}{2}$ :red[x] :material/home: `code` **bold**",
    "nul \x00 here, bidi \u202eright to left\u202c, zero\u200bwidth",
    "{{ braces }} & &amp; &#60;b&#62; \\ # heading\n- item\n1. item",
]
GOOD = [{"instruction": f"What is {n}?", "input": "", "output": f"It is {n}."} for n in range(8)]


def import_by_path(path: Path) -> AppTest:
    app = open_page("datasets")
    app.get("button_group")[0].set_value("Path").run()
    field(app, "Path").set_value(str(path)).run()
    return app


def work() -> None:
    """What the studio's worker would do."""
    worker = python("-m", "lib.jobs.worker", "--until-idle")
    _, errors = worker.communicate(timeout=60)
    assert worker.returncode == 0, errors


def test_rows_that_hold_markup_are_shown_as_text(tmp_path: Path) -> None:
    rows = [{"instruction": text, "input": text, "output": text} for text in HOSTILE]
    import_source(str(write_lines(tmp_path / "hostile.jsonl", rows)), "hostile")
    app = open_page("datasets", dataset="hostile")
    assert not app.exception
    shown = texts(app, "text")
    for text in HOSTILE:
        assert shown.count(text) == 3
    for markup in texts(app, "markdown", "caption", "html"):
        assert "alert" not in markup


def test_a_file_whose_columns_hold_markup_is_shown_as_text(tmp_path: Path) -> None:
    odd = "<b>q</b> [x](javascript:alert(3))"
    app = import_by_path(write_lines(tmp_path / "odd.jsonl", [{odd: "question", ":red[a] $x$": "answer"}]))
    assert not app.exception
    for markup in texts(app, "markdown", "caption", "warning", "error"):
        assert not re.search(r"(?<!\\)[<\[]x?b?>?\]?\(javascript", markup), markup
        assert "<b>" not in markup.replace("\\<", "")


@pytest.mark.parametrize("reference", ["nonesuch", "medical-terms@99", "Not A Name!", "../../etc", "<script>"])
def test_an_unknown_dataset_in_the_address_is_said(reference: str) -> None:
    seeds.samples()
    app = open_page("datasets", dataset=reference)
    assert not app.exception
    assert len(app.error) == 1
    assert "Traceback" not in words(app)
    button(app, "All datasets").click().run()
    assert "Datasets here" in words(app)


def test_an_import_by_path_goes_from_recognition_to_the_dataset(tmp_path: Path) -> None:
    app = import_by_path(write_lines(tmp_path / "My Sums.jsonl", GOOD))
    assert "Recognised as **Alpaca" in words(app)
    assert "What is 0?" in texts(app, "text")
    assert field(app, "Name").value == "my-sums"
    button(app, "Import").click().run()
    assert "Importing **my\\-sums**" in words(app)
    work()
    app.run()
    assert app.query_params["dataset"] in ("my-sums", ["my-sums"])
    assert "8 of 8 rows" in words(app)


def test_a_path_that_is_not_there_is_said(tmp_path: Path) -> None:
    app = import_by_path(tmp_path / "nothing.jsonl")
    assert not app.exception
    assert "nothing" in app.error[0].value


def test_an_empty_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.touch()
    app = import_by_path(path)
    assert not app.exception
    assert app.error or app.warning


def test_columns_that_are_not_recognised_are_mapped_by_hand(tmp_path: Path) -> None:
    rows = [{"left": f"What is {n}?", "right": f"It is {n}."} for n in range(5)]
    app = import_by_path(write_lines(tmp_path / "odd.jsonl", rows))
    assert "not recognised" in app.warning[0].value
    assert button(app, "Import").disabled
    field(app, "user: the question").set_value("left").run()
    assert not app.exception
    field(app, "assistant: the answer").set_value("right").run()
    assert not app.exception
    assert not app.error
    assert "It is 0." in texts(app, "text")
    button(app, "Import").click().run()
    work()
    app.run()
    assert datasets.get("odd").mapping.to_dict() == {"user": "left", "assistant": "right"}


def test_refused_rows_are_named_and_the_good_ones_can_be_imported(tmp_path: Path) -> None:
    app = import_by_path(write_lines(tmp_path / "mixed.jsonl", [*GOOD, {"instruction": 7, "output": ["no"]}, "words"]))
    assert "2 rows of those looked at cannot be read" in words(app)
    assert "row 9" in words(app)
    button(app, "Import").click().run()
    work()
    app.run()
    assert "2 rows refused: why" in words(app)
    assert not datasets.list_datasets()
    button(app, "Import the 8 good rows").click().run()
    work()
    app.run()
    assert datasets.get("mixed").rows == 8
    shown = words(app)
    assert "Refused" in shown
    assert "2 rows refused: why" in shown


def test_refused_rows_are_shown_by_reason(tmp_path: Path) -> None:
    bad = [{"instruction": None, "output": "x"}] * 3 + [{"instruction": "a", "output": ["no"]}] * 2
    import_source(str(write_lines(tmp_path / "mixed.jsonl", [*GOOD, *bad])), "mixed", keep_good=True)
    app = open_page("datasets", dataset="mixed")
    assert "5 rows refused: why" in words(app)
    reason = field(app, "Reason")
    assert reason.options == [
        "All reasons · 5",
        "instruction is missing · 3",
        "output is a list, text expected · 2",
    ]
    reason.set_value("output is a list, text expected").run()
    assert not app.exception
    shown = next(table.value for table in app.dataframe if "reason" in table.value)
    assert list(shown["row"]) == [12, 13]


def test_the_share_held_out_for_test_is_chosen(tmp_path: Path) -> None:
    rows = [{"question": f"What is {n}?", "answer": f"It is {n}."} for n in range(200)]
    app = import_by_path(write_lines(tmp_path / "sums.jsonl", rows))
    field(app, "Held out for test, about %").set_value(50).run()
    button(app, "Import").click().run()
    work()
    assert 70 <= datasets.get("sums").splits["test"] <= 130
    rows = [{**row, "split": "train"} for row in rows]
    app = import_by_path(write_lines(tmp_path / "given.jsonl", rows))
    assert field(app, "Held out for test, about %").disabled


def test_a_hub_data_set_out_of_reach_is_said_and_does_not_hold_the_page() -> None:
    app = open_page("datasets")
    app.get("button_group")[0].set_value("Hub").run()
    field(app, "Hub id").set_value("nobody/nothing@main:train").run()
    wait_until(lambda: app.run().error, "the look-up ends", 30)
    assert not app.exception
    assert "cannot be read from the Hub" in app.error[0].value


def test_looking_up_a_hub_data_set_can_be_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(importing, "inspect_source", lambda source: release.wait(30))
    app = open_page("datasets")
    app.get("button_group")[0].set_value("Hub").run()
    field(app, "Hub id").set_value("owner/slow").run()
    assert "Asking the Hub" in words(app)
    button(app, "Give up").click().run()
    assert "Asking the Hub" not in words(app)
    assert button(app, "Look it up again")
    release.set()


def test_a_file_of_two_thousand_columns_is_mapped_by_hand(tmp_path: Path) -> None:
    row = {f"column {number}": f"text {number}" for number in range(2000)}
    app = import_by_path(write_lines(tmp_path / "wide.jsonl", [row] * 20))
    assert not app.exception
    assert "not recognised" in app.warning[0].value
    assert len(field(app, "user: the question").options) == 2001


def test_an_import_can_be_stopped_while_it_waits(tmp_path: Path) -> None:
    app = import_by_path(write_lines(tmp_path / "sums.jsonl", GOOD))
    button(app, "Import").click().run()
    button(app, "Stop").click().run()
    assert not app.exception
    assert not queue.live_jobs()
    button(app, "Start over").click().run()
    assert "Datasets here" in words(app)


def test_a_name_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    app = import_by_path(write_lines(tmp_path / "sums.jsonl", GOOD))
    field(app, "Name").set_value("Not a name!").run()
    button(app, "Import").click().run()
    if queue.live_jobs():
        work()
        app.run()
    assert not app.exception
    assert "cannot be used as a dataset name" in words(app)


def test_an_uploaded_file_is_recognised(tmp_path: Path) -> None:
    app = open_page("datasets")
    content = write_lines(tmp_path / "sums.jsonl", GOOD).read_bytes()
    app.get("file_uploader")[0].set_value(("../../Sums & more.jsonl", content, "application/jsonl")).run()
    assert not app.exception
    assert "Recognised as **Alpaca" in words(app)
    assert field(app, "Name").value.startswith("sums")


def test_search_narrows_the_rows() -> None:
    seeds.samples()
    app = open_page("datasets", dataset="medical-terms")
    field(app, "Search").set_value("bursa").run()
    assert not app.exception
    assert " of 347 rows" in words(app)
    assert "347 of 347 rows" not in words(app)
    field(app, "Search").set_value("no such words anywhere").run()
    assert "No row holds that text." in words(app)


def test_a_search_from_a_later_page_shows_what_it_finds() -> None:
    seeds.samples()
    app = open_page("datasets", dataset="medical-terms")
    app.get("pagination")[0].set_value(20).run()
    field(app, "Search").set_value("bursa").run()
    assert not app.exception
    assert any("bursa" in text.lower() for text in texts(app, "text"))
