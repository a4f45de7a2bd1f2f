"""Tables, sessions and migrations."""

from lib.database.models import (
    Activity,
    Ballot,
    Comparison,
    Draft,
    Job,
    JournalEntry,
    Prompt,
    RowEdit,
    Run,
    Vote,
    VoteChange,
    Worker,
)
from lib.database.session import note, session

__all__ = [
    "Activity",
    "Ballot",
    "Comparison",
    "Draft",
    "Job",
    "JournalEntry",
    "Prompt",
    "RowEdit",
    "Run",
    "Vote",
    "VoteChange",
    "Worker",
    "note",
    "session",
]
