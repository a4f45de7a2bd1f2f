"""Import: whole or not at all, values as they came, splits that do not leak."""

from __future__ import annotations

import json
import math

import duckdb
import pytest

from lib.data import datasets
from lib.data.imports import refusals, writer
from lib.data.imports.importer import import_source, inspect_source
from lib.data.mapping import Mapping
from lib.data.sources import lines
from lib.errors import BadInput, BadRows
from lib.storage import read_json, version_dir

PAIRS = [{"question": f"What is number {n}?", "answer": f"It is {n}."} for n in range(200)]
PAIR = Mapping({"user": "question", "assistant": "answer"})


def stored(name):
    return datasets.page(datasets.get(name), limit=100_000).rows


def values(name):
    return [{key: value for key, value in row.items() if not key.startswith("_")} for row in stored(name)]


def test_import_writes_rows_and_manifest(write_rows, leftovers):
    ticks = []
    report = import_source(write_rows(PAIRS), "numbers", user="Ada", progress=lambda *tick: ticks.append(tick))
    assert (report.rows_in, report.rows, report.refused, report.version) == (200, 200, 0, 1)
    assert report.label == "Question and answer (question, answer)"
    assert values("numbers") == PAIRS
    assert [row["_row_id"] for row in stored("numbers")] == list(range(1, 201))
    assert leftovers() == [
        "datasets/numbers",
        "datasets/numbers/v0001",
        "datasets/numbers/v0001/manifest.json",
        "datasets/numbers/v0001/rows.parquet",
    ]
    manifest = read_json(version_dir("numbers", 1) / "manifest.json")
    assert (manifest["source"], manifest["user"], manifest["parent"]) == ("rows.jsonl", "Ada", None)
    assert manifest["columns"] == [{"name": "question", "kind": "text"}, {"name": "answer", "kind": "text"}]
    assert manifest["recipe"]["kind"] == "import" and len(manifest["hash"]) == 64
    assert sum(manifest["splits"].values()) == 200 and ticks[-1] == (200, 200)
    json.dumps(report.to_dict())


def test_refused_rows_stop_the_import_and_leave_nothing(write_rows, leftovers):
    path = write_rows([*PAIRS, {"question": None, "answer": "x"}, {"question": "y", "answer": []}, "text"])
    with pytest.raises(BadRows) as caught:
        import_source(path, "numbers")
    assert "3 of 203 rows of rows.jsonl" in caught.value.message
    assert "row 201: question is missing" in caught.value.message
    assert "--keep-good" in caught.value.hint and "200" in caught.value.hint
    assert caught.value.report.reasons["answer is a list, text expected"] == 1
    assert leftovers() == []
    json.dumps(caught.value.to_dict())


def test_keep_good_keeps_the_rest_and_the_refusals(write_rows):
    extra = {"question": "ok", "answer": "fine", "extra": {"deep": [1, {"k": "v"}]}}
    rows = [PAIRS[0], {"answer": "no question"}, extra, [1, 2], {"question": "  ", "answer": "\t\n"}]
    report = import_source(write_rows(rows), "numbers", keep_good=True)
    assert (report.rows, report.refused) == (3, 2)
    info = datasets.get("numbers")
    assert [refused["row"] for refused in info.refusals()] == [2, 4]
    assert info.refused == 2 and [row["_row_id"] for row in stored("numbers")] == [1, 2, 3]
    assert stored("numbers")[1]["extra"] == {"deep": [1, {"k": "v"}]}


def test_no_good_rows_and_unknown_columns(write, write_rows, leftovers):
    with pytest.raises(BadInput, match="None of the 2 rows"):
        import_source(write_rows(["a", "b"]), "n", keep_good=True)
    with pytest.raises(BadInput, match="None of the 1 rows"):
        import_source(write_rows([{"question": None, "answer": "x"}]), "n", keep_good=True)
    with pytest.raises(BadInput, match="not recognised") as caught:
        import_source(write_rows([{"x": "a", "y": "b"}]), "n")
    assert "x, y" in caught.value.hint
    for content in ("", "[]", "q,a\n"):
        with pytest.raises(BadInput):
            import_source(write("empty.json", content), "n")
    with pytest.raises(BadInput, match="cannot be used"):
        import_source(write_rows(PAIRS), "../up")
    assert leftovers() == []


