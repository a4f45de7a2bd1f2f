"""Answers on their way: read by a thread of their own, looked at by whoever draws them.

A page's script may be given up for a newer one at any moment, while it waits, and both live for a while. A generator
that one of them waits in can neither be read nor closed by the other; this can.

    stream = Stream(client.ask(question))
    for answers in stream:      # by any thread, again and again; raises what the engine said
        draw(answers)
    stream.stop()               # by any thread
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator

from lib.inference.talk import Answer

TICK = 0.5
"""Seconds after which whoever looks is told the same again, so that it can be given up."""
UNSEEN_SECONDS = 30
"""Answers that nobody has looked at for so long are stopped: the tab was closed."""


class Stream:
    """The answers of `client.ask`, from when this is made until they end, are stopped, or nobody looks any more."""

    def __init__(self, answers: Generator[list[Answer]]) -> None:
        self._news = threading.Condition()
        self._newest: list[Answer] = []
        self._steps = 0
        self._ended = False
        self._stopped = False
        self._fault: Exception | None = None
        self._looked = time.monotonic()
        threading.Thread(target=self._read, args=(answers,), daemon=True).start()

    def stop(self) -> None:
        """What is being written ends within a second; whoever waits for more goes on at once."""
        with self._news:
            self._stopped = self._ended = True
            self._news.notify_all()

    def __iter__(self) -> Iterator[list[Answer]]:
        """What all have written so far: each time there is more, and twice a second, to the end.

        Raises:
            StudioError: see `client.ask`.
        """
        seen, ended = 0, False
        while not ended:
            newest, seen, ended = self._after(seen)
            if newest:
                yield newest
        if self._fault:
            raise self._fault

    def _after(self, step: int) -> tuple[list[Answer], int, bool]:
        with self._news:
            self._looked = time.monotonic()
            self._news.wait_for(lambda: self._ended or self._steps > step, TICK)
            return self._newest, self._steps, self._ended

    def _read(self, answers: Generator[list[Answer]]) -> None:
        try:
            for newest in answers:
                with self._news:
                    self._newest, self._steps = newest, self._steps + 1
                    self._news.notify_all()
                if self._stopped or time.monotonic() - self._looked > UNSEEN_SECONDS:
                    break
            answers.close()
        except Exception as error:  # it is whoever looks that can tell a person
            self._fault = error
        finally:
            with self._news:
                self._ended = True
                self._news.notify_all()
