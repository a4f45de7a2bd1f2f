"""Pictures of every page: `python -m tests.browser.screenshots OUT_DIR [--home HOME]`.

Opens the studio on a home (the project's own by default), makes a run and a comparison there first when it has none,
and writes one PNG a page: light, and Home, Format and Compare dark as well.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from lib.data import datasets, versions
from lib.data.checks import Settings
from lib.data.checks import results as check_results
from lib.data.edits.bulk import change_all
from lib.data.edits.operations import Operation
from lib.data.filters import Query
from lib.evaluation import comparisons, votes
from lib.settings import ROOT
from lib.training import runs
from tests.browser.server import Studio, serving
from tests.browser.watched import SECONDS, Watched, launch, watching

WIDTH, HEIGHT, TALLEST = 1440, 900, 1600  # pixels
DATASET, DIRTY, MENDED = "medical-terms", "support-desk", "support-desk-mended"
QUESTION = "Rewrite this note in plain English."  # the base has words for it
INPUT = "Dyspepsia after large evening meals."


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a picture of every page.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--home", type=Path, default=ROOT / "data")
    arguments = parser.parse_args()
    home = arguments.home.expanduser().resolve()
    os.environ["STUDIO_HOME"] = str(home)
    run = finished_run()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        serving(home, log=Path(scratch) / "studio.log") as studio,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        light(browser, studio, run, arguments.out)
        dark(browser, studio, run, arguments.out)
        browser.close()
    print(f"{len(list(arguments.out.glob('*.png')))} pictures in {arguments.out}")


def finished_run() -> str:
    """The newest run that ended well and was compared; whatever is missing is made, the checks too."""
    command("setup")
    check_results.check(datasets.get(DIRTY), Settings())
    mended()
    done = [view.id for view in runs.list_runs() if view.status == "finished" and view.has_adapter]
    if not done:
        command("train", DATASET, "--model", "starter", "--template", "llama2", "--preset", "first-look")
        done = [runs.list_runs(limit=1)[0].id]
    compared = [view.runs[0] for view in comparisons.list_comparisons() if view.status == "finished"]
    both = [run for run in done if run in compared]
    if not both:
        command("compare", done[0], "--split", "test", "--limit", "24")
    return (both or done)[0]


def mended() -> None:
    """A copy of the dirty sample with two versions, to show what changed."""
    if MENDED in [info.name for info in datasets.list_datasets()]:
        return
    info = versions.branch(DIRTY, MENDED, "ada")
    check_results.check(info, Settings())
    for check in ("mojibake", "markup", "personal_data"):
        change_all(info, Query(), Operation("mend", check), "ada")
    versions.save(info, "letters, markup and addresses mended", "ada")


def newest_comparison(run: str) -> str:
    """The number of the run's newest finished comparison."""
    return str(next(view.id for view in comparisons.list_comparisons() if run in view.runs and view.result))


def command(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "studio", *arguments], cwd=ROOT, check=True, stdout=sys.stderr)


def light(browser: Browser, studio: Studio, run: str, out: Path) -> None:
    with watching(browser, studio.url, color_scheme="light") as tab:
        take(tab, out / "home.png", "home")
        take(tab, out / "datasets.png", "datasets")
        take(tab, out / "dataset.png", "datasets", dataset=DATASET)
        curate(tab, out)
        take(tab, out / "format.png", "format", dataset=DATASET, template="llama2")
        formats(tab, out)
        take(tab, out / "train.png", "train", dataset=DATASET, template="llama2")
        take(tab, out / "runs.png", "runs")
        take(tab, out / "run.png", "runs", run=run)
        comparison = newest_comparison(run)
        take(tab, out / "compare.png", "compare", comparison=comparison)
        take(tab, out / "compare-slices.png", "compare", comparison=comparison, part="Slices", by="prompt length")
        take(tab, out / "compare-examples.png", "compare", comparison=comparison, part="Examples", order="worst")
        vote(tab, comparison)
        save(tab, out / "vote.png")
        ask(tab, run)
        save(tab, out / "playground.png")
        take(tab, out / "system.png", "system")


def curate(tab: Watched, out: Path) -> None:
    """The first look measures the rows; then the bars stand there."""
    tab.open("curate", dataset=DIRTY, row="12")
    expect(tab.page.get_by_role("button", name=re.compile("^answer tokens"))).not_to_have_count(0, timeout=60 * SECONDS)
    take(tab, out / "curate.png", "curate", dataset=DIRTY, row="12")
    take(tab, out / "curate-checks.png", "curate", dataset=DIRTY, view="Checks")
    take(tab, out / "curate-versions.png", "curate", dataset=MENDED, view="Versions")


def formats(tab: Watched, out: Path) -> None:
    """The lint looks at all rows first; then its findings stand there."""
    take(tab, out / "format-tokens.png", "format", dataset=DIRTY, template="llama2", way="Tokens", row="12")
    take(tab, out / "format-template.png", "format", dataset=DATASET, view="Own template")
    tab.open("format", dataset=DIRTY, template="llama2", view="All rows", length="96")
    expect(tab.page.get_by_text("Lengths")).to_be_visible(timeout=60 * SECONDS)
    take(tab, out / "format-all-rows.png", "format", dataset=DIRTY, template="llama2", view="All rows", length="96")


def dark(browser: Browser, studio: Studio, run: str, out: Path) -> None:
    with watching(browser, studio.url, color_scheme="dark") as tab:
        take(tab, out / "home-dark.png", "home")
        take(tab, out / "curate-dark.png", "curate", dataset=DIRTY, row="12")
        take(tab, out / "format-dark.png", "format", dataset=DATASET, template="llama2")
        take(tab, out / "compare-dark.png", "compare", comparison=newest_comparison(run))


def take(tab: Watched, target: Path, name: str, **parameters: str) -> None:
    tab.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    tab.open(name, **parameters)
    save(tab, target)


def ask(tab: Watched, run: str) -> None:
    """A real question, answered by base and tuned."""
    tab.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    tab.open("playground", run=run)
    tab.page.get_by_role("textbox", name="Question").fill(QUESTION)
    tab.page.get_by_role("textbox", name="Input (optional)").fill(INPUT)
    tab.button("Ask").click()
    expect(tab.page.get_by_role("button", name=re.compile("^Keep as row"))).to_be_enabled(timeout=180 * SECONDS)


def vote(tab: Watched, comparison: str) -> None:
    """A blind vote as one of its voters sees it."""
    view = comparisons.get(int(comparison))
    ballot = votes.create(view.id, *view.sides[:2], "ada", limit=12)
    tab.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    tab.open("vote", ballot=ballot.id)
    tab.page.get_by_role("textbox", name="Your name").fill("bob")
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_text("of 12 voted on")).to_be_visible()
    tab.settle()


def save(tab: Watched, target: Path) -> None:
    """The whole page, up to a limit. The page scrolls inside the window, so the window is made as tall."""
    tab.drawn()
    content = tab.page.get_by_test_id("stMainBlockContainer").evaluate("part => part.scrollHeight")
    tab.page.set_viewport_size({"width": WIDTH, "height": max(HEIGHT, min(int(content), TALLEST))})
    tab.drawn()
    tab.page.mouse.move(WIDTH - 2, HEIGHT // 2)
    tab.page.screenshot(path=target, animations="disabled")


if __name__ == "__main__":
    main()
