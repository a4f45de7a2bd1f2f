"""Versions of datasets: what becomes one, where it came from, and how two differ.

save       the edits of a version become the next one
job        the job `save`, while people go on working
append     rows that somebody adds become the next one
derived    an old version becomes the latest; a version becomes a dataset of its own
diff       what differs between two versions, or a version and its unsaved edits
text_diff  what changed in a text, word by word
review     how many rows differ from what was saved, and their review states
content    rows of a new version: written in blocks, and hashed
making     number, folder and manifest of a new version
removal    removing a dataset with everything that belongs to it
"""

from lib.data.lineage import lineage, origin
from lib.data.versions.append import append
from lib.data.versions.derived import branch, restore
from lib.data.versions.diff import RowDiff, VersionDiff, diff
from lib.data.versions.removal import remove
from lib.data.versions.review import Review, present, review, unsaved
from lib.data.versions.save import save

__all__ = [
    "Review",
    "RowDiff",
    "VersionDiff",
    "append",
    "branch",
    "diff",
    "lineage",
    "origin",
    "present",
    "remove",
    "restore",
    "review",
    "save",
    "unsaved",
]
