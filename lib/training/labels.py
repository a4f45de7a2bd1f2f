"""Tags and notes of runs: what people write on them to find them again."""

from __future__ import annotations

import re

from lib.database import Run, note, session
from lib.errors import BadInput
from lib.training import runs
from lib.training.runs import RunView

MOST_TAGS, LONGEST_TAG, LONGEST_NOTE = 20, 40, 10_000


def label(run_id: str, user: str, tags: list[str] | None = None, text: str | None = None) -> RunView:
    """Set a run's tags, its note, or both; None leaves them as they are.

    Raises:
        NotFound: no such run.
        BadInput: too many tags, or too long ones.
    """
    runs.get(run_id)
    with session() as opened:
        run = opened.get_one(Run, run_id)
        if tags is not None:
            run.tags = _checked(tags)
        if text is not None:
            run.note = text.strip()[:LONGEST_NOTE]
    note(user, f"labelled run {run_id}", f"runs?run={run_id}")
    return runs.get(run_id)


def matching(views: list[RunView], search: str) -> list[RunView]:
    """Runs in which every word of the search is found: in name, data, model, template, status, tags, note or author."""
    words = search.lower().split()
    return [view for view in views if all(word in _text(view) for word in words)]


def _text(view: RunView) -> str:
    parts = [view.id, view.data_ref, view.model, view.template, view.status, *view.tags, view.note, view.created_by]
    return "\n".join(parts).lower()


def _checked(tags: list[str]) -> list[str]:
    cleaned = list(dict.fromkeys(re.sub(r"\s+", " ", tag).strip() for tag in tags))
    cleaned = [tag for tag in cleaned if tag]
    if len(cleaned) > MOST_TAGS:
        raise BadInput(f"A run can have {MOST_TAGS} tags, not {len(cleaned)}.", "Leave some out.")
    for tag in cleaned:
        if len(tag) > LONGEST_TAG or "," in tag:
            raise BadInput(f"{tag[:60]!r} cannot be a tag.", f"{LONGEST_TAG} characters at most, and no comma.")
    return cleaned
