"""Conditions and queries: what is written is read back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lib.data.filters import OPERATORS, UNARY, Condition, Query
from lib.errors import BadInput

FIELDS = st.text(min_size=1).filter(str.strip)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(
    field=FIELDS, operator=st.sampled_from([name for name in OPERATORS if name not in ("in", "any")]), value=st.text()
)
@example(field=".a:b", operator="is", value="x:y")
@example(field=".%3A", operator="has", value="100 %")
@example(field="..", operator="not", value="")
@example(field='."', operator="is", value="line\nbreak")
def test_a_condition_is_read_back(field: str, operator: str, value: str) -> None:
    condition = Condition(field, operator, "" if operator in UNARY else value)
    assert Condition.parse(str(condition)) == condition


@given(low=st.none() | NUMBERS, high=st.none() | NUMBERS)
def test_a_range_is_read_back(low: float | None, high: float | None) -> None:
    text = f"{'' if low is None else low}..{'' if high is None else high}"
    if low is None and high is None:
        with pytest.raises(BadInput, match="not a range"):
            Condition.parse(f"turns:in:{text}")
        return
    condition = Condition.parse(f"turns:in:{text}")
    assert condition.range() == (low, high)
    assert Condition.parse(str(condition)) == condition


@pytest.mark.parametrize("text", ["", "status", "status:is", ":is:x", "status:like:x", "turns:in:a..b", "turns:in:5"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    if text == "status:is":
        assert Condition.parse(text) == Condition("status", "is", "")
        return
    with pytest.raises(BadInput):
        Condition.parse(text)


@given(
    conditions=st.lists(st.builds(Condition, FIELDS, st.sampled_from(["is", "not", "has"]), st.text()), unique=True),
    search=st.text().map(str.strip),
    sort=st.text().filter(lambda text: not text.startswith("-")),
    descending=st.booleans(),
    tokenizer=st.text(),
)
def test_a_query_is_read_back(
    conditions: list[Condition], search: str, sort: str, descending: bool, tokenizer: str
) -> None:
    query = Query(tuple(conditions), search, sort, descending and bool(sort), tokenizer)
    assert Query.from_dict(query.to_dict()) == query


def test_a_range_takes_the_place_of_another() -> None:
    query = Query.parse(["turns:in:1..3", "status:is:pending"])
    changed = query.adding(Condition("turns", "in", "3..5"))
    assert [str(condition) for condition in changed.conditions] == ["status:is:pending", "turns:in:3..5"]
    assert changed.adding(Condition("status", "is", "pending")).conditions[-1] == Condition("status", "is", "pending")
    assert changed.without("turns") == Query.parse(["status:is:pending"])


def test_words_are_for_people() -> None:
    query = Query.parse(["turns:in:1..3", "turns:in:5..", ".a%3Ab:is:x", "note:empty"], search="it's")
    assert query.words() == 'text contains "it\'s", turns 1 to 3, turns ≥ 5, a:b = x, note is empty'
