"""Which of the candidates to propose, and why, in words."""

from __future__ import annotations

from dataclasses import replace

from lib.training.config import TrainConfig
from lib.training.plan.candidates import Candidate, Ground, candidates, shorter
from lib.training.plan.records import Proposal
from lib.words import duration, memory

WORTH = 0.95  # a proposal has to take less than this of the time
SAVING = 0.7  # or of the memory
# How far a change is from what was asked for; the same rows in smaller batches change nothing that is learned.
_DISTANCE = {
    "gradient_accumulation_steps": 0,
    "per_device_train_batch_size": 1,
    "gradient_checkpointing": 2,
    "packing": 4,
    "group_by_length": 0,
    "quantization": 8,
    "max_length": 16,
}


def propose(ground: Ground, asked: TrainConfig, now: Candidate) -> tuple[Proposal, ...]:
    """Where the settings do not fit, the nearest change that does; then the fastest, and the one that takes least.

    Empty when nothing better is to be had.
    """
    found = [one for one in candidates(ground, asked, now.memory.fits) if one.memory.fits]
    chosen: list[Proposal] = []
    if not now.memory.fits:
        smallest = replace(
            asked,
            per_device_train_batch_size=1,
            gradient_accumulation_steps=asked.rows_per_step,
            gradient_checkpointing="on",
            quantization=asked.quantization if ground.shape.quantized else "nf4",
        )
        found = found or [one for one in shorter(ground, smallest, asked) if one.memory.fits][:1]
        if not found:
            return ()
        nearest = min(found, key=lambda one: (sum(_DISTANCE[key] for key in one.changed), one.pace.seconds))
        chosen.append(_proposal(nearest, "the nearest change that fits"))
    if found:
        fastest = min(found, key=lambda one: (round(one.pace.seconds, 1), len(one.changed), one.memory.needed))
        if not now.memory.fits or fastest.pace.seconds < WORTH * now.pace.seconds:
            chosen.append(_proposal(fastest, f"the fastest that fits{_faster(fastest, now)}"))
        least = min(found, key=lambda one: (one.memory.needed, one.pace.seconds))
        if least.memory.needed < SAVING * now.memory.needed:
            chosen.append(_proposal(least, "the least memory"))
    return _once(chosen)


def _proposal(candidate: Candidate, what: str) -> Proposal:
    details = [_why(key, candidate) for key in candidate.changed]
    listed = "; ".join(text for text in details if text)
    needs = f"needs {memory(candidate.memory.needed)}, takes about {duration(candidate.pace.seconds)}"
    why = f"{what[:1].upper()}{what[1:]}: {listed or 'other settings'}. It {needs}."
    return Proposal(candidate.changed, why, candidate.pace.seconds, candidate.memory.needed)


def _faster(candidate: Candidate, now: Candidate) -> str:
    """How much, where the present settings would run at all."""
    if not now.memory.fits or not now.pace.seconds:
        return ""
    return f", {1 - candidate.pace.seconds / now.pace.seconds:.0%} less time"


def _why(key: str, candidate: Candidate) -> str:
    """What a change does."""
    config = candidate.config
    return {
        "gradient_checkpointing": (
            "activations computed twice save memory for a third more time"
            if config.gradient_checkpointing == "on"
            else "activations kept rather than computed twice"
        ),
        "quantization": {
            "none": "the base in full precision needs no unpacking at every layer",
            "nf4": "the base in 4 bits takes the least memory",
            "int8": "the base in 8 bits takes half of the memory",
        }[config.quantization],
        "packing": "packed sequences are of one length, so that no batch is much larger than the others",
        "per_device_train_batch_size": (
            f"batches of {config.per_device_train_batch_size} x {config.gradient_accumulation_steps}, "
            "about the same rows a step"
            if config.packing
            else f"batches of {config.per_device_train_batch_size} x {config.gradient_accumulation_steps}, "
            "the same rows a step"
        ),
        "max_length": f"rows of at most {config.max_length} tokens",
    }.get(key, "")


def _once(proposals: list[Proposal]) -> tuple[Proposal, ...]:
    """Without those that say the same again."""
    kept: list[Proposal] = []
    for proposal in proposals:
        if proposal.settings and all(proposal.settings != other.settings for other in kept):
            kept.append(proposal)
    return tuple(kept)
