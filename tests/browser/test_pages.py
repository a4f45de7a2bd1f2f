"""Every page in a real browser: light and dark, wide and narrow, names for all that can be used, nothing from afar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.app.screen import FIRST_STEP, PAGES
from tests.browser.server import Studio
from tests.browser.watched import Watched, watching

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDE, MIDDLE, NARROW = ({"width": width, "height": height} for width, height in ((1440, 900), (1024, 768), (390, 844)))
VIEWS: list[tuple[str, dict[str, str]]] = [(name, {}) for name in PAGES] + [
    ("datasets", {"dataset": "medical-terms"}),
    ("curate", {"dataset": "support-desk@1", "f": "flag:is:mojibake", "sort": "-row"}),
    ("curate", {"dataset": "support-desk@1", "view": "Checks"}),
    ("curate", {"dataset": "support-desk@1", "view": "Splits"}),
    ("curate", {"dataset": "support-desk@2", "view": "Versions"}),
    ("format", {"dataset": "medical-terms", "way": "Tokens", "length": "24"}),
    ("format", {"dataset": "medical-terms", "way": "Side by side"}),
    ("format", {"dataset": "medical-terms", "view": "All rows"}),
    ("format", {"dataset": "medical-terms", "view": "Own template"}),
    ("format", {"dataset": "medical-terms", "view": "Export"}),
    ("runs", {"run": "*"}),
    ("compare", {"run": "*"}),
    ("compare", {"comparison": "1"}),
    ("compare", {"comparison": "1", "part": "Slices"}),
    ("compare", {"view": "prompt sets"}),
    ("compare", {"view": "rules"}),
]
NAMELESS = """
() => [...document.querySelectorAll('button, input, select, textarea, a, [role=button], [role=combobox]')]
  .filter(part => part.checkVisibility() && part.type !== 'hidden' && !part.closest('[aria-hidden=true]'))
  .filter(part => {
    const labelled = (part.getAttribute('aria-labelledby') || '').split(' ')
      .map(id => document.getElementById(id)?.textContent || '').join('');
    const name = part.getAttribute('aria-label') || labelled || part.title || part.textContent
      || [...(part.labels || [])].map(label => label.textContent).join('')
      || [...part.querySelectorAll('img[alt], svg title')].map(image => image.alt || image.textContent).join('');
    return !name.trim();
  })
  .map(part => part.outerHTML.slice(0, 200))
