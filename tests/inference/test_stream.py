"""Answers on their way, looked at and stopped by threads that know nothing of each other."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from functools import partial

import pytest

from lib.errors import ModelError
from lib.inference import stream
from lib.inference.stream import Stream
from lib.inference.talk import Answer
from tests.helpers import wait_until


class Source:
    """Gives an answer each time it is let; `closed` once nobody wants more."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self._let = threading.Semaphore(0)

    def let(self, times: int = 1) -> None:
        self._let.release(times)

    def answers(self, steps: int = 1000) -> Generator[list[Answer]]:
        try:
            for step in range(steps):
                self._let.acquire()
                yield [Answer(str(step))]
        finally:
            self.closed.set()


def texts(found: list[Answer]) -> list[str]:
    return [answer.text for answer in found]


def shows(looked: Iterator[list[Answer]], text: str) -> bool:
    return texts(next(looked)) == [text]


def test_all_is_seen_to_the_end() -> None:
    source = Source()
    looked = iter(Stream(source.answers(3)))
    for step in ("0", "1"):
        source.let()
        wait_until(partial(shows, looked, step), "the answer")
    source.let()
    assert texts(list(looked)[-1]) == ["2"]
    assert source.closed.is_set()


def test_it_is_stopped_while_somebody_waits_in_it() -> None:
    source = Source()
    going = Stream(source.answers())
    source.let()
    seen: list[list[Answer]] = []
    waiting = threading.Thread(target=lambda: seen.extend(going))
    waiting.start()
    wait_until(lambda: seen, "the first answer is seen")
    going.stop()
    waiting.join(5)
    assert not waiting.is_alive() and texts(seen[-1]) == ["0"]
    source.let()
    assert source.closed.wait(5), "the engine is told with the next line"


def test_two_look_at_once_and_whoever_comes_later_sees_the_newest() -> None:
    source = Source()
    going = Stream(source.answers(2))
    source.let(2)
    first, second = list(going), list(going)
    assert texts(first[-1]) == texts(second[-1]) == ["1"] and len(second) == 1


def test_what_nobody_looks_at_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "UNSEEN_SECONDS", 0.05)
    source = Source()
    Stream(source.answers())
    threading.Event().wait(0.1)
    source.let()
    assert source.closed.wait(5)


def test_what_the_engine_says_reaches_whoever_looks() -> None:
    def fails() -> Generator[list[Answer]]:
        yield [Answer("so far")]
        raise ModelError("The engine went away.", "Ask again.")

    seen = []
    with pytest.raises(ModelError, match="went away"):
        for found in Stream(fails()):
            seen.append(texts(found))
    assert seen[-1] == ["so far"]
