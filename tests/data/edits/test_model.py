"""Random edits, bulk changes, undos and redos by two people, against a plain model of rows."""

from __future__ import annotations

import copy as copying
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from lib.data.datasets import get
from lib.data.edits import Conflict, commit, edit, entries, history, open_copy
from lib.data.edits.bulk import change_all
from lib.data.edits.folding import fold
from lib.data.edits.operations import Operation
from lib.data.edits.undo import redo, redoable, undo, undoable
from lib.data.filters import Query
from lib.data.imports.importer import import_source
from lib.data.table import Table
from lib.errors import WrongState
from tests.helpers import THOROUGH, write_lines

ROWS = 8
people = st.sampled_from(["ada", "ben"])
row_ids = st.integers(1, ROWS)
conditions = st.sampled_from([[], ["row:in:2..6"], ["status:is:accepted"], ["tag:is:a"], ["edited:is:no"]])
operations = st.sampled_from(
    [
        Operation("status", "accepted"),
        Operation("status", "pending"),
        Operation("tag", "a"),
        Operation("untag", "a"),
        Operation("delete"),
        Operation("restore"),
        Operation("split", "test"),
        Operation("split", "train"),
        Operation("replace", "is", {"by": "was"}),
        Operation("replace", "was", {"by": "is", "words": True}),
    ]
)
edits = st.sampled_from(
    [
        {"status": "accepted"},
        {"status": "pending"},
        {"tags": ["a"]},
        {"tags": []},
        {"deleted": True},
        {"deleted": False},
        {"note": "n"},
        {"split": "test"},
        {"values": {"answer": "It is it."}},
        {"values": {"answer": "It was it."}},
        {"values": {"system": "Be brief."}},
    ]
)


