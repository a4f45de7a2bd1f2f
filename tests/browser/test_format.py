"""Format in a real browser: text, tokens and lint change together; a template is written, mended and used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from lib.data import datasets
from lib.data.edits import open_copy
from lib.data.imports.importer import import_source
from lib.formats import saved
from tests.app import seeds
from tests.browser.server import Studio, serving
from tests.browser.watched import SECONDS, Watched, watching
from tests.helpers import write_lines

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROWS = [
    {"instruction": "What does [INST] mean?", "output": "It opens an instruction."},
    {"instruction": "What is a bursa?", "output": "A small sac\u200b beside a joint."},
    {"instruction": "<img src=x onerror=alert(1)> & <script>alert(2)</script>", "output": "**bold** $x$ :red[y]"},
]


@pytest.fixture
def studio(home: Path, tmp_path: Path) -> Iterator[Studio]:
    """A model's tokenizer and three rows: marks inside, a hidden character, markup."""
    seeds.model()
    import_source(str(write_lines(tmp_path / "odd.jsonl", ROWS)), "odd")
    with serving(home) as running:
        yield running


def test_what_one_sees_changes_together(browser: Browser, studio: Studio) -> None:
    with watching(browser, studio.url) as tab:
        tab.open("format", dataset="odd", template="llama2", row="2")
        expect(text(tab)).to_contain_text("[INST] What is a bursa? [/INST]")
        expect(text(tab).get_by_title("hidden character")).to_have_text("ZWSP")
        show_as(tab, "Tokens")
        expect(tokens(tab)).to_contain_text("[INST]")
        before = tab.page.get_by_text(re.compile("^prompt .* total")).first.inner_text()
        tab.choose("Template", "chatml")
        expect(tokens(tab)).to_contain_text("<|im_start|>user")
        expect(tokens(tab)).not_to_contain_text("[INST]")
        assert tab.page.get_by_text(re.compile("^prompt .* total")).first.inner_text() != before
        walk_by_keyboard(tab)
        show_as(tab, "Text")
        expect(text(tab)).to_contain_text("<|im_start|>user")

        tab.open("format", dataset="odd", template="llama2", view="All rows")
        expect(finding(tab, "Marks of the format in a text · 1")).to_be_visible(timeout=60 * SECONDS)
        tab.page.get_by_role("button", name="Row 1").click()
        expect(tab.page.get_by_text("it holds [INST]")).to_be_visible()
        tab.open("format", dataset="odd", template="llama2", view="All rows")
        tab.picture("format-lint")
        tab.choose("Template", "alpaca · Alpaca (Stanford)")
        expect(tab.page.get_by_text("Lengths")).to_be_visible(timeout=60 * SECONDS)
        expect(finding(tab, "Marks of the format in a text")).to_have_count(0)


def walk_by_keyboard(tab: Watched) -> None:
    """Each token says what it is, to the pointer and to the keyboard."""
    tokens(tab).focus()
    tab.page.keyboard.press("End")
    expect(tab.page.get_by_text(re.compile(r"id \d+ .*"))).to_be_visible()
    tab.page.keyboard.press("Home")
    expect(tab.page.get_by_text(re.compile("^token 1 of .* only read"))).to_be_visible()
    tab.button("ids").click()
    tab.picture("format-tokens")


def test_markup_in_rows_is_text(browser: Browser, studio: Studio) -> None:
    with watching(browser, studio.url) as tab:
        tab.page.on("dialog", lambda dialog: tab.problems.append(f"a row ran a script: {dialog.message}"))
        for way in ("Text", "Tokens", "Side by side"):
            tab.open("format", dataset="odd", template="alpaca", row="3", way=way)
            expect(tab.page.get_by_text("onerror=alert(1)").first).to_be_visible()
            assert not tab.page.locator("img[src=x]").count()
        for view in ("All rows", "Own template", "Export"):
            tab.open("format", dataset="odd", template="alpaca", row="3", view=view)
            tab.drawn()
            assert not tab.page.locator("img[src=x]").count()


