"""Judging batches of rows with helper processes, in order. The process that reads judges too when helpers are busy."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path

from lib.data.checks.judge import Judge, Judged, Row
from lib.data.checks.report import Settings
from lib.errors import WrongState
from lib.records import Conversation, Message

BATCH_ROWS = 512
BATCH_CHARS = 1 << 20
AHEAD = 3  # batches given to each helper before this process judges one itself
MAX_WAITING = 64  # batches judged here before an earlier one has come back from a helper
ROWS_A_HELPER = 4096  # fewer rows are judged sooner than a helper starts
MAX_HELPERS = 8  # the process that reads keeps about this many busy
_Packed = list[tuple[int, tuple[tuple[str, str, str], ...]]]


def judged(rows: Iterable[Row], count: int, settings: Settings) -> Generator[Judged, None, None]:
    """What each batch of the rows shows, in order. `count`: about how many rows there are.

    Close the iterator to end the helpers.

    Raises:
        WrongState: a helper process was killed.
    """
    helpers = min(len(os.sched_getaffinity(0)) - 1, count // ROWS_A_HELPER, MAX_HELPERS)
    judge = Judge(settings)
    if helpers < 1:
        yield from map(judge, batches(rows))
        return
    context = multiprocessing.get_context("spawn")
    given = (replace(settings, tokenizer=None), settings.tokenizer.path if settings.tokenizer else None)
    pool = ProcessPoolExecutor(helpers, mp_context=context, initializer=_start, initargs=given)
    try:
        yield from _in_order(pool, judge, rows, AHEAD * helpers)
    except BrokenProcessPool as error:
        raise WrongState(
            "A process that judges rows was ended from outside.", "Free some memory and start the check again."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """512 rows each, or fewer when they hold a million letters."""
    batch: list[Row] = []
    letters = 0
    for row in rows:
        batch.append(row)
        letters += sum(len(message.content) + len(message.context) for message in row[1].messages)
        if len(batch) == BATCH_ROWS or letters >= BATCH_CHARS:
            yield batch
            batch, letters = [], 0
    if batch:
        yield batch


def _in_order(pool: ProcessPoolExecutor, judge: Judge, rows: Iterable[Row], ahead: int) -> Iterator[Judged]:
    waiting: deque[Future[Judged]] = deque()
    for batch in batches(rows):
        if sum(not result.done() for result in waiting) < ahead:
            waiting.append(pool.submit(_judge, _packed(batch)))
        else:
            waiting.append(Future())
            waiting[-1].set_result(judge(batch))
        while waiting and (waiting[0].done() or len(waiting) > MAX_WAITING):
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _packed(batch: list[Row]) -> _Packed:
    """Plain tuples, which take a fifth of the time that records take on their way to another process."""
    return [(row_id, tuple((m.role, m.content, m.context) for m in row.messages)) for row_id, row in batch]


_judge_here: Judge


def _start(settings: Settings, tokenizer: Path | None) -> None:
    """Make this process a helper that ends with the one that started it, however that ends."""
    global _judge_here  # noqa: PLW0603 - what a process pool's initializer can hand to its function
    if tokenizer is not None:
        from lib.formats import load_tokenizer

        settings = replace(settings, tokenizer=load_tokenizer(tokenizer))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _judge_here = Judge(settings)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _judge(packed: _Packed) -> Judged:
    return _judge_here([(row_id, Conversation(tuple(Message(*m) for m in row))) for row_id, row in packed])  # type: ignore[arg-type]
