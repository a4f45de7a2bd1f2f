"""templates: listed, saved, shown, checked on a file or a dataset, deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app import seeds
from tests.commands.conftest import Command

GOOD = (
    "{% for m in messages %}### {{ m.role }}:\n{{ m.content }}{{ eos_token if m.role == 'assistant' }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}### assistant:\n{% endif %}"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.jinja"
    path.write_text(GOOD)
    return path


def test_a_template_from_its_file_to_its_deletion(command: Command, file: Path) -> None:
    assert command("templates", "save", "mine", str(file), "--note", "first").out == "Saved as mine@1.\n"
    entry = command("templates", "save", "mine", str(file), "--json").json()
    assert entry == {"name": "mine", "version": 1, "label": "mine@1", "help": "first"}
    listed = command("templates", "--json").json()["templates"]
    assert listed[0]["name"] == "llama2" and listed[0]["version"] is None and listed[-1] == entry
    assert "mine@1" in command("templates").out
    shown = command("templates", "show", "mine", "--json").json()
    assert (shown["source"], shown["created_by"], shown["versions"]) == (GOOD, "tester", [1])
    assert command("templates", "show", "mine@1").out.endswith(GOOD + "\n")
    failed = command("templates", "delete", "mine")
    assert failed.code == 1 and "--yes" in failed.err
    assert command("templates", "delete", "mine", "--yes", "--json").json() == {"deleted": "mine", "versions": 1}
    assert command("templates", "show", "mine").code == 1
    assert command("templates", "show", "mine@1", "--json").json()["versions"] == []


def test_faults_have_line_and_column(command: Command, file: Path) -> None:
    file.write_text("{% for m in mesages %}\n{{ m.content }}\n{% endfor %}")
    checked = command("templates", "check", str(file))
    assert checked.code == 1 and "line 1, column 13: `mesages` is not known; did you mean `messages`?" in checked.out
    found = command("templates", "check", str(file), "--json")
    assert found.code == 1 and found.json()["faults"][0]["column"] == 13
    failed = command("templates", "save", "mine", str(file), "--json")
    assert failed.code == 1 and failed.json()["fault"]["line"] == 1
    assert command("templates", "check", "nobody").code == 1
    assert command("templates", "save", "mine", str(file.parent / "gone.jinja")).code == 1
    assert command("templates", "nonsense").code == 2


def test_rows_are_written_and_read_back(command: Command, file: Path) -> None:
    seeds.samples()
    seeds.model()
    rows = ("--data", "support-desk")
    for source in (str(file), "chatml"):
        found = command("templates", "check", source, *rows, "--tokenizer", "starter", "--json")
        trip = found.json()["round_trip"]
        assert found.code == 0 and trip["rows"] == 160 == trip["same"] + trip["whitespace"] + trip["left_out"]
    command("templates", "save", "mine", str(file))
    printed = command("templates", "check", "mine", *rows)
    assert printed.code == 0 and "mine@1: 160 rows, 1" in printed.out
    assert "160 of 160 rows written and read back" in printed.err
