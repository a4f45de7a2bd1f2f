"""The whole way, as a newcomer goes it, with the starter model: data, format, train, ask, compare, evidence.

Runs are stopped and resumed in `test_train`, with a model of two layers.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, expect

from lib.training import runs
from tests.browser.server import Studio
from tests.browser.watched import SECONDS, Watched, watching

VOICE = re.compile("in plain words", re.IGNORECASE)  # how every answer of the sample ends
MINUTES = 60 * SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_from_the_sample_to_the_verdict(browser: Browser, starter_studio: Studio) -> None:
    with watching(browser, starter_studio.url) as tab:
        look_at_the_sample(tab)
        look_at_the_format(tab)
        first = start_first_look(tab)
        watch_it_move(tab)
    with watching(browser, starter_studio.url) as tab:  # the tab was closed; a new one finds the run where it is
        tab.open("runs", run=first)
        expect(state(tab)).to_contain_text("running")
        tab.picture("6-reopened")
        expect(state(tab)).to_contain_text("finished", timeout=10 * MINUTES)
        tab.settle()
        tab.picture("7-finished")
        assert loss_fell(first)
        ask_both(tab, first)
        compare_on_the_split(tab, first)


def look_at_the_sample(tab: Watched) -> None:
    tab.open()
    expect(tab.page.get_by_text("medical-terms is ready to train on")).to_be_visible()
    tab.picture("1-home")
    tab.page.get_by_test_id("stMain").get_by_role("link", name="medical-terms").click()
    tab.heading("Datasets")
    expect(tab.page.get_by_text("What is a bursa?")).to_be_visible()
    tab.page.get_by_role("searchbox", name="Search").or_(tab.page.get_by_label("Search")).first.fill("tendon")
    expect(tab.page.get_by_text(re.compile(r"^\d+ of 347 rows$"))).not_to_have_text("347 of 347 rows")
    tab.settle()
    tab.picture("2-rows")


def look_at_the_format(tab: Watched) -> None:
    tab.page.get_by_role("link", name="See it as the model will").click()
    tab.heading("Format")
    tab.settle()
    row = tab.page.get_by_role("region", name="Rendered text").first
    expect(row).to_contain_text("[INST] What is a bursa? [/INST]")
    expect(row.locator("mark").first).to_contain_text("A bursa is a small fluid-filled sac")
    tab.picture("3-format")


def start_first_look(tab: Watched) -> str:
    """Start the preset as it is; returns the run's name."""
    tab.page.get_by_role("link", name="Train on this").click()
    tab.heading("Train")
    tab.settle()
    expect(tab.page.get_by_role("combobox", name="Preset")).to_have_value("First look")
    tab.picture("4-train")
    tab.button("Start").click()
    tab.heading("Runs")
    tab.page.wait_for_url(re.compile(r"/runs\?run=[a-z-]+"))
    return tab.page.url.partition("run=")[2]


def watch_it_move(tab: Watched) -> None:
    """A curve appears, and the count of steps goes up while one looks."""
    expect(state(tab)).to_contain_text("running", timeout=3 * MINUTES)
    bar = tab.page.get_by_test_id("stProgress")
    expect(bar).to_have_text(re.compile(r"[1-9]\d* of 30 steps"), timeout=3 * MINUTES)
    expect(tab.page.get_by_role("img", name="Loss by training step")).to_be_visible()
    seen = bar.inner_text()
    expect(bar).not_to_have_text(seen, timeout=MINUTES)
    expect(bar).to_have_text(re.compile(r"tokens/s · .* left"), timeout=MINUTES)
    tab.check()
    tab.picture("5-running")


def ask_both(tab: Watched, run: str) -> None:
    tab.open("playground", run=run)
    tab.page.get_by_role("textbox", name="Question").fill("What is a tendon?")
    tab.page.get_by_role("textbox", name="Input (optional)").fill("")
    tab.button("Ask").click()
    answer = pane(tab, 1)
    expect(answer.get_by_test_id("stText")).to_be_visible(timeout=2 * MINUTES)
    tab.picture("9-streaming")
    expect(tab.page.get_by_role("button", name=re.compile("^Keep as row"))).to_be_enabled(timeout=2 * MINUTES)
    expect(answer.get_by_text("tokens/s")).to_be_visible()
    expect(answer.get_by_test_id("stText")).to_contain_text(VOICE)
    expect(pane(tab, 0)).not_to_contain_text(VOICE)
    tab.settle()
    tab.picture("10-asked")


def compare_on_the_split(tab: Watched, run: str) -> None:
    tab.open("compare", run=run)
    tab.page.get_by_role("spinbutton", name="Rows at most").fill("8")
    tab.page.keyboard.press("Enter")
    tab.settle()
    tab.button("Compare").click()
    expect(tab.page.get_by_text("Verdict:")).to_be_visible(timeout=5 * MINUTES)
    tab.settle()
    expect(state(tab)).to_contain_text("finished")
    expect(tab.page.get_by_test_id("stDataFrame").first).to_be_visible()
    tab.picture("11-compared")


def state(tab: Watched) -> Locator:
    """The badge beside the heading: queued, running …"""
    return tab.page.get_by_test_id("stMain").locator(".stMarkdownBadge").first


def pane(tab: Watched, index: int) -> Locator:
    """The answer of the base, or of the run."""
    return tab.page.get_by_test_id("stColumn").filter(has_text=re.compile("(base|tuned) · llama2")).nth(index)


def loss_fell(run: str) -> bool:
    before, after = runs.get(run).summary["eval_loss"]
    return bool(after < 0.8 * before)