"""

# Text whose contrast with what is behind it is below 3.8 to 1; disabled parts may be faint.
FAINT = """
() => {
  const numbers = colour => { const found = colour.match(/[\\d.]+/g).map(Number); found[3] ??= 1; return found; };
  const over = (front, back) => back.map((value, i) => front[i] * front[3] + value * (1 - front[3]));
  const light = colour => colour.map(value => value / 255)
    .map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const known = new Map([[null, [255, 255, 255]]]);
  const behind = part => {
    if (!known.has(part)) {
      const own = getComputedStyle(part).backgroundColor, below = behind(part.parentElement);
      known.set(part, own.startsWith('rgb') ? over(numbers(own), below) : below);
    }
    return known.get(part);
  };
  const contrast = part => {
    const back = behind(part), front = over(numbers(getComputedStyle(part).color), back);
    const [low, high] = [light(front), light(back)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  return [...document.querySelectorAll('button, p, span, label, h1, h2, h3, a, code, mark')]
    .filter(part => part.checkVisibility() && !part.closest('[disabled], [aria-disabled=true]'))
    .filter(part => [...part.childNodes].some(node => node.nodeType === 3 && /[a-z0-9]/i.test(node.textContent)))
    .filter(part => getComputedStyle(part).color.startsWith('rgb') && contrast(part) < 3.8)
    .map(part => `${contrast(part).toFixed(1)}: ${part.textContent.slice(0, 60)}`);
}
"""


@pytest.fixture(scope="module")
def tab(browser: Browser, full_studio: Studio) -> Iterator[Watched]:
    with watching(browser, full_studio.url, color_scheme="light") as opened:
        yield opened


# Streamlit writes white on the primary colour, and with it on the background: in dark no colour is 4.5 to 1 both ways,
# so there FAINT alone looks. What else is good practice (landmarks, roles) is its own markup.
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    # The columns of a histogram are as wide as their share; the filter menu has the same for every finger.
    "rules": {"heading-order": {"enabled": True}, "tabindex": {"enabled": True}, "target-size": {"enabled": False}},
}
WHERE = {"include": [["[data-testid=stMain]"]]}


def faults(tab: Watched) -> list[str]:
    """What axe finds, with the first places of each rule."""
    found = Axe().run(tab.page, context=WHERE, options=RULES).response["violations"]
    return [f"{one['id']}: {one['help']}: {node['html'][:160]}" for one in found for node in one["nodes"][:3]]


BACK = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"


def open_view(tab: Watched, name: str, parameters: dict[str, str]) -> None:
    """Open a view; `*` stands for the newest run."""
    if parameters.get("run") == "*":
        tab.open("runs")
        tab.page.get_by_test_id("stMain").get_by_role("button", name=re.compile(r"^\w+-\w+$")).first.click()
        tab.settle()
    else:
        tab.open(name, **parameters)


def overflow(tab: Watched) -> int:
    """Pixels by which the page is wider than the window."""
    return int(tab.page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.mark.parametrize(("name", "parameters"), VIEWS, ids=[" ".join([name, *of.values()]) for name, of in VIEWS])
def test_a_page_fits_every_window_can_be_read_and_used(tab: Watched, name: str, parameters: dict[str, str]) -> None:
    """Wide and narrow, light and dark; nothing faint, nothing that can be used without a name."""
    open_view(tab, name, parameters)
    tab.page.set_viewport_size(MIDDLE)
    tab.page.emulate_media(color_scheme="light")
    tab.drawn()
    assert overflow(tab) <= 1
    tab.picture(f"light-1024-{name}{'-'.join(['', *parameters, parameters.get('view', '')])}")
    for size in (WIDE, NARROW):
        tab.page.set_viewport_size(size)
        for scheme in SCHEMES:
            tab.page.emulate_media(color_scheme=scheme)
            tab.drawn()
            assert (tab.page.evaluate(BACK) == "rgb(255, 255, 255)") == (scheme == "light")
            assert overflow(tab) <= 1, (size, scheme)
            assert tab.page.evaluate(FAINT) == [], (size, scheme)
            assert tab.page.evaluate(NAMELESS) == [], (size, scheme)
            if size == WIDE and scheme == "light":
                assert faults(tab) == []
            tab.picture(f"{scheme}-{size['width']}-{name}{'-'.join(['', *parameters, parameters.get('view', '')])}")


def test_every_page_of_an_empty_studio_opens(browser: Browser, empty_studio: Studio) -> None:
    with watching(browser, empty_studio.url) as tab:
        for name in PAGES:
            tab.open(name)
            tab.drawn()
            expect(tab.page.get_by_test_id("stMain").get_by_text(FIRST_STEP[name]).first).to_be_visible()
            tab.picture(f"empty-{name}")


def test_the_fonts_come_from_the_studio_itself(browser: Browser, full_studio: Studio) -> None:
    with watching(browser, full_studio.url) as tab:
        tab.open()
        assert tab.page.evaluate("document.fonts.ready.then(() => document.fonts.check('14px Inter'))")
        loaded = tab.page.evaluate("[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family)")
        assert any("Inter" in family for family in loaded), loaded


def test_a_page_that_does_not_exist_leads_back(browser: Browser, full_studio: Studio) -> None:
    with watching(browser, full_studio.url) as tab:
        tab.page.goto(f"{full_studio.url}/nonesuch")
        expect(tab.page.get_by_text("Page not found")).to_be_visible()


def test_lengths_and_then_tokens_are_counted_while_one_looks(browser: Browser, full_studio: Studio) -> None:
    with watching(browser, full_studio.url) as tab:
        tab.open("curate", dataset="medical-terms")
        bar = tab.page.get_by_role("button", name=re.compile("^answer tokens .* rows?$")).first
        expect(bar).to_be_visible(timeout=60_000)


def test_a_link_within_a_page_changes_the_address(browser: Browser, full_studio: Studio) -> None:
    """What the next click, a reload and Back go by."""
    with watching(browser, full_studio.url) as tab:
        open_view(tab, "runs", {"run": "*"})
        tab.page.wait_for_url(re.compile(r"runs\?run=\w+-\w+$"))
        tab.page.get_by_text("Log", exact=True).click()
        tab.settle()
        expect(tab.page.get_by_role("button", name="All runs")).to_be_visible()
        tab.page.go_back()
        tab.page.wait_for_url(re.compile(r"/runs$"))
        expect(tab.page.get_by_role("button", name="Compare runs")).to_be_visible()
        tab.open("datasets", dataset="medical-terms")
        tab.page.get_by_role("button", name="All datasets").click()
        expect(tab.page.get_by_role("heading", name="Datasets here")).to_be_visible()
        tab.page.wait_for_url(re.compile(r"/datasets$"))
