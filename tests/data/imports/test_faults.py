"""Sources that are too long, too wide or oddly named, and imports that are killed."""

from __future__ import annotations

import json
import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from lib.data import datasets
from lib.data.columns import RESERVED
from lib.data.imports import scratch
from lib.data.imports.importer import import_source, inspect_source
from lib.data.mapping import Mapping
from lib.errors import BadInput
from lib.storage import dataset_dir, new_folder, version_dir
from tests.helpers import python, wait_until
from tests.memory import measured

PAIR = Mapping({"user": "question", "assistant": "answer"})
IMPORT = """
from lib.data.imports.importer import import_source
from lib.errors import StudioError
try:
    result = import_source(sys.argv[1], "measured", keep_good=True).rows
except StudioError as error:
    result = error.message
"""


@pytest.fixture(scope="module")
def idle(tmp_path_factory) -> int:
    """Peak memory of an import of next to nothing."""
    file = tmp_path_factory.mktemp("idle") / "a.jsonl"
    file.write_text('{"question": "q", "answer": "a"}\n')
    return measured(IMPORT, str(file))[1]


def test_millions_of_blank_lines_have_no_rows(write, idle):
    began = time.monotonic()
    said, peak = measured(IMPORT, write("blank.jsonl", "\n" * 10_000_000))
    assert said == "blank.jsonl has no rows, only blank lines."
    blank = "\n" * 3_000_000
    said, more = measured(IMPORT, write("late.jsonl", f'{blank}{{"question": "q", "answer": "a"}}\n{blank}'))
    assert said == 1 and max(peak, more) < idle + (150 << 20)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_one_line_of_many_megabytes(write, idle, name):
    size = 40 << 20
    row = json.dumps({"question": "q", "answer": "word " * (size // 5)})
    said, peak = measured(IMPORT, write(name, row + "\n"))
    assert said == 1 and peak < idle + 8 * size


def test_names_that_mean_something_to_an_engine(write_rows):
    names = ["id", "rowid", "select", '"', "", "file_row_number", "filename", "_tandem_key", "_TANDEM", *RESERVED]
    row = {"question": "q", "answer": "a", **{name: f"value of {name}" for name in names}}
    import_source(write_rows([row] * 12), "odd", PAIR)
    info = datasets.get("odd")
    stored = [column.name for column in info.columns]
    assert len({name.lower() for name in [*stored, *RESERVED]}) == len(row) + len(RESERVED)
    assert not any(name.lower().startswith("_tandem") for name in stored)
    [first, *_] = datasets.page(info, limit=12).rows
    assert [first[name] for name in stored] == list(row.values())
    assert datasets.page(info, search='value of "').total == 12
    assert duckdb.sql(f"SELECT count(*) FROM '{info.rows_file}' WHERE \"select\" IS NOT NULL").fetchone() == (12,)


def test_two_thousand_columns(write_rows, write):
    names = [f"column {number}" for number in range(2000)]
    rows = [{"question": f"q{n}", "answer": "a", **dict.fromkeys(names, n)} for n in range(200)]
    report = import_source(write_rows(rows), "wide")
    assert report.rows == 200 and len(datasets.get("wide").columns) == 2002
    assert datasets.page(datasets.get("wide"), search="q7", limit=1).rows[0]["column 1999"] == 7
    found = inspect_source(write("wide.csv", ",".join(names) + "\n" + ",".join("1" * 2000) + "\n"))
    assert len(found.recognition.hint) < 1000 and "and 1,970 more" in found.recognition.hint
    unnamed = write("unnamed.csv", "question,answer" + "," * 1998 + "\nq,a" + ",1" * 1998 + "\n")
    assert len(import_source(unnamed, "n").notes) < 40


def test_keys_that_differ_from_row_to_row_are_no_columns(write_rows, leftovers):
    rows = [{"question": "q", "answer": "a", f"key {n}": 1} for n in range(10_001)]
    with pytest.raises(BadInput, match="more than 10,000 different columns"):
        import_source(write_rows(rows), "keys")
    assert leftovers() == []


def test_reasons_are_counted_without_their_numbers(write):
    lines = ['{"question": "q", "answer": "a"}', '{"q', '{"question"', '{"question": "q", "answer": "a",,']
    report = import_source(write("a.jsonl", "\n".join(lines)), "reasons", keep_good=True)
    assert sum(report.reasons.values()) == 3 and all("column N" in reason for reason in report.reasons)
    assert datasets.get("reasons").recipe["reasons"] == report.reasons


KILLED = "import sys; from lib.data.imports.importer import import_source; import_source(sys.argv[1], 'rows')"


def test_a_killed_import_leaves_the_dataset_as_before_or_as_after(write_rows, home: Path):
    write_rows([{"question": f"q{n}", "answer": "a"} for n in range(20)], "first.jsonl")
    first = write_rows([{"question": f"q{n}", "answer": "a"} for n in range(20)], "first.jsonl")
    second = write_rows([{"question": f"q{n}", "answer": "b" * 300} for n in range(150_000)], "second.jsonl")
    import_source(first, "rows")
    chance = random.Random(7)
    for _ in range(6):
        numbers = datasets.version_numbers("rows")
        process = python("-c", KILLED, second)
        wait_until(lambda: any(dataset_dir("rows").glob(".v*")), "it begins")
        time.sleep(chance.uniform(0, 0.6))
        process.kill()
        process.communicate()
        info = datasets.get("rows")
        assert info.rows == (20 if info.version == 1 else 150_000)
        assert datasets.version_numbers("rows") in (numbers, [1, 2])
        assert datasets.count(info) == info.rows
    import_source(first, "rows")
    assert not list(dataset_dir("rows").glob(".v*"))
    assert all(re.fullmatch(r"v\d{4}", path.name) for path in dataset_dir("rows").iterdir())


def test_only_dead_imports_are_swept(home: Path):
    target = version_dir("rows", 1)
    with new_folder(target) as other, scratch.folder(version_dir("rows", 2)) as live:
        dead = target.parent / ".v0003.dead"
        dead.mkdir()
        (dead / scratch.LOCK).touch()
        scratch.sweep(target.parent)
        assert other.exists() and live.exists() and not dead.exists()
    assert sorted(path.name for path in target.parent.iterdir()) == ["v0001", "v0002"]
    assert not list(target.parent.glob(f"*/{scratch.LOCK}"))


def test_a_folder_that_is_just_being_made_is_not_swept(home: Path):
    """Many at once: each sweeps what the others are making."""

    def make(version: int) -> bool:
        with scratch.folder(version_dir("rows", version)) as folder:
            (folder / "rows").touch()
        return version_dir("rows", version).is_dir()

    with ThreadPoolExecutor(8) as people:
        assert all(people.map(make, range(1, 401)))


@pytest.mark.parametrize("same", [False, True])
def test_an_import_that_another_overtakes_is_the_next_version_or_found_to_be_the_same(same, write_rows, home: Path):
    """The number is chosen when the rows are in."""
    rows = [{"question": f"q{number}", "answer": "a"} for number in range(40)]
    first = write_rows(rows, "first.jsonl")
    second = write_rows(rows if same else rows[:30], "second.jsonl")
    quicker = []

    def overtaken(_done: int, _total: int | None) -> None:
        if not quicker:
            quicker.append(import_source(second, "rows"))

    report = import_source(first, "rows", progress=overtaken)
    assert quicker[0].version == 1
    assert (report.version, report.existing) == ((1, True) if same else (2, False))
    assert [(info.rows, info.parent) for info in datasets.versions("rows")] == (
        [(40, None)] if same else [(30, None), (40, 1)]
    )
    assert not list(dataset_dir("rows").glob(".v*"))
