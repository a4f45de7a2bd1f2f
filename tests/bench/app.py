"""How long the app takes from the start of its process to a page in the browser, and what memory it then holds.

Baseline: a Streamlit script with a title and a button, started by `streamlit run`, measured in turn with ours.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import Page, sync_playwright

from lib.settings import ROOT

ROUNDS = 5
BARE = 'import streamlit as st\nst.title("Bare")\nst.button("Go")\n'


def measure() -> list[tuple[str, str, str, str, str]]:
    """Median of several starts, ours and bare in turn."""
    ours: list[float] = []
    bare: list[float] = []
    memory: list[int] = []
    bare_memory: list[int] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        script = Path(folder) / "bare.py"
        script.write_text(BARE)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        for _ in range(ROUNDS):
            port = free_port()
            command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
            command += ["--server.headless", "true", "--server.fileWatcherType", "none"]
            seconds, rss = _start(command, port, "Bare", page, folder, Path(folder))
            bare.append(seconds)
            bare_memory.append(rss)
            port = free_port()
            command = [sys.executable, "-m", "studio", "--port", str(port)]
            seconds, rss = _start(command, port, "Home", page, folder, ROOT)
            ours.append(seconds)
            memory.append(rss)
        browser.close()
    ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, bare, strict=True))
    return [
        (
            "first page in the browser",
            f"{statistics.median(ours):.2f} s",
            f"{statistics.median(bare):.2f} s (bare Streamlit)",
            f"{ratio:.2f}",
            "<= 2.0",
        ),
        (
            "web process memory after it",
            f"{statistics.median(memory) / 2**20:.0f} MB",
            f"{statistics.median(bare_memory) / 2**20:.0f} MB (bare Streamlit)",
            f"{statistics.median(memory) / statistics.median(bare_memory):.2f}",
            "< 300 MB",
        ),
    ]


def _start(command: list[str], port: int, heading: str, page: Page, home: str, where: Path) -> tuple[float, int]:
    """Seconds from spawn to the heading on screen, and resident bytes of the process that listens."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=where,
        env=os.environ | {"STUDIO_HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not listens(port):
            time.sleep(0.02)
        page.goto(f"http://localhost:{port}/")
        page.get_by_role("heading", name=heading, exact=True).wait_for(timeout=60_000)
        return time.perf_counter() - began, _listener(process.pid, port)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _listener(parent: int, port: int) -> int:
    family = [psutil.Process(parent), *psutil.Process(parent).children(recursive=True)]
    for member in family:
        if any(connection.laddr.port == port for connection in member.net_connections() if connection.laddr):
            return int(member.memory_info().rss)
    raise RuntimeError(f"nothing listens on {port}")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
