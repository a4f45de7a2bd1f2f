"""The Format page: each row as the model will see it."""

from __future__ import annotations

from pathlib import Path

from lib.data.imports.importer import import_source
from lib.formats import TEMPLATES
from tests.app import seeds
from tests.app.screen import field, open_page, rendered, segments, words
from tests.helpers import write_lines


def test_a_row_is_rendered_with_its_answer_marked() -> None:
    seeds.samples()
    seeds.model()
    app = open_page("format", dataset="medical-terms", template="llama2")
    (prompt, trained, _), (answer, learned, _), (end, end_learned, special) = segments(app)[0]
    assert prompt == "[INST] What is a bursa? [/INST]"
    assert answer.startswith(" A bursa is")
    assert (end, trained, learned, end_learned, special) == ("<|im_end|>", False, True, True, True)
    assert "prompt " in words(app)
    assert " total " in words(app)


def test_switching_the_template_changes_the_text_and_the_address() -> None:
    seeds.samples()
    seeds.model()
    app = open_page("format", dataset="medical-terms")
    seen = set()
    for name in TEMPLATES:
        field(app, "Template").set_value(name).run()
        assert not app.exception
        assert app.query_params["template"] in (name, [name])
        seen.add(rendered(app)[0])
    assert len(seen) >= len(TEMPLATES) - 1  # two of them write a row without system and input alike


def test_without_a_tokenizer_the_formats_own_tokens_are_written() -> None:
    seeds.samples()
    app = open_page("format", dataset="medical-terms", template="llama2")
    assert rendered(app)[0].startswith("<s>[INST] What is a bursa? [/INST]")
    assert "tokens" not in " ".join(texts_of_rows(app))


def texts_of_rows(app: object) -> list[str]:
    return [line for line in words(app).splitlines() if "row 1 " in line]  # type: ignore[arg-type]


def test_a_row_that_the_template_cannot_carry_is_refused_in_words(tmp_path: Path) -> None:
    tool = [
        {"role": "user", "content": "Add 1 and 2."},
        {"role": "assistant", "content": "call"},
        {"role": "tool", "content": "3"},
        {"role": "assistant", "content": "It is 3."},
    ]
    import_source(str(write_lines(tmp_path / "tools.jsonl", [{"messages": tool}])), "tools")
    app = open_page("format", dataset="tools", template="llama2")
    assert not app.exception
    assert "tool" in app.warning[0].value
    assert not segments(app)


def test_markup_in_a_row_reaches_the_page_as_data_only(tmp_path: Path) -> None:
    text = "<script>alert(1)</script> :red[x] $y$"
    import_source(str(write_lines(tmp_path / "odd.jsonl", [{"instruction": text, "output": text}])), "odd")
    app = open_page("format", dataset="odd", template="alpaca")
    assert rendered(app)[0].count(text) == 2
    assert not [element for element in app.markdown if "alert" in element.value]


def test_an_unknown_dataset_in_the_address_is_said_and_another_shown() -> None:
    seeds.samples()
    app = open_page("format", dataset="nonesuch@4")
    assert not app.exception
    assert "There is no dataset nonesuch" in app.warning[0].value
    assert rendered(app)


def test_an_unknown_template_in_the_address_falls_back() -> None:
    seeds.samples()
    app = open_page("format", template="<b>nonesuch</b>")
    assert not app.exception
    assert field(app, "Template").value == "llama2"


def test_the_dataset_can_be_exported(home: Path) -> None:
    seeds.samples()
    seeds.model()
    app = open_page("format", dataset="medical-terms")
    app.button(key="export").click().run()
    assert not app.exception
    assert "347 rows written" in app.success[0].value
    assert (home / "exports" / "medical-terms-v1-llama2.jsonl").exists()