def test_mapping_by_hand(write_rows):
    path = write_rows([{"x": "a", "Y": "b"}])
    report = import_source(path, "n", Mapping.parse(["prompt=x", "completion=y"]))
    assert report.mapping.columns == {"user": "x", "assistant": "Y"}
    assert next(datasets.conversations(datasets.get("n")))[1].answer() == "b"
    with pytest.raises(BadInput, match="'z'"):
        import_source(path, "n", Mapping({"user": "x", "assistant": "z"}))


def test_cut_off_list_keeps_the_rows_before(write):
    path = write("cut.json", '[{"instruction":"a","input":"","output":"b"},{"instruction":"c","inp')
    with pytest.raises(BadRows, match=r"line 1, column 65"):
        import_source(path, "cut")
    assert import_source(path, "cut", keep_good=True).rows == 1


def test_same_content_is_recognised_and_other_content_is_version_two(write_rows, write, leftovers):
    first = import_source(write_rows(PAIRS), "numbers")
    before = leftovers()
    again = import_source(write("other.json", json.dumps(PAIRS)), "numbers")
    assert again.existing and again.version == 1 and again.splits == first.splits and leftovers() == before
    second = import_source(write_rows(PAIRS[:150]), "numbers")
    assert not second.existing and second.version == 2
    assert datasets.get("numbers").parent == 1 and datasets.get("numbers@1").rows == 200
    third = import_source(write_rows(PAIRS), "numbers")
    assert third.version == 3 and third.notes == ["The rows are those of version 1, which was not the latest any more"]
    swapped = Mapping({"user": "answer", "assistant": "question"})
    assert import_source(write_rows(PAIRS), "numbers", swapped).version == 4


ODD_VALUES = [
    {"text": "a\0b", "int": 1, "float": 0.1, "bool": True, "mixed": 1, "deep": {"k": [1, None]}, "huge": 2**70},
    {"text": "👩‍👩‍👧 é", "int": 2**53 + 1, "float": 3, "bool": None, "mixed": "1", "deep": [], "huge": -5},
    {"text": "\u202egnp.exe", "int": 1 - 2**63, "float": -1e300, "bool": False, "mixed": 1.5, "deep": "x", "huge": 0},
    {"text": "2024-01-02", "int": None, "float": None, "bool": True, "mixed": False, "deep": None, "late": 7},
    {"text": "=SUM(1)", "int": 0, "float": 2.0, "mixed": None, "deep": '{"a": 1}', "huge": None, "late": None},
]


def test_values_come_back_as_they_went_in(write_rows):
    rows = [{**pair, **odd} for pair, odd in zip(PAIRS, ODD_VALUES, strict=False)]
    import_source(write_rows(rows), "odd", PAIR)
    columns = dict.fromkeys(key for row in rows for key in row)
    assert values("odd") == [{column: row.get(column) for column in columns} for row in rows]
    kinds = {column.name: column.kind for column in datasets.get("odd").columns}
    assert kinds["int"] == "integer" and kinds["float"] == "float" and kinds["bool"] == "boolean"
    assert kinds["mixed"] == kinds["deep"] == kinds["huge"] == "json" and kinds["text"] == "text"


