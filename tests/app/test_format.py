"""The Format page: each row as the model will see it."""

from __future__ import annotations

from pathlib import Path

from lib.data.imports.importer import import_source
from lib.formats import TEMPLATES
from tests.app import seeds
from tests.app.screen import button, field, open_page, rendered, segments, tokens, words
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
    assert "total 190 tokens" in words(app)


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


def test_a_row_as_tokens_with_ids_and_what_each_counts_for() -> None:
    seeds.samples()
    seeds.model()
    app = open_page("format", dataset="medical-terms", template="llama2", way="Tokens", length="24")
    [view] = tokens(app)
    assert len(view["ids"]) == len(view["flags"]) == len(view["shown"])
    assert view["flags"][0] == 0 and view["flags"][-1] == 3, "the prompt is read, the end token learned and special"
    assert (view["cut"], view["rest"]) == (24, "")
    assert "more than the longest row of 24" in words(app)
    assert "Too long" in words(app)


def test_the_next_row_by_button_number_and_address() -> None:
    seeds.samples()
    app = open_page("format", dataset="medical-terms", row="3")
    third = rendered(app)
    button(app, "Next").click().run()
    assert app.query_params["row"] in ("4", ["4"]) and rendered(app) != third
    button(app, "Previous").click().run()
    assert rendered(app) == third
    field(app, "Row, of 347").set_value(347).run()
    assert button(app, "Next").disabled and rendered(app) != third
    app = open_page("format", dataset="medical-terms", row="nonsense")
    assert not app.exception and rendered(app)[0].startswith("<s>[INST] What is a bursa?")


def test_two_templates_side_by_side() -> None:
    seeds.samples()
    app = open_page("format", dataset="medical-terms", template="llama2", way="Side by side", other="llama2-oneline")
    left, right = rendered(app)
    assert left.startswith("<s>[INST]") and left.replace(" </s>", "</s>") == right
    field(app, "Beside it").set_value("chatml").run()
    assert rendered(app)[1].startswith("<|im_start|>user")


def test_marks_inside_a_message_are_refused_or_escaped(tmp_path: Path) -> None:
    rows = [{"instruction": "what does [INST] mean?", "output": "it opens an instruction"}]
    import_source(str(write_lines(tmp_path / "tags.jsonl", rows)), "tags")
    app = open_page("format", dataset="tags", template="llama2")
    assert "it holds [INST]" in app.warning[0].value.replace("\\", "")
    button(app, "Escape marks").click().run()
    assert "what does [\\INST] mean?" in rendered(app)[0]
    assert app.query_params["escape"] in ("yes", ["yes"])


def test_without_a_tokenizer_the_formats_own_tokens_are_written() -> None:
    seeds.samples()
    app = open_page("format", dataset="medical-terms", template="llama2", way="Tokens")
    assert rendered(app)[0].startswith("<s>[INST] What is a bursa? [/INST]")
    assert "Choose a model as tokenizer" in words(app)


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
