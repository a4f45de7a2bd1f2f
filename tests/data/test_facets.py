"""Facets: their counts are those of tables with the conditions that their bars carry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lib.data import datasets
from lib.data.checks.results import SCHEMA
from lib.data.edits import edit, open_copy
from lib.data.facets import BARS, Facet, facets, useful_fields
from lib.data.filters import Condition, Query
from lib.data.imports.importer import import_source
from lib.data.measures.measure import measure
from lib.data.table import Table
from lib.storage import checks_file, models_dir
from tests.helpers import THOROUGH

ROWS = [
    {
        "question": f"Question {number}" + "?" * (number % 9),
        "answer": "word " * (number % 30),
        "topic": None if number % 11 == 5 else f"topic {number % 4 * number % 17}",
        '"odd": %': ["", "it's", "a:b"][number % 3],
        "year": None if number % 13 == 1 else 1990 + number % 25,
        "share": number % 40 / 40,
        "good": [True, False, None][number % 3],
    }
    for number in range(200)
]
Load = Callable[[Query], Table]


@pytest.fixture
def load(write_rows: Callable[..., str]) -> Load:
    """Tables of the rows above, measured, checked and partly edited."""
    import_source(write_rows(ROWS), "faceted")
    info = datasets.get("faceted")
    edit(info, 3, 0, "ada", status="accepted", tags=["good", "a:b"])
    edit(info, 5, 0, "ada", values={"topic": "new"}, tags=["good"])
    edit(info, 8, 0, "ada", deleted=True)
    measure(open_copy(info), "texts")
    findings = [(row, check) for row in range(1, 60) for check in ("short", "secret") if row % 3 or check == "short"]
    columns = [*map(list, zip(*findings, strict=True)), [""] * len(findings), [None] * len(findings)]
    path = checks_file(info.name, info.version)
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table(columns, schema=SCHEMA), path)
    return lambda query: Table(open_copy(info), query)


def by_name(table: Table) -> dict[str, Facet]:
    return {facet.name: facet for facet in facets(table)}


def rows_of(load: Load, query: Query, facet: Facet, condition: Condition) -> int:
    """What a click on a bar finds: of several values a row has to have all that are asked for, of one value the new."""
    others = query if facet.name in ("tag", "flag") else query.without(facet.name)
    return load(others.adding(condition)).count()


CONDITIONS = st.one_of(
    st.builds(Condition, st.just(".topic"), st.just("is"), st.sampled_from(["topic 0", "topic 3", "new"])),
    st.builds(Condition, st.just('."odd": %'), st.sampled_from(["is", "not"]), st.sampled_from(["", "it's", "a:b"])),
    st.builds(Condition, st.just(".year"), st.just("in"), st.sampled_from(["2000..", "1994..1996", "..2010.5"])),
    st.builds(Condition, st.just("answer_chars"), st.just("in"), st.sampled_from(["50..", "0..60"])),
    st.builds(Condition, st.just("tag"), st.just("is"), st.sampled_from(["good", "a:b"])),
    st.builds(Condition, st.just("flag"), st.sampled_from(["is", "not"]), st.sampled_from(["short", "secret"])),
    st.builds(Condition, st.sampled_from([".good", "edited"]), st.just("is"), st.sampled_from(["yes", "no"])),
    st.builds(Condition, st.just(".question"), st.just("has"), st.sampled_from(["??", "1"])),
)


@settings(max_examples=4 * THOROUGH, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(conditions=[Condition("tag", "is", "a:b")], search="")
@given(conditions=st.lists(CONDITIONS, max_size=3), search=st.sampled_from(["", "question 1", "IT'S"]))
def test_bars_count_the_rows_that_their_conditions_find(load: Load, conditions: list[Condition], search: str) -> None:
    query = Query(tuple(dict.fromkeys(conditions)), search)
    for facet in facets(load(query)):
        rows = load(query.without(facet.name)).count()
        if facet.name not in ("tag", "flag"):
            assert sum(bar.count for bar in facet.bars) + facet.missing == rows, facet.name
        for bar in facet.bars[:3]:
            if bar.condition:
                assert bar.count == rows_of(load, query, facet, bar.condition), bar
                assert bar.active == (bar.condition in query.conditions)
        if facet.missing and facet.name in ("tag", "flag", ".year", ".topic"):
            empty = Condition(facet.name, "empty")
            assert facet.missing == rows_of(load, query, facet, empty)


def test_what_is_counted_and_how(load: Load) -> None:
    found = by_name(load(Query()))
    assert list(found) == [
        "status",
        "tag",
        "flag",
        "split",
        "edited",
        "question_chars",
        "answer_chars",
        ".topic",
        '."odd": %',
        ".year",
        ".share",
        ".good",
    ]
    assert [(bar.label, bar.count) for bar in found["status"].bars] == [("pending", 198), ("accepted", 1)]
    assert [(bar.label, bar.count) for bar in found["tag"].bars] == [("good", 2), ("a:b", 1)]
    assert (found["tag"].missing, found["flag"].missing) == (197, 141)
    assert [bar.label for bar in found["flag"].bars] == ["Very short answer", "Secret"]
    assert (found["answer_chars"].kind, found["answer_chars"].unit) == ("number", "characters")
    assert {bar.label for bar in found['."odd": %'].bars} == {"(empty)", "it's", "a:b"}
    assert found[".year"].bars[0].label == "1990 to 1991"
    assert str(found[".year"].bars[-1].condition) == ".year:in:2014.."


def test_rare_values_are_counted_together_and_chosen_ones_stay(load: Load) -> None:
    assert ".topic" in by_name(load(Query()))
    bars = by_name(load(Query()))[".topic"].bars
    assert len(bars) == BARS + 1
    assert (bars[-1].label, bars[-1].condition) == ("other", None)
    chosen = by_name(load(Query.parse([".topic:is:nowhere"])))[".topic"].bars
    assert [(bar.count, bar.active) for bar in chosen if bar.label == "nowhere"] == [(0, True)]


def test_bars_stay_where_they_are(load: Load) -> None:
    plain, narrow = (by_name(load(query)) for query in (Query(), Query.parse([".topic:is:topic 0"])))
    for name in ("answer_chars", ".year", ".share"):
        assert [bar.condition for bar in plain[name].bars] == [bar.condition for bar in narrow[name].bars]


def test_tokens_take_the_place_of_characters(load: Load, tiny_folder: Path) -> None:
    table = load(Query(tokenizer="tiny"))
    assert "answer_chars" in by_name(table)
    models_dir().mkdir()
    (models_dir() / "tiny").symlink_to(tiny_folder)
    measure(table.copy, "tokens", "tiny")
    found = by_name(table)
    assert {"prompt_tokens", "answer_tokens"} <= found.keys()
    assert not {"question_chars", "answer_chars"} & found.keys()


def test_without_measures_and_checks(write_rows: Callable[..., str]) -> None:
    import_source(write_rows(ROWS), "plain")
    table = Table(open_copy(datasets.get("plain")), Query())
    assert [facet.name for facet in facets(table)] == ["status", "split", "edited"]
    names = [field.name for field in useful_fields(table.copy)]
    assert names[:2] == ["status", "tag"]
    assert names.index(".answer") < names.index(".topic")
    assert "turns" not in names


def test_useful_fields_are_those_that_are_there(load: Load) -> None:
    copy = load(Query()).copy
    names = [field.name for field in useful_fields(copy)]
    assert {"turns", "language", "row"} <= set(names)
    assert "answer_tokens" not in names
    assert names[-7:-5] == [".question", ".answer"]
    for name in names:
        Table(copy, Query(sort="" if name in ("tag", "flag") else name)).page()
