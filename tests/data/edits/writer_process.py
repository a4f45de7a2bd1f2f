"""What the processes of the tests do: edit rows, or change many, until they are done or killed.

python -m tests.data.edits.writer_process edits|bulk DATASET NUMBER COUNT
"""

from __future__ import annotations

import json
import random
import sys

from lib.data.datasets import get
from lib.data.edits import Conflict, edit, open_copy
from lib.data.edits.bulk import change_all
from lib.data.edits.operations import Operation
from lib.data.filters import Query


def make_edits(name: str, number: int, count: int) -> None:
    """Edit random rows on versions that may be old; prints what became of each as JSON Lines."""
    info, chance = get(name), random.Random(number)
    copy = open_copy(info)
    for turn in range(count):
        if turn % 5 == 0:  # in between the view of the rows is as old as that of a page that was not loaded again
            copy = open_copy(info)
        row_id = chance.randint(1, info.rows)
        change = chance.choice(
            [{"note": f"{number}-{turn}"}, {"tags": [f"t{number}"]}, {"values": {"answer": f"{number}-{turn}"}}]
        )
        try:
            entry = edit(info, row_id, copy.state(row_id).seq, f"user{number}", **change)
            print(json.dumps({"row": row_id, "seq": entry.seq if entry else None}), flush=True)
        except Conflict as conflict:
            print(json.dumps({"row": row_id, "conflict": conflict.present.seq}), flush=True)


def make_changes(name: str, number: int, count: int) -> None:
    """Change many rows again and again; prints the number of each entry."""
    info = get(name)
    for turn in range(count):
        status = ("accepted", "rejected", "pending")[turn % 3]
        kinds = [
            Operation("tag", f"t{number}-{turn}"),
            Operation("status", status),
            Operation("replace", r"\d+|It", {"by": str(turn), "regex": True}),
        ]
        entry = change_all(info, Query.parse([f"row:in:{turn % 7}.."]), kinds[turn % 3], f"user{number}")
        found = {"seq": entry.seq, "rows": entry.rows, "kept": entry.kept} if entry else None
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    {"edits": make_edits, "bulk": make_changes}[sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
