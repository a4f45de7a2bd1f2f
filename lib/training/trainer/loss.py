"""TRL's SFTTrainer without the work that nobody reads.

TRL computes entropy and token accuracy at every position of every step. Here the head (a fifth of a small model's
work) is applied only at positions that are trained, and only the loss is taken. With several processes the plain TRL
path is used, because DistributedDataParallel must see the whole forward pass.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from peft import PeftModel
from torch.nn import functional
from trl import SFTTrainer


class AnswerLossTrainer(SFTTrainer):
    """SFTTrainer with the loss taken at trained positions only; `tokens_seen` counts real tokens of training."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.tokens_seen = 0
        super().__init__(*args, **kwargs)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean negative log-likelihood in nats over the trained tokens of the step (all micro-batches of it)."""
        if model.training:
            self.tokens_seen += int(inputs["input_ids"].numel())
        if self.accelerator.num_processes > 1 or return_outputs:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        base = self.accelerator.unwrap_model(model).get_base_model()
        with self.accelerator.autocast():
            hidden = base.get_decoder()(
                input_ids=inputs["input_ids"], position_ids=inputs["position_ids"], use_cache=False
            ).last_hidden_state
            targets = inputs["labels"][:, 1:]
            trained = targets != -100
            logits = base.get_output_embeddings()(hidden[:, :-1][trained])
        total = functional.cross_entropy(logits.float(), targets[trained], reduction="sum")
        count = trained.sum() if num_items_in_batch is None else num_items_in_batch
        return total / torch.as_tensor(count, device=total.device).clamp(min=1)

    @property
    def adapted(self) -> PeftModel:
        """The model with its adapter, unwrapped."""
        return cast(PeftModel, self.accelerator.unwrap_model(self.model))

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """As transformers' Trainer logs; TRL's averages have nothing to average here unless its path was taken."""
        self._metrics["train"].setdefault("num_tokens", [float(self.tokens_seen)])
        super().log(logs, start_time)