class Edits(RuleBasedStateMachine):
    """`rows` are the model: the fields of each row's state; `chains` maps an edit to what its last entry did."""

    @initialize()
    def start(self) -> None:
        self.patch = pytest.MonkeyPatch()
        self.home = tempfile.TemporaryDirectory()
        self.patch.setenv("STUDIO_HOME", self.home.name)
        self.patch.setattr(commit, "FEW", 3)
        source = [{"question": f"What is {n}?", "answer": "It is it."} for n in range(ROWS)]
        import_source(str(write_lines(Path(self.home.name) / "rows.jsonl", source)), "small")
        self.info = get("small")
        self.rows = {
            row_id: {"deleted": False, "split": "train", "status": "pending", "tags": (), "note": "", "values": {}}
            for row_id in range(1, ROWS + 1)
        }
        self.seqs = dict.fromkeys(self.rows, 0)
        self.log: list[dict] = []
        self.done: dict[str, list[int]] = {"ada": [], "ben": []}
        self.undone: dict[str, list[int]] = {"ada": [], "ben": []}

    def teardown(self) -> None:
        self.patch.undo()
        self.home.cleanup()

    # The model ---------------------------------------------------------------------------------------------------

    def put(self, who, action, after, root=None):
        """Bring rows into new states; the entry's number is returned."""
        before = {row_id: copying.deepcopy(self.rows[row_id]) for row_id in after}
        self.rows.update(copying.deepcopy(after))
        seq = len(self.log) + 1
        self.seqs.update(dict.fromkeys(after, seq))
        self.log.append({"who": who, "action": action, "before": before, "after": after, "root": root or seq})
        if action in ("edit", "bulk"):
            self.done[who].append(seq)
            self.undone[who].clear()
        return seq

    def text(self, row_id):
        return self.rows[row_id]["values"].get("answer", "It is it.")

    def matches(self, row_id, condition):
        row = self.rows[row_id]
        return {
            "row:in:2..6": 2 <= row_id < 6,
            "status:is:accepted": row["status"] == "accepted",
            "tag:is:a": "a" in row["tags"],
            "edited:is:no": self.seqs[row_id] == 0,
        }[condition]

    def changed(self, row_id, operation):
        row = copying.deepcopy(self.rows[row_id])
        kind, value = operation.kind, operation.value
        if kind in ("status", "split"):
            row[kind] = value
        elif kind in ("delete", "restore"):
            row["deleted"] = kind == "delete"
        elif kind == "tag":
            row["tags"] = ("a",)
        elif kind == "untag":
            row["tags"] = ()
        else:
            text = self.text(row_id).replace(value, operation.options["by"])
            question = row["values"].get("question", f"What is {row_id - 1}?")
            new = question.replace(value, operation.options["by"])
            if text != self.text(row_id):
                row["values"]["answer"] = text
            if new != question:
                row["values"]["question"] = new
        return row

    def last(self, root):
        return next(entry for entry in reversed(self.log) if entry["root"] == root)

    # Steps -------------------------------------------------------------------------------------------------------

    @rule(who=people, row_id=row_ids, fields=edits)
    def edit_a_row(self, who, row_id, fields):
        after = copying.deepcopy(self.rows[row_id])
        for name, value in fields.items():
            if name == "values":
                current = {"answer": "It is it.", "system": None, **after["values"]}
                after["values"].update({key: text for key, text in value.items() if current[key] != text})
            else:
                after[name] = tuple(value) if name == "tags" else value
        made = edit(self.info, row_id, self.seqs[row_id], who, **fields)
        if after == self.rows[row_id]:
            assert made is None
        else:
            assert made.seq == self.put(who, "edit", {row_id: after})

    @rule(who=people, row_id=row_ids, fields=edits, off=st.sampled_from([-1, 1]))
    def edit_too_late(self, who, row_id, fields, off):
        with pytest.raises(Conflict) as caught:
            edit(self.info, row_id, self.seqs[row_id] + off, who, **fields)
        assert caught.value.present.seq == self.seqs[row_id]

    @rule(who=people, where=conditions, operation=operations)
    def change_many(self, who, where, operation):
        hit = [row for row in self.rows if all(self.matches(row, one) for one in where)]
        hit = [row for row in hit if not self.rows[row]["deleted"]]
        after = {row: self.changed(row, operation) for row in hit}
        after = {row: state for row, state in after.items() if state != self.rows[row]}
        made = change_all(self.info, Query.parse(where), operation, who)
        if not after:
            assert made is None
        else:
            assert (made.rows, made.seq) == (len(after), self.put(who, "bulk", after))

    @rule(who=people, forward=st.booleans())
    def take_back(self, who, forward):
        source, call = (self.undone, redo) if forward else (self.done, undo)
        if source[who]:
            self.revert(who, source[who][-1], call.__name__, lambda: call(self.info, who))
            return
        with pytest.raises(WrongState, match="nothing of yours"):
            call(self.info, who)

    @rule(who=people, pick=st.integers(0, 1000))
    def take_back_one_of_the_history(self, who, pick):
        if not self.log:
            return
        seq = 1 + pick % len(self.log)
        entry = self.log[seq - 1]
        in_force = self.last(entry["root"])["action"] != "undo"
        if in_force == (entry["action"] == "undo"):
            with pytest.raises(WrongState, match="already"):
                undo(self.info, who, seq)
            return
        action = "redo" if entry["action"] == "undo" else "undo"
        self.revert(who, entry["root"], action, lambda: undo(self.info, who, seq))

    def revert(self, who, root, action, call):
        last = self.last(root)
        same = [row for row in last["after"] if self.rows[row] == last["after"][row]]
        left = sorted(set(last["after"]) - set(same))
        if not same:
            with pytest.raises(WrongState, match="changed"):
                call()
            return
        made = call()
        assert (made.action, made.rows, made.reverts) == (action, len(same), root)
        assert (made.kept, made.kept_count) == (tuple(left), len(left))
        self.put(who, action, {row: last["before"][row] for row in same}, root)
        for person in ("ada", "ben"):
            done, undone = self.done[person], self.undone[person]
            source, target = (done, undone) if action == "undo" else (undone, done)
            if root in source:
                source.remove(root)
            if person == who:
                target.append(root)
            elif action == "redo" and self.log[root - 1]["who"] == person:
                target.append(root)
                target.sort()

    @rule()
    def gather(self):
        fold(self.info)

    # What always holds -------------------------------------------------------------------------------------------

    @invariant()
    def the_studio_agrees(self):
        copy = open_copy(self.info)
        with copy.connect() as connection:
            seqs = dict(connection.execute("SELECT _row_id, _tandem_seq FROM states").fetchall())
        assert seqs == self.seqs
        for row_id, row in self.rows.items():
            state = copy.state(row_id)
            assert {**state.to_dict(), "tags": state.tags} == row and state.seq == self.seqs[row_id]
        shown = [row_id for row_id, row in self.rows.items() if not row["deleted"]]
        page = Table(copy, Query()).page()
        assert [row.row_id for row in page.rows] == shown and page.total == len(shown)
        assert [row.values["answer"] for row in page.rows] == [self.text(row_id) for row_id in shown]
        accepted = [row_id for row_id in shown if self.rows[row_id]["status"] == "accepted"]
        assert Table(copy, Query.parse(["status:is:accepted"])).ids() == accepted
        assert [entry.seq for entry in entries(self.info)] == list(range(len(self.log), 0, -1))
        told = [(entry.seq, entry.before.to_dict(), entry.after.to_dict()) for entry in history(self.info, 3)]
        tagged = [
            (
                number,
                {**entry["before"][3], "tags": list(entry["before"][3]["tags"])},
                {**entry["after"][3], "tags": list(entry["after"][3]["tags"])},
            )
            for number, entry in enumerate(self.log, start=1)
            if 3 in entry["after"]
        ]
        assert told == tagged[::-1]
        for who in ("ada", "ben"):
            for found, stack in ((undoable, self.done), (redoable, self.undone)):
                entry = found(self.info, who)
                assert (entry.seq if entry else None) == (stack[who][-1] if stack[who] else None)


def test_the_studio_agrees_with_a_plain_model():
    run_state_machine_as_test(
        Edits,
        settings=settings(
            max_examples=4 * THOROUGH, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