def test_types_that_change_after_many_rows(write_rows, monkeypatch):
    """Kinds widen over segments."""
    monkeypatch.setattr(writer, "BATCH_ROWS", 1024)
    rows = [{"question": f"q{n}", "answer": "a", "n": n, "w": n, "x": "s"} for n in range(5_000)]
    rows[2_300] |= {"n": 0.5, "w": "word", "late": {"a": 1}}
    rows[4_999] |= {"n": 2, "x": [1], "late": 5}
    import_source(write_rows(rows), "wide")
    keys = ("question", "answer", "n", "w", "x", "late")
    assert values("wide") == [{key: row.get(key) for key in keys} for row in rows]
    kinds = {column.name: column.kind for column in datasets.get("wide").columns}
    assert (kinds["n"], kinds["w"], kinds["x"], kinds["late"]) == ("float", "json", "json", "json")
    monkeypatch.setattr(writer, "BATCH_ROWS", 1)
    monkeypatch.setattr(lines, "BLOCK_SIZE", 20_000)
    assert import_source(write_rows(rows), "wide").existing  # the hash does not depend on how rows are cut into batches


def test_large_integers_beside_floats_are_not_rounded(write_rows):
    rows = [{"question": f"q{n}", "answer": "a", "n": 2**60 + n} for n in range(9_000)] + [
        {"question": "last", "answer": "a", "n": math.pi}
    ]
    import_source(write_rows(rows), "large")
    assert values("large")[8_999]["n"] == 2**60 + 8_999 and values("large")[-1]["n"] == math.pi


def test_odd_column_names(write_rows):
    row = {
        "question": "q",
        "answer": "a",
        "Answer": "A",
        "ANSWER": "AA",
        "": "empty",
        " ": "space",
        "_row_id": 99,
        "_split": "mine",
        'quo"te': 1,
        "select": 2,
        "id": 3,
        "rowid": 4,
        "a.b": {"c": 1},
        "a": 5,
        "ünï\0": 6,
        "'; --": 7,
    }
    report = import_source(write_rows([row] * 12), "odd", PAIR)
    [first, *_] = stored("odd")
    assert (first["_row_id"], first["_row_id_2"], first["_split_2"], first["Answer_2"]) == (1, 99, "mine", "A")
    assert (first['quo"te'], first["select"], first["rowid"], first["a.b"], first["'; --"]) == (1, 2, 4, {"c": 1}, 7)
    assert len(first) == len(row) + 2 and sum("is stored as" in note for note in report.notes) == 7
    assert datasets.page(datasets.get("odd"), search="mine").total == 12
    assert len(list(datasets.conversations(datasets.get("odd")))) == 12


def test_mapped_column_that_is_renamed(write_rows):
    report = import_source(write_rows([{"_split": "q", "a": "b"}]), "n", Mapping({"user": "_split", "assistant": "a"}))
    assert report.mapping["user"] == "_split_2"
    assert next(datasets.conversations(datasets.get("n")))[1].messages[0].content == "q"


def test_equal_questions_fall_on_one_side(write_rows):
    rows = [{"question": f"Is {n} even", "answer": str(n % 2)} for n in range(300)]
    rows += [{"question": f"  is {n}, EVEN?! ", "answer": "maybe"} for n in range(300)]
    report = import_source(write_rows(rows), "even")
    sides = {}
    for row in stored("even"):
        sides.setdefault(int(row["question"].split()[1].strip(",")), set()).add(row["_split"])
    assert all(len(side) == 1 for side in sides.values())
    assert 30 <= report.splits["test"] <= 100


def test_test_split_is_never_empty_by_chance(write_rows):
    def splits(rows, name, **options):
        return import_source(write_rows(rows), name, **options).splits

    few = [{"question": f"q{n % 2}", "answer": str(n)} for n in range(10)] * 2
    assert set(splits(few, "two")) == {"train", "test"}
    assert {row["_split"] for row in stored("two") if row["question"] == "q0"} != {"train", "test"}
    for start in range(0, 100, 10):
        assert splits(PAIRS[start : start + 10], f"ten{start}")["test"] >= 1
    assert splits(PAIRS[:9], "nine") == {"train": 9}
    assert splits([PAIRS[0]] * 20, "one") == {"train": 20}
    assert splits(PAIRS, "none", test_fraction=0) == {"train": 200}
    with pytest.raises(BadInput, match="fraction"):
        splits(PAIRS, "all", test_fraction=1.5)


