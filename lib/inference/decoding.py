"""The loop that writes answers: prompts of a batch at once, then a token of every row a step.

Prompts are padded on the left. Rows that have ended leave the batch, so the others go on faster. On a GPU the steps
after the first are recorded and played (see `recorded`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft import PeftModel

from lib.inference.adapters import BASE, Router
from lib.inference.cache import roomy_cache
from lib.inference.recorded import Step, can_record
from lib.inference.sampling import Chooser, Sampling

KEPT = 0.75  # of a batch's rows: when no more than these go on, the others' places are given up
KEPT_RECORDED = 0.5  # the same, where the steps have to be recorded again
RECORDED_ON = ("cuda",)
WORTH_RECORDING = 16  # steps: recording takes as long as some of them
OnTokens = Callable[[dict[int, int]], bool]
"""Told the newest token of each row that goes on; returns True to stop."""


@dataclass(frozen=True)
class Request:
    """A prompt's token ids, who answers it (an adapter's name, or `BASE`), and the tokens that end the answer.

    `key`: where tokens are drawn, requests of one key draw the same numbers in whatever batch they are; by default the
    place in the batch.
    """

    ids: Sequence[int]
    adapter: str = BASE
    stop_ids: tuple[int, ...] = ()
    key: int | None = None


@dataclass(frozen=True)
class Completion:
    """One answer: token ids without the end token, and why it ended: `end`, `length` or `stopped`."""

    ids: list[int]
    ended: str


def decode(
    model: Any, router: Router, requests: Sequence[Request], sampling: Sampling, on_tokens: OnTokens | None = None
) -> Iterator[tuple[int, Completion]]:
    """Answer one batch; each answer comes with its place in `requests` as soon as it has ended.

    Requests of one adapter have to stand together.
    """
    batch = _Batch(model, router, requests, sampling)
    answers: list[list[int]] = [[] for _ in requests]
    tokens = batch.begin()
    for length in range(1, sampling.max_new_tokens + 1):
        going: dict[int, int] = {}
        for row, token in zip(batch.rows, tokens, strict=True):
            if row not in batch.ended and token in requests[row].stop_ids:
                batch.ended.add(row)
                yield row, Completion(answers[row], "end")
            elif row not in batch.ended:
                answers[row].append(token)
                going[row] = token
        stopped = on_tokens(going) if on_tokens else False
        if stopped or not going or length == sampling.max_new_tokens:
            yield from ((row, Completion(answers[row], "stopped" if stopped else "length")) for row in going)
            return
        tokens = batch.step(tokens)


class _Batch:
    """What the model holds of a batch: cache, mask and who is in it. `rows` are places in the requests."""

    def __init__(self, model: Any, router: Router, requests: Sequence[Request], sampling: Sampling) -> None:
        self.model, self.router, self.requests = model, router, requests
        self.rows = list(range(len(requests)))
        self.ended: set[int] = set()
        self._network: Any = model.get_base_model() if isinstance(model, PeftModel) else model
        keys = (request.key for request in requests)
        self._chooser = Chooser(sampling, [row if key is None else key for row, key in enumerate(keys)])
        self._width = max(len(request.ids) for request in requests)
        room = self._width + sampling.max_new_tokens
        self._cache = roomy_cache(model.config, room)
        self._ids, self._mask = pad([request.ids for request in requests], model.device, room=room)
        self._recorded: Step | None = None
        self._records = model.device.type in RECORDED_ON and can_record(self._network, self._cache)

    def begin(self) -> list[int]:
        """Read the prompts; returns each row's first token."""
        return self._chooser.choose(self._read(self._ids))

    def step(self, tokens: Sequence[int]) -> list[int]:
        """Go on after these tokens, one a row; returns the next ones of the rows that are left in `rows`."""
        staying = [place for place, row in enumerate(self.rows) if row not in self.ended]
        if len(staying) <= (KEPT_RECORDED if self._recorded else KEPT) * len(self.rows):
            tokens = self._keep(staying, tokens)
        self._width += 1
        if self._records and self._mask.shape[1] - self._width >= WORTH_RECORDING and self._recorded is None:
            self._recorded = Step(self._forward, self._cache, self._mask, self._width - 1)
        return self._chooser.choose(self._after(tokens))

    @torch.inference_mode()
    def _after(self, tokens: Sequence[int]) -> torch.Tensor:
        if self._recorded is not None:
            try:
                return self._recorded(tokens)
            except RuntimeError:  # a model that cannot be recorded still answers, only slower
                self._records = False
                self._let_go()
        return self._read(torch.tensor(tokens, device=self._mask.device)[:, None])

    @torch.inference_mode()
    def _read(self, ids: torch.Tensor) -> torch.Tensor:
        mask = self._mask[:, : self._width]
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        return self._forward(ids, mask, positions)

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Logits after the last token, (rows, vocabulary)."""
        with self.router.rows(self.model, [self.requests[row].adapter for row in self.rows]):
            logits: torch.Tensor = self._network(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
        return logits

    def _let_go(self) -> None:
        if self._recorded is not None:
            self._recorded.let_go()
            self._recorded = None

    @torch.inference_mode()
    def _keep(self, places: list[int], tokens: Sequence[int]) -> list[int]:
        self._let_go()
        where = torch.tensor(places, device=self._mask.device)
        self._cache.batch_select_indices(where)
        self._mask = self._mask[where]
        self._chooser.keep(places)
        self.rows = [self.rows[place] for place in places]
        return [tokens[place] for place in places]


def pad(
    rows: Sequence[Sequence[int]], device: torch.device, room: int = 0, left: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids (rows, longest) with zeros in the gaps, and a mask that is 0 there; the mask has ones up to `room` behind."""
    width = max(len(row) for row in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    mask = torch.ones((len(rows), max(room, width)), dtype=torch.long)
    mask[:, :width] = 0
    for index, row in enumerate(rows):
        where = slice(width - len(row), width) if left else slice(0, len(row))
        ids[index, where], mask[index, where] = torch.tensor(list(row)), 1
    return ids.to(device), mask.to(device)
