"""Whether an answer that was cut at the length limit had gone round in circles: more room would not have ended it."""

from __future__ import annotations

import re

TIMES = 4  # the same again so often, up to the end
LEAST = 16  # characters of all of them together: four dots or a short cheer are no circle
_NUMBER = re.compile(r"\b\d+[.)](?=\s|$)")  # of a list: one that only counts up says the same again, too


def circles(answer: str) -> bool:
    """Whether it ends with the same words again and again, list numbers aside; the last time may be cut off."""
    text = _NUMBER.sub("0.", " ".join(answer.split()))
    return any(_ends_with(text, period) for period in range(1, len(text) // TIMES + 1))


def _ends_with(text: str, period: int) -> bool:
    """Whether its end is a piece of so many characters, repeated."""
    same = 0
    while same < len(text) - period and text[-1 - same] == text[-1 - same - period]:
        same += 1
    whole = same + period
    return whole >= max(TIMES * period, LEAST) and any(sign.isalnum() for sign in text[-period:])
