"""The loss at trained tokens, a piece of the vocabulary's logits at a time.

Nothing of the head is trained, so the gradient of the hidden states is found together with the loss, and logits of a
whole batch are never held: for 4,096 tokens and 32,000 words they and their gradients would be 1.5 GB.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

# Logits at once. On a CPU they stay in its cache; on a GPU they are 128 MiB in float32.
_ON_CPU, _ON_GPU = 2**22, 2**25


def answer_loss(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, targets: torch.Tensor
) -> torch.Tensor:
    """Sum of negative log-likelihoods in nats, float32.

    Args:
        hidden: (tokens, size), the states before the head, trained positions only.
        weight: (words, size) and bias (words), which get no gradient.
        targets: (tokens), the words that come.
    """
    total: torch.Tensor = _AnswerLoss.apply(hidden, weight, bias, targets)
    return total


class _AnswerLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, targets: torch.Tensor
    ) -> torch.Tensor:
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        gradient = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        at_once = max(1, (_ON_GPU if hidden.is_cuda else _ON_CPU) // weight.shape[0])
        for start in range(0, hidden.shape[0], at_once):
            rows = slice(start, start + at_once)
            likely, nats = _softmax(functional.linear(hidden[rows], weight, bias).float(), targets[rows])
            total += nats
            if gradient is not None:
                likely[torch.arange(likely.shape[0], device=likely.device), targets[rows]] -= 1
                gradient[rows] = likely.to(weight.dtype) @ weight
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *outer: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * outer[0].to(gradient.dtype), None, None, None


def _softmax(logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities, written over the logits, and the sum of the targets' negative log-likelihoods."""
    top = logits.amax(dim=-1, keepdim=True)
    of_targets = logits.gather(1, targets[:, None])
    likely = logits.sub_(top).exp_()
    total = likely.sum(dim=-1, keepdim=True)
    return likely.div_(total), (total.log() + top - of_targets).sum()