def test_marks_are_escaped_or_mended(browser: Browser, studio: Studio) -> None:
    with watching(browser, studio.url) as tab:
        tab.open("format", dataset="odd", template="llama2", row="1")
        expect(tab.page.get_by_text("it holds [INST]")).to_be_visible()
        tab.button("Escape marks").click()
        expect(text(tab)).to_contain_text(r"What does [\INST] mean?")
        tab.page.get_by_test_id("stMain").get_by_text("Escape marks", exact=True).click()
        expect(tab.page.get_by_text("it holds [INST]")).to_be_visible()

        tab.open("format", dataset="odd", template="llama2", view="All rows", lint="tags_in_text")
        tab.page.get_by_role("button", name=re.compile("backslash")).click(timeout=60 * SECONDS)
        dialog = tab.page.get_by_role("dialog")
        expect(dialog).to_contain_text("\\")
        tab.picture("format-mend")
        dialog.get_by_role("button", name="Mend 1 row").click()
        expect(dialog).to_have_count(0)
        expect(tab.page.get_by_text("1 row edited")).to_be_visible(timeout=60 * SECONDS)
        tab.settle()
        assert open_copy(datasets.get("odd")).state(1).values["instruction"] == r"What does [\INST] mean?"


def test_a_template_with_a_mistake_is_mended_saved_and_used(browser: Browser, studio: Studio) -> None:
    with watching(browser, studio.url) as tab:
        tab.open("format", dataset="odd", row="2", view="Own template")
        editor = tab.page.get_by_role("textbox", name="Template in Jinja")
        source = editor.input_value()
        expect(text(tab)).to_contain_text("### User:\nWhat is a bursa?")
        editor.fill(source.replace("message.role | capitalize", "mesage.role | capitalize"))
        expect(tab.page.get_by_text("line 3, column 16")).to_be_visible()
        expect(tab.page.get_by_text("Mend the template to see the row")).to_be_visible()
        expect(tab.button("Save and use")).to_be_disabled()
        tab.picture("format-template-fault")
        editor.fill(source.replace("###", "##"))
        expect(text(tab)).to_contain_text("## User:\nWhat is a bursa?")
        tab.page.get_by_role("textbox", name="Save as").fill("house")
        tab.page.keyboard.press("Enter")
        tab.button("Save and use").click()
        expect(tab.page.get_by_text("3 rows come back").first).to_be_visible(timeout=60 * SECONDS)
        tab.picture("format-template")
        assert "## " in saved.get("house").source
        tab.page.get_by_role("radio", name="Rows", exact=True).or_(tab.button("Rows")).first.click()
        expect(text(tab)).to_contain_text("## User:\nWhat is a bursa?")
        tab.page.get_by_role("link", name="Train on this").click()
        tab.heading("Train")
        expect(tab.page.get_by_role("combobox", name="Template")).to_have_value("house@1")


def test_an_export_from_click_to_file(browser: Browser, studio: Studio, tmp_path: Path) -> None:
    with watching(browser, studio.url) as tab:
        tab.open("format", dataset="odd", template="alpaca", view="Export")
        tab.button("Write the file").click()
        expect(tab.page.get_by_text("3 rows written")).to_be_visible(timeout=60 * SECONDS)
        with tab.page.expect_download() as download:
            tab.page.get_by_role("button", name=re.compile("^Download odd-v1-alpaca.jsonl")).click()
        assert len(Path(download.value.path()).read_text().splitlines()) == 3
        tab.picture("format-export")


def text(tab: Watched) -> Locator:
    return tab.page.get_by_role("region", name="Rendered text").first


def tokens(tab: Watched) -> Locator:
    return tab.page.get_by_role("group", name=re.compile("^Tokens of this row"))


def finding(tab: Watched, name: str) -> Locator:
    return tab.page.get_by_test_id("stRadio").get_by_text(name)


def show_as(tab: Watched, way: str) -> None:
    tab.page.get_by_role("radio", name=way, exact=True).or_(tab.button(way)).first.click()
    tab.settle()
