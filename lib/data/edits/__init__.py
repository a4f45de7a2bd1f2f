"""Edits: the working copy of a dataset version, the journal of what was done to it, undo, and bulk changes.

state          RowState: what an edited row is now
overlay        states as a table and as files
working        WorkingCopy: saved rows and edits as one view
drafts         opening it, and its lock
journal        edits of single rows, and their record
conversations  rows read, and edited, as conversations
history        that record, read
operations     what can be done to many rows
proposals      what it makes of one row, where that is worked out in Python
row_by_row     the same of all rows, as new states
bulk           changes of many rows
job            the job `bulk`: those that are too many to wait for
commit         how they come into force
folding        states gathered in a file, and old files swept
undo           taking back and bringing back
"""

from lib.data.edits.drafts import open_copy
from lib.data.edits.history import entries, history
from lib.data.edits.journal import Conflict, Entry, edit
from lib.data.edits.state import STATUSES, RowState
from lib.data.edits.working import WorkingCopy

__all__ = ["STATUSES", "Conflict", "Entry", "RowState", "WorkingCopy", "edit", "entries", "history", "open_copy"]
