"""The Playground with the starter: ask base and tuned, stop, mark what differs, keep the question as a test prompt."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from lib.evaluation import prompt_sets
from tests import tiny
from tests.app import seeds
from tests.browser.server import Studio
from tests.browser.watched import SECONDS, Watched, watching

MINUTES = 60 * SECONDS
QUESTION = "Count from one to two hundred in words."

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def tuned_run(home: Path) -> str:
    """A run whose adapter changes what the starter says, without training one."""
    view = seeds.run("finished")
    tiny.write_adapter(home / "models" / "starter", view.folder / "adapter", seed=1, scale=0.08)
    return view.id


def test_ask_stop_mark_and_keep(browser: Browser, starter_studio: Studio) -> None:
    run = tuned_run(starter_studio.home)
    with watching(browser, starter_studio.url) as tab:
        tab.open("playground", run=run)
        expect(tab.page.get_by_text("The answer appears here.")).to_have_count(2)
        ask(tab, QUESTION, tokens="1000")
        expect(answers(tab).nth(1).get_by_test_id("stText")).to_be_visible(timeout=3 * MINUTES)
        tab.picture("playground-streaming")
        tab.page.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
        expect(tab.page.get_by_text(re.compile("tokens/s · stopped")).first).to_be_visible()
        expect(answers(tab).nth(1).get_by_test_id("stText")).to_be_visible()
        tab.settle()

        tab.button("Start over").click()
        tab.settle()
        ask(tab, QUESTION, tokens="16")
        expect(tab.page.get_by_role("button", name=re.compile("^Keep as row"))).to_be_enabled(timeout=2 * MINUTES)
        tab.settle()
        tab.page.get_by_text("Mark words that differ").click()
        expect(tab.page.locator("u").first).to_be_visible()
        tab.settle()
        tab.picture("playground-asked")

        tab.page.get_by_role("heading", level=1).click()  # a field with the focus would take the key itself
        tab.page.keyboard.press("t")  # the button's key
        dialog = tab.page.get_by_role("dialog")
        expect(dialog.get_by_role("textbox", name="Right answer")).not_to_have_value("")
        tab.picture("playground-keep")
        dialog.get_by_role("button", name="Keep prompt").click()
        expect(tab.page.get_by_test_id("stToast")).to_contain_text("kept in playground")
        expect(dialog).to_have_count(0)
        (kept,) = prompt_sets.prompts("playground")
        assert kept.messages[-1]["content"] == QUESTION
        assert kept.origin["run"] == run


def ask(tab: Watched, question: str, tokens: str) -> None:
    tab.page.get_by_test_id("stPopover").filter(has_text="greedy").get_by_role("button").click()
    tab.page.get_by_role("spinbutton", name="New tokens at most").fill(tokens)
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_role("button", name=f"greedy · {tokens} tokens")).to_be_visible()
    tab.page.keyboard.press("Escape")
    tab.settle()
    tab.page.get_by_role("textbox", name="Question").fill(question)
    tab.page.get_by_role("textbox", name="Input (optional)").fill("")
    tab.button("Ask").click()


def answers(tab: Watched) -> Locator:
    """The cells of the newest question's answers, base first, are the last two."""
    return tab.page.get_by_test_id("stColumn").filter(has_text=re.compile("· llama2"))
