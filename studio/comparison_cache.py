"""Caches of what is found out about a comparison: kept until it, or the rows behind it, change."""

from __future__ import annotations

import streamlit as st

from lib.data import datasets
from lib.data.versions.review import present
from lib.errors import StudioError
from lib.evaluation import examples as looking
from lib.evaluation import history, reference
from lib.evaluation import nearest as near
from lib.evaluation import slices as slicing
from lib.evaluation.comparisons import ComparisonView
from lib.evaluation.examples import ExamplePage, Filters, Order
from lib.evaluation.history import Against
from lib.evaluation.nearest import NearRow
from lib.evaluation.statistics import SliceDifference
from lib.settings import settings

Stamp = tuple[object, ...]


def ways(view: ComparisonView) -> dict[str, str]:
    """`slices.ways`, once for each state."""
    return _ways(view.id, _stamp(view))


@st.cache_data(max_entries=64, ttl="1h", show_spinner=False)
def _ways(number: int, stamp: Stamp) -> dict[str, str]:
    return slicing.ways(number)


def groups(view: ComparisonView, by: str) -> list[str]:
    """The groups of one way, largest first, once for each state."""
    return _groups(view.id, by, _stamp(view))


@st.cache_data(max_entries=64, ttl="1h", show_spinner=False)
def _groups(number: int, by: str, stamp: Stamp) -> list[str]:
    counts: dict[str, int] = {}
    for labels in slicing.labels(number, by).values():
        for label in labels:
            counts[label] = counts.get(label, 0) + 1
    return sorted(counts, key=lambda label: (-counts[label], label))


def slices(view: ComparisonView, by: str, metric: str, tuned: str) -> list[SliceDifference]:
    """`slices.slices`, once for each state."""
    return _slices(view.id, by, metric, tuned, view.sides[0], _stamp(view))


@st.cache_data(max_entries=64, ttl="1h", show_spinner="Comparing group by group …")
def _slices(number: int, by: str, metric: str, tuned: str, base: str, stamp: Stamp) -> list[SliceDifference]:
    return slicing.slices(number, by, metric, tuned, base)


def measured_against(view: ComparisonView, side: str) -> ComparisonView:
    """`reference.measured_against`, once for each state."""
    return _measured_against(view, view.id, side, _stamp(view))


@st.cache_data(max_entries=32, ttl="1h", show_spinner="Measuring against another side …")
def _measured_against(_view: ComparisonView, number: int, side: str, stamp: Stamp) -> ComparisonView:
    return reference.measured_against(_view, side)


def examples(view: ComparisonView, order: Order, filters: Filters, limit: int, offset: int) -> ExamplePage:
    """`examples.examples`, once for each state."""
    return _examples(view.id, order, filters, limit, offset, _stamp(view))


@st.cache_data(max_entries=128, ttl="1h", show_spinner=False)
def _examples(number: int, order: Order, filters: Filters, limit: int, offset: int, stamp: Stamp) -> ExamplePage:
    return looking.examples(number, order, filters, limit, offset)


def nearest(view: ComparisonView, row_id: int, run: str) -> list[NearRow]:
    """`nearest.nearest`, once: neither the question nor the version trained on changes."""
    return _nearest(view.id, row_id, run, (str(settings.home), view.result.get("finished_at")))


@st.cache_data(max_entries=128, ttl="1h", show_spinner="Looking through the training rows …")
def _nearest(number: int, row_id: int, run: str, stamp: Stamp) -> list[NearRow]:
    return near.nearest(number, row_id, run)


def against(one: ComparisonView, other: ComparisonView) -> Against:
    """`history.against`, once for each state of both."""
    return _against(one.id, other.id, (_stamp(one), _stamp(other)))


@st.cache_data(max_entries=32, ttl="1h", show_spinner="Comparing the two …")
def _against(one: int, other: int, stamp: Stamp) -> Against:
    return history.against(one, other)


def _stamp(view: ComparisonView) -> Stamp:
    """What the answer depends on: the home, when the comparison ended, and the dataset's rows as they are now."""
    own = (str(settings.home), view.created_at, view.result.get("finished_at"), view.status)
    if not view.data_ref:
        return own
    try:
        copy = present(datasets.get(view.data_ref))
    except StudioError:
        return own
    return (*own, copy.info.hash, copy.seq, str(copy.overlay))
