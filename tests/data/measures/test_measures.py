"""Measures: right for every row, taken over where texts are the same, measured again where they are not."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import models
from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.data.edits import edit, open_copy
from lib.data.facets import useful_fields
from lib.data.filters import Query
from lib.data.imports.importer import import_source
from lib.data.measures import job as measure_job
from lib.data.measures import measure as measuring
from lib.data.measures.files import file_of, measured, stale, text_file, token_file
from lib.data.measures.measure import measure
from lib.data.measures.profile import bounds
from lib.data.measures.spread import spread
from lib.data.table import Table
from lib.errors import BadInput, NotFound, Stopped, StorageError
from lib.formats import Segment, load_tokenizer
from lib.jobs import queue
from lib.jobs.context import JobContext

GERMAN = "Der Schleimbeutel ist ein kleines Kissen, das eine Sehne über den Knochen gleiten lässt."
ENGLISH = "A bursa is a small fluid-filled sac that lets a tendon glide over the bone beneath it."
CHAT: list[dict[str, Any]] = [
    {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Was ist das?"},
            {"role": "assistant", "content": GERMAN},
            {"role": "user", "content": "In English?"},
            {"role": "assistant", "content": ENGLISH},
        ],
        "source": "chat",
        "score": 0.5,
    },
    {
        "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello <|im_end|>"}],
        "source": "chat",
        "score": 1.5,
    },
    {"messages": [{"role": "user", "content": "Nobody answers"}], "source": "web", "score": None},
]
ALPACA = [
    {"instruction": f"Question {n}?", "input": "about it" if n % 2 else "", "output": GERMAN if n == 4 else ENGLISH}
    for n in range(10)
]


@pytest.fixture
def chats(write_rows: Callable[..., str], tiny_home: Path) -> DatasetInfo:
    import_source(write_rows(CHAT * 4), "chats")
    return datasets.get("chats")


@pytest.fixture
def alpaca(write_rows: Callable[..., str], tiny_home: Path) -> DatasetInfo:
    import_source(write_rows(ALPACA), "alpaca")
    return datasets.get("alpaca")


def stored(path: Path, columns: str) -> list[tuple[Any, ...]]:
    return duckdb.sql(f"SELECT {columns} FROM '{path}' ORDER BY _row_id").fetchall()


def test_texts_are_measured(chats: DatasetInfo) -> None:
    measure(open_copy(chats), "texts")
    rows = stored(text_file(chats), "_row_id, turns, question_chars, answer_chars, language")
    assert rows[:3] == [(1, 5, 12, len(ENGLISH), "en"), (2, 2, 2, 16, None), (3, 1, 14, 0, None)]
    assert len(rows) == 12


def test_a_context_is_part_of_the_question(alpaca: DatasetInfo) -> None:
    measure(open_copy(alpaca), "texts")
    rows = stored(text_file(alpaca), "question_chars, language")
    assert rows[:2] == [(len("Question 0?"), "en"), (len("Question 1?") + len("about it"), "en")]
    assert rows[4][1] == "de"


def test_tokens_are_those_of_the_texts(chats: DatasetInfo) -> None:
    result = measure(open_copy(chats), "tokens", "tiny")
    tokenizer = load_tokenizer(models.find("tiny").path)
    assert result.tokenizer == tokenizer.fingerprint

    def tokens(text: str) -> int:
        return len(tokenizer.tokenize([Segment(text, False)]))

    expected = []
    for row in CHAT:
        texts = [message["content"] for message in row["messages"]]
        answered = row["messages"][-1]["role"] == "assistant"
        prompt = sum(tokens(text) for text in (texts[:-1] if answered else texts))
        expected.append((prompt, tokens(texts[-1]) if answered else 0))
    assert stored(token_file(chats, "tiny"), "prompt_tokens, answer_tokens")[:3] == expected


def test_only_rows_whose_texts_changed_are_measured_again(alpaca: DatasetInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stale(open_copy(alpaca), "texts") == 10
    measure(open_copy(alpaca), "texts")
    assert stale(open_copy(alpaca), "texts") == 0
    edit(alpaca, 2, 0, "ada", values={"output": "Short."})
    edit(alpaca, 3, 0, "ada", status="accepted")
    edit(alpaca, 4, 0, "ada", values={"instruction": ""}, deleted=True)
    assert stale(open_copy(alpaca), "texts") == 2
    seen: list[int] = []
    whole = measuring.TextMeasures.__call__
    monkeypatch.setattr(
        measuring.TextMeasures,
        "__call__",
        lambda self, batch: (seen.extend(batch.column("_row_id").to_pylist()), whole(self, batch))[1],
    )
    measure(open_copy(alpaca), "texts")
    assert sorted(seen) == [2, 4]
    assert stale(open_copy(alpaca), "texts") == 0
    rows = stored(text_file(alpaca), "_row_id, question_chars, answer_chars")
    assert [rows[1][2], rows[3][1]] == [6, len("about it")]
    assert [row[0] for row in rows] == list(range(1, 11))


def test_what_an_earlier_studio_measured_is_measured_again(alpaca: DatasetInfo) -> None:
    measure(open_copy(alpaca), "texts")
    path, whole = text_file(alpaca), stored(text_file(alpaca), "*")
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["language"]), path)
    assert measured(path) is None and stale(open_copy(alpaca), "texts") == 10
    asked = Query.parse(["language:is:en"])
    assert "language" not in [field.name for field in useful_fields(open_copy(alpaca))]
    assert Table(open_copy(alpaca), asked).count() == 0
    measure(open_copy(alpaca), "texts")
    assert stored(path, "*") == whole
    assert Table(open_copy(alpaca), asked).count() == 9


def test_an_edit_taken_back_is_measured_again(alpaca: DatasetInfo) -> None:
    edit(alpaca, 2, 0, "ada", values={"output": "Short."})
    measure(open_copy(alpaca), "texts")
    edit(alpaca, 2, 1, "ada", values={"output": ENGLISH})
    assert stale(open_copy(alpaca), "texts") == 1
    measure(open_copy(alpaca), "texts")
    assert stored(text_file(alpaca), "answer_chars")[1] == (len(ENGLISH),)


def test_a_column_that_an_edit_adds_changes_only_its_row(alpaca: DatasetInfo) -> None:
    measure(open_copy(alpaca), "texts")
    edit(alpaca, 1, 0, "ada", values={"system": "Be brief."})
    assert stale(open_copy(alpaca), "texts") == 1
    measure(open_copy(alpaca), "texts")
    assert stored(text_file(alpaca), "turns")[:2] == [(3,), (2,)]


def test_a_version_takes_over_what_its_parent_measured(alpaca: DatasetInfo, write_rows: Callable[..., str]) -> None:
    measure(open_copy(alpaca), "texts")
    rows = [{**row, "output": "Another answer."} if row is ALPACA[6] else row for row in ALPACA]
    import_source(write_rows(rows), "alpaca")
    info = datasets.get("alpaca@2")
    assert info.parent == 1
    seen: list[int] = []
    measure(open_copy(info), "texts", progress=lambda done, total: seen.append(total))
    assert seen == [1]
    assert len(stored(text_file(info), "turns")) == 10


def test_another_tokenizer_counts_anew(alpaca: DatasetInfo) -> None:
    folder = models.find("tiny").path
    other = shutil.copytree(folder.resolve(), folder.parent / "other")
    measure(open_copy(alpaca), "tokens", "other")
    assert stale(open_copy(alpaca), "tokens", "other") == 0
    file = other / "tokenizer.json"
    file.write_text(file.read_text() + " ")
    assert stale(open_copy(alpaca), "tokens", "other") == 10
    with pytest.raises(NotFound):
        stale(open_copy(alpaca), "tokens", "nosuch")


def test_the_profile_tells_what_is_worth_a_facet(write_rows: Callable[..., str], home: Path) -> None:
    rows = [
        {
            "question": f"Q{n}",
            "answer": "A",
            "kind": f"kind {n % 3}",
            "same": "x",
            "url": f"http://x/{n}",
            "year": 1990 + n,
            "share": n / 40,
            "good": n % 2 == 0,
            "long": "long " * 40 + str(n % 2),
            "mixed": [n, "a"][n % 2],
            "none": None,
        }
        for n in range(40)
    ]
    import_source(write_rows(rows), "wide")
    result = measure(open_copy(datasets.get("wide")), "texts")
    assert result.columns == ("kind", "year", "share", "good")
    assert set(result.edges) == {"turns", "question_chars", "answer_chars", ".year", ".share"}
    assert measured(text_file(datasets.get("wide"))) == result


def test_very_many_columns(write_rows: Callable[..., str], home: Path) -> None:
    rows = [{"question": f"Q{n}", "answer": "A", **{f"c{i}": n % 4 for i in range(1500)}} for n in range(8)]
    import_source(write_rows(rows), "wide")
    assert len(measure(open_copy(datasets.get("wide")), "texts").columns) == 30


@given(
    # A subnormal number divided by a width is nothing: no column holds one.
    low=st.floats(-1e12, 1e12, allow_subnormal=False),
    middle=st.floats(0, 1e6),
    tail=st.floats(0, 1e9),
    whole=st.booleans(),
)
def test_bars_are_round_rising_and_hold_the_smallest_value(low: float, middle: float, tail: float, whole: bool) -> None:
    if whole:
        low, middle, tail = float(int(low)), float(int(middle)), float(int(tail))
    edges = bounds(low, low + middle, low + middle + tail, whole)
    assert 1 <= len(edges) <= 40
    assert list(edges) == sorted(set(edges))
    assert edges[0] <= low
    assert edges[-1] <= max(low, low + middle + tail)
    assert not whole or all(edge % 1 == 0 for edge in edges)


def test_processes_give_what_one_gives_and_in_order() -> None:
    assert list(spread(str.upper, "abcdefghij")) == list("ABCDEFGHIJ")
    assert list(spread(str.upper, [])) == []
    with pytest.raises(ValueError, match="invalid literal"):
        list(spread(int, ["1", "x", "3"]))


def test_many_rows_are_measured_in_processes(alpaca: DatasetInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    measure(open_copy(alpaca), "texts")
    alone = stored(text_file(alpaca), "*")
    text_file(alpaca).unlink()
    monkeypatch.setattr(measuring, "FEW_ROWS", 2)
    monkeypatch.setattr(measuring, "BATCH_BYTES", 200)
    measure(open_copy(alpaca), "texts")
    assert stored(text_file(alpaca), "*") == alone


def test_a_damaged_file_says_what_to_do(alpaca: DatasetInfo) -> None:
    text_file(alpaca).parent.mkdir(parents=True)
    text_file(alpaca).write_bytes(b"PAR1 cut off")
    with pytest.raises(StorageError, match="damaged"):
        stale(open_copy(alpaca), "texts")


def test_a_full_disk_leaves_the_earlier_file(alpaca: DatasetInfo, small_disk: Path) -> None:
    folder = file_of(alpaca, "texts").parent
    folder.parent.mkdir(parents=True)
    folder.symlink_to(small_disk)
    measure(open_copy(alpaca), "texts")
    before = stored(text_file(alpaca), "*")
    with contextlib.suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    edit(alpaca, 2, 0, "ada", values={"output": "Short."})
    with pytest.raises(StorageError, match="full"):
        measure(open_copy(alpaca), "texts")
    assert stored(text_file(alpaca), "*") == before
    assert sorted(path.name for path in small_disk.iterdir()) == ["ballast", "texts.parquet"]


def test_the_job_measures_and_is_submitted_once(
    alpaca: DatasetInfo, jobs_here: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = measure_job.ensure(alpaca, "texts", user="ada")
    assert first is not None
    assert measure_job.ensure(alpaca, "texts") == first
    tokens = measure_job.ensure(alpaca, "tokens", "tiny")
    assert tokens not in (None, first)
    jobs_here()
    assert queue.get(first).result == {"dataset": "alpaca@1", "what": "texts", "model": "", "rows": 10}
    assert measure_job.ensure(alpaca, "texts") is None
    assert measure_job.ensure(alpaca, "tokens", "tiny") is None


def test_a_job_that_was_stopped_leaves_nothing_and_waits_for_new_rows(alpaca: DatasetInfo) -> None:
    job = JobContext(0)
    job.request_stop()
    with pytest.raises(Stopped):
        measure_job.run_job({"dataset": alpaca.ref, "what": "texts"}, job)
    assert list(text_file(alpaca).parent.iterdir()) == []
    number = measure_job.ensure(alpaca, "texts")
    assert number is not None
    queue.stop(number)
    assert measure_job.ensure(alpaca, "texts") is None
    edit(alpaca, 2, 0, "ada", values={"output": "Short."})
    assert measure_job.ensure(alpaca, "texts") not in (None, number)


def test_the_job_refuses_what_it_does_not_know(alpaca: DatasetInfo) -> None:
    with pytest.raises(BadInput):
        measure_job.run_job({"dataset": alpaca.ref, "what": "weight"}, JobContext(0))
