"""Rows with more tokens than fit: what becomes of one, exactly, and what that comes to over many.

fitted = fit(conversation, tokens, 512, "turns", encode)
fitted.parts, fitted.outcome; total += fitted.effect

Training, export as ids and the count beforehand all use this, so that what was counted is what happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from lib.errors import BadInput
from lib.formats.render import REFUSALS
from lib.formats.tokens import Tokens
from lib.records import Conversation, Message

Encode = Callable[[Conversation], Tokens]
Outcome = Literal["fits", "cut", "shortened", "split", "too long", "nothing left"]

POLICIES: dict[str, str] = {
    "drop": "Leave the row out.",
    "cut": "Cut its end off: the answer then loses its end token, and the model does not see it stop.",
    "turns": "Take its oldest pairs of question and answer away; a last pair that is too long alone is left out.",
    "split": "Make several rows of it, each with the system prompt; a pair that is too long goes on in the next row.",
}
"""What to do with a row that is too long, by name, in words."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a policy does, to one row or added up over many."""

    rows: int = 0
    """Rows that came in."""
    fit: int = 0
    """Rows left as they were."""
    cut: int = 0
    """Rows whose end was cut off."""
    shortened: int = 0
    """Rows that lost their oldest pairs."""
    split: int = 0
    """Rows that became several."""
    too_long: int = 0
    """Rows left out because they are too long."""
    nothing_left: int = 0
    """Rows left out because nothing in what would fit is learned."""
    turns_removed: int = 0
    """Pairs taken away from rows that stayed."""
    made: int = 0
    """Rows that came out."""
    tokens_lost: int = 0
    """Tokens that are in no row that came out."""
    trained_lost: int = 0
    """Tokens to learn that are in no row that came out."""

    @property
    def dropped(self) -> int:
        """Rows left out, for either reason."""
        return self.too_long + self.nothing_left

    def __add__(self, other: Effect) -> Effect:
        return Effect(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def to_dict(self) -> dict[str, int]:
        return {**asdict(self), "dropped": self.dropped}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Effect:
        return cls(**{field.name: value[field.name] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Fitted:
    """The rows that one row became, none when it is left out, in order. Each has at most the tokens that fit.

    Spans of parts that were cut off or windows are those of the text they were cut from.
    """

    parts: list[Tokens]
    outcome: Outcome
    effect: Effect


def fit(conversation: Conversation, tokens: Tokens, max_length: int, policy: str, encode: Encode) -> Fitted:
    """What becomes of a row under a policy. `tokens` is what `encode` makes of `conversation`.

    `encode` is called again only for a row that is too long; whatever its mask marks is what has to be learned.

    Raises:
        BadInput: an unknown policy, or a length below 1.
    """
    if policy not in POLICIES or max_length < 1:
        raise BadInput(
            f"Rows cannot be fitted into {max_length} tokens by {policy!r}.",
            f"Use a length above 0 and one of: {', '.join(POLICIES)}.",
        )
    if len(tokens) <= max_length:
        return _result("fits" if any(tokens.trained) else "nothing left", tokens, [tokens], lost=0)
    if policy == "cut":
        return _result("cut", tokens, [_slice(tokens, 0, max_length)], lost=len(tokens) - max_length)
    if policy == "turns":
        return _without_oldest(conversation, tokens, max_length, encode)
    if policy == "split":
        return _split(conversation, tokens, max_length, encode)
    return _result("too long", tokens, [], lost=len(tokens))


def _result(outcome: Outcome, tokens: Tokens, parts: list[Tokens], *, lost: int, removed: int = 0) -> Fitted:
    """Leaves out parts with nothing to learn; `lost`: tokens that are in none of `parts`."""
    kept = [part for part in parts if any(part.trained)]
    if parts and not kept:
        outcome = "nothing left"
    lost = lost + sum(len(part) for part in parts) - sum(len(part) for part in kept) if kept else len(tokens)
    effect = Effect(
        rows=1,
        fit=outcome == "fits",
        cut=outcome == "cut",
        shortened=outcome == "shortened",
        split=outcome == "split",
        too_long=outcome == "too long",
        nothing_left=outcome == "nothing left",
        turns_removed=removed if kept else 0,
        made=len(kept),
        tokens_lost=lost,
        trained_lost=max(0, sum(tokens.trained) - sum(sum(part.trained) for part in kept)),
    )
    return Fitted(kept, outcome, effect)


def _without_oldest(conversation: Conversation, tokens: Tokens, max_length: int, encode: Encode) -> Fitted:
    """Without as few of the oldest pairs as makes it fit."""
    head, turns = _turns(conversation)

    def newest(kept: int) -> Tokens | None:
        return _encoded(head, turns[-kept:], conversation, encode)

    kept, part = _most(newest, len(turns) - 1, max_length)
    if part is None:
        return _result("too long", tokens, [], lost=len(tokens))
    lost = max(0, len(tokens) - len(part))
    return _result("shortened", tokens, [part], lost=lost, removed=len(turns) - kept)


def _split(conversation: Conversation, tokens: Tokens, max_length: int, encode: Encode) -> Fitted:
    """Pairs dealt in order, as many to a row as fit; a pair that does not fit alone in windows of its tokens."""
    head, turns = _turns(conversation)
    if len(turns) < 2:
        return _result("split", tokens, list(_windows(tokens, max_length)), lost=0)
    parts: list[Tokens] = []
    start = 0
    while start < len(turns):
        rest = turns[start:]

        def oldest(kept: int, rest: list[list[Message]] = rest) -> Tokens | None:
            return _encoded(head, rest[:kept], conversation, encode)

        kept, part = _most(oldest, len(rest) - (start == 0), max_length)
        if part is None:
            kept, alone = 1, oldest(1)
            if alone is None:
                return _result("too long", tokens, [], lost=len(tokens))
            parts += _windows(alone, max_length)
        else:
            parts.append(part)
        start += kept
    return _result("split", tokens, parts, lost=0)


def _most(encoded: Callable[[int], Tokens | None], limit: int, max_length: int) -> tuple[int, Tokens | None]:
    """The largest number of pairs, `limit` at most, that fits, and their tokens; (0, None) when not even one does.

    One more would not fit. It looks at 1, 2, 4, … and then between: many pairs must not cost their square.
    """
    fits, too_many = 0, limit + 1
    part: Tokens | None = None
    while too_many - fits > 1:
        number = min(max(1, 2 * fits), limit) if too_many > limit else (fits + too_many) // 2
        found = encoded(number)
        if found is not None and len(found) <= max_length:
            fits, part = number, found
        else:
            too_many = number
    return fits, part


def _windows(tokens: Tokens, max_length: int) -> Iterator[Tokens]:
    for start in range(0, len(tokens), max_length):
        yield _slice(tokens, start, start + max_length)


def _slice(tokens: Tokens, start: int, end: int) -> Tokens:
    joins = [number - start for number in tokens.joins if start <= number < end]
    some = slice(start, end)
    return Tokens(tokens.ids[some], tokens.trained[some], tokens.spans[some], tokens.special[some], joins)


def _turns(conversation: Conversation) -> tuple[list[Message], list[list[Message]]]:
    """What stands before the first user message, and each user message with all that follows it."""
    head: list[Message] = []
    turns: list[list[Message]] = []
    for message in conversation.messages:
        if message.role == "user":
            turns.append([message])
        elif turns:
            turns[-1].append(message)
        else:
            head.append(message)
    return head, turns


def _encoded(
    head: list[Message], turns: list[list[Message]], conversation: Conversation, encode: Encode
) -> Tokens | None:
    """Tokens of some of the pairs; None when the template cannot carry those alone."""
    messages = (*head, *(message for turn in turns for message in turn))
    try:
        return encode(Conversation(messages, conversation.extra))
    except REFUSALS:
        return None
