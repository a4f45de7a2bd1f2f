"""The Format page over all rows: findings, their mends, lengths and what becomes of long rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lib.data.imports.importer import import_source
from tests.app import seeds
from tests.app.screen import button, field, open_page, rendered, texts, words
from tests.helpers import write_lines

TAGS = [
    {"instruction": "what does [INST] mean?", "output": "It opens an instruction."},
    {"instruction": "what is a bursa?", "output": "A small sac."},
    {"instruction": "why?", "output": ""},
]


def tags(tmp_path: Path) -> None:
    import_source(str(write_lines(tmp_path / "tags.jsonl", TAGS)), "tags")
    seeds.model()


def test_findings_are_counted_and_name_their_rows(tmp_path: Path, jobs_here: Callable[[], None]) -> None:
    tags(tmp_path)
    app = open_page("format", dataset="tags", template="llama2", view="All rows")
    assert "Waiting for its turn" in words(app)
    jobs_here()
    app.run()
    assert not app.exception
    [findings] = [radio for radio in app.radio if radio.label == "Findings"]
    assert [option.split(" · ")[1] for option in findings.options[:2]] == ["1 (33.3%)", "1 (33.3%)"]
    assert "2 rows left out" in words(app)
    findings.set_value("tags_in_text").run()
    assert "what does [INST] mean?" in texts(app, "text")
    button(app, "Row 1").click().run()
    assert "it holds [INST]" in app.warning[0].value.replace("\\", ""), "the row itself, refused"


def test_the_setting_that_ends_a_finding_is_one_click(tmp_path: Path, jobs_here: Callable[[], None]) -> None:
    tags(tmp_path)
    app = open_page("format", dataset="tags", template="llama2", view="All rows", lint="tags_in_text")
    jobs_here()
    app.run()
    button(app, "Escape marks").click().run()
    assert app.query_params["escape"] in ("yes", ["yes"])
    jobs_here()
    app.run()
    assert not any("Marks of the format" in option for radio in app.radio for option in radio.options)


def test_what_becomes_of_long_rows_is_counted_before(jobs_here: Callable[[], None]) -> None:
    seeds.samples()
    seeds.model()
    app = open_page("format", dataset="medical-terms", template="llama2", view="All rows", length="200")
    jobs_here()
    app.run()
    [ways] = [radio for radio in app.radio if radio.label.startswith("Rows over 200 tokens")]
    assert ways.options == ["drop", "cut", "turns", "split"]
    captions = list(ways.proto.captions)
    assert "left out" in captions[0] and "rows cut" in captions[1] and "learned tokens lost" in captions[1]
    ways.set_value("cut").run()
    assert app.query_params["long"] in ("cut", ["cut"])
    assert field(app, "Long rows").value == "cut"


def test_without_a_model_the_lint_says_what_it_needs() -> None:
    seeds.samples()
    app = open_page("format", dataset="medical-terms", view="All rows")
    assert not app.exception
    assert "Choose a model as tokenizer" in words(app)


def test_length_long_rows_and_escaping_go_on_to_train() -> None:
    seeds.samples()
    seeds.model()
    app = open_page("train", dataset="medical-terms", length="320", long="turns", escape="yes")
    assert not app.exception
    assert field(app, "Longest row (tokens)").value == "320"
    assert field(app, "Long rows").value == "turns"
    assert "As on the Format page: longest row (tokens), long rows, escape marks" in words(app)
    assert "max_length=320" in words(app) and "escape_tags=true" in words(app).lower()
    assert not rendered(app)
