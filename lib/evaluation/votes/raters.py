"""Who votes: names that people give, until there is sign-in, and how far each of them is."""

from __future__ import annotations

import unicodedata

from sqlalchemy import case, func, select

from lib.database import Vote, session
from lib.errors import BadInput
from lib.evaluation.votes.records import RaterProgress

LONGEST_NAME = 60
"""Characters, as elsewhere in the studio."""


def clean_name(name: str) -> str:
    """A person's name as it is stored: composed letters, single spaces, nothing invisible.

    Raises:
        BadInput: nothing is left of it.
    """
    shown = "".join(letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", name))
    cleaned = " ".join(shown.split())[:LONGEST_NAME].strip()
    if not cleaned:
        raise BadInput("A vote needs a name.", "Give the name that your votes are counted under.")
    return cleaned


def clean_text(text: str, longest: int) -> str:
    """Free text that any database can hold: no NUL, no half characters, cut at so many characters."""
    return text.replace("\0", "").encode(errors="ignore").decode().strip()[:longest].strip()


def known_rater(ballot_id: str, name: str) -> RaterProgress | None:
    """Who has voted under this name, however it is capitalised; None when nobody has.

    Two people of one name are one voter: ask before somebody goes on with votes that may be another's.

    Raises:
        BadInput: not a name.
    """
    wanted = clean_name(name).casefold()
    return next((rater for rater in progress(ballot_id) if rater.name.casefold() == wanted), None)


def progress(ballot_id: str) -> list[RaterProgress]:
    """How many pairs each person has voted on, by name; never what they chose."""
    skipped = func.sum(case((Vote.choice == "skip", 1), else_=0))
    wanted = (
        select(Vote.rater, func.count(), skipped, func.max(Vote.at))
        .where(Vote.ballot_id == ballot_id)
        .group_by(Vote.rater)
        .order_by(Vote.rater)
    )
    with session() as opened:
        return [RaterProgress(name, votes, int(skips), at) for name, votes, skips, at in opened.execute(wanted)]
