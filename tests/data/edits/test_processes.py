"""Real processes that edit the same rows at once, and real processes that are killed."""

from __future__ import annotations

import json
import os
import random
import time

import pyarrow.parquet as pq
import pytest

from lib.data.columns import ROW_ID, SPLIT
from lib.data.datasets import select
from lib.data.edits import RowState, WorkingCopy, edit, entries, folding, history, open_copy, overlay
from lib.data.edits.bulk import change_all
from lib.data.edits.operations import Operation
from lib.data.edits.undo import undo
from lib.data.filters import Query
from lib.storage import edits_dir
from tests.helpers import THOROUGH, python, wait_until

ROWS = 200
PROCESSES = 3 + THOROUGH
EDITS = 40 * THOROUGH


@pytest.fixture
def rows(make):
    return make([{"question": f"What is {number}?", "answer": f"It is {number}."} for number in range(ROWS)])


def start(kind, info, number, count, **options):
    return python("-m", "tests.data.edits.writer_process", kind, info.name, str(number), str(count), **options)


def finished(processes):
    outputs = [process.communicate(timeout=240) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), outputs
    return [[json.loads(line) for line in output.splitlines()] for output, _ in outputs]


def steps_of(info, entry):
    """What an entry did: row ids with their states before and after."""
    if entry.row_id:
        return {entry.row_id: (entry.before, entry.after)}
    path = edits_dir(info.name, info.version) / entry.file
    columns = WorkingCopy(info).known(overlay.columns_in(path))
    sides = ({}, {})
    for row in pq.read_table(path).to_pylist():
        sides[row[overlay.SIDE]][row[ROW_ID]] = overlay.state_of(list(row.values()), columns)
    return {row_id: (before, sides[1][row_id]) for row_id, before in sides[0].items() if row_id not in entry.kept}


def check_replay(info):
    """The journal has every number once, and its entries one after another give the present states."""
    journal = entries(info, limit=100_000)[::-1]
    assert [entry.seq for entry in journal] == list(range(1, len(journal) + 1))
    copy = open_copy(info)
    assert copy.seq == len(journal)
    states = {row_id: RowState(split=split) for row_id, split in select(info, f"SELECT {ROW_ID}, {SPLIT} FROM rows")}
    told = {7: [], 8: []}
    for entry in journal:
        steps = steps_of(info, entry)
        assert len(steps) == entry.rows
        for row_id, (before, after) in steps.items():
            assert states[row_id].same_as(before), (entry, row_id)
            states[row_id] = after.changed(seq=entry.seq)
            if row_id in told:
                told[row_id].append(entry.seq)
    with copy.connect() as connection:
        cells = connection.execute(f"SELECT {overlay.listed(overlay.names_of(copy.edited))} FROM states").fetchall()
    assert {row[0]: overlay.state_of(row, copy.edited) for row in cells} == states
    assert copy.state(7) == states[7]
    for row_id, seqs in told.items():
        assert [entry.seq for entry in history(info, row_id)][:100] == seqs[::-1][:100]
    return journal


