"""The web process is killed while a run goes on: the page comes back by itself and the run ends well."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from lib.data.imports.importer import import_source
from lib.training import runs
from lib.training.config import TrainConfig
from tests import tiny
from tests.browser.server import serving
from tests.browser.watched import SECONDS, watching
from tests.helpers import wait_until, write_lines

STEPS = 800


@pytest.mark.slow
def test_a_killed_web_process_comes_back_and_the_run_goes_on(browser: Browser, tiny_home: Path, tmp_path: Path) -> None:
    import_source(str(write_lines(tmp_path / "sums.jsonl", tiny.ROWS)), "sums")
    with serving(tiny_home) as studio, watching(browser, studio.url) as tab:
        config = TrainConfig.from_settings({**tiny.SETTINGS, "max_steps": STEPS})
        run = runs.create("sums", "tiny", "llama2", config, "tester").id
        tab.open("runs", run=run)
        expect(tab.page.get_by_test_id("stProgress")).to_contain_text(f"of {STEPS} steps", timeout=120 * SECONDS)
        killed = studio.web_process()
        killed.kill()
        wait_until(lambda: not killed.is_running() and studio.healthy(), "the studio answers on the same port")
        job = runs.get(run).job
        assert job.status == "running", f"the run was over too soon to show anything: {job.status}"
        expect(tab.page.locator("[data-test-connection-state=CONNECTED]")).to_be_visible(timeout=120 * SECONDS)
        expect(tab.page.get_by_test_id("stMain").locator(".stMarkdownBadge").first).to_contain_text(
            "finished", timeout=120 * SECONDS
        )
        tab.settle()
        tab.picture("back-after-kill")
    assert runs.get(run).summary["steps"] == STEPS
