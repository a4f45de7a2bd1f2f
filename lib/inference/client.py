"""The web process's side of the inference engine: asks for one, waits for it, reads its answers as they come."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2 as httpx

from lib.errors import ModelError, StudioError
from lib.inference.talk import Answer
from lib.jobs import queue
from lib.settings import settings
from lib.storage import engine_file

START_SECONDS = 120
SILENT_SECONDS = 60  # the engine says something twice a second, but for moments in which it loads a model


@dataclass(frozen=True)
class Ask:
    """A question to several panes. Each is a side (`lib.evaluation.sides.Side.to_dict`) with its `messages`.

    `sampling`: see `lib.inference.sampling.Sampling`.
    """

    panes: Sequence[Mapping[str, Any]]
    sampling: Mapping[str, Any] = field(default_factory=dict)


def ask(question: Ask) -> Generator[list[Answer]]:
    """Stream the answers of all panes together: what each has written so far, again and again, twice a second at least.

    What is closed before its end is stopped.

    Raises:
        StudioError: what the engine said, or that none could be started.
    """
    known = None
    for known in _connecting():
        if known is None:
            yield _all(question, "waking the engine")
    assert known is not None
    address, token = known
    yield _all(question, "asking the engine")
    try:
        with httpx.stream(
            "POST",
            f"{address}/generate",
            json={"panes": [dict(pane) for pane in question.panes], "sampling": dict(question.sampling)},
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(SILENT_SECONDS, connect=10),
        ) as response:
            ended = False
            for text in response.iter_lines():
                line = json.loads(text)
                ended = line.get("done", False)
                yield _answers(line, question)
    except httpx.HTTPError as error:
        raise _gone() from error
    if not ended:
        raise _gone()


def _gone() -> ModelError:
    return ModelError("The engine went away while it answered.", "Ask again; if it happens again, memory may be short.")


def _all(question: Ask, note: str) -> list[Answer]:
    return [Answer(note=note) for _ in question.panes]


def _answers(line: dict[str, Any], question: Ask) -> list[Answer]:
    if "error" in line:
        raise StudioError(line.get("message", "The engine refused."), line.get("hint", "Ask again."))
    if "queue" in line:
        ahead = line["queue"]
        return _all(question, f"{ahead} before you in the queue" if ahead else "asking the engine")
    return [Answer(**answer) for answer in line["answers"]]


def _connecting() -> Iterator[tuple[str, str] | None]:
    """None again and again until there is a live engine, then its address and token; has the worker start one."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        known = _announced()
        if known and _healthy(*known):
            yield known
            return
        queue.submit_once("engine", {}, settings.user)
        yield None
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
