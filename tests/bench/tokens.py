"""The token view of rows of 4,000 tokens: from the key that asks for the next row until its tokens fill the box.

As on any row, a thousand are drawn at once and the others as somebody scrolls to them.

Baseline: a Streamlit script that shows the same texts, without tokens, at the press of a button.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from lib.formats import load_tokenizer, render
from lib.records import Conversation, Message
from lib.settings import ROOT
from tests.bench.app import free_port, listens
from tests.browser.server import lend_starter, serving

TOKENS, ROWS = 4_000, 8
BARE = """
import json, streamlit as st
texts = json.load(open({file!r}))
st.session_state.setdefault("row", 0)
if st.button("Next"):
    st.session_state.row += 1
st.text(f"row {{st.session_state.row + 1}}")
st.text(texts[st.session_state.row])
"""


def measure() -> list[tuple[str, str, str, str, str]]:
    """Median over the rows, both served and read by the same browser."""

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        home = lend_starter(Path(folder) / "home")
        texts, tokens = _import(home, Path(folder))
        ours = _ours(browser, home)
        bare = _bare(browser, Path(folder), texts)
        browser.close()
    return [
        (
            f"token view, rows of {tokens:,} tokens",
            f"{ours:.2f} s",
            f"{bare:.2f} s (bare Streamlit, text alone)",
            f"{ours / bare:.2f}",
            "<= 0.5 s",
        )
    ]


def _import(home: Path, folder: Path) -> tuple[list[str], int]:
    """Rows whose answers are the sample's, one after the other, until they have the tokens; their texts."""
    sample = (ROOT / "studio" / "samples" / "medical-terms" / "rows.jsonl").read_text(encoding="utf-8")
    answers = [json.loads(line)["output"] for line in sample.splitlines()]
    tokenizer = load_tokenizer(home / "models" / "starter")
    rows: list[dict[str, str]] = []
    counts: list[int] = []
    for number in range(ROWS):
        answer, place = "", number * 7
        while True:
            answer, place = f"{answer} {answers[place % len(answers)]}", place + 1
            conversation = Conversation((Message("user", f"Tell all, {number}."), Message("assistant", answer)))
            if len(tokenizer.tokenize(render(conversation, "llama2", tokenizer))) >= TOKENS:
                break
        rows.append({"instruction": f"Tell all, {number}.", "output": answer})
        counts.append(len(tokenizer.tokenize(render(conversation, "llama2", tokenizer))))
    source = folder / "long.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with mock.patch.dict(os.environ, STUDIO_HOME=str(home)):
        from lib.data.imports.importer import import_source

        import_source(str(source), "long")
    return [row["output"] for row in rows], round(statistics.mean(counts))


def _ours(browser: Browser, home: Path) -> float:
    with serving(home) as studio:
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(f"{studio.url}/format?dataset=long&template=llama2&tokenizer=starter&way=Tokens&length=8192")
        page.locator(".tokens[data-drawn*='-1-']").wait_for(timeout=60_000)
        times = []
        for row in range(2, ROWS + 1):
            page.wait_for_timeout(700)  # a person looks at the row
            times.append(_timed(lambda: page.keyboard.press("j"), page.locator(f".tokens[data-drawn*='-{row}-']")))
        page.close()
        return statistics.median(times)


def _bare(browser: Browser, folder: Path, texts: list[str]) -> float:
    file, script = folder / "texts.json", folder / "bare.py"
    file.write_text(json.dumps(texts))
    script.write_text(BARE.format(file=str(file)))
    with _streamlit(script) as url:
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(url)
        page.get_by_text("row 1", exact=True).wait_for(timeout=60_000)
        times = []
        for row in range(2, ROWS + 1):
            page.wait_for_timeout(700)
            times.append(_timed(lambda: _next(page), page.get_by_text(f"row {row}", exact=True)))
        page.close()
        return statistics.median(times)


def _next(page: Page) -> None:
    page.get_by_role("button", name="Next").click()


def _timed(act: Callable[[], object], shown: Locator) -> float:
    began = time.perf_counter()
    act()
    shown.wait_for()
    return time.perf_counter() - began


@contextmanager
def _streamlit(script: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    command += ["--server.headless", "true", "--server.fileWatcherType", "none"]
    process = subprocess.Popen(command, cwd=script.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not listens(port):
            time.sleep(0.05)
        yield f"http://localhost:{port}/"
    finally:
        process.terminate()
        process.wait(timeout=20)
