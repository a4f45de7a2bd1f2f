"""Every command: one JSON document, exit status, message and hint; see `test_processes` for the real processes."""

from __future__ import annotations

import json
import os
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from lib.data.checks import CHECKS
from lib.data.mapping.roles import ROLES
from lib.data.sources.sniff import READABLE
from lib.formats.templates import TEMPLATES
from lib.storage import run_dir
from lib.training import runs
from studio.__main__ import COMMANDS
from tests import tiny
from tests.helpers import write_lines

CONVERSATION = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi, ü\nthere"},
        {"role": "assistant", "content": "Hello!"},
    ],
    "id": 7,
}
SETTINGS = [part for key, value in tiny.SETTINGS.items() for part in ("--set", f"{key}={value}")]
TRAIN = ("train", "sums", "--model", "tiny", "--template", "llama2")


@pytest.fixture
def run(studio_home):
    return runs.list_runs()[0]


def lines(*rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_import_datasets_and_show(command, tmp_path):
    source = write_lines(tmp_path / "rows.jsonl", tiny.ROWS)
    report = command("import", str(source), "--name", "sums", "--json")
    assert report.code == 0
    assert {key: report.json()[key] for key in ("name", "version", "rows_in", "rows", "refused")} == {
        "name": "sums",
        "version": 1,
        "rows_in": 60,
        "rows": 60,
        "refused": 0,
    }
    assert "60 rows read" in report.err
    assert command("import", str(source), "--name", "sums", "--json").json()["existing"] is True

    (listed,) = command("datasets", "--json").json()["datasets"]
    assert (listed["name"], listed["version"], listed["rows"]) == ("sums", 1, 60)
    shown = command("show", "sums@1", "--limit", "2", "--split", "test", "--json").json()
    assert shown["rows"] == 60 and len(shown["conversations"]) == 2
    assert shown["conversations"][0]["messages"][1]["content"] == "The answer is 0."
    for arguments, words in [
        (("datasets",), "sums  1        60    train 54, test 6"),
        (("show", "sums"), "assistant: The answer is 0."),
        (("import", str(source), "--name", "sums"), "The same content is there already"),
    ]:
        result = command(*arguments)
        assert result.code == 0 and words in result.out


def test_import_with_a_mapping_and_refused_rows(command, tmp_path):
    rows = [{"q": f"Question {n}", "a": f"Answer {n}"} for n in range(12)]
    path = write_lines(tmp_path / "rows.jsonl", rows)
    with path.open("a") as file:
        file.write('{"q": "cut off\n')
    source, mapped = str(path), ["--name", "qa", "--map", "user=q", "--map", "assistant=a"]
    refused = command("import", source, *mapped, "--json")
    assert refused.code == 1
    assert refused.json()["error"] == "BadRows" and refused.json()["report"]["refused"] == 1
    assert "row 13" in refused.json()["message"] and "--keep-good" in refused.json()["hint"]
    kept = command("import", source, *mapped, "--keep-good", "--json")
    assert (kept.code, kept.json()["rows"], kept.json()["refused"]) == (0, 12, 1)


def test_render_and_parse_give_each_other_back(command):
    other = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}
    text = command("render", "--template", "llama2", input=lines(CONVERSATION, other) + "\n")
    assert text.code == 0
    first, second = map(json.loads, text.out.splitlines())
    assert first == {"text": "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi, ü\nthere [/INST] Hello! </s>", "id": 7}
    assert second == {"text": "<s>[INST] Hi [/INST] Ho </s>"}
    for template in ("llama2", "auto"):
        back = command("parse", "--template", template, input=text.out)
        assert [json.loads(line) for line in back.out.splitlines()] == [CONVERSATION, other]
    assert command("render", "--template", "llama2", "--json", input=lines(CONVERSATION)).json() == [first]
    assert command("parse", "--template", "llama2", "--json", input=text.out).json() == [CONVERSATION, other]


def test_render_with_a_models_tokens(command, tiny_home):
    result = command("render", "--template", "llama2", "--tokenizer", "tiny", input=lines(CONVERSATION))
    assert result.code == 0 and json.loads(result.out)["text"].endswith("Hello! <|im_end|>")


def test_export_and_parse_give_the_conversations(command, run, tmp_path):
    out = tmp_path / "text.jsonl"
    report = command("export", "sums", "--template", "llama3", "--out", str(out), "--json").json()
    assert {**report, "out": str(out), "rows": 60, "left_out": 0, "reasons": {}} == report
    parsed = command("parse", "--template", "llama3", input=out.read_text())
    shown = command("show", "sums", "--limit", "60", "--json").json()["conversations"]
    assert [json.loads(line)["messages"] for line in parsed.out.splitlines()] == [row["messages"] for row in shown]


def test_runs_and_run(command, run):
    (listed,) = command("runs", "--json").json()["runs"]
    assert (listed["run"], listed["status"], listed["steps"]) == (run.id, "finished", 4)
    assert command("run", run.id, "--json").json() == listed
    assert run.id in command("runs").out
    shown = command("run", run.id).out
    assert "4 steps" in shown and "python -m studio train sums@1 --model tiny" in shown


