"""Generation and scoring with one base and any number of adapters on it. Imports torch: not for the web process."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from peft import PeftModel
from torch.nn import functional
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from lib.errors import ModelError
from lib.models import fingerprint, loading
from lib.storage import read_json

BASE = "__base__"  # PEFT's own name for "no adapter" in a batch of several


@dataclass(frozen=True)
class Sampling:
    """How to choose tokens: greedy when `temperature` is 0. `max_new_tokens` limits the answer's length."""

    max_new_tokens: int = 128
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Completion:
    """One answer: token ids without the end token, and why it ended: `end`, `length` or `stopped`."""

    ids: list[int]
    ended: str


class Generator:
    """A base model and its adapters. Not safe for threads: one call at a time."""

    def __init__(self, folder: Path, quantization: str = "none") -> None:
        self.folder, self.quantization = folder, quantization
        self.model: Any = loading.load_base(folder, quantization).eval()
        self.adapters: dict[str, tuple[Path, int]] = {}
        """Name -> its folder, and when its weights were written, in nanoseconds."""

    @property
    def context_length(self) -> int:
        """Most tokens that prompt and answer may have together."""
        return int(getattr(self.model.config, "max_position_embeddings", 2048))

    def add_adapter(self, name: str, folder: Path) -> None:
        """Put an adapter beside those already there.

        Raises:
            ModelError: the files are missing or made for another base.
        """
        if name in self.adapters:
            return
        self._check_base(name, folder)
        try:
            if isinstance(self.model, PeftModel):
                self.model.load_adapter(str(folder), adapter_name=name)
            else:
                self.model = PeftModel.from_pretrained(self.model, str(folder), adapter_name=name)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            self._forget(name)
            raise ModelError(
                f"The adapter {name} cannot be put onto this base: {str(error).splitlines()[0][:200]}",
                "Use the base that it was trained on.",
            ) from error
        self.model.eval()
        self.adapters[name] = folder, _written(folder)

    def outdated(self) -> bool:
        """Whether an adapter that is loaded was written anew since, by a run that went on."""
        return any(_written(folder) != written for folder, written in self.adapters.values())

    def _check_base(self, name: str, folder: Path) -> None:
        """An adapter of ours names its base: one of the same shape but with other weights would answer nonsense."""
        renderer = folder / "renderer.json"
        if renderer.exists() and read_json(renderer)["base_sha256"] != fingerprint(self.folder):
            raise ModelError(
                f"The adapter {name} was trained on other weights than those in {self.folder}.",
                "Use the base that it was trained on.",
            )

    def _forget(self, name: str) -> None:
        """Take back an adapter that was put on in part: what of it did fit would change the answers."""
        if not self.adapters:
            self.model = loading.load_base(self.folder, self.quantization).eval()
        elif name in self.model.peft_config:
            self.model.delete_adapter(name)

    @torch.inference_mode()
    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        adapters: Sequence[str],
        stop_ids: Sequence[int],
        sampling: Sampling,
        on_token: Callable[[list[int | None]], bool] | None = None,
    ) -> list[Completion]:
        """Answer a batch of prompts, each with its own adapter (`BASE` for none), padded on the left.

        Args:
            prompts: token ids, one list a row.
            on_token: called after each step with the newest token of each row (None for rows that have ended);
                returns True to stop early.

        Raises:
            ModelError: a prompt leaves no room for an answer.
        """
        longest = max(len(prompt) for prompt in prompts)
        if longest + sampling.max_new_tokens > self.context_length:
            raise ModelError(
                f"A prompt of {longest} tokens and {sampling.max_new_tokens} new ones are more than the model's "
                f"{self.context_length}.",
                "Shorten the prompt or ask for fewer new tokens.",
            )
        ids, mask = self._pad(prompts, stop_ids[0])
        torch.manual_seed(sampling.seed)
        streamer = _RowStreamer(len(prompts), set(stop_ids), on_token)
        options: dict[str, Any] = {"adapter_names": list(adapters)} if self.adapters else {}
        output = self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=self._config(sampling, stop_ids),
            streamer=streamer,
            stopping_criteria=StoppingCriteriaList([streamer.criterion]),
            **options,
        )
        new = output[:, ids.shape[1] :].tolist()
        return [_completion(row, set(stop_ids), streamer.stopped) for row in new]

    @torch.inference_mode()
    def losses(
        self, rows: Sequence[tuple[Sequence[int], Sequence[int]]], adapter: str, stop_id: int
    ) -> list[tuple[float, int]]:
        """Teacher-forced loss of references, in nats.

        Args:
            rows: (ids, labels) with labels -100 where nothing is scored.

        Returns:
            (summed negative log-likelihood, number of scored tokens) a row.
        """
        ids, mask = self._pad([ids for ids, _ in rows], stop_id, left=False)
        decoder, head = self._parts()
        options: dict[str, Any] = {"adapter_names": [adapter] * len(rows)} if self.adapters else {}
        with self._adapters_for_batch(options):
            hidden = decoder(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        results = []
        for index, (_, labels) in enumerate(rows):
            targets = torch.tensor(list(labels)[1:], device=ids.device)
            scored = targets != -100
            logits = head(hidden[index, : len(labels) - 1][scored]).float()
            loss = functional.cross_entropy(logits, targets[scored], reduction="sum")
            results.append((float(loss), int(scored.sum())))
        return results

    @torch.inference_mode()
    def differs_from_base(self, adapter: str, prompt: Sequence[int]) -> bool:
        """True when the adapter changes the logits after `prompt`: a proof that it is in use."""
        ids, mask = self._pad([prompt, prompt], prompt[0])
        logits = self.model(input_ids=ids, attention_mask=mask, use_cache=False, adapter_names=[BASE, adapter]).logits
        return not torch.equal(logits[0, -1], logits[1, -1])

    def _parts(self) -> tuple[Any, Any]:
        base: Any = self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model
        return base.get_decoder(), base.get_output_embeddings()

    def _adapters_for_batch(self, options: dict[str, Any]) -> Any:
        """PEFT's per-row adapters, also for calls that go past the outermost module."""
        inner = self.model.base_model
        return inner._enable_peft_forward_hooks(**options) if options else contextlib.nullcontext()

    def _pad(self, rows: Sequence[Sequence[int]], filler: int, left: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(len(row) for row in rows)
        ids = torch.full((len(rows), width), filler, dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for index, row in enumerate(rows):
            where = slice(width - len(row), width) if left else slice(0, len(row))
            ids[index, where], mask[index, where] = torch.tensor(list(row)), 1
        where_to = self.model.device
        return ids.to(where_to), mask.to(where_to)

    def _config(self, sampling: Sampling, stop_ids: Sequence[int]) -> GenerationConfig:
        greedy = sampling.temperature <= 0
        more: dict[str, Any] = {} if greedy else {"temperature": sampling.temperature, "top_p": sampling.top_p}
        return GenerationConfig(
            max_new_tokens=sampling.max_new_tokens,
            do_sample=not greedy,
            eos_token_id=list(stop_ids),
            pad_token_id=stop_ids[0],
            use_cache=True,
            **more,
        )


def _completion(row: list[int], stop_ids: set[int], stopped: bool) -> Completion:
    for index, token in enumerate(row):
        if token in stop_ids:
            return Completion(row[:index], "end")
    return Completion(row, "stopped" if stopped else "length")


class _RowStreamer(BaseStreamer):
    """Hands each step's tokens on, row by row, and carries the wish to stop back into `generate`."""

    def __init__(self, rows: int, stop_ids: set[int], on_token: Callable[[list[int | None]], bool] | None) -> None:
        self.rows, self.stop_ids, self.on_token = rows, stop_ids, on_token
        self.stopped, self._prompt_seen, self._ended = False, False, [False] * rows
        self.began = time.perf_counter()
        self.criterion = cast(StoppingCriteria, self._criterion)

    def put(self, value: torch.Tensor) -> None:
        if not self._prompt_seen:  # generate hands over the prompt first
            self._prompt_seen = True
            return
        tokens: list[int | None] = []
        for index, token in enumerate(value.flatten().tolist()):
            self._ended[index] = self._ended[index] or token in self.stop_ids
            tokens.append(None if self._ended[index] else token)
        if self.on_token and self.on_token(tokens):
            self.stopped = True

    def end(self) -> None:
        return

    def _criterion(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        return torch.full((input_ids.shape[0],), self.stopped, dtype=torch.bool, device=input_ids.device)


def _written(folder: Path) -> int:
    file = folder / "adapter_model.safetensors"
    return file.stat().st_mtime_ns if file.exists() else 0
