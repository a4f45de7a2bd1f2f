"""OpenAssistant trees as conversations: of each tree the path of best-ranked answers, one conversation a tree.

Both forms are read: messages one a row (`message_id`, `parent_id`, `role`, `text` …), which are gathered into trees (so
they are all in memory), and trees one a row (`prompt` with `replies` inside replies). From the first message on the
reply with the lowest `rank` follows, unranked ones last, equals in the order of the file. Deleted messages, those that
failed review and those voted spam are passed over; a path ends with its last answer. Columns about the tree
(`message_tree_id`, `tree_state`, `lang` …) are kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from lib.data.sources.items import Batch, Item, Meter, Row, refusal

FLAT = frozenset(("message_id", "parent_id", "role", "text"))
OF_ONE_MESSAGE = frozenset(
    (
        "message_id",
        "parent_id",
        "user_id",
        "created_date",
        "text",
        "role",
        "rank",
        "replies",
        "review_count",
        "review_result",
        "deleted",
        "synthetic",
        "model_name",
        "detoxify",
        "labels",
        "emojis",
    )
)
FAILED = frozenset(("aborted_low_grade", "halted_by_moderator"))
SPAM = 0.5  # mean vote from which on a message is spam
RULE = "OpenAssistant trees: the best-ranked path of each is one conversation"


def joined(batches: Iterator[Batch], meter: Meter) -> Iterator[Batch]:
    """The same batches, or one conversation for each tree where the first row shows that they hold trees."""
    first = next(batches, None)
    if first is None:
        return
    row = first.rows[0] if first.rows else {}
    every = itertools.chain([first], batches)
    if row.keys() >= FLAT:
        yield from _gathered(every, meter)
    elif isinstance(row.get("prompt"), dict) and "replies" in row["prompt"]:
        meter.note(f"{RULE}.")
        yield from map(_paths, every)
    else:
        yield from every


def _gathered(batches: Iterator[Batch], meter: Meter) -> Iterator[Batch]:
    """Trees of messages that come one a row; a tree has the number of its first message."""
    roots: list[tuple[int, Row]] = []
    replies: dict[Any, list[tuple[int, Row]]] = {}
    known: set[Any] = set()
    for batch in batches:
        for number, row in zip(batch.numbers, batch.rows, strict=True):
            known.add(row.get("message_id"))
            if row.get("parent_id"):
                replies.setdefault(row["parent_id"], []).append((number, row))
            else:
                roots.append((number, row))
        yield Batch((), [], batch.refusals)  # empty ones too: an import looks up at each batch whether it shall stop
    messages = sum(map(len, replies.values())) + len(roots)
    lost = [
        refusal(number, "the message that it answers is not in the file", row)
        for parent, answers in replies.items()
        if parent not in known
        for number, row in answers
    ]
    trees = Batch.of([_conversation(number, row, row, replies) for number, row in roots])
    used = sum(len(row["messages"]) for row in trees.rows)
    meter.note(f"{RULE}; {messages - used:,} of {messages:,} messages are not on one.")
    yield Batch(trees.numbers, trees.rows, [*trees.refusals, *lost])


def _paths(batch: Batch) -> Batch:
    """Trees that come one a row."""
    made = Batch.of([_tree(number, row) for number, row in zip(batch.numbers, batch.rows, strict=True)])
    return Batch(made.numbers, made.rows, [*made.refusals, *batch.refusals])


def _tree(number: int, tree: Row) -> Item:
    prompt = tree.get("prompt")
    if not isinstance(prompt, dict):
        return refusal(number, "the tree has no prompt", tree)
    about = {**prompt, **{name: value for name, value in tree.items() if name != "prompt"}}
    return _conversation(number, prompt, about, None)


def _conversation(number: int, first: Row, about: Row, replies: dict[Any, list[tuple[int, Row]]] | None) -> Item:
    """The best path from the message `first` on. `replies` holds those of each message; None: they are inside it."""
    if not _usable(first) or about.get("tree_state") in FAILED:
        return refusal(number, "the tree was deleted, voted spam or stopped", about)
    path, seen = [first], {id(first)}
    while answers := [row for row in _replies(path[-1], replies) if _usable(row) and id(row) not in seen]:
        best = min(answers, key=_rank)
        seen.add(id(best))
        path.append(best)
    while path and path[-1].get("role") == "prompter":
        path.pop()
    if not path:
        return refusal(number, "the tree has no answer that can be used", about)
    kept = {name: value for name, value in about.items() if name not in OF_ONE_MESSAGE}
    messages = [{"role": row.get("role"), "content": row.get("text")} for row in path]
    return number, {"messages": messages, "message_tree_id": first.get("message_id"), **kept}


def _replies(row: Row, replies: dict[Any, list[tuple[int, Row]]] | None) -> list[Row]:
    if replies is not None:
        return [reply for _, reply in replies.get(row.get("message_id"), ())]
    inside = row.get("replies")
    return [reply for reply in inside if isinstance(reply, dict)] if isinstance(inside, list) else []


def _rank(row: Row) -> float:
    rank = row.get("rank")
    return rank if isinstance(rank, (int, float)) else float("inf")


def _usable(row: Row) -> bool:
    return not row.get("deleted") and row.get("review_result") is not False and _spam(row.get("labels")) < SPAM


def _spam(labels: Any) -> float:
    """The mean vote, of `{"spam": {"value": 0.1}}` or of `{"name": ["spam"], "value": [0.1]}`; 0 without votes."""
    if not isinstance(labels, dict):
        return 0.0
    if isinstance(names := labels.get("name"), list):
        votes = dict(zip(names, labels.get("value") or [], strict=False))
        vote = votes.get("spam")
    else:
        vote = labels.get("spam")
        vote = vote.get("value") if isinstance(vote, dict) else vote
    return float(vote) if isinstance(vote, (int, float)) else 0.0
