"""TRL's SFTTrainer without the work that nobody reads.

TRL computes entropy and token accuracy at every position of every step. Here the head (a fifth of a small model's
work) is applied only at positions that are trained, and only the loss is taken. With several processes, and for models
that do more to their logits than multiply, the plain TRL path is used.
"""

from __future__ import annotations

from typing import Any

import torch
from peft import PeftModel

from lib.training.trainer import attention
from lib.training.trainer.head import answer_loss
from lib.training.trainer.steps import LeanTrainer

_BOUNDARIES = ("cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k")
# What models do to their logits beside multiplying, by the name of the setting, and the value that means "nothing".
_TO_LOGITS = {
    "final_logit_softcapping": None,
    "logit_scale": 1,
    "output_multiplier": 1,
    "lm_head_multiplier": 1,
    "logits_scaling": 1,
}


class AnswerLossTrainer(LeanTrainer):
    """SFTTrainer with the loss taken at trained positions only; `tokens_seen` counts real tokens of training."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.tokens_seen = 0
        super().__init__(*args, **kwargs)
        self._plain = (
            self.accelerator.num_processes == 1 and _only_multiplies(self.adapted) and not self.aux_loss_enabled
        )

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean negative log-likelihood in nats over the trained tokens of the step (all micro-batches of it)."""
        if model.training:
            self.tokens_seen += int(inputs["input_ids"].numel())
        if not self._plain or return_outputs:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        base: Any = self.adapted.get_base_model()
        targets = inputs["labels"][:, 1:]
        trained = targets != -100
        with self.accelerator.autocast():
            hidden = self._hidden(base, inputs)[:, :-1][trained]
            head = base.get_output_embeddings()
            total = answer_loss(hidden, head.weight, head.bias, targets[trained])
        count = trained.sum() if num_items_in_batch is None else num_items_in_batch
        return total / torch.as_tensor(count, device=total.device).clamp(min=1)

    @staticmethod
    def _hidden(base: Any, inputs: dict[str, Any]) -> torch.Tensor:
        """(1, tokens, size): the states before the head."""
        arguments = {name: inputs[name] for name in ("input_ids", "position_ids")}
        if base.config._attn_implementation == attention.NAME:
            arguments |= {name: inputs[name] for name in _BOUNDARIES}
            arguments["attention_mask"] = attention.no_mask(inputs["input_ids"].device)
        states: torch.Tensor = base.get_decoder()(**arguments, use_cache=False).last_hidden_state
        return states

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """As transformers' Trainer logs; TRL's averages have nothing to average here unless its path was taken."""
        self._metrics["train"].setdefault("num_tokens", [float(self.tokens_seen)])
        super().log(logs, start_time)


def _only_multiplies(model: PeftModel) -> bool:
    """Whether logits are the last states times the head's weights, which are not trained."""
    base: Any = model.get_base_model()
    config, head = base.config.get_text_config(), base.get_output_embeddings()
    untouched = all(getattr(config, name, None) in (None, nothing) for name, nothing in _TO_LOGITS.items())
    return untouched and type(head) is torch.nn.Linear and not any(weight.requires_grad for weight in head.parameters())
