"""Tables, sessions and migrations."""

from lib.database.models import Activity, Comparison, Job, Run, Worker
from lib.database.session import note, session

__all__ = ["Activity", "Comparison", "Job", "Run", "Worker", "note", "session"]
