"""Which requests are answered together: of like length, as many as memory and speed allow."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import torch

from lib import devices
from lib.inference.cache import bytes_a_token
from lib.inference.decoding import Request
from lib.inference.sampling import Sampling

MOST_ROWS = {"cpu": 64, "cuda": 256}
MOST_TOKENS = {"cpu": 65_536, "cuda": 524_288}
"""Of a batch, padding and answers counted: what reading the prompts keeps for a moment grows with them."""
SHARE = 0.4  # of the memory that is free, for keys and values


def batches(model: Any, requests: Sequence[Request], sampling: Sampling, alone: Set[str]) -> list[list[int]]:
    """Places in `requests`, batch by batch; in a batch, requests of one adapter stand together.

    Adapters in `alone` share no batch with others.
    """
    order = sorted(range(len(requests)), key=lambda place: len(requests[place].ids))
    groups: dict[str, list[int]] = {}
    for place in order:
        name = requests[place].adapter
        groups.setdefault(name if name in alone else "", []).append(place)
    found = [batch for group in groups.values() for batch in _cut(model, group, requests, sampling)]
    return [sorted(batch, key=lambda place: requests[place].adapter) for batch in found]


def _cut(model: Any, order: list[int], requests: Sequence[Request], sampling: Sampling) -> list[list[int]]:
    """Cut a list that is sorted by length: the last of each batch is its longest."""
    kind = model.device.type
    most = min(MOST_TOKENS.get(kind, MOST_TOKENS["cpu"]), _room(model))
    found: list[list[int]] = [[]]
    for place in order:
        rows = len(found[-1]) + 1
        tokens = rows * (len(requests[place].ids) + sampling.max_new_tokens)
        if rows > 1 and (rows > MOST_ROWS.get(kind, MOST_ROWS["cpu"]) or tokens > most):
            found.append([])
        found[-1].append(place)
    return found


def _room(model: Any) -> int:
    """Tokens whose keys and values fit."""
    on_gpu = model.device.type == "cuda"
    free = torch.cuda.mem_get_info(model.device)[0] if on_gpu else devices.memory()[1]
    return int(free * SHARE) // bytes_a_token(model.config, 2 if on_gpu else 4)
