"""A curator's round in a real browser: import, look, mend, undo, save, compare, share; and two at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from lib.data import datasets
from lib.data.edits import open_copy
from lib.data.filters import Query
from lib.data.table import Table
from studio.commands.setup import SAMPLES
from tests.browser.server import Studio, serving
from tests.browser.watched import SECONDS, Watched, watching

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SOURCE = SAMPLES / "support-desk" / "rows.jsonl"


@pytest.fixture
def bare_studio(home: Path) -> Iterator[Studio]:
    with serving(home) as studio:
        yield studio


def test_a_round_of_curation(browser: Browser, bare_studio: Studio) -> None:
    with watching(browser, bare_studio.url) as tab:
        import_by_upload(tab)
        filter_by_a_bar(tab)
        sort_and_go_on_by_keyboard(tab)
        mend_what_a_check_found(tab)
        edit_by_keyboard_and_undo(tab)
        judge_too_fast(tab)
        change_all_after_a_question(tab)
        save_and_compare(tab)
        same_view_for_another(browser, tab)


def test_two_people_on_one_row(browser: Browser, bare_studio: Studio) -> None:
    with watching(browser, bare_studio.url) as ada, watching(browser, bare_studio.url) as bob:
        import_by_upload(ada)
        for tab in (ada, bob):
            tab.open("curate", dataset="desk", row="7")
            tab.page.get_by_role("button", name="Edit Shortcut E").click()
            expect(tab.page.get_by_label("Text of turn 2")).to_be_visible()
        write(ada, "Ada's answer.")
        write(bob, "Bob's answer.")
        expect(bob.page.get_by_text("after you had opened it")).to_be_visible()
        expect(shown(bob, "Ada's answer.")).to_be_visible()
        bob.picture("curate-two-people")
        assert open_copy(datasets.get("desk")).state(7).values["output"] == "Ada's answer."
        bob.button("Use mine").click()
        expect(bob.page.get_by_text("after you had opened it")).to_have_count(0)
        bob.settle()
        assert open_copy(datasets.get("desk")).state(7).values["output"] == "Bob's answer."


def import_by_upload(tab: Watched) -> None:
    tab.open("datasets")
    tab.page.locator("input[type=file]").set_input_files(SOURCE)
    name = tab.page.get_by_role("textbox", name="Name")
    expect(name).to_be_visible()
    name.fill("desk")
    name.press("Enter")
    tab.settle()
    tab.button("Import").click()
    tab.page.wait_for_url(re.compile("dataset=desk"), timeout=60 * SECONDS)
    tab.settle()


def filter_by_a_bar(tab: Watched) -> None:
    tab.open("curate", dataset="desk")
    bar = tab.page.get_by_role("button", name=re.compile(r"^answer length 300 to 499: \d+ rows"))
    bar.click(timeout=60 * SECONDS)
    tab.page.wait_for_url(re.compile(r"f=answer_chars"))
    tab.settle()
    label = bar.get_attribute("aria-label")
    assert label is not None
    rows = label.rpartition(": ")[2].removesuffix(" rows")
    expect(tab.page.get_by_text(f"1 to 25 of {rows}")).to_be_visible()
    expect(bar).to_have_attribute("aria-pressed", "true")
    tab.picture("curate-filtered")
    bar.click()
    tab.settle()
    expect(tab.page.get_by_text("1 to 25 of 160")).to_be_visible()


def sort_and_go_on_by_keyboard(tab: Watched) -> None:
    for choose in (lambda option: option.click(), lambda option: tab.page.keyboard.press("Enter")):
        tab.open("curate", dataset="desk")
        tab.page.get_by_label("Sort by").click()
        tab.page.keyboard.type("answer length")
        choose(tab.page.get_by_role("option", name="answer length").first)
        tab.page.wait_for_url(re.compile("sort=answer_chars"))
        expect(tab.page.get_by_role("button", name="Next Shortcut J")).to_be_enabled()
        tab.drawn()
        first = tab.page.url
        tab.page.keyboard.press("j")
        tab.page.wait_for_url(re.compile(r"row=\d+"))
        assert tab.page.url != first
        tab.settle()
    field = tab.page.get_by_label("Sort by")
    field.focus()
    expect(field).to_have_attribute("aria-expanded", "false")
    tab.page.keyboard.press("Enter")  # on a closed list nothing was chosen
    tab.page.wait_for_timeout(400)
    expect(field).to_be_focused()


def mend_what_a_check_found(tab: Watched) -> None:
    tab.page.get_by_role("radio", name="Checks").click()
    tab.settle()
    tab.button("Check all rows").click()
    tab.page.get_by_text(re.compile("Broken letters · ")).click(timeout=120 * SECONDS)
    tab.settle()
    tab.button("Mend …").click()
    do = tab.page.get_by_role("button", name=re.compile(r"^Mend \d+ rows"))
    tab.picture("curate-mend")
    do.click()
    tab.settle()
    expect(tab.page.get_by_text("rows were edited since").first).to_be_visible()
    tab.button("Go to the rows").click()
    tab.page.wait_for_url(re.compile(r"f=flag"))
    tab.settle()
    expect(tab.page.get_by_text(re.compile(r"^1 to \d+ of \d+$"))).to_be_visible()
    assert Table(open_copy(datasets.get("desk")), Query(search="â€™")).count() == 0


def edit_by_keyboard_and_undo(tab: Watched) -> None:
    tab.open("curate", dataset="desk", row="3")
    expect(tab.page.get_by_role("button", name="Next Shortcut J")).to_be_enabled()
    tab.drawn()
    tab.page.keyboard.press("j")
    tab.page.wait_for_url(re.compile("row=4"))
    tab.settle()
    tab.page.keyboard.press("a")
    tab.page.wait_for_url(re.compile("row=5"))
    tab.settle()
    tab.page.keyboard.press("x")
    tab.page.wait_for_url(re.compile("row=6"))
    tab.settle()
    in_and_out_of_a_field(tab)
    tab.page.keyboard.press("e")
    tab.page.keyboard.press("a")  # typed before the editor is there
    expect(tab.page.get_by_role("status").filter(has_text="A was not taken: the editor is opening")).to_be_visible()
    write(tab, "Written by keyboard.")
    expect(shown(tab, "Written by keyboard.")).to_be_visible()
    copy = open_copy(datasets.get("desk"))
    assert [copy.state(4).status, copy.state(5).status] == ["accepted", "rejected"]
    assert copy.state(6).values == {"output": "Written by keyboard."} and copy.state(6).status == "pending"
    tab.page.keyboard.press("u")
    expect(shown(tab, "Written by keyboard.")).to_have_count(0)
    tab.page.keyboard.press("Shift+U")
    expect(shown(tab, "Written by keyboard.")).to_be_visible()
    tab.settle()


def in_and_out_of_a_field(tab: Watched) -> None:
    """To the note by key, and back to the rows, where keys are keys again."""
    tab.page.keyboard.press("n")
    note = tab.page.get_by_label("Note")
    expect(note).to_be_focused()
    tab.page.keyboard.type("see the ax")
    tab.page.keyboard.press("Enter")
    tab.settle()
    assert open_copy(datasets.get("desk")).state(6).note == "see the ax"
    tab.page.keyboard.press("t")
    expect(tab.page.get_by_role("combobox", name="Tags")).to_be_focused()
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("Escape")
    tab.settle()


def judge_too_fast(tab: Watched) -> None:
    """A row that was not seen is not judged, and that is said."""
    tab.open("curate", dataset="desk", row="20")
    tab.drawn()
    expect(tab.page.locator("body > [role=status]")).to_be_attached()  # keys are listened to
    tab.page.wait_for_timeout(1000)  # what a listener that has just come would take for the last key is over
    tab.page.keyboard.press("a")
    tab.page.keyboard.press("x")  # sooner than Streamlit says that it is at work
    expect(tab.page.get_by_role("status").filter(has_text="X was not taken")).to_be_visible()  # for 2.5 s, that is
    tab.page.wait_for_url(re.compile("row=21"))
    tab.settle()
    copy = open_copy(datasets.get("desk"))
    assert (copy.state(20).status, copy.state(21).status) == ("accepted", "pending")


def change_all_after_a_question(tab: Watched) -> None:
    tab.open("curate", dataset="desk")
    tab.button("Delete 160").click()
    tab.button("Yes, 160 rows").click()
    expect(tab.page.get_by_text("Every row is deleted")).to_be_visible()
    tab.settle()
    tab.page.keyboard.press("u")
    expect(tab.page.get_by_text("1 to 25 of 160")).to_be_visible()
    tab.settle()


def shown(tab: Watched, text: str) -> Locator:
    """A turn of the open row."""
    return tab.page.get_by_test_id("stText").filter(has_text=text)


def write(tab: Watched, text: str) -> None:
    """Put a new answer into the open row, and save it, without the mouse but to reach the field."""
    field = tab.page.get_by_label("Text of turn 2")
    field.fill(text)
    field.press("Control+Enter")
    expect(field).to_have_count(0)
    tab.settle()


def save_and_compare(tab: Watched) -> None:
    tab.page.get_by_role("button", name=re.compile("^Save version")).click()
    tab.page.get_by_label("What was done").fill("letters mended")
    tab.page.get_by_label("What was done").press("Enter")
    tab.page.wait_for_url(re.compile("desk%402"), timeout=60 * SECONDS)
    tab.settle()
    tab.page.get_by_role("radio", name="Versions").click()
    tab.settle()
    expect(tab.page.get_by_text("letters mended")).to_be_visible()
    expect(tab.page.locator("ins").filter(has_text="keyboard").first).to_be_visible()
    tab.picture("curate-versions")
    assert datasets.get("desk").recipe["message"] == "letters mended"


def same_view_for_another(browser: Browser, tab: Watched) -> None:
    tab.page.get_by_role("radio", name="Rows").click()
    tab.settle()
    expect(tab.page.get_by_role("group", name="Filter by")).to_be_visible()
    tab.page.keyboard.press("/")
    expect(tab.page.get_by_label("Search rows")).to_be_focused()
    tab.page.keyboard.type("order")
    tab.page.wait_for_url(re.compile("q=order"))
    tab.settle()
    tab.page.keyboard.press("Enter")
    tab.settle()
    tab.page.keyboard.press("j")
    tab.page.wait_for_url(re.compile("row="))
    tab.settle()
    view = view_of(tab)
    with watching(browser, tab.url) as other:
        other.page.goto(tab.page.url)
        other.settle()
        expect(other.page.get_by_text(view[0], exact=True)).to_be_visible()
        expect(other.page.get_by_label("Search rows")).to_have_value("order")
        assert view_of(other) == view
        other.picture("curate-handed-over")


def view_of(tab: Watched) -> list[str]:
    """What stands out on the page: how many rows, and which one is open."""
    count = tab.page.get_by_text(re.compile(r"^\d+ to \d+ of \d+$")).inner_text()
    row = tab.page.get_by_text(re.compile(r"^Row \d+$")).inner_text()
    return [count, row]
