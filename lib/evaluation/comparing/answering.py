"""The sides answer: those that share a base together, one base after another. Imports torch.

Questions go in chunks. Of each chunk the losses of the references come first and then the answers, so that whatever
was answered when somebody stops has its loss. Every line is written as it comes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from lib.errors import ModelError
from lib.evaluation.comparing.config import CompareConfig
from lib.evaluation.comparing.encoding import Encoded, Reader
from lib.evaluation.comparing.files import Records
from lib.evaluation.comparing.questions import Question
from lib.evaluation.metrics import finite
from lib.inference.batching import MOST_ROWS
from lib.inference.generator import BASE, Generator, Request, Sampling
from lib.jobs.context import JobContext
from lib.models import loading
from lib.storage import run_dir
from lib.words import duration

LOSS_ROWS, LOSS_TOKENS, LOSS_TOKENS_CPU = 64, 16_384, 2_048
"""Of a batch of references, padding counted. With large ones a CPU takes 1.4 times as long (measured on two
cores), and whoever waits sees nothing move."""


@dataclass
class Pace:
    """What was done here, in how many seconds."""

    done: float = 0.0
    seconds: float = 0.0

    def left(self, number: float) -> float | None:
        """Seconds that so many more take; None when nothing is known of them."""
        if number <= 0:
            return 0.0
        return number * self.seconds / self.done if self.done else None


@dataclass
class Asking:
    """A comparison that is being answered; `records` has what is there already."""

    questions: Sequence[Question]
    readers: Sequence[Reader]
    config: CompareConfig
    records: Records
    job: JobContext

    def __post_init__(self) -> None:
        self._total = len(self.questions) * len(self.readers) * self.config.repeats
        self._references = sum(bool(one.reference) for one in self.questions) * len(self.readers)
        # Times of their own: a question may have a long reference and a short answer, or the other way round.
        self._answered, self._read = Pace(), Pace()  # answers, and characters of references
        self._unread = self._to_read()
        self._seconds, self._tokens = 0.0, 0  # of answering

    def run(self) -> None:
        """Ask all that has no answer yet, until done or told to stop.

        Raises:
            ModelError: a base cannot be loaded, an adapter does not fit or changes nothing, or memory ran out.
        """
        groups: dict[tuple[Path, str], list[Reader]] = {}
        for reader in self.readers:
            groups.setdefault((reader.model.path, reader.side.quantization), []).append(reader)
        self._tell("asking")
        self.job.start_clock()
        for (folder, quantization), readers in groups.items():
            if self.job.stopping:
                break
            if any(self._pending(readers, self.questions)):
                self._tell("loading the model")
                try:
                    self._ask(Generator(folder, quantization), readers)
                except torch.cuda.OutOfMemoryError as error:
                    hint = "Ask for shorter answers, or free the GPU, and resume."
                    raise ModelError("The GPU's memory ran out while answering.", hint) from error
                finally:
                    loading.free()

    def _ask(self, generator: Generator, readers: list[Reader]) -> None:
        self._adapters(generator, readers)
        size = MOST_ROWS.get(generator.model.device.type, MOST_ROWS["cpu"])
        for start in range(0, len(self.questions), size):
            chunk = self.questions[start : start + size]
            self._losses(generator, readers, chunk)
            for repeat in range(self.config.repeats):
                self._answers(generator, readers, chunk, repeat)
            self.records.sync()
            if self.job.stopping:
                return

    def _adapters(self, generator: Generator, readers: Sequence[Reader]) -> None:
        """Put the adapters onto the base, and make sure that each changes what it says."""
        tuned = {reader.side.run: reader for reader in readers if reader.side.run}
        for run in tuned:
            generator.add_adapter(run, run_dir(run) / "adapter")
        for run, reader in tuned.items():
            if not generator.differs_from_base(run, reader.encode(self.questions[0]).prompt):
                raise ModelError(f"The run {run} answers exactly as its base.", "Its adapter is empty; train it again.")
            self.records.add({"run": run, "differs": True})

    def _losses(self, generator: Generator, readers: Sequence[Reader], chunk: Sequence[Question]) -> None:
        """Loss of each reference, in batches of like length. One that was begun is read anew: a batch of other rows
        would differ in the last digits."""
        most = LOSS_TOKENS_CPU if generator.model.device.type == "cpu" else LOSS_TOKENS
        for reader in readers:
            side, known = reader.side, self.records.losses
            for batch in _batches([(one, reader.encode(one)) for one in chunk if one.reference], most):
                if self.job.stopping:
                    return
                if all((question.row_id, side.name) in known for question, _ in batch):
                    continue
                self._tell(f"reading reference {len(known) + 1:,} of {self._references:,}{self._then()}")
                began = time.monotonic()
                found = generator.losses([(one.whole, one.labels) for _, one in batch], side.run or BASE)
                read = sum(len(question.reference) for question, _ in batch)
                self._read = Pace(self._read.done + read, self._read.seconds + time.monotonic() - began)
                for (question, _), (nats, tokens) in zip(batch, found, strict=True):
                    self.records.add(
                        {"row_id": question.row_id, "side": side.name, "nats": finite(nats), "ref_tokens": tokens}
                    )
                self._unread = self._to_read()

    def _to_read(self) -> int:
        """Characters of the references that are still to be read: time goes by length, and short ones come first."""
        return sum(
            len(question.reference)
            for question in self.questions
            for reader in self.readers
            if (question.row_id, reader.side.name) not in self.records.losses
        )

    def _then(self) -> str:
        """How long reading goes on, while nothing is known of how long the answers take."""
        left = self._read.left(self._unread)
        return "" if left is None or self._answered.done else f" (about {duration(left)} more), then answering"

    def _answers(self, generator: Generator, readers: Sequence[Reader], chunk: Sequence[Question], repeat: int) -> None:
        """Every answer of a chunk that is not there yet. What is cut off by a stop is no answer."""
        pending = [(reader, one) for reader, one, number in self._pending(readers, chunk) if number == repeat]
        if not pending or self.job.stopping:
            return
        config = self.config
        sampling = Sampling(config.max_new_tokens, config.temperature, config.top_p, config.seed + repeat)
        requests = [
            Request(reader.encode(one).prompt, reader.side.run or BASE, reader.stop_ids, key=one.row_id)
            for reader, one in pending
        ]
        answered, before, began = len(self.records.answers), self._seconds, time.monotonic()
        first, tokens_at_first, tokens = began, 0, 0

        def on_token(newest: list[int | None]) -> bool:
            nonlocal first, tokens_at_first, tokens
            now, written = time.monotonic(), sum(token is not None for token in newest)
            if not tokens:  # until now the prompts were read, which says nothing of the pace from here on
                first, tokens_at_first = now, written
            tokens += written
            self._tokens += written
            self._seconds = before + now - began
            done = max(answered + tokens / config.max_new_tokens, len(self.records.answers))
            self._tell("asking", done, Pace((tokens - tokens_at_first) / config.max_new_tokens, now - first))
            return self.job.stopping

        for place, answer in generator.answers(requests, sampling, on_token):
            if answer.ended == "stopped":
                continue
            reader, question = pending[place]
            self.records.add(
                {
                    "row_id": question.row_id,
                    "side": reader.side.name,
                    "repeat": repeat,
                    "text": reader.read(answer.ids),
                    "ended": answer.ended,
                    "tokens": len(answer.ids),
                    "prompt_tokens": len(requests[place].ids),
                }
            )
        done = len(self.records.answers) - answered
        self._answered = Pace(self._answered.done + done, self._answered.seconds + time.monotonic() - began)

    def _pending(
        self, readers: Sequence[Reader], questions: Sequence[Question]
    ) -> Iterator[tuple[Reader, Question, int]]:
        for repeat in range(self.config.repeats):
            for reader in readers:
                for question in questions:
                    if (question.row_id, reader.side.name, repeat) not in self.records.answers:
                        yield reader, question, repeat

    def _tell(self, text: str, done: float = 0.0, now: Pace | None = None) -> None:
        """Progress in answers; one that is being written counts in part. What is still to be read takes time too.

        `now`: the pace of the first answers, until some are whole.
        """
        done = max(done, len(self.records.answers))
        pace = now if now and not self._answered.done else self._answered
        answering = pace.left(self._total - done)
        reading = self._read.left(self._unread)
        left = None if answering is None or reading is None else answering + reading
        more = {"tokens_per_second": self._tokens / max(self._seconds, 1e-3)} if self._tokens else {}
        self.job.progress(done, self._total, text, seconds_left=left, **more)


def _batches(rows: Sequence[tuple[Question, Encoded]], most: int) -> Iterator[list[tuple[Question, Encoded]]]:
    """Rows of like length together, as many as make a batch of `most` tokens."""
    batch: list[tuple[Question, Encoded]] = []
    for row in sorted(rows, key=lambda row: len(row[1].whole)):
        if batch and (len(batch) == LOSS_ROWS or (len(batch) + 1) * len(row[1].whole) > most):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
