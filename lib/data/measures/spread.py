"""One function over many batches in processes of their own, in order and in flat memory.

A process works on one batch while the next is read. It ends by itself when whoever started it is gone.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from lib.errors import StorageError

T = TypeVar("T")
R = TypeVar("R")
MOST = 8  # processes


def spread(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """`map(function, items)`, one process for each core. All three of them are pickled.

    Raises:
        StorageError: a process was killed, most likely because memory ran out.
    """
    context = get_context("spawn")
    with contextlib.ExitStack() as stack:
        idle: deque[Connection] = deque()
        for _ in range(min(MOST, len(os.sched_getaffinity(0)))):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(function, there), daemon=True)
            process.start()
            there.close()
            stack.callback(process.join, 10)
            stack.callback(process.terminate)
            stack.callback(here.close)
            idle.append(here)
        busy: deque[Connection] = deque()
        for item in items:
            if not idle:
                yield _received(busy, idle)
            connection = idle.popleft()
            _guarded(connection.send, item)
            busy.append(connection)
        while busy:
            yield _received(busy, idle)


def _received(busy: deque[Connection], idle: deque[Connection]) -> Any:
    connection = busy.popleft()
    good, result = _guarded(connection.recv)
    if not good:
        raise result
    idle.append(connection)
    return result


def _guarded(call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except (EOFError, BrokenPipeError, ConnectionError) as error:
        raise StorageError("A process that measured rows was killed.", "Free some memory; then start again.") from error


def _serve(function: Callable[[Any], Any], connection: Connection) -> None:
    with contextlib.suppress(EOFError, KeyboardInterrupt, ConnectionError):
        while True:
            item = connection.recv()
            try:
                answer = True, function(item)
            except Exception as error:
                answer = False, error
            connection.send(answer)
