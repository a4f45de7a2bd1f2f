"""A finished comparison in a real browser: read, slice, worst example, its nearest training row, the report."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.app import seeds
from tests.browser.server import Studio, serving
from tests.browser.watched import SECONDS, Watched, watching

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def studio(home) -> Iterator[Studio]:
    seeds.samples()
    seeds.model()
    seeds.comparison(seeds.run("finished"), 24)
    with serving(home) as running:
        yield running


def test_from_the_list_to_the_training_row_behind_the_worst_example(browser: Browser, studio: Studio) -> None:
    with watching(browser, studio.url) as tab:
        tab.open("compare")
        main = tab.page.get_by_test_id("stMain")
        main.get_by_role("button", name=re.compile("^1 · .* against starter")).click()
        expect(main.get_by_text("Verdict:")).to_be_visible(timeout=120 * SECONDS)
        expect(tab.page.get_by_role("img", name=re.compile("^Differences with 95 % intervals"))).to_be_visible(
            timeout=60 * SECONDS
        )
        trust(tab)
        slice_it(tab)
        worst_example(tab)
        report(tab)
        nearest_row(tab)


def trust(tab: Watched) -> None:
    tab.page.get_by_text("Can I trust this?").click()
    expect(tab.page.get_by_text("its base weighs the words it could say next differently")).to_be_visible()
    tab.settle()
    tab.picture("compare-trust")


def slice_it(tab: Watched) -> None:
    tab.page.get_by_role("radio", name="Slices").click()
    tab.settle()
    tab.choose("Group by", "length of the reference")
    expect(tab.page.get_by_test_id("stDataFrame").last).to_be_visible()
    tab.picture("compare-slices")
    assert "by=reference+length" in tab.page.url and "part=Slices" in tab.page.url
    tab.page.get_by_role("radio", name="Examples").click()
    tab.settle()
    tab.page.get_by_role("combobox", name="Group", exact=True).click()
    tab.page.get_by_role("option").nth(1).click()
    tab.settle()
    expect(tab.page.get_by_text(re.compile(r"^\d of 24 rows$"))).to_be_visible()
    tab.choose("Group by", "no groups")


def worst_example(tab: Watched) -> None:
    """The first is where tuned loses most; a link shows the same in another tab."""
    first = tab.page.locator("[class*='st-key-example-']").first
    expect(first.get_by_text("Answer 12 of $5, with *stars*.").or_(first.get_by_text("Answer 4 of $5"))).to_be_visible()
    tab.button("Nearest training rows").first.click()
    expect(tab.page.get_by_text("% alike").first).to_be_visible(timeout=60 * SECONDS)
    tab.settle()
    tab.picture("compare-nearest")
    tab.page.reload()
    tab.settle()
    expect(tab.page.get_by_text("% alike").first).to_be_visible(timeout=60 * SECONDS)


def report(tab: Watched) -> None:
    with tab.page.expect_download(timeout=120 * SECONDS) as caught:
        tab.button("Report").click()
    text = caught.value.path().read_text()
    assert caught.value.suggested_filename == "comparison-1.html"
    assert "<html" in text and not re.search(r'(src|href)=["\']?(https?:)?//', text)  # nothing from afar


def nearest_row(tab: Watched) -> None:
    near = tab.page.get_by_role("link", name=re.compile(r"row \d+$")).first
    number = re.search(r"\d+$", near.inner_text().strip())
    near.click()
    tab.heading("Curate")
    tab.settle()
    assert number and f"row={number[0]}" in tab.page.url
    expect(tab.page.get_by_text(re.compile(rf"\brow {number[0]}\b", re.IGNORECASE)).first).to_be_visible()
    tab.picture("compare-training-row")
