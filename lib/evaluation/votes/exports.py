"""A closed vote as a file: every vote as CSV or JSON Lines, or preference pairs to train on.

`choice` is what the person pressed: left, right, tie, both_bad or skip. `chosen` and `left` name the model that was
chosen and the one that stood on their left as A, each by its own name.

The pairs have the columns that TRL's DPOTrainer reads (https://huggingface.co/docs/trl/dataset_formats, "preference"):
`prompt`, `chosen`, `rejected`, as lists of messages or as plain text.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from lib.errors import BadInput
from lib.evaluation.votes.outputs import Answers, messages
from lib.evaluation.votes.results import Count, count, prompt_votes
from lib.evaluation.votes.shuffling import BASE, TUNED, left_side, to_seen
from lib.export.writers import open_writer
from lib.storage import disk_errors

EXPORTS: dict[str, tuple[str, str]] = {
    "csv": (".csv", "every vote, a line each"),
    "jsonl": (".jsonl", "every vote with both answers"),
    "dpo": (".jsonl", "preference pairs as messages, one a prompt that people decided"),
    "dpo-text": (".jsonl", "the same as plain text"),
}
"""Kind -> (file ending, what is in it)."""
_VOTE_COLUMNS = ["ballot", "comparison", "row_id", "prompt", "rater", "choice", "chosen", "left", "comment", "at"]


def write(ballot_id: str, kind: str, path: Path) -> int:
    """Write an export; the number of its lines.

    Raises:
        BadInput: an unknown kind.
        NotFound: no such vote.
        WrongState: it is still open.
        StorageError: the answers are gone, or the file cannot be written.
    """
    if kind not in EXPORTS:
        raise BadInput(f"There is no export {kind!r}.", f"Use one of: {', '.join(EXPORTS)}.")
    counted = count(ballot_id)
    lines = list(_pairs(counted, kind == "dpo-text") if kind.startswith("dpo") else _votes(counted, kind == "jsonl"))
    names = list(lines[0]) if lines else ["prompt", "chosen", "rejected"] if kind.startswith("dpo") else _VOTE_COLUMNS
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = open_writer(path, EXPORTS[kind][0], pa.schema([(name, pa.string()) for name in names]))
        try:
            writer.write({name: [line[name] for line in lines] for name in names})
        finally:
            writer.close()
    return len(lines)


def content(ballot_id: str, kind: str) -> bytes:
    """The same, to hand to a browser."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "votes"
        write(ballot_id, kind, path)
        return path.read_bytes()


def _votes(counted: Count, with_answers: bool) -> Iterable[dict[str, Any]]:
    ballot = counted.ballot
    names = {BASE: ballot.base, TUNED: ballot.tuned}
    for vote in counted.votes:
        shown = counted.answers[vote.row_id]
        left = left_side(ballot.seed, vote.rater, vote.row_id)
        values = (
            ballot.id,
            ballot.comparison_id,
            vote.row_id,
            shown.prompt,
            vote.rater,
            to_seen(vote.choice, left),
            names.get(vote.choice, ""),
            names[left],
            vote.comment,
            datetime.fromtimestamp(vote.at, UTC).isoformat(timespec="seconds"),
        )
        line = dict(zip(_VOTE_COLUMNS, values, strict=True))
        yield {**line, "answers": {ballot.base: shown.base, ballot.tuned: shown.tuned}} if with_answers else line


def _pairs(counted: Count, as_text: bool) -> Iterable[dict[str, Any]]:
    """One pair a prompt where most people preferred one answer; ties, both bad and skips teach no preference."""
    asked = messages(counted.ballot.comparison_id)
    for line in prompt_votes(counted):
        if line.majority not in (BASE, TUNED):
            continue
        shown = counted.answers[line.row_id]
        chosen, rejected = (shown.tuned, shown.base) if line.majority == TUNED else (shown.base, shown.tuned)
        if as_text:
            yield {"prompt": shown.prompt, "chosen": chosen, "rejected": rejected}
        else:
            yield {
                "prompt": asked.get(line.row_id) or _alone(shown),
                "chosen": [{"role": "assistant", "content": chosen}],
                "rejected": [{"role": "assistant", "content": rejected}],
            }


def _alone(shown: Answers) -> list[dict[str, str]]:
    return [{"role": "user", "content": shown.prompt}]