def test_train_detached_stop_and_train_again(command, run, jobs_here, monkeypatch):
    from lib.jobs import worker

    with monkeypatch.context() as nobody_works:
        nobody_works.setattr(worker, "ensure", lambda: None)
        queued = command(*TRAIN, *SETTINGS, "--detach", "--json")
        assert queued.code == 0 and queued.json()["status"] == "queued"
        stopped = command("stop", queued.json()["run"], "--json")
        assert stopped.json() == {"run": queued.json()["run"], "status": "stopped"}
        again = command("stop", queued.json()["run"], "--json")
        assert again.code == 1 and again.json()["error"] == "WrongState"
    trained = command(*TRAIN, *SETTINGS)
    assert trained.code == 0 and "4 steps" in trained.out and "eval loss" in trained.out
    statuses = [entry["status"] for entry in command("runs", "--json").json()["runs"]]
    assert statuses == ["finished", "stopped", "finished"]


def test_compare(command, run, jobs_here):
    arguments = ("compare", run.id, "--data", "sums", "--split", "test", "--limit", "3", "--metric", "chrf")
    document = command(*arguments, "--json").json()
    assert document["status"] == "finished" and document["rows"] == 3
    assert {"n", "mean", "low", "high"} <= set(document["models"]["tiny"]["chrf"])
    (pair,) = document["pairs"]
    assert {"difference", "low", "high", "p", "wins", "ties", "losses", "verdict"} <= set(pair)
    table = command(*arguments)
    assert table.code == 0 and f"{run.id} against tiny:" in table.out


def test_compare_detached_and_waited_for(command, run, jobs_here, monkeypatch, tmp_path):
    from lib.jobs import worker

    arguments = ("compare", run.id, "--limit", "2", "--metric", "chrf", "--detach")
    with monkeypatch.context() as nobody_works:
        nobody_works.setattr(worker, "ensure", lambda: None)
        queued = command(*arguments, "--json").json()
    assert queued["status"] == "queued"
    ended = command("wait", str(queued["comparison"]), "--json").json()
    assert (ended["comparison"], ended["status"], ended["rows"]) == (queued["comparison"], "finished", 2)
    assert command("wait", "99", "--json").json()["error"] == "NotFound"
    refused = command(*arguments, "--export", str(tmp_path / "a.csv"))
    assert refused.code == 1 and "--detach does not wait" in refused.err


def test_compare_that_is_stopped_before_it_has_answers(command, run, monkeypatch):
    from lib.jobs import queue, worker

    monkeypatch.setattr(worker, "ensure", lambda: [queue.stop(job.id) for job in queue.live_jobs("compare")])
    assert command("compare", run.id, "--json").json()["status"] == "stopped"
    result = command("compare", run.id)
    assert result.code == 130 and "stopped" in result.out


def test_a_job_that_fails_ends_the_command_with_its_words(command, run, jobs_here, monkeypatch):
    from lib.jobs import worker

    def fill_the_disk_first() -> None:
        newest = runs.list_runs()[0]
        if newest.job.live and not (metrics := run_dir(newest.id) / "metrics.jsonl").is_symlink():
            metrics.symlink_to("/dev/full")
        jobs_here()

    monkeypatch.setattr(worker, "ensure", fill_the_disk_first)
    result = command(*TRAIN, *SETTINGS)
    assert result.code == 1 and result.out == ""
    assert "is full." in result.err and "Free some space" in result.err and "Traceback" not in result.err
    failed = runs.list_runs()[0]
    assert failed.status == "failed" and failed.job.error["error"] == "StorageError"
    result = command(*TRAIN, *SETTINGS, "--set", "target_modules=nope", "--json")
    assert result.code == 1 and "no layers named nope" in result.json()["message"] and result.json()["hint"]
    assert runs.list_runs()[0].id == failed.id, "refused before there is a run"


