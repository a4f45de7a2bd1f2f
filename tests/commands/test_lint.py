"""`check` with a template and a tokenizer: the lint beside the checks."""

from __future__ import annotations

from lib.formats.lint import LINTS


def test_check_with_a_template_and_a_tokenizer_lints(command, studio_home):
    asked = ("check", "sums", "--template", "llama2", "--tokenizer", "tiny", "--max-length", "20")
    report = command(*asked, "--json").json()
    assert {"data", "seq", "rows", "flagged", "checks"} < report.keys()
    found = report["lint"]
    assert [kind["name"] for kind in found["kinds"]] == list(LINTS)
    assert found["settings"] == {"template": "llama2", "model": "tiny", "max_length": 20, "escape": False}
    assert found["effects"]["drop"]["rows"] == found["rows"] == report["rows"]
    text = command(*asked, "--escape").out
    assert "Written as llama2 for tiny" in text and "Rows of more than 20 tokens" in text
    assert all(policy in text for policy in found["effects"])


def test_check_without_a_tokenizer_does_not(command, studio_home):
    assert "lint" not in command("check", "sums", "--template", "llama2", "--json").json()
    only = ("--template", "llama2", "--tokenizer", "tiny", "--only", "empty")
    assert "lint" not in command("check", "sums", *only, "--json").json()
