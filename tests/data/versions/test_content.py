"""The hash of a version, and its rows written block by block."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from lib.data import datasets
from lib.data.columns import ROW_ID
from lib.data.edits import open_copy
from lib.data.imports.importer import import_source
from lib.data.mapping.roles import Mapping
from lib.data.versions import branch, diff, restore, save
from lib.data.versions.content import ContentHash, blocks, content_hash
from tests.data.versions.conftest import ROWS, change, stored


def test_the_same_content_has_the_same_hash(info):
    change(info, 3, values={"answer": "x"})
    second = save(info, "there", "ann")
    change(second, 3, values={"answer": "Answer 2."})
    third = save(second, "and back", "ann")
    change(third, 3, status="accepted", tags=("t",), note="n")
    fourth = save(third, "reviewed", "ann")
    restored = restore("faq", 1, "from the start", "ann")
    branched = branch("faq@3", "other", "ann")
    assert second.hash != third.hash
    assert third.hash == fourth.hash == restored.hash == branched.hash == content_hash(info)
    change(restored, 3, split="test" if open_copy(restored).state(3).split == "train" else "train")
    assert save(restored, "split", "ann").hash != third.hash


def test_the_hash_is_of_values_not_of_batches_and_tells_them_apart(info):
    table = pq.read_table(info.rows_file)

    def digest(table: pa.Table, size: int = 1000) -> str:
        found = ContentHash(info.columns, info.mapping)
        for batch in table.to_batches(max_chunksize=size):
            found.update(pa.Table.from_batches([batch]))
        return found.hexdigest()

    def other(name: str, values: list) -> pa.Table:
        column = table.schema.get_field_index(name)
        return table.set_column(column, name, pa.array(values, table.schema.field(name).type))

    answers = table.column("answer").to_pylist()
    whole = digest(table)
    assert whole == digest(table, 7) == content_hash(info)
    tables = [
        table,
        table.slice(1),
        other("answer", ["", *answers[1:]]),
        other("answer", [None, *answers[1:]]),
        other("answer", [answers[0] + answers[1][:1], answers[1][1:], *answers[2:]]),
        other("answer", [answers[1], answers[0], *answers[2:]]),
        other("level", [None, *table.column("level").to_pylist()[1:]]),
        other(ROW_ID, [99, *table.column(ROW_ID).to_pylist()[1:]]),
    ]
    assert len({digest(one) for one in tables}) == len(tables)
    assert ContentHash(info.columns, Mapping()).hexdigest() != ContentHash(info.columns, info.mapping).hexdigest()


def test_odd_column_names_and_kinds(write_rows):
    row = {
        "id": 1,
        "rowid": 2.5,
        "select": True,
        '"': "quote",
        "it's": [1, {"a": None}],
        "a": "x",
        "b": "y",
        "before": 1,
        "kind": "k",
        "content": "c",
        "instruction": "Hi",
        "output": "Ho",
        "rows": 3,
        "saved": 4,
        "changes": None,
    }
    import_source(write_rows([row | {"id": n} for n in range(5)]), "odd")
    info = datasets.get("odd")
    values = {"id": 7, "rowid": 0.5, "select": False, '"': "'\"", "it's": {"new": []}, "content": "", "kind": "l"}
    change(info, 2, values=values)
    found = diff(info, open_copy(info))
    saved = save(info, "odd", "ann")
    assert datasets.row(saved, 2).items() >= {**row, **values}.items()
    assert datasets.row(saved, 1).items() >= (row | {"id": 0}).items()
    for comparison in (found, diff(info, saved)):
        assert (comparison.changed, comparison.unchanged) == (1, 4)
        [entry] = comparison.rows()
        assert entry.fields == {name: ((row | {"id": 1})[name], value) for name, value in values.items()}


def test_two_thousand_columns(write_rows):
    import_source(write_rows([{"question": "q", "answer": "a", **{f"c{n}": n for n in range(2000)}}] * 3), "wide")
    info = datasets.get("wide")
    change(info, 2, values={"c1999": 5})
    saved = save(info, "wide", "ann")
    assert len(saved.columns) == 2002 and datasets.row(saved, 2)["c1999"] == 5
    assert diff(info, saved).rows()[0].fields == {"c1999": (1999, 5)}


def test_blocks_cover_all_rows_in_order(info, monkeypatch, tmp_path):
    table = pq.read_table(info.rows_file)
    pq.write_table(table, info.rows_file, row_group_size=7)
    assert list(blocks(info)) == [(1, ROWS)]
    monkeypatch.setattr("lib.data.versions.content.BLOCK_ROWS", 20)
    assert list(blocks(info)) == [(1, 14), (15, 28), (29, 40)]
    change(info, 15, deleted=True)
    told = []
    saved = save(info, "in blocks", "ann", lambda *progress: told.append(progress))
    assert list(stored(saved)) == [n for n in range(1, ROWS + 1) if n != 15]
    assert saved.hash == content_hash(saved)
    assert told[-1] == (ROWS, ROWS) and len(told) == 4
