"""A browser's page that is watched: scripts that fail, requests that leave this machine, tracebacks on screen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOCAL = ("127.0.0.1", "localhost", "")
SECONDS = 1000  # Playwright counts in milliseconds
expect.set_options(timeout=60 * SECONDS)  # of its own it waits for five: too short where tests share two cores
STEADY = 150  # milliseconds: what was clicked reaches the server a moment later, and until then nothing seems to run
IDLE = """steady => {
    const app = document.querySelector("[data-testid=stApp]");
    const idle = app?.dataset.testConnectionState === "CONNECTED" && app.dataset.testScriptState === "notRunning";
    window.idleSince = idle ? window.idleSince ?? performance.now() : undefined;
    return idle && performance.now() - window.idleSince >= steady;
}"""


def launch(playwright: Playwright) -> Browser:
    """Debian's Chromium; never a downloaded one."""
    found = shutil.which("chromium")
    assert found, "Chromium is missing: install it so that `chromium` is on the PATH"
    return playwright.chromium.launch(executable_path=found, args=FLAGS)


class Watched:
    """One tab on the studio. `problems` collects what should never happen; `check` fails on it."""

    def __init__(self, context: BrowserContext, url: str, problems: list[str]) -> None:
        self.url, self.problems = url, problems
        self.page: Page = context.new_page()
        self.page.set_default_timeout(40 * SECONDS)
        self.page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
        self.page.on("request", lambda request: self._note_request(request.url))

    def open(self, name: str = "home", **parameters: str) -> Page:
        """Go to a page's address and wait until it is drawn."""
        address = f"{self.url}/{'' if name == 'home' else name}"
        self.page.goto(f"{address}?{urlencode(parameters)}" if parameters else address)
        self.settle()
        return self.page

    def drawn(self) -> None:
        """Wait for what is drawn late: tables, charts, rendered rows."""
        self.settle()
        expect(self.page.get_by_test_id("stSkeleton")).to_have_count(0)
        self.page.evaluate("document.fonts.ready")

    def settle(self) -> None:
        """Wait until the page is connected and its script has run to the end, and no other run follows at once."""
        self.page.evaluate("window.idleSince = undefined")
        self.page.wait_for_function(IDLE, arg=STEADY, timeout=60 * SECONDS)
        self.check()

    def check(self) -> None:
        """Fail on everything that no page may ever show or do."""
        assert not self.problems, self.problems
        assert "Traceback" not in self.page.inner_text("body")
        expect(self.page.get_by_test_id("stException")).to_have_count(0)
        expect(self.page.get_by_text("Page not found")).to_have_count(0)

    def navigate(self, title: str) -> None:
        """Through the sidebar, as a person does."""
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
        self.heading(title)
        self.settle()

    def heading(self, title: str) -> None:
        expect(self.page.get_by_role("heading", name=title, level=1)).to_be_visible()

    def choose(self, label: str, option: str) -> None:
        """Pick from a chooser."""
        self.page.get_by_role("combobox", name=label).click()
        self.page.get_by_role("option", name=option, exact=True).click()
        self.settle()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def picture(self, name: str) -> None:
        """A screenshot for people to look at, where TANDEM_PICTURES names a folder."""
        if folder := os.environ.get("TANDEM_PICTURES"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png")

    def _note_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and (parts.hostname or "") not in LOCAL:
            self.problems.append(f"request to another machine: {url}")


@contextmanager
def watching(browser: Browser, url: str, **options: object) -> Iterator[Watched]:
    """A fresh browser profile with one tab; at its end nothing may have gone wrong."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, **options)  # type: ignore[arg-type]
    problems: list[str] = []
    try:
        yield Watched(context, url, problems)
        assert not problems, problems
    finally:
        context.close()
