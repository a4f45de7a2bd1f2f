"""A base with any number of adapters on it: answers and losses. Imports torch: not for the web process."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch.nn import functional

from lib.errors import ModelError
from lib.inference.adapters import BASE, Router
from lib.inference.batching import batches
from lib.inference.decoding import Completion, Request, decode, pad
from lib.inference.sampling import Sampling
from lib.models import fingerprint, loading
from lib.models.details import USUAL_CONTEXT
from lib.storage import RENDERER, read_json

__all__ = ["BASE", "Completion", "Generator", "Request", "Sampling"]


class Generator:
    """A base model and its adapters. Not safe for threads: one call at a time."""

    def __init__(self, folder: Path, quantization: str = "none", on: torch.device | None = None) -> None:
        self.folder, self.quantization, self._on = folder, quantization, on
        self.model: Any = self._load()
        self._router = Router()
        self.adapters: dict[str, tuple[Path, int]] = {}
        """Name -> its folder, and when its weights were written, in nanoseconds."""

    @property
    def ready(self) -> bool:
        """False once its base was let go of and could not be loaded again."""
        return hasattr(self, "model")

    def _load(self) -> Any:
        return loading.load_base(self.folder, self.quantization, on=self._on).eval()

    @property
    def context_length(self) -> int:
        """Most tokens that prompt and answer may have together."""
        return int(getattr(self.model.config.get_text_config(), "max_position_embeddings", USUAL_CONTEXT))

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
            traceback.clear_frames(error.__traceback__)  # they hold the base, which may have to be loaded again
            self._forget(name)
            raise ModelError(
                f"The adapter {name} cannot be put onto this base: {str(error).splitlines()[0][:200]}",
                "Use the base that it was trained on.",
            ) from error
        self.model.eval()
        self._router.take_over(self.model)
        self.adapters[name] = folder, _written(folder)

    def outdated(self) -> bool:
        """Whether an adapter that is loaded was written anew since, by a run that went on."""
        return any(_written(folder) != written for folder, written in self.adapters.values())

    def _check_base(self, name: str, folder: Path) -> None:
        """An adapter of ours names its base: one of the same shape but with other weights would answer nonsense."""
        renderer = folder / RENDERER
        if renderer.exists() and read_json(renderer)["base_sha256"] != fingerprint(self.folder):
            raise ModelError(
                f"The adapter {name} was trained on other weights than those in {self.folder}.",
                "Use the base that it was trained on.",
            )

    def _forget(self, name: str) -> None:
        """Take back an adapter that was put on in part: what of it did fit would change the answers."""
        if not self.adapters:
            del self.model
            loading.free()
            self.model = self._load()
        elif name in self.model.peft_config:
            self.model.delete_adapter(name)

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        adapters: Sequence[str],
        stop_ids: Sequence[int],
        sampling: Sampling,
        on_token: Callable[[list[int | None]], bool] | None = None,
    ) -> list[Completion]:
        """Answer a few prompts at once, each with its own adapter (`BASE` for none).

        Args:
            prompts: token ids, one list a row.
            on_token: called after each step with the newest token of each row (None for rows that have ended);
                returns True to stop early.

        Raises:
            ModelError: a prompt leaves no room for an answer.
        """
        requests = [Request(ids, name, tuple(stop_ids)) for ids, name in zip(prompts, adapters, strict=True)]
        answers = dict(self.answers(requests, sampling, on_token))
        return [answers[row] for row in range(len(requests))]

    def answers(
        self,
        requests: Sequence[Request],
        sampling: Sampling,
        on_token: Callable[[list[int | None]], bool] | None = None,
    ) -> Iterator[tuple[int, Completion]]:
        """Answer any number of requests, in batches of like length as large as memory allows.

        Each answer comes with its place in `requests`, when it has ended. `on_token` as in `generate`; once it has
        returned True, the rows of that batch end as `stopped` and those of later batches do not come at all.

        Raises:
            ModelError: a prompt leaves no room for an answer.
        """
        self.check_room(max(len(request.ids) for request in requests), sampling)
        stopped = False
        for places in batches(self.model, requests, sampling, self._router.alone(self.model)):

            def on_tokens(going: dict[int, int], places: list[int] = places) -> bool:
                nonlocal stopped
                newest = {places[row]: token for row, token in going.items()}
                stopped = on_token is not None and on_token([newest.get(row) for row in range(len(requests))])
                return stopped

            batch = [requests[place] for place in places]
            for row, completion in decode(self.model, self._router, batch, sampling, on_tokens):
                yield places[row], completion
            if stopped:
                return

    def check_room(self, longest: int, sampling: Sampling) -> None:
        if longest + sampling.max_new_tokens > self.context_length:
            raise ModelError(
                f"A prompt of {longest} tokens and {sampling.max_new_tokens} new ones are more than the model's "
                f"{self.context_length}.",
                "Shorten the prompt or ask for fewer new tokens.",
            )

    @torch.inference_mode()
    def losses(self, rows: Sequence[tuple[Sequence[int], Sequence[int]]], adapter: str) -> list[tuple[float, int]]:
        """Teacher-forced loss of references, in nats.

        Args:
            rows: (ids, labels) with labels -100 where nothing is scored.

        Returns:
            (summed negative log-likelihood, number of scored tokens) a row.
        """
        ids, mask = pad([ids for ids, _ in rows], self.model.device, left=False)
        network = self._network
        results = []
        with self._router.rows(self.model, [adapter] * len(rows)):
            hidden = network.get_decoder()(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
            for row, (_, labels) in zip(hidden, rows, strict=True):
                targets = torch.tensor(list(labels)[1:], device=ids.device)
                scored = targets != -100
                logits = network.get_output_embeddings()(row[: len(labels) - 1][scored]).float()
                loss = functional.cross_entropy(logits, targets[scored], reduction="sum")
                results.append((float(loss), int(scored.sum())))
        return results

    @torch.inference_mode()
    def logits(self, ids: Sequence[int], adapter: str = BASE) -> torch.Tensor:
        """Logits after each token, (tokens, vocabulary)."""
        with self._router.rows(self.model, [adapter]):
            row = torch.tensor([list(ids)], device=self.model.device)
            found: torch.Tensor = self._network(input_ids=row, use_cache=False).logits[0]
        return found

    def differs_from_base(self, adapter: str, prompt: Sequence[int]) -> bool:
        """True when the adapter changes the logits after `prompt`: a proof that it is in use."""
        return not torch.equal(self.logits(prompt, adapter), self.logits(prompt))

    @property
    def _network(self) -> Any:
        """The model itself, its layers adapted in place."""
        return self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model


def _written(folder: Path) -> int:
    file = folder / "adapter_model.safetensors"
    return file.stat().st_mtime_ns if file.exists() else 0