def many_processes_edit(info):
    told = finished([start("edits", info, number, EDITS) for number in range(PROCESSES)])
    journal = check_replay(info)
    made = [line["seq"] for lines in told for line in lines if line.get("seq")]
    refused = [line for lines in told for line in lines if "conflict" in line]
    unchanged = [line for lines in told for line in lines if "seq" in line and line["seq"] is None]
    assert sorted(made) == [entry.seq for entry in journal]
    assert len(made) + len(refused) + len(unchanged) == EDITS * PROCESSES and refused
    assert [len(lines) for lines in told] == [EDITS] * PROCESSES
    middle = journal[len(journal) // 4 : -len(journal) // 4]  # all processes are there
    rate = len(middle) / (middle[-1].at - middle[0].at)
    print(f"{len(made)} edits, {len(refused)} conflicts, {rate:.0f} edits a second")


def test_processes_edit_the_same_rows(rows):
    many_processes_edit(rows)


def test_processes_edit_the_same_rows_on_postgresql(rows, postgres):
    many_processes_edit(rows)


def bulk_and_single(info):
    """Two processes change many rows, two edit single ones, all at once."""
    processes = [start("bulk", info, number, 4 * THOROUGH) for number in range(2)]
    processes += [start("edits", info, number, 30 * THOROUGH) for number in range(2, 4)]
    told = finished(processes)
    journal = check_replay(info)
    changed = [line for lines in told[:2] for line in lines if line]
    assert sorted(line["seq"] for line in changed) == [entry.seq for entry in journal if entry.file]
    assert {line["seq"]: line["rows"] for line in changed} == {e.seq: e.rows for e in journal if e.file}


def test_bulk_changes_and_edits_at_once(make):
    bulk_and_single(make([{"question": f"What is {number}?", "answer": "It is."} for number in range(900)]))


def test_bulk_changes_and_edits_at_once_on_postgresql(rows, postgres):
    bulk_and_single(rows)


def test_an_edit_during_a_bulk_change_wins_and_is_named(make):
    info = make([{"question": f"What is {number}?", "answer": "It is."} for number in range(3000)])
    edit(info, 4, 0, "ada", note="before")

    def meanwhile(done, total):
        if done < total:
            edit(info, 4, 3, "ben", note="during")
            edit(info, 5, 3, "ben", note="during", values={"answer": "It was."})
            edit(info, 6, 0, "ben", status="rejected")

    entry = change_all(info, Query.parse(["row:in:..6"]), Operation("status", "accepted"), "ada")
    assert entry.rows == 5
    undo(info, "ada")
    entry = change_all(info, Query(), Operation("replace", "It is", {"by": "Is it"}), "ada", meanwhile)
    assert (entry.kept, entry.kept_count, entry.rows) == ((4, 5, 6), 3, 2997)
    copy = open_copy(info)
    assert [copy.state(row).note for row in (4, 5, 6, 7)] == ["during", "during", "", ""]
    assert [copy.state(row).values.get("answer") for row in (4, 5, 6, 7)] == [None, "It was.", None, "Is it."]
    assert [copy.state(row).seq for row in (4, 5, 6, 7)] == [4, 5, 6, 7]
    assert history(info, 5)[0].who == "ben" and history(info, 7)[0].who == "ada"
    back = undo(info, "ada")
    assert (back.rows, back.kept_count) == (2997, 0)


KILLS = 2 * THOROUGH


def killed_again_and_again(info, kind, leave):
    chance = random.Random(1)
    seen = 0
    for number in range(KILLS):
        process = start(kind, info, number, 100_000)
        assert process.stdout.readline()
        time.sleep(chance.uniform(0, leave))
        process.kill()
        told = process.communicate(timeout=30)[0].splitlines()
        began = time.monotonic()
        journal = entries(info, limit=100_000)
        assert time.monotonic() - began < 5  # no lock is left
        last = [json.loads(line) for line in told if line.endswith("}")]
        seen = max([seen, *(line["seq"] for line in last if line.get("seq"))])
        assert journal[0].seq >= seen  # whatever was reported is there
        assert edit(info, 1, open_copy(info).state(1).seq, "tester", note=f"after {number}")
    return check_replay(info)


def test_killed_during_bulk_changes(make, monkeypatch):
    info = make([{"question": f"What is {number}?", "answer": f"It is {number}."} for number in range(3000)])
    journal = killed_again_and_again(info, "bulk", 0.8)
    assert sum(entry.action == "bulk" for entry in journal) >= KILLS
    folder = edits_dir(info.name, info.version)
    needed = {entry.file for entry in journal if entry.file} | {open_copy(info).overlay}
    assert needed <= {path.name for path in folder.iterdir()}
    monkeypatch.setattr(folding, "KEPT_SECONDS", -1)
    folding.sweep(info, None)
    assert {path.name for path in folder.iterdir()} == needed
    check_replay(info)


def test_killed_during_edits(rows):
    killed_again_and_again(rows, "edits", 0.2)


def test_files_that_may_be_read_are_not_swept(make):
    info = make([{"question": f"What is {number}?", "answer": "It is."} for number in range(1000)])
    change_all(info, Query(), Operation("tag", "a"), "ada")
    old = open_copy(info)
    path = edits_dir(info.name, info.version) / old.overlay
    os.utime(path, (0, 0))  # written long ago, but replaced only now
    change_all(info, Query(), Operation("tag", "b"), "ada")
    assert old.state(7).tags == ("a",) and open_copy(info).state(7).tags == ("a", "b")
    assert wait_until(path.exists, "the file that was just replaced")
