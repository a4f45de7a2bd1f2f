"""Tables, sessions and migrations."""

from lib.database.models import Activity, Comparison, Draft, Job, JournalEntry, RowEdit, Run, Worker
from lib.database.session import note, session

__all__ = ["Activity", "Comparison", "Draft", "Job", "JournalEntry", "RowEdit", "Run", "Worker", "note", "session"]
