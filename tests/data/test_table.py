"""Tables: the engine gives the rows that a plain filter of the same rows gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.data import datasets
from lib.data.edits import edit, open_copy
from lib.data.filters import Condition, Query
from lib.data.imports.importer import import_source
from lib.data.table import Table, TableRow
from lib.errors import BadInput
from tests.helpers import THOROUGH

NAMES = ("id", "rowid", "select", '"', "a:b", "%", ".", "Ünï code", "texts", "rows", "what?", "{0}")
TEXTS = (
    "",
    "Plain",
    "it's 100 %_",
    'say "yes"',
    "line\nbreak",
    "ÄRGER äußerst",
    "日本語",
    "\\backslash",
    "status:is:x",
)
ROWS: list[dict[str, Any]] = [
    {
        "question": f"Question {number}?",
        "answer": TEXTS[number % len(TEXTS)],
        **{name: TEXTS[(number * step) % len(TEXTS)] for step, name in enumerate(NAMES, start=2)},
        "whole": None if number % 7 == 3 else number % 5 - 2,
        "share": None if number % 5 == 4 else (number % 6) / 4 - 0.5,
        "good": None if number % 4 == 3 else number % 3 == 0,
        "mixed": [{"k": TEXTS[number % len(TEXTS)]}, number % 3, None, "word"][number % 4],
        "split": ("train", "test", "validation")[number % 3],
    }
    for number in range(60)
]
Load = Callable[[Query], Table]


@pytest.fixture
def load(write_rows: Callable[..., str]) -> Load:
    """Tables of the rows above, imported, with a few edits."""
    import_source(write_rows(ROWS), "odd")
    info = datasets.get("odd")
    edit(info, 3, 0, "ada", status="accepted", tags=["good", "a:b"], note="Über 'it'")
    edit(info, 5, 0, "ada", values={"answer": "changed Ärger", '"': None}, tags=["good"])
    edit(info, 8, 0, "ada", deleted=True)
    edit(info, 9, 0, "ada", split="test", status="rejected")
    return lambda query: Table(open_copy(info), query)


def everything(load: Load) -> list[TableRow]:
    copy = load(Query()).copy
    return Table(copy, Query()).rows(list(range(1, copy.info.rows + 1)))


def value_of(row: TableRow, field: str) -> Any:
    state = row.state
    known = {"status": state.status, "split": state.split, "note": state.note, "row": row.row_id}
    known |= {"edited": state.seq > 0, "deleted": state.deleted, "tag": state.tags}
    value = known[field] if field in known else row.values[field.removeprefix(".")]
    if field == ".mixed" and value is not None:
        return json.dumps(value, ensure_ascii=False)
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value


def holds(row: TableRow, condition: Condition) -> bool:
    """What a condition means, in Python."""
    value, wanted = value_of(row, condition.field), condition.value
    if condition.operator in ("empty", "filled"):
        return (value in (None, "", ())) == (condition.operator == "empty")
    if condition.operator == "in":
        low, high = condition.range()
        return value is not None and (low is None or value >= low) and (high is None or value < high)
    if condition.operator == "any":
        return value in condition.numbers()
    if condition.operator == "has":
        return value is not None and wanted.lower() in value.lower()
    if isinstance(value, tuple):
        same = wanted in value
    elif isinstance(value, (int, float)):
        same = value == float(wanted)
    else:
        same = value is not None and value == wanted
    return same == (condition.operator == "is")


def alternatives(query: Query) -> list[list[Condition]]:
    """Conditions of which one has to hold: several values of a field, each other condition by itself."""
    single = [
        one for one in query.conditions if one.operator != "is" or one.field in ("tag", "edited", "deleted", ".good")
    ]
    fields = dict.fromkeys(one.field for one in query.conditions if one not in single)
    several = [[one for one in query.conditions if one.field == field and one not in single] for field in fields]
    return [*([one] for one in single), *several]


def found_by(rows: list[TableRow], query: Query) -> list[int]:
    asked = any(condition.field == "deleted" for condition in query.conditions)
    kept = [row for row in rows if asked or not row.state.deleted]
    if query.search:
        texts = {
            row.row_id: [value_of(row, f".{name}") for name in row.values if name not in ("whole", "share", "good")]
            for row in kept
        }
        as_json = json.dumps(query.search, ensure_ascii=False)[1:-1].lower()
        kept = [
            row
            for row in kept
            if any(
                text and (as_json if text == value_of(row, ".mixed") else query.search.lower()) in text.lower()
                for text in texts[row.row_id]
            )
        ]
    kept = [row for row in kept if all(any(holds(row, one) for one in some) for some in alternatives(query))]
    if not query.sort:
        return [row.row_id for row in kept]
    filled = [row for row in kept if value_of(row, query.sort) is not None]
    empty = [row.row_id for row in kept if value_of(row, query.sort) is None]

    def key(row: TableRow) -> Any:
        value = value_of(row, query.sort)
        return value.encode() if isinstance(value, str) else value

    # Python keeps the order of equal rows also when it sorts in reverse, as the table does.
    return [row.row_id for row in sorted(filled, key=key, reverse=query.descending)] + empty


PIECES = st.sampled_from([*TEXTS, "%", "_", "'", '"', "\n", "äuSS", "ärger", "本", "\\", "true", "k"])
TEXT_FIELDS = st.sampled_from([".question", ".answer", *(f".{name}" for name in NAMES), "note"])
CONDITIONS = st.one_of(
    st.builds(Condition, TEXT_FIELDS, st.sampled_from(["is", "not", "has"]), PIECES),
    st.builds(Condition, TEXT_FIELDS | st.just("tag"), st.sampled_from(["empty", "filled"])),
    st.builds(Condition, st.just("tag"), st.sampled_from(["is", "not"]), st.sampled_from(["good", "a:b", "none"])),
    st.builds(Condition, st.just("status"), st.sampled_from(["is", "not"]), st.sampled_from(["pending", "accepted"])),
    st.builds(Condition, st.just("split"), st.just("is"), st.sampled_from(["train", "test"])),
    st.builds(
        Condition, st.sampled_from(["edited", "deleted", ".good"]), st.just("is"), st.sampled_from(["yes", "no"])
    ),
    st.builds(
        Condition,
        st.sampled_from([".whole", ".share", "row"]),
        st.just("in"),
        st.sampled_from(["..0", "0..", "-0.5..0.75", "1e0..40", "-2..-1"]),
    ),
    st.builds(
        Condition, st.sampled_from([".whole", ".share"]), st.sampled_from(["is", "not"]), st.sampled_from(["0.5", "1"])
    ),
    st.builds(
        Condition, st.sampled_from([".mixed", ".whole", ".share", ".good"]), st.sampled_from(["empty", "filled"])
    ),
    st.builds(Condition, st.just("row"), st.just("any"), st.sampled_from(["5", "9,3,8"])),
)
SORTS = st.sampled_from(["", ".question", '."', ".a:b", "..", ".whole", ".share", "status", "split", "row", "note"])


@settings(max_examples=12 * THOROUGH, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conditions=st.lists(CONDITIONS, max_size=3), search=st.just("") | PIECES, sort=SORTS, descending=st.booleans())
def test_the_same_rows_as_a_plain_filter(
    load: Load, conditions: list[Condition], search: str, sort: str, descending: bool
) -> None:
    query = Query(tuple(conditions), search, sort, descending and bool(sort))
    table = load(query)
    expected = found_by(everything(load), query)
    assert table.ids() == expected
    assert table.count() == len(expected)
    page = table.page(limit=7, offset=4)
    assert ([row.row_id for row in page.rows], page.total) == (expected[4:11], len(expected))
    ordered = sorted(expected)
    for row_id in (5, 8, len(ROWS), len(ROWS) + 1):
        found = table.placed(row_id)
        assert found == ((ordered.index(row_id), table.rows([row_id])[0]) if row_id in ordered else None)


def test_values_come_back_as_they_came_in(load: Load) -> None:
    rows = {row.row_id: row for row in everything(load)}
    for number, source in enumerate(ROWS, start=1):
        if number != 5:
            assert rows[number].values == {name: source[name] for name in rows[number].values}
    assert rows[5].values["answer"] == "changed Ärger"
    assert rows[5].values['"'] is None


def test_deleted_rows_are_shown_only_when_asked_for(load: Load) -> None:
    assert 8 not in load(Query()).ids()
    assert load(Query.parse(["deleted:is:yes"])).ids() == [8]


def test_rows_come_in_the_order_of_their_ids(load: Load) -> None:
    assert [row.row_id for row in load(Query()).rows([9, 2, 999, 5])] == [9, 2, 5]
    assert load(Query()).rows([]) == []


def test_a_page_beyond_the_end_is_empty_and_knows_the_total(load: Load) -> None:
    page = load(Query()).page(limit=10, offset=1000)
    assert (page.rows, page.total) == ([], len(ROWS) - 1)
    assert len(load(Query()).page(limit=3, offset=-5).rows) == 3


def test_position_is_the_number_of_rows_before(load: Load) -> None:
    table = load(Query.parse(sort="-row"))
    assert table.position(len(ROWS)) == 0
    assert table.position(8) is None


@pytest.mark.parametrize(
    "condition",
    ["nosuch:is:x", ".nosuch:is:x", "status:in:1..2", ".whole:has:1", ".whole:is:many", ".good:is:true", "tag:has:x"],
)
def test_conditions_that_do_not_fit_are_refused(load: Load, condition: str) -> None:
    with pytest.raises(BadInput) as caught:
        load(Query.parse([condition]))
    assert caught.value.hint


@pytest.mark.parametrize("sort", ["nosuch", "tag", "flag"])
def test_an_order_that_cannot_be_is_refused(load: Load, sort: str) -> None:
    with pytest.raises(BadInput):
        load(Query.parse(sort=sort))


def test_thousands_of_columns(write_rows: Callable[..., str], home: Path) -> None:
    wide = [{"question": f"Q{row}", "answer": "A", **{f"c{n}": f"{row}-{n}" for n in range(2000)}} for row in range(3)]
    import_source(write_rows(wide, "wide.jsonl"), "wide")
    copy = open_copy(datasets.get("wide"))
    page = Table(copy, Query.parse([".c1999:is:1-1999"], search="1-77", sort="-.c5")).page()
    assert [row.row_id for row in page.rows] == [2]
    assert page.rows[0].values["c1234"] == "1-1234"
