"""The rows of a comparison: in order of differences, filtered, and in groups that have intervals of their own."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.data import datasets
from lib.data.edits.journal import edit
from lib.data.imports.importer import import_source
from lib.errors import BadInput, NotFound
from lib.evaluation import comparisons
from lib.evaluation.clusters import clusters
from lib.evaluation.examples import Filters, Order, examples
from lib.evaluation.metrics import get_spec, to_columns
from lib.evaluation.metrics.spec import Scores
from lib.evaluation.slices import bands, labels, slices, ways
from lib.storage import comparison_dir, read_json, write_json
from tests.evaluation import stored
from tests.helpers import write_lines

ROWS = 40
TOPICS = ("How do I reset my password and sign in?", "When will my parcel and refund be delivered?")


def asked(number: int) -> str:
    return f"{TOPICS[number % 2]} Case {'urgent ' * (number % 4)}{number}"


@pytest.fixture
def number(home, tmp_path):
    """A comparison of 40 rows of `sums` in which tuned gains on one source and loses on the other."""
    rows = [
        {"instruction": asked(n), "output": f"Answer {n}.", "source": ("web", "mail")[n % 2], "split": "test", "n": n}
        for n in range(ROWS)
    ]
    import_source(str(write_lines(tmp_path / "sums.jsonl", rows)), "sums")
    ids = [row_id for row_id, _ in datasets.conversations(datasets.get("sums"))]
    edit(datasets.get("sums"), ids[0], 0, "ann", tags=["hard", "odd"])
    edit(datasets.get("sums"), ids[1], 0, "ann", tags=["hard"])
    gains = [(0.5 if n % 2 == 0 else -0.5) + n / 1000 for n in range(ROWS)]
    nats = [None if n == 7 else 1.0 + n / 10 for n in range(ROWS)]
    columns = {
        "rougeL|base": [0.5] * ROWS,
        "rougeL|tuned": [0.5 + gain for gain in gains],
        **losses("base", [2.0] * ROWS),
        **losses("tuned", nats),
        "leaked": [n == 39 for n in range(ROWS)],
        "prompt_tokens|base": [5 + n for n in range(ROWS)],
        "ref_tokens|base": [10] * ROWS,
    }
    texts = {"base": [f"Base {n}" for n in range(ROWS)], "tuned": [f"Tuned {n} =1+1" for n in range(ROWS)]}
    made = stored.comparison(texts, [row["instruction"] for row in rows], ids, **columns)
    path = comparison_dir(made) / "result.json"
    specs = {name: get_spec(name).to_dict() for name in ("rougeL", "perplexity")}
    write_json(path, {**read_json(path), "metrics": specs})
    return made


def losses(side, nats):
    values = [float("nan") if one is None else one for one in nats]
    sums = [(0.0, 0.0) if one is None else (one * 10, 10.0) for one in nats]
    return to_columns("perplexity", side, Scores(values, [10.0] * len(nats), 0.0, sums))


def test_examples_in_any_order(number):
    ids = comparisons.outputs(number)["row_id"]
    whole = examples(number, limit=100)
    assert whole.total == ROWS and [row["row_id"] for row in whole.rows] == ids
    assert whole.rows[0]["tags"] == ["hard", "odd"] and whole.rows[1]["columns"]["source"] == "mail"
    assert not any("#sums" in name for name in whole.rows[0])
    places = {row_id: place for place, row_id in enumerate(ids)}

    def order(by, metric="rougeL", **filters):
        page = examples(number, Order(by, metric, "tuned"), Filters(**filters), limit=4)
        return [places[row["row_id"]] for row in page.rows]

    assert order("worst") == [1, 3, 5, 7] and order("best") == [38, 36, 34, 32] and order("largest")[:2] == [38, 36]
    assert order("best", "perplexity") == [0, 1, 2, 3] and order("worst", "perplexity") == [39, 38, 37, 36]
    last = examples(number, Order("worst", "perplexity", "tuned", "base"), limit=100).rows[-1]
    assert places[last["row_id"]] == 7  # what is not known comes last
    pages = [examples(number, limit=30, offset=offset).rows for offset in (0, 30, 60)]
    assert [len(page) for page in pages] == [30, 10, 0] and pages[0] + pages[1] == whole.rows


def test_examples_that_match(number):
    def total(**filters):
        return examples(number, filters=Filters(**filters)).total

    judged = {"metric": "rougeL", "tuned": "tuned"}
    assert total(outcome="won", **judged) == 20 and total(outcome="lost", **judged) == 20
    assert total(outcome="tied", **judged) == 0 and total(outcome="won", metric="perplexity", tuned="tuned") == 9
    assert total(leaked=True) == 1 and total(leaked=False) == 39
    assert total(search="TUNED 7 ") == 1 and total(search="parcel") == 20 and total(search="%'; --") == 0
    assert total(by=".source", label="web") == 20 and total(by="tag", label="hard") == 2
    assert total(by=".source", label="web", outcome="lost", **judged) == 0
    assert examples(number, filters=Filters(by="tag", label="nope")).rows == []
    for order, filters in (
        (Order("worst", "nope", "tuned"), Filters()),
        (Order("worst", "rougeL", "nope"), Filters()),
        (Order(), Filters(outcome="won")),
        (Order(), Filters(by="nope", label="x")),
        (Order(), Filters(by='."; DROP', label="x")),
    ):
        with pytest.raises(BadInput):
            examples(number, order, filters)
    with pytest.raises(NotFound):
        examples(999)


def test_the_ways_to_group_rows(number):
    """Columns with few values, tags, lengths and clusters; not those that tell every row from the others."""
    found = ways(number)
    assert set(found) == {"prompt length", "cluster", "tag", ".source"}  # all references are equally long
    groups = labels(number, "tag")
    assert sorted(groups.values()) == [("hard",), ("hard", "odd")]
    sizes = Counter(label for (label,) in labels(number, "prompt length").values())
    assert list(sizes.values()) == [10] * 4 and next(iter(sizes)).startswith("up to 14 tokens")


def test_slices_have_intervals_of_their_own(number):
    web, mail = sorted(slices(number, ".source", "rougeL", "tuned"), key=lambda one: -one.difference.difference)
    assert (web.label, web.rows, mail.label, mail.rows) == ("web", 20, "mail", 19)  # one leaked
    assert web.difference.verdict == "tuned better" and mail.difference.verdict == "tuned worse"
    assert 0.5 < web.difference.low < web.difference.high and web.difference.p_holm >= web.difference.p
    assert web.difference.difference == pytest.approx(0.5 + np.mean(range(0, ROWS, 2)) / 1000)
    tagged = {one.label: one.rows for one in slices(number, "tag", "rougeL", "tuned")}
    assert tagged == {"hard": 2, "odd": 1}
    for by in ways(number):
        for metric in ("rougeL", "perplexity"):
            found = slices(number, by, metric, "tuned")
            assert found and all(one.to_dict()["sentence"] for one in found)
    with pytest.raises(NotFound):
        slices(number, "tag", "rougeL", "nope")


def test_clusters_are_the_topics(number):
    groups = labels(number, "cluster")
    ids = list(groups)
    topics = [{groups[row] for row in ids[start::2]} for start in (0, 1)]
    assert not topics[0] & topics[1]
    named = {label for (label,) in groups.values()}
    assert any("password" in label for label in named) and any("parcel" in label for label in named)


@pytest.mark.parametrize(
    "texts", [[], ["a b"] * 3, [""] * 50, ["same words here"] * 50, ["!?"] * 20, ["猫は好き"] * 30]
)
def test_odd_texts_are_grouped_too(texts):
    found = clusters(texts)
    assert len(found) == len(texts) and all(found) and len(set(found)) <= 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 500), max_size=60))
def test_bands_hold_every_row(lengths):
    found = bands(dict(enumerate(lengths)))
    assert set(found) == set(range(len(lengths))) and len(set(found.values())) <= 4
    by_label = {label: [lengths[row] for row in found if found[row] == (label,)] for (label,) in found.values()}
    spans = sorted((min(values), max(values)) for values in by_label.values())
    assert all(one[1] < other[0] for one, other in pairwise(spans))
