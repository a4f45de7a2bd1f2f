"""The Curate page: rows, filters from the address, review, checks, splits, versions."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from lib.data import datasets, versions
from lib.data.checks import Settings
from lib.data.checks import job as check_job
from lib.data.checks import results as check_results
from lib.data.edits import edit, open_copy
from lib.data.filters import Query
from lib.data.table import Table
from lib.data.versions import job as save_job
from lib.jobs import queue
from tests.app import seeds
from tests.app.screen import button, field, open_page, texts, words

DESK = "support-desk@1"


def press(app: AppTest, label: str) -> AppTest:
    button(app, label).click().run()
    assert not app.exception
    return app


def test_rows_of_the_address_are_shown() -> None:
    seeds.samples()
    app = open_page("curate", dataset=DESK, q="order", sort="-row", row="157")
    assert not app.exception
    found = Table(open_copy(datasets.get(DESK)), Query.parse(search="order", sort="-row")).page(25)
    assert f"1 to 25 of {found.total}" in words(app)
    assert "**Row 157**" in texts(app, "markdown")
    assert list(app.dataframe[0].value["row"]) == [row.row_id for row in found.rows]


def test_a_filter_that_cannot_be_read_is_told_and_everything_shown() -> None:
    seeds.samples()
    for wrong in ("nonsense", "answer_chars:in:many", "no_such_field:is:1", "turns:has:x"):
        app = open_page("curate", dataset=DESK, f=wrong)
        assert not app.exception, wrong
        assert any("All rows are shown" in text for text in texts(app, "warning")), wrong
        assert "1 to 25 of 160" in words(app)


def test_a_row_is_accepted_and_the_next_one_opened() -> None:
    seeds.samples()
    app = open_page("curate", dataset=DESK)
    press(app, "Accept")
    assert open_copy(datasets.get(DESK)).state(1).status == "accepted"
    assert "**Row 2**" in texts(app, "markdown")
    press(app, "Undo")
    assert open_copy(datasets.get(DESK)).state(1).status == "pending"
    assert button(app, "Undo").disabled
    press(app, "Redo")
    assert open_copy(datasets.get(DESK)).state(1).status == "accepted"


def test_turns_are_written_cut_and_merged() -> None:
    seeds.samples()
    app = open_page("curate", dataset=DESK, row="2")
    press(app, "Edit")
    field(app, "Text of turn 2").set_value("First part.\nWhat else?\nSecond part.").run()
    press(app, "Cut here")
    assert field(app, "Text of turn 3").value == "What else?\nSecond part."
    press(app, "Cut here")
    assert [field(app, f"Text of turn {number}").value for number in (2, 3, 4)] == [
        "First part.",
        "What else?",
        "Second part.",
    ]
    press(app, "Save edit")
    state = open_copy(datasets.get(DESK)).state(2)
    assert state.values["output"] == "Second part."
    assert state.values["history"][0][1] == "First part."
    assert "Second part." in texts(app, "text")


def test_an_edit_that_the_columns_cannot_hold_is_refused_by_name_and_not_lost() -> None:
    seeds.samples()
    app = open_page("curate", dataset=DESK, row="2")
    press(app, "Edit")
    field(app, "Text of turn 2").set_value("Mine.").run()
    press(app, "Add a turn")
    press(app, "Save edit")
    assert any("ending with an answer" in text for text in texts(app, "error"))
    assert field(app, "Text of turn 2").value == "Mine."
    assert not open_copy(datasets.get(DESK)).touched


def test_a_second_person_sees_both_sides() -> None:
    seeds.samples()
    info = datasets.get(DESK)
    app = open_page("curate", dataset=DESK, row="3")
    edit(info, 3, 0, "ada", status="rejected")
    press(app, "Accept")
    assert open_copy(info).state(3).status == "rejected"
    assert any("ada" in text and "after you had opened it" in text for text in texts(app, "warning"))
    press(app, "Use mine")
    assert open_copy(info).state(3).status == "accepted"
    assert not [text for text in texts(app, "warning") if "after you had opened it" in text]


def test_all_matching_rows_are_changed_at_once_and_taken_back() -> None:
    seeds.samples()
    info = datasets.get(DESK)
    app = open_page("curate", dataset=DESK, q="order")
    rows = Table(open_copy(info), Query(search="order")).count()
    app.button(key="many-delete").click().run()
    assert not app.exception
    assert Table(open_copy(info), Query()).count() == info.rows - rows
    press(app, "Undo")
    assert Table(open_copy(info), Query()).count() == info.rows


def test_a_check_is_offered_and_queued_once() -> None:
    seeds.samples()
    app = open_page("curate", dataset=DESK, view="Checks")
    press(app, "Check all rows")
    assert [job.payload["dataset"] for job in queue.live_jobs("check")] == [DESK]
    assert not [one for one in app.button if one.label == "Check all rows"]  # its progress stands there instead


def test_what_was_found_is_shown_with_its_remedy_and_rows() -> None:
    seeds.samples()
    info = datasets.get(DESK)
    found = check_results.check(info, Settings()).counts()
    app = open_page("curate", dataset=info.ref, view="Checks")
    assert not app.exception
    radio = app.radio[0]
    assert f"Personal data · {found['personal_data']}" in radio.options
    radio.set_value("personal_data").run()
    assert "or take it out; a public helpline" in words(app)
    assert any("@example." in text for text in texts(app, "text"))
    radio.set_value("near_duplicate").run()
    assert not app.exception
    assert "each like another in most of its words" in words(app)
    press(app, "Go to the rows")
    assert app.query_params["f"] == "flag:is:near_duplicate"


def test_findings_before_an_edit_are_called_old() -> None:
    seeds.samples()
    info = datasets.get(DESK)
    check_results.check(info, Settings())
    edit(info, 1, 0, "ada", status="accepted")
    assert "rows were edited since" in words(open_page("curate", dataset=DESK, view="Checks"))


def test_a_clean_dataset_is_told_so_in_figures() -> None:
    seeds.samples()
    check_results.check(datasets.get("medical-terms"), Settings())
    app = open_page("curate", dataset="medical-terms@1", view="Checks")
    assert not app.exception
    assert "0 rows" in words(app)


def test_rows_are_dealt_by_a_job_and_leaks_looked_for(jobs_here: Callable[[], None]) -> None:
    seeds.samples()
    app = open_page("curate", dataset=DESK, view="Splits")
    assert not app.exception
    press(app, "Deal the rows")
    jobs_here()
    app = open_page("curate", dataset=DESK, view="Splits")
    assert "Last dealt: train 90" in words(app)
    press(app, "Look for leaks")
    jobs_here()
    app = open_page("curate", dataset=DESK, view="Splits")
    assert any("is given away" in text for text in texts(app, "success"))


def test_a_version_is_saved_compared_and_the_old_one_closed(jobs_here: Callable[[], None]) -> None:
    seeds.samples()
    info = datasets.get(DESK)
    app = open_page("curate", dataset=DESK, view="Versions")
    assert button(app, "Save version").disabled
    edit(info, 1, 0, "ada", values={"output": "Another answer."})
    versions.save(info, "first answer", "ada")
    app = open_page("curate", dataset=DESK)
    assert "were saved as version 2" in words(app)
    assert button(app, "Accept").disabled
    app = open_page("curate", dataset="support-desk@2", view="Versions")
    assert not app.exception
    assert "first answer" in words(app)
    assert next(metric for metric in app.metric if metric.label == "Changed").value == "1"


def test_a_version_is_checked_as_the_one_before_it_was(jobs_here: Callable[[], None]) -> None:
    seeds.samples()
    info = datasets.get(DESK)
    check_job.submit(info, {"near": 0.9, "checks": ["mojibake", "empty"]}, "ada")
    jobs_here()
    edit(info, 1, 0, "ada", values={"output": "Another answer."})
    app = open_page("curate", dataset=DESK)
    app.session_state["saving"] = save_job.submit(info, "first answer", "ada")  # what the dialog leaves
    jobs_here()
    app.run()
    assert not app.exception and app.query_params["dataset"] == "support-desk@2"
    job = check_job.newest_job(datasets.get("support-desk@2"))
    assert job and job.payload == {"dataset": "support-desk@2", "near": 0.9, "checks": ["mojibake", "empty"]}


def test_what_was_typed_is_there_again_after_a_look_at_another_row() -> None:
    seeds.samples()
    app = open_page("curate", dataset=DESK, row="2")
    press(app, "Edit")
    field(app, "Text of turn 2").set_value("Half a sentence").run()
    assert button(app, "Accept").disabled
    press(app, "Next")
    assert "**Row 3**" in texts(app, "markdown")
    press(app, "Previous")
    assert field(app, "Text of turn 2").value == "Half a sentence"
    press(app, "Save edit")
    assert open_copy(datasets.get(DESK)).state(2).values == {"output": "Half a sentence"}


def test_a_row_stays_open_where_its_edit_takes_it_out_of_what_is_looked_for() -> None:
    seeds.samples()
    asked = Table(open_copy(datasets.get(DESK)), Query()).rows([2])[0].values["output"][:40]
    query = Query.parse(search=asked)
    number = Table(open_copy(datasets.get(DESK)), query).page(1).rows[0].row_id
    first = f"**Row {number}**"
    app = open_page("curate", dataset=DESK, q=asked)  # the address names no row: the first is open
    assert first in texts(app, "markdown")
    press(app, "Edit")
    field(app, "Text of turn 2").set_value("Nothing of the kind.").run()
    press(app, "Save edit")
    assert Table(open_copy(datasets.get(DESK)), query).position(number) is None
    assert first in texts(app, "markdown")
    press(app, "Delete")
    assert first in texts(app, "markdown") and open_copy(datasets.get(DESK)).state(number).deleted


def test_ticks_go_with_the_change_that_was_made_to_them() -> None:
    seeds.samples()
    app = open_page("curate", dataset=DESK, f="status:is:pending", pick="3,5")
    assert "On **2** ticked rows" in words(app)
    press(app, "Accept 2")
    assert [open_copy(datasets.get(DESK)).state(row).status for row in (3, 5)] == ["accepted", "accepted"]
    assert "ticked" not in words(app) and "pick" not in app.query_params


def test_a_key_pressed_twice_is_no_conflict_with_oneself() -> None:
    seeds.samples()
    info = datasets.get(DESK)
    app = open_page("curate", dataset=DESK, row="3")
    edit(info, 3, 0, "tester", status="accepted")  # the first press; the page is not drawn anew yet
    press(app, "Accept")
    app = open_page("curate", dataset=DESK, row="3")
    assert not [text for text in texts(app, "warning") if "after you had opened it" in text]


def test_another_dataset_is_shown_without_the_filters_of_the_last() -> None:
    seeds.samples()
    app = open_page("curate", dataset=DESK, q="order", row="16")
    field(app, "Dataset").set_value("medical-terms@1").run()
    assert not app.exception
    assert "1 to 25 of 347" in words(app)
    assert "**Row 1**" in texts(app, "markdown")


def test_deleted_rows_are_found_and_brought_back() -> None:
    seeds.samples()
    info = datasets.get(DESK)
    edit(info, 5, 0, "ada", deleted=True)
    app = open_page("curate", dataset=DESK)
    press(app, "1 deleted row")
    assert list(app.dataframe[0].value["row"]) == [5]
    press(app, "Restore 1")
    assert not open_copy(info).state(5).deleted


def test_nothing_can_be_done_to_all_rows_where_the_address_was_wrong() -> None:
    seeds.samples()
    app = open_page("curate", dataset=DESK, f="nonsense")
    assert not [one for one in app.button if one.label.startswith("Delete 1")]


def test_a_change_of_all_rows_is_asked_about_first() -> None:
    seeds.samples()
    info = datasets.get(DESK)
    app = open_page("curate", dataset=DESK)
    app.button(key="many-delete").click().run()
    assert app.button(key="many-sure").label == "Yes, 160 rows"
    assert not open_copy(info).touched


def test_a_row_that_repeats_another_says_which_and_leads_to_it() -> None:
    seeds.samples()
    info = datasets.get(DESK)
    check_results.check(info, Settings())
    found = check_results.flagged(info, "exact_duplicate", 1, 0)[0]
    app = open_page("curate", dataset=DESK, row=str(found.row_id))
    assert f"same as row {found.group}" in words(app)
    press(app, f"Open row {found.group}")
    assert f"**Row {found.group}**" in texts(app, "markdown")


def test_conflicting_answers_stand_together() -> None:
    seeds.samples()
    check_results.check(datasets.get(DESK), Settings())
    app = open_page("curate", dataset=DESK, view="Checks")
    app.radio[0].set_value("conflict").run()
    assert "that answer one question differently" in words(app)


def test_splits_are_dealt_as_last_time_and_old_leaks_called_old(jobs_here: Callable[[], None]) -> None:
    seeds.samples()
    app = open_page("curate", dataset=DESK, view="Splits")
    press(app, "Look for leaks")
    jobs_here()
    app = open_page("curate", dataset=DESK, view="Splits")
    assert not [text for text in texts(app, "warning") if "dealt since" in text]
    field(app, "Validation, %").set_value(20).run()
    press(app, "Deal the rows")
    jobs_here()
    app = open_page("curate", dataset=DESK, view="Splits")
    assert field(app, "Validation, %").value == 20
    assert [text for text in texts(app, "warning") if "dealt since" in text]


def test_what_differs_in_tags_is_said_in_words() -> None:
    seeds.samples()
    info = datasets.get(DESK)
    edit(info, 1, 0, "ada", tags=("one", "two"), note="n" * 500)
    versions.save(info, "tagged", "ada")
    shown = words(open_page("curate", dataset="support-desk@2", view="Versions"))
    assert "none → one, two" in shown and "n" * 200 not in shown


def test_what_is_pressed_where_the_address_cannot_be_read_is_done(jobs_here: Callable[[], None]) -> None:
    seeds.samples()
    app = open_page("curate", dataset=DESK, f="nonsense")
    press(app, "Accept")
    assert open_copy(datasets.get(DESK)).state(1).status == "accepted"


def test_a_version_that_is_saved_stays_with_its_dataset(jobs_here: Callable[[], None]) -> None:
    seeds.samples()
    edit(datasets.get(DESK), 3, 0, "ada", status="accepted")
    app = open_page("curate", dataset=DESK)
    app.session_state["saving"] = save_job.submit(datasets.get(DESK), "one read", "ada")
    jobs_here()
    app.query_params["dataset"] = "medical-terms@1"
    app.session_state["dataset"] = "medical-terms@1"
    app.run()
    assert not app.exception and "support-desk@2" not in words(app)
