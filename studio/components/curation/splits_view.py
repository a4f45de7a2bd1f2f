"""Splits: deal the rows anew so that none leaks, and see what leaks between any two splits or datasets."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.data.edits import WorkingCopy, entries
from lib.data.filters import Query
from lib.data.mapping.reading import read_conversation
from lib.data.splits import dealing, leakage_job
from lib.data.splits import job as split_job
from lib.data.splits.hashed import SPLITS
from lib.data.splits.rules import SplitRule
from lib.data.table import Table
from lib.data.versions import present
from lib.errors import BadInput, BadSettings
from lib.jobs.queue import JobView
from lib.words import counted, shares
from studio import person
from studio.components.conversation import show_conversation
from studio.components.errors import show, show_job_error
from studio.components.job import follow
from studio.components.text import ago, escape

NONE = "—"
KINDS = {
    "exact": "exact copies",
    "question": "the same question",
    "near": "nearly the same words",
}


def show_splits_view(info: DatasetInfo, copy: WorkingCopy) -> None:
    """Draw the view."""
    left, right = st.columns(2, gap="large")
    with left:
        st.header("Deal the rows", anchor=False)
        st.caption("Rows that ask the same and near-duplicates stay on one side. One step of the history: undo works.")
        _now(copy)
        if copy.saved_as is None:
            _deal(info, copy)
    with right:
        st.header("What leaks", anchor=False)
        st.caption("Rows of a test split that a model has seen in training make it look better than it is.")
        _leakage(info)


def _now(copy: WorkingCopy) -> None:
    counts = dealing.counts(copy)
    with st.container(horizontal=True):
        for split in SPLITS:
            st.metric(split.capitalize(), f"{counts.get(split, 0):,}", border=True, width=130)


def _deal(info: DatasetInfo, copy: WorkingCopy) -> None:
    job = split_job.newest_job(info)
    if job and job.live:
        follow(job.id, "rows")
        return
    if job:
        _dealt(job.result, job.error)
    before = _rule(job)
    by = st.segmented_control("By", ["shares", "column"], default=before.kind, required=True, key="split-kind")
    names = [column.name for column in copy.columns]
    parts: dict[str, Any] = {}
    if by == "shares":
        with st.container(horizontal=True):
            test = st.number_input("Test, %", 0, 90, _percent(before, "test"), key="split-test")
            validation = st.number_input("Validation, %", 0, 90, _percent(before, "validation"), key="split-validation")
            seed = st.number_input(
                "Seed", 0, 1_000_000, before.seed, key="split-seed", help="Another seed deals otherwise."
            )
        rest = (100 - test - validation) / 100
        parts = {"shares": {"train": rest, "test": test / 100, "validation": validation / 100}, "seed": int(seed)}
    else:
        column = st.selectbox("Column with the names of splits", names, key="split-column")
        parts = {"column": column, "values": {split: split for split in SPLITS}}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        together = st.selectbox(
            "Keep together",
            [NONE, *names],
            key="split-together",
            help="Rows with the same value here stay on one side: one conversation.",
        )
        near = st.number_input(
            "Near-duplicates from",
            0.5,
            1.0,
            0.8,
            0.05,
            key="split-near",
            help="Share of words that two rows have in common.",
        )
    if st.button("Deal the rows", type="primary", icon=":material/call_split:"):
        try:
            rule = SplitRule(
                "shares" if by == "shares" else "column",
                **parts,
                together="" if together == NONE else together,
                near=near,
            )
        except BadSettings as error:
            show(error.message, error.hint)
            return
        split_job.submit(info, rule, person.name())
        st.rerun()


def _rule(job: JobView | None) -> SplitRule:
    """What was asked for last, to begin with."""
    return SplitRule.from_dict(job.payload["rule"]) if job else SplitRule("shares", {"train": 0.9, "test": 0.1})


def _percent(rule: SplitRule, split: str) -> int:
    return round(100 * rule.shares.get(split, 0.0)) if rule.kind == "shares" else 10 if split == "test" else 0


def _edited_since(side: str, when: float) -> bool:
    newest = entries(datasets.get(side.partition(":")[0]), 1)
    return bool(newest) and newest[0].at > when


def _dealt(result: dict[str, Any] | None, error: dict[str, Any] | None) -> None:
    show_job_error(error)
    if result:
        st.caption(f"Last dealt: {shares(result['shares'])}; {counted(result['changed'], 'row')} moved.")
        for note in result["notes"]:
            st.caption(f":material/info: {escape(note)}")


def _leakage(info: DatasetInfo) -> None:
    refs = [info.ref, *(one.ref for one in datasets.list_datasets() if one.ref != info.ref)]
    sides = [f"{ref}:{split}" for ref in refs for split in datasets.get(ref).splits] + refs
    with st.container(horizontal=True, vertical_alignment="bottom"):
        left = st.selectbox("Learned from", sides, key=f"leak-left-{info.ref}")
        default = sides.index(f"{info.ref}:test") if f"{info.ref}:test" in sides else min(1, len(sides) - 1)
        right = st.selectbox("Tested on", sides, index=default, key=f"leak-right-{info.ref}")
        near = st.number_input("Near-duplicates from", 0.5, 1.0, 0.8, 0.05, key="leak-near")
    job = leakage_job.newest_job(left, right, near)
    if job and job.live:
        follow(job.id, "rows")
        return
    if st.button("Look for leaks", icon=":material/water_drop:", disabled=left == right):
        leakage_job.submit(left, right, near, person.name())
        st.rerun()
    if job:
        show_job_error(job.error)
        if job.result:
            looked = job.finished_at or job.created_at
            st.caption(f"Looked at {ago(looked)}, at the rows as they are with unsaved edits.")
            if any(_edited_since(side, looked) for side in (left, right)):
                st.warning("Rows were edited or dealt since: look again.", icon=":material/update:")
            _report(job.result, left, right)


def _report(result: dict[str, Any], left: str, right: str) -> None:
    total = sum(count["right"] for count in result["counts"].values())
    if not total:
        st.success(f"No row of {escape(right)} is given away by {escape(left)}.", icon=":material/check:")
        return
    share = result["shares"]["right"]
    verb = "is" if total == 1 else "are"
    st.markdown(
        f"**{counted(total, 'row')}** of {escape(right)} ({share:.1%}) {verb} given away by rows of {escape(left)}"
    )
    for kind, count in result["counts"].items():
        if count["right"]:
            st.markdown(f"- {KINDS[kind]}: {count['right']:,}")
    with st.expander("Examples", icon=":material/visibility:"):
        for leak in result["examples"][:10]:
            with st.container(border=True):
                st.markdown(f":small[:gray[{KINDS[leak['kind']]} · {leak['similarity']:.0%} of the words]]")
                for side, row_id in ((left, leak["left"]), (right, leak["right"])):
                    _row(side, row_id)


def _row(side: str, row_id: int) -> None:
    copy = present(datasets.get(side.partition(":")[0]))
    for row in Table(copy, Query()).rows([row_id]):
        st.markdown(f":small[**{escape(side)}** row {row_id}]")
        try:
            show_conversation(read_conversation(row.values, copy.mapping))
        except BadInput as error:
            st.warning(escape(error.message))
