"""Two people vote blind in two browsers, a third has started the vote and closes it; the result appears to all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from lib.evaluation import votes
from tests.browser.server import Studio, serving
from tests.browser.test_pages import FAINT, NAMELESS, NARROW, WIDE, overflow
from tests.browser.watched import SECONDS, Watched, watching
from tests.evaluation import stored

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
NAMES = ("starter", "gentle-otter")
PAIRS = 6
READ = 600  # milliseconds that a person looks at a pair before a vote on it counts, and some
EVERYTHING = """() => {
  const found = [location.href, document.title];
  const gather = root => {
    found.push(root.innerHTML ?? '');
    for (const part of root.querySelectorAll('*')) {
      if (part.shadowRoot) gather(part.shadowRoot);
      if ('value' in part) found.push(String(part.value));
    }
  };
  gather(document.documentElement);
  return found.join('\\n');
}"""


@pytest.fixture
def studio(home: Path) -> Iterator[Studio]:
    stored.comparison(
        {
            NAMES[0]: [f"A plain answer to number {row}. " * 60 for row in range(PAIRS)],
            NAMES[1]: [f"A short answer to number {row}. <b>bold</b>" for row in range(PAIRS)],
        }
    )
    with serving(home) as running:
        yield running


def test_two_people_vote_blind_and_the_result_appears(browser: Browser, studio: Studio) -> None:
    with (
        watching(browser, studio.url) as owner,
        watching(browser, studio.url) as ada,
        watching(browser, studio.url, color_scheme="dark") as bob,
    ):
        ballot = start(owner)
        heard = {tab: listen(tab) for tab in (ada, bob)}
        for tab, name in ((ada, "ada"), (bob, "bob")):
            enter(tab, ballot, name)
        fits(bob)
        vote_by_key(ada, ballot)
        vote_by_button(bob, ballot)
        for tab, frames in heard.items():
            sent = tab.page.evaluate(EVERYTHING) + "".join(frames)
            assert "short answer" in sent and f"{PAIRS} of {PAIRS} voted on" in sent
            assert [name for name in NAMES if name in sent] == []
        expect(owner.page.get_by_text(f"bob: {PAIRS} of {PAIRS}")).to_be_visible()
        owner.picture("vote-owner")
        owner.button("Close the vote").click()
        owner.button("Close it now").click()
        for tab in (owner, ada, bob):
            expect(tab.page.get_by_text("gentle-otter was voted on against starter.")).to_be_visible()
            expect(tab.page.get_by_text(re.compile(r"is liked better.*100% \[61%, 100%\]"))).to_be_visible()
            tab.drawn()
        looks_well(bob)
        takes_away(owner)


def start(tab: Watched) -> str:
    """From the page of votes, without a word typed but the question and the name."""
    tab.open("vote", comparison="1")
    tab.page.get_by_role("textbox", name="Question to people").fill("Which would help you more?")
    tab.page.get_by_role("textbox", name="Your name").fill("kim")
    tab.page.get_by_role("textbox", name="Your name").press("Enter")
    tab.settle()
    tab.button("Start the vote").click()
    tab.page.wait_for_url(re.compile("ballot="))
    tab.settle()
    expect(tab.page.get_by_text(tab.page.url)).to_be_visible()  # the link to share
    return tab.page.url.rpartition("=")[2]


def listen(tab: Watched) -> list[str]:
    """Everything that the server says to this tab from now on."""
    frames: list[str] = []

    def heard(payload: str | bytes) -> None:
        frames.append(payload if isinstance(payload, str) else payload.decode("latin-1"))

    tab.page.on("websocket", lambda socket: socket.on("framereceived", heard))
    return frames


def enter(tab: Watched, ballot: str, name: str) -> None:
    tab.open("vote", ballot=ballot)
    expect(tab.page.get_by_text("You started this vote")).to_have_count(0)
    tab.page.get_by_role("textbox", name="Your name").fill(name)
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_text(f"0 of {PAIRS} voted on")).to_be_visible()
    tab.settle()


def fits(tab: Watched) -> None:
    for size in (NARROW, WIDE):
        tab.page.set_viewport_size(size)
        tab.drawn()
        assert overflow(tab) <= 1
        boxes = [tab.page.get_by_role("region", name=name, exact=True).bounding_box() for name in "AB"]
        assert boxes[0] and boxes[1]
        assert (boxes[0]["y"] < boxes[1]["y"]) == (size == NARROW), "one under another where it is narrow"
        assert max(box["height"] for box in boxes if box) <= 400, "long answers scroll within their box"
        assert tab.page.evaluate(FAINT) == [] and tab.page.evaluate(NAMELESS) == []
        tab.picture(f"vote-{size['width']}")


def key_for_the_short_answer(tab: Watched) -> tuple[str, str]:
    left = tab.page.get_by_role("region", name="A", exact=True).inner_text()
    expect(tab.page.get_by_text("<b>bold</b>")).to_have_count(1)  # as text
    return ("1", "A is better") if "short" in left else ("3", "B is better")


def vote_by_key(tab: Watched, ballot: str) -> None:
    """By keyboard alone; with a look back, a change, an undo and a reload on the way."""
    press(tab, "2", 1)
    press(tab, "u", 0)
    press(tab, key_for_the_short_answer(tab)[0], 1)
    before = tab.page.get_by_role("region", name="A", exact=True).inner_text()
    tab.page.reload()
    expect(tab.page.get_by_text(f"1 of {PAIRS} voted on")).to_be_visible()
    tab.settle()
    assert tab.page.get_by_role("region", name="A", exact=True).inner_text() == before
    tab.page.keyboard.press("k")
    expect(tab.page.get_by_role("combobox", name="Pair")).to_have_value(re.compile(f"^1 of {PAIRS} · [AB] is better"))
    tab.settle()
    tab.page.keyboard.press("j")
    tab.settle()
    key = key_for_the_short_answer(tab)[0]
    tab.page.wait_for_timeout(READ)
    for _ in range(3):  # a key that is held down is one vote
        tab.page.keyboard.down(key)
    tab.page.keyboard.up(key)
    expect(tab.page.get_by_text(f"2 of {PAIRS} voted on")).to_be_visible()
    tab.settle()
    press_twice(tab)
    for done in range(3, PAIRS):
        press(tab, key_for_the_short_answer(tab)[0], done + 1)
    assert votes.standing(ballot, "ada").done == PAIRS


def press_twice(tab: Watched) -> None:
    """At once or soon after, the second press is no vote on the pair that comes."""
    for gap in (0, 60, 250):
        press(tab, key_for_the_short_answer(tab)[0], 3)
        press(tab, "u", 2)
        key = key_for_the_short_answer(tab)[0]
        tab.page.wait_for_timeout(READ)
        tab.page.keyboard.press(key)
        tab.page.wait_for_timeout(gap)
        tab.page.keyboard.press(key)
        expect(tab.page.get_by_text(f"3 of {PAIRS} voted on")).to_be_visible()
        tab.page.wait_for_timeout(READ)
        expect(tab.page.get_by_text(f"3 of {PAIRS} voted on")).to_be_visible()
        expect(tab.page.get_by_text("did not expect")).to_have_count(0)
        press(tab, "u", 2)
    press(tab, key_for_the_short_answer(tab)[0], 3)


def press(tab: Watched, key: str, done: int) -> None:
    tab.page.wait_for_timeout(READ)
    tab.page.keyboard.press(key)
    expect(tab.page.get_by_text(f"{done} of {PAIRS} voted on")).to_be_visible()
    tab.settle()


def comment_by_key(tab: Watched) -> None:
    """Into the field by a key and out of it by a key: what is pressed next is a vote."""
    comment = tab.page.get_by_role("textbox", name="Comment (optional)")
    for done, leave in enumerate(("Escape", "Control+Enter")):
        tab.page.keyboard.press("n")
        expect(comment).to_be_focused()
        tab.page.keyboard.type("typed 1, 2 and 3")
        tab.page.keyboard.press(leave)
        expect(comment).not_to_be_focused()
        press(tab, key_for_the_short_answer(tab)[0], done + 1)


def vote_by_button(tab: Watched, ballot: str) -> None:
    comment_by_key(tab)
    for done in range(2, PAIRS):
        comment = tab.page.get_by_role("textbox", name="Comment (optional)")
        comment.fill("typed 1, 2 and 3")  # keys in a field are letters, not votes
        tab.page.wait_for_timeout(READ)
        tab.page.get_by_role("button", name=re.compile(f"^{key_for_the_short_answer(tab)[1]}")).click()
        expect(tab.page.get_by_text(f"{done + 1} of {PAIRS} voted on")).to_be_visible()
        tab.settle()
    assert all(votes.pair(ballot, "bob", place).comment == "typed 1, 2 and 3" for place in range(PAIRS))


def looks_well(tab: Watched) -> None:
    for size in (WIDE, NARROW):
        tab.page.set_viewport_size(size)
        tab.drawn()
        assert overflow(tab) <= 1
        assert tab.page.evaluate(FAINT) == [] and tab.page.evaluate(NAMELESS) == []
        tab.picture(f"vote-result-{size['width']}")


def takes_away(tab: Watched) -> None:
    with tab.page.expect_download(timeout=20 * SECONDS) as caught:
        tab.button("DPO").click()
    lines = caught.value.path().read_text().splitlines()
    assert len(lines) == PAIRS and all('"chosen":[{"role":"assistant","content":"A short' in line for line in lines)