BAD_ROW = {"messages": [{"role": "user", "content": "What is [/INST]?"}, {"role": "assistant", "content": "A tag."}]}


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (("show", "nope"), "", "nope"),
        (("show", "../etc"), "", "cannot be used"),
        (("show", "sums@9"), "", "9"),
        (("import", "nothing.jsonl", "--name", "x"), "", "nothing.jsonl"),
        (("import", "nothing.jsonl", "--name", "A B"), "", "cannot be used"),
        (("import", "nothing.jsonl", "--name", "x", "--map", "q"), "", "q"),
        (("export", "sums", "--template", "nope", "--out", "x.jsonl"), "", "no template called 'nope'"),
        (("export", "sums", "--template", "llama2", "--out", "x.xml"), "", "ending"),
        (("train", "nope", "--model", "tiny"), "", "nope"),
        (("train", "sums", "--model", "nope"), "", "no model 'nope'"),
        (("train", "sums", "--model", "EMPTY"), "", "no config.json"),
        (("train", "sums", "--model", "tiny", "--template", "nope"), "", "no template"),
        (("train", "sums", "--model", "tiny", "--set", "max_steps=x", "--set", "nope=1"), "", "max_steps"),
        (("train", "sums", "--model", "tiny", "--set", "max_steps"), "", "key=value"),
        (("train", "sums", "--preset", "nope"), "", "no preset 'nope'"),
        (("run", "nope"), "", "no run 'nope'"),
        (("run", "../x"), "", "no run"),
        (("stop", "nope"), "", "no run 'nope'"),
        (("compare", "nope"), "", "no run 'nope'"),
        (("compare", "RUN", "--metric", "nope"), "", "nope"),
        (("compare", "RUN", "--split", "nope"), "", "nope"),
        (("compare", "RUN", "--data", "nope"), "", "nope"),
        (("render", "--template", "nope"), "", "no template"),
        (("render", "--template", "llama2", "--tokenizer", "nope"), "", "no model"),
        (("render", "--template", "llama2"), lines(CONVERSATION, BAD_ROW), "Line 2: "),
        (("render", "--template", "llama2"), lines(CONVERSATION, {"a": 1}), "Line 2: "),
        (("render", "--template", "llama2"), lines(CONVERSATION) + "{", "Line 2 is not JSON"),
        (("parse", "--template", "nope"), "", "no template"),
        (
            ("parse", "--template", "llama2"),
            lines({"text": "<s>[INST] Hi [/INST] Ho </s>"}, {"text": "hm"}),
            "Line 2: ",
        ),
        (("parse", "--template", "llama2"), lines({"txt": 1}), "Line 1: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
@pytest.mark.parametrize("as_json", [False, True], ids=["words", "json"])
def test_expected_failures(command, run, tmp_path, arguments, given, said, as_json):
    (tmp_path / "empty").mkdir()
    places = {"RUN": run.id, "EMPTY": str(tmp_path / "empty"), "x.jsonl": str(tmp_path / "x.jsonl")}
    result = command(*(places.get(part, part) for part in arguments), *(["--json"] if as_json else []), input=given)
    assert result.code == 1
    message, *hint = [line for line in result.err.splitlines() if line]
    assert message.startswith("Error: ") and said in message and hint
    assert "Traceback" not in result.err
    if as_json:
        assert said in result.json()["message"] and result.json()["hint"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("nope",),
        ("show",),
        ("show", "sums", "--limit", "many"),
        ("show", "sums", "--limit", "-1"),
        ("train", "sums", "--nope"),
        ("import", "rows.jsonl"),
        ("render",),
        ("compare",),
        ("compare", "a-run", "--limit", "-1"),
        ("--port", "many"),
        ("datasets", "extra"),
    ],
    ids=" ".join,
)
def test_wrong_usage(command, arguments):
    result = command(*arguments)
    assert result.code == 2 and result.out == ""
    assert result.err and "Traceback" not in result.err


def test_presets_and_settings_are_listed(home, command):
    found = command("presets", "--json").json()
    assert found["presets"]["first-look"]["settings"]["max_steps"] == 30
    assert found["settings"]["lora_alpha"]["default"] == 32 and all(one["help"] for one in found["settings"].values())
    words = command("presets").out
    assert "first-look: A few short steps" in words and "llama2-chat-4bit" in words and "lora_alpha" in words


def test_who_waits_for_a_run_learns_how_it_ended(command, run):
    found = command("wait", run.id, "--json").json()
    assert (found["run"], found["status"]) == (run.id, "finished") and found["steps"] == 4
    assert command("wait", "nobody", "--json").json()["error"] == "NotFound"


def test_help_lists_what_may_be_named(command):
    shown = {name: re.sub(r"\s+", " ", command(name, "--help").out) for name in ("check", "import")}
    assert ", ".join(CHECKS) in shown["check"] and ", ".join(TEMPLATES) in shown["check"]
    assert ", ".join(ROLES) in shown["import"] and READABLE in shown["import"]


def test_help_is_there_for_all(command):
    overview = command("--help")
    assert overview.code == 0
    for name in (name for names in COMMANDS.values() for name in names):
        assert name in overview.out
        assert command(name, "--help").code == 0


def test_empty_homes_have_empty_lists(command):
    assert command("datasets", "--json").json() == {"datasets": []}
    assert command("runs", "--json").json() == {"runs": []}
    assert command("datasets").code == command("runs").code == 0


def test_the_home_can_be_named(command, tmp_path, studio_home):
    assert command("--home", str(tmp_path / "other"), "datasets", "--json").json() == {"datasets": []}
    assert os.environ["STUDIO_HOME"] == str(tmp_path / "other")
    (tmp_path / "file").write_text("")
    result = command("--home", str(tmp_path / "file"), "runs")
    assert result.code == 1 and "Traceback" not in result.err


def test_a_damaged_database_is_named(command, home: Path):
    home.mkdir()
    (home / "studio.db").write_bytes(b"this is no database at all " * 100)
    result = command("runs")
    assert result.code == 1 and "database" in result.err and "Traceback" not in result.err


def test_which_version_this_is(home, command):
    found = command("--version")
    assert found.code == 0 and found.out.startswith("Tandem, commit ")
    assert f"transformers {version('transformers')}" in found.out
