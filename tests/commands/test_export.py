"""`export` as people script it: a file, a folder, the Hub."""

from __future__ import annotations

import json
import re

import pytest

from lib.data.imports.importer import import_source
from lib.export.options import COLUMNS, FORMATS, LONG_ROWS
from tests.export.hub_server import FakeHub, running
from tests.helpers import studio, write_lines

TALK = {"messages": [{"role": role, "content": f"{role} {n}"} for n in range(2) for role in ("user", "assistant")]}
ROWS = [
    {"messages": [{"role": "user", "content": f"question {n}"}, {"role": "assistant", "content": "a"}]}
    for n in range(40)
]


@pytest.fixture
def terms(tmp_path):
    import_source(str(write_lines(tmp_path / "terms.jsonl", [*ROWS, TALK])), "terms", test_fraction=0.25)


def test_a_file_as_before(terms, command, tmp_path):
    out = tmp_path / "text.jsonl"
    done = command("export", "terms", "--template", "llama2", "--out", str(out))
    assert (done.code, done.out) == (0, f"41 rows written to {out}\n")
    assert json.loads(out.read_text().splitlines()[0])["text"].startswith("<s>[INST] question 0 [/INST]")
    assert "41 of 41 rows read" in done.err
    bare = command("export", "terms", "--template", "llama2", "--out", str(out), "--no-specials", "--json").json()
    assert (bare["rows"], bare["left_out"], bare["files"][0]["bytes"]) == (41, 0, out.stat().st_size)
    assert out.read_text().startswith('{"text":"[INST] question 0')


def test_shapes_that_need_no_template(terms, command, tmp_path):
    out = str(tmp_path / "rows.csv")
    refused = command("export", "terms", "--columns", "alpaca", "--out", out)
    assert refused.code == 1 and "Row 41: alpaca cannot carry message 3" in refused.err
    assert "Unroll the rows" in refused.err and "--keep-good" in refused.err
    left = command("export", "terms", "--columns", "alpaca", "--out", out, "--keep-good")
    assert left.out.startswith(f"40 rows written to {out}, 1 left out\n")
    assert "note: 1 row left out, row 41: alpaca cannot carry message 3" in left.out
    unrolled = command("export", "terms", "--columns", "alpaca", "--out", out, "--unroll", "--json").json()
    assert (unrolled["rows"], unrolled["unrolled"]) == (42, 1)


@pytest.mark.parametrize("name", ["folder", "folder/", "folder.v1/"])
def test_a_folder(terms, command, tmp_path, name):
    done = command(
        "export",
        "terms",
        "--columns",
        "messages",
        "--out",
        f"{tmp_path}/{name}",
        "--format",
        "jsonl",
        "--licence",
        "mit",
        "--json",
    ).json()
    folder = tmp_path / name.strip("/")
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "test.jsonl", "train.jsonl"]
    assert sum(file["rows"] for file in done["files"]) == done["rows"] == 41
    assert "license: mit" in (folder / "README.md").read_text()


def test_wrong_use(terms, command, tmp_path):
    for arguments, message in [
        ((), "There is no --out"),
        (("--out", "x.jsonl"), "template"),
        (("--out", "x.xml", "--columns", "alpaca"), "ending"),
        (("--out", "x.csv", "--columns", "alpaca", "--format", "json"), "x.csv is not .json"),
        (("--out", "x.csv", "--columns", "alpaca", "--push", "ada/terms"), "Only a folder"),
        (("--out", "x/", "--columns", "alpaca", "--push", "terms"), "not the id"),
        (("--out", "x/", "--columns", "alpaca", "--public"), "--public"),
        (("--out", "x.csv", "--columns", "rows"), "'rows' is not one of"),
        (("--out", "x.csv", "--columns", "ids", "--template", "llama2"), "tokenizer"),
    ]:
        done = command("export", "terms", *arguments)
        assert done.code == 1 and message in done.err, arguments


def test_the_help_names_every_choice(command):
    shown = re.sub(r"\s+", " ", command("export", "--help").out)
    for choice in [*COLUMNS, *FORMATS, *LONG_ROWS]:
        assert choice in shown


def test_a_push_by_a_real_process(terms, home, tmp_path):
    with running(FakeHub()) as hub:
        env = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_test", "HF_HOME": str(tmp_path / "hf")}
        done = studio("export", "terms", "--template", "chatml", "--push", "ada/terms", "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pushed"] == f"{hub.url}/datasets/ada/terms"
    assert sorted(hub.files) == ["README.md", "test.parquet", "train.parquet"]
    assert "hf_test" not in done.stdout + done.stderr
    refused = studio(
        "export", "terms", "--template", "chatml", "--push", "ada/terms", env={**env, "HF_HUB_OFFLINE": "1"}
    )
    assert refused.returncode == 1 and "HF_HUB_OFFLINE" in refused.stderr and "Traceback" not in refused.stderr
