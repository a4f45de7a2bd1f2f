"""A closed vote: who won and how sure that is, what that rests on, the names, and files to take away."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from lib.evaluation import votes
from lib.evaluation.votes import EXPORTS, BallotView, Results
from studio import person
from studio.components.links import link
from studio.components.text import escape, moment
from studio.components.voting.questions import show_questions

Interval = tuple[str, float, float, float]
"""A label, and a share with the ends of its 95 % interval, 0 to 1."""
MIMES = {".csv": "text/csv", ".jsonl": "application/jsonl"}


def show_result(ballot: BallotView, owner: bool) -> None:
    """Draw the result; whoever started the vote can open it again."""
    found = votes.results(ballot.id)
    st.markdown(f"**{escape(found.sentence)}**")
    st.markdown(f"**{escape(found.tuned)}** was voted on against **{escape(found.base)}**.")
    _basis(found)
    _figures(found)
    _chart(found)
    st.caption(escape(found.agreement.sentence))
    st.caption(escape(found.position.sentence))
    _downloads(ballot)
    show_questions(found)
    if owner:
        _reopen(ballot)


def _basis(found: Results) -> None:
    """Who voted on what, when it was closed, and what was cut off."""
    closed = f"Closed {moment(found.ballot.closed_at)}." if found.ballot.closed_at else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(escape(" ".join([*found.basis, closed])), width="content")
        link("compare", f"Comparison {found.ballot.comparison}", comparison=str(found.ballot.comparison))


def _figures(found: Results) -> None:
    win, agreement = found.win, found.agreement
    with st.container(horizontal=True):
        wins = "–"
        if win.rate is not None and win.low is not None and win.high is not None:
            wins = f"{win.rate:.0%} [{100 * win.low:.0f}, {100 * win.high:.0f}]"
        st.metric(
            "Questions won",
            wins,
            delta=found.tuned,
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
            help="Share of the decided questions on which it was chosen most often, with its 95 % interval",
        )
        st.metric(
            "Won / tie / split / both bad / lost",
            f"{win.wins} / {win.ties} / {win.split} / {win.both_bad} / {win.losses}",
            border=True,
            height="stretch",
            help="Questions, by what was said of them most often; split: no one thing was",
        )
        st.metric(
            "Agreement",
            "–" if agreement.alpha is None else f"{agreement.alpha:.2f}",
            border=True,
            height="stretch",
            help="Krippendorff's alpha: 1 is full agreement, 0 no more than chance",
        )
        st.metric(
            "Votes",
            f"{sum(number for choice, number in found.counts.items() if choice != 'skip'):,}",
            border=True,
            height="stretch",
            help="Of all people on all questions; what was skipped is no vote",
        )


def _chart(found: Results) -> None:
    """Shares with their intervals, against the line of one half."""
    rows: list[Interval] = []
    win, place = found.win, found.position
    if place.rate is not None and place.low is not None and place.high is not None:
        rows.append(("left answer, every vote", place.rate, place.low, place.high))
    if found.share is not None and found.share_low is not None and found.share_high is not None:
        rows.append((f"{found.tuned}, every vote", found.share, found.share_low, found.share_high))
    if win.rate is not None and win.low is not None and win.high is not None:
        rows.append((f"{found.tuned}, by question", win.rate, win.low, win.high))
    if rows:
        told = "; ".join(
            f"{label} {rate:.0%}, 95 % interval {low:.0%} to {high:.0%}" for label, rate, low, high in rows
        )
        st.echarts_chart(_spec(rows), height=60 + 36 * len(rows), key="vote-chart", alt=f"Share of wins: {told}.")
        st.caption(
            "95 % intervals. By question: what was said of each most often; every vote: the mean over questions of its "
            "share of the votes for one of the two, questions resampled."
        )


def _spec(rows: list[Interval]) -> dict[str, Any]:
    labels = [label for label, *_ in rows]
    lines = [
        {
            "type": "line",
            "data": [[100 * low, label], [100 * high, label]],
            "symbol": "rect",
            "symbolSize": [2, 12],
            "lineStyle": {"width": 2, "color": "#2f7d6b"},
            "itemStyle": {"color": "#2f7d6b"},
            "silent": True,
        }
        for label, _, low, high in rows
    ]
    points = {
        "type": "scatter",
        "data": [[round(100 * rate, 1), label] for label, rate, *_ in rows],
        "symbolSize": 11,
        "itemStyle": {"color": "#2f7d6b"},
        "markLine": {"data": [{"xAxis": 50}], "symbol": "none", "silent": True, "label": {"show": False}},
    }
    return {
        "animation": False,
        "grid": {"left": 8, "right": 24, "top": 8, "bottom": 30, "containLabel": True},
        "xAxis": {
            "type": "value",
            "min": 0,
            "max": 100,
            "name": "share of wins, %",
            "nameLocation": "middle",
            "nameGap": 26,
        },
        "yAxis": {"type": "category", "data": labels},
        "series": [*lines, points],
    }


def _downloads(ballot: BallotView) -> None:
    with st.container(horizontal=True, gap="small"):
        for kind, (ending, what) in EXPORTS.items():
            st.download_button(
                kind.upper().replace("-TEXT", " text"),
                partial(votes.content, ballot.id, kind),
                file_name=f"votes-{ballot.id}-{kind}{ending}",
                mime=MIMES[ending],
                help=what[0].upper() + what[1:],
                icon=":material/download:",
                on_click="ignore",
                key=f"votes-{kind}",
            )


def _reopen(ballot: BallotView) -> None:
    with st.popover("Open the vote again", icon=":material/lock_open:", type="tertiary"):
        st.markdown("People can vote again and the names are hidden, but whoever has seen this page is not blind.")
        if st.button("Open it again", key="reopen-vote"):
            votes.reopen(ballot.id, person.known())
            st.rerun()
