"""The web process's side of the inference engine: asks for one, waits for it, reads its answers as they come."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2 as httpx

from lib.errors import ModelError, StudioError
from lib.jobs import queue
from lib.settings import settings
from lib.storage import engine_file

START_SECONDS = 120


@dataclass
class Ask:
    """One question to a base and runs on it; `runs` holds run ids, or None for the base alone.

    `escape`: the runs have learned marks of the format in texts with a backslash.
    """

    model: str
    template: str
    runs: list[str | None]
    messages: list[dict[str, str]]
    quantization: str = "none"
    escape: bool = False
    sampling: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """What is known so far. `note` says what the engine does while there is no text yet."""

    texts: list[str]
    note: str = ""
    completions: list[dict[str, Any]] = field(default_factory=list)


def ask(question: Ask) -> Iterator[Step]:
    """Stream the answers of all panes together.

    Raises:
        StudioError: what the engine said, or that none could be started.
    """
    empty = [""] * len(question.runs)
    yield Step(empty, "waking the engine")
    address, token = _connect()
    yield Step(empty, "loading the model (the first question takes longest)")
    try:
        with httpx.stream(
            "POST",
            f"{address}/generate",
            json=vars(question),
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(None, connect=10),
        ) as response:
            for line in response.iter_lines():
                yield _step(json.loads(line), empty)
    except httpx.HTTPError as error:
        raise ModelError(
            "The engine went away while it answered.", "Ask again; if it happens again, memory may be short."
        ) from error


def _step(line: dict[str, Any], empty: list[str]) -> Step:
    if "error" in line:
        raise StudioError(line["message"], line.get("hint", ""))
    if "queue" in line:
        return Step(empty, f"{line['queue']} before you in the queue")
    if "completions" in line:
        return Step([completion["text"] for completion in line["completions"]], "", line["completions"])
    return Step(line["texts"], "answering")


def _connect() -> tuple[str, str]:
    """Address and token of a live engine; asks the worker for one when there is none."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        known = _announced()
        if known and _healthy(*known):
            return known
        queue.submit_once("engine", {}, settings.user)
        time.sleep(0.3)
    raise ModelError("The inference engine did not start.", "See that the worker runs (System), then ask again.")


def _announced() -> tuple[str, str] | None:
    try:
        known = json.loads(engine_file().read_text(encoding="utf-8"))
        return f"http://127.0.0.1:{known['port']}", known["token"]
    except (OSError, ValueError, KeyError):
        return None


def _healthy(address: str, token: str) -> bool:
    try:
        answer = httpx.get(f"{address}/health", headers={"Authorization": f"Bearer {token}"}, timeout=5)
        return bool(answer.status_code == 200)
    except httpx.HTTPError:
        return False
