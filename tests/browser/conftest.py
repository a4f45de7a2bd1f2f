"""One browser for all; studios on homes of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.app import seeds
from tests.browser.server import Studio, lend_starter, serving
from tests.browser.watched import launch


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not shutil.which("chromium") and not os.environ.get("CI"):
        pytest.skip("NO CHROMIUM ON THIS MACHINE: the browser tests are left out; install `chromium` to run them")
    with sync_playwright() as playwright:
        opened = launch(playwright)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def full_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio with something of everything, only to look at."""
    home = tmp_path_factory.mktemp("full") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(home))
        seeds.full()
    with serving(home) as studio:
        yield studio


@pytest.fixture(scope="session")
def empty_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with serving(tmp_path_factory.mktemp("empty") / "home") as studio:
        yield studio


@pytest.fixture
def starter_studio(home: Path) -> Iterator[Studio]:
    """What `make setup` and `make run` give: the samples, the starter model, nothing done yet."""
    lend_starter(home)
    seeds.samples()
    with serving(home) as studio:
        yield studio