def test_share_of_test_rows(write_rows):
    """The share is kept in the recipe; each row's side depends on its question alone."""
    some = import_source(write_rows(PAIRS), "some", test_fraction=0.3).splits["test"]
    assert 30 <= some <= 90 and datasets.get("some").recipe["test_fraction"] == 0.3
    few = {row["question"] for row in stored("some") if row["_split"] == "test"}
    import_source(write_rows(PAIRS), "more", test_fraction=0.6)
    assert few < {row["question"] for row in stored("more") if row["_split"] == "test"}


def test_refused_rows_of_an_import_that_stops_are_left_where_they_were_asked_for(write_rows, tmp_path):
    file = tmp_path / "here" / "refused.jsonl"
    rows = [*PAIRS, *({"question": None, "answer": "x"} for _ in range(1500)), "text"]
    with pytest.raises(BadRows) as caught:
        import_source(write_rows(rows), "n", refused_file=file)
    assert len(caught.value.report.refusals) == 1000
    counts = {"question is missing": 1500, "text, not an object": 1}
    assert refusals.count(file) == caught.value.report.reasons == counts
    [last] = refusals.of_kind(refusals.read(file), "text, not an object", counts)
    assert last == {"row": 1701, "reason": "text, not an object", "text": '"text"'}
    assert len(list(refusals.of_kind(refusals.read(file), refusals.OTHER, ["text, not an object"]))) == 1500
    assert refusals.as_lines(refusals.read(file), 2).count(b"\n") == 2
    assert list(refusals.read(tmp_path / "nothing")) == []


def test_split_column_is_used_and_checked(write_rows):
    names = ["training", "dev", "EVAL", "valid", "held-out"]
    rows = [{**pair, "split": name} for pair, name in zip(PAIRS, names, strict=False)]
    report = import_source(write_rows(rows), "given")
    assert report.splits == {"train": 1, "test": 2, "validation": 2} and report.mapping["split"] == "split"
    mapping = Mapping({**PAIR.columns, "split": "split"})
    with pytest.raises(BadRows, match="split is 'blue'"):
        import_source(write_rows([*rows, {**PAIRS[9], "split": "blue"}]), "given", mapping)


def test_one_long_row_and_markup(write_rows):
    rows = [
        {"instruction": "summarise", "output": "word " * 60_000},
        {"instruction": "<script>alert(1)</script>", "output": '=HYPERLINK("http://x")'},
    ]
    import_source(write_rows(rows), "long")
    assert values("long") == rows


def test_rows_file_is_plain_parquet(write_rows):
    import_source(write_rows(PAIRS), "numbers")
    file = str(version_dir("numbers", 1) / "rows.parquet")
    found = duckdb.sql(f"DESCRIBE SELECT * FROM '{file}'").fetchall()
    assert [row[:2] for row in found][-2:] == [("_row_id", "BIGINT"), ("_split", "VARCHAR")]


def test_inspection_is_bounded_and_previews_conversations(write_rows):
    rows = [*PAIRS[:30], {"question": None, "answer": "x"}, *PAIRS[30:]] * 10
    found = inspect_source(write_rows(rows), limit=50)
    assert len(found.sample) == 50 and len(found.preview) == 20
    assert found.recognition.confidence == pytest.approx(0.98)
    assert [(refused.row, refused.reason) for refused in found.refusals] == [(31, "question is missing")]
    assert [column.name for column in found.columns] == ["question", "answer"]
    assert found.columns[1].examples == ("It is 0.", "It is 1.", "It is 2.")
    json.dumps(found.to_dict())
    assert inspect_source(write_rows(PAIRS[:5])).rows == 5
    unknown = inspect_source(write_rows([{"x": 1}]))
    assert not unknown.recognition.mapping and unknown.preview == []
