"""The Format page where people write a template of their own: faults with their place, preview, save, check, use."""

from __future__ import annotations

import json
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from lib.formats import saved
from studio.components.formatting.template_view import DRAFTS, EXAMPLE, EXAMPLE_NAME
from tests.app import seeds
from tests.app.screen import button, field, open_page, rendered, texts, words


def editing(source: str = EXAMPLE, **parameters: str) -> AppTest:
    """The view with a source in the field."""
    seeds.samples()
    seeds.model()
    return typing(open_page("format", dataset="medical-terms", **parameters), EXAMPLE_NAME, source)


def typing(app: AppTest, start: str, source: str) -> AppTest:
    """A source that was typed before one looked at another view, and is still there."""
    app.query_params["view"] = "Rows"
    app.run()
    app.session_state[DRAFTS] = {start: source}
    app.query_params["view"] = "Own template"
    return app.run()


def saving(app: AppTest, name: str) -> AppTest:
    field(app, "Save as").set_value(name).run()
    return button(app, "Save and use").click().run()


def marks(app: AppTest) -> list[dict[str, int]]:
    """What is underlined in the editor."""
    shown = [json.loads(part.proto.json or "{}") for part in app.get("bidi_component")]
    return next(data["faults"] for data in shown if "faults" in data)


def test_the_row_is_written_by_the_template_as_it_is_typed() -> None:
    app = editing()
    [text] = rendered(app)
    assert text.startswith("### User:\nWhat is a bursa?\n\n### Assistant:\nA bursa")
    assert "Learned: what stands in {% generation %}" in words(app)
    assert not marks(app)


def test_a_fault_is_named_with_line_and_column_and_nothing_can_be_saved() -> None:
    app = editing(EXAMPLE.replace("message.content + eos", "mesage.content + eos"))
    assert marks(app) == [{"line": 6, "column": 11}]
    assert "line 6, column 11: \\`mesage\\` is not known; did you mean \\`message\\`?" in app.error[0].value
    assert button(app, "Save and use").disabled
    assert not rendered(app)
    assert "Mend the template to see the row" in words(app)


def test_a_saved_template_is_chosen_and_checked_on_all_rows(jobs_here: Callable[[], None]) -> None:
    app = saving(editing(), "house-style")
    assert not app.exception
    assert saved.get("house-style").source == EXAMPLE
    assert field(app, "Template").value == "house-style"
    assert field(app, "Start from").value == "house-style"
    jobs_here()
    app.run()
    assert "347 rows come back" in words(app)
    assert "house-style" in words(open_page("train", dataset="medical-terms", template="house-style"))


def test_a_template_that_loses_something_is_named_before_it_is_used(jobs_here: Callable[[], None]) -> None:
    app = saving(editing(EXAMPLE.replace("message.content }}", "message.content | upper }}")), "loud")
    train = open_page("train", dataset="medical-terms", template="loud")
    assert "not checked on this dataset" in words(train) or "being checked" in words(train)
    jobs_here()
    app.run()
    assert "347 rows refused" in words(app)


def test_a_name_that_cannot_be_used_is_refused_and_the_text_kept() -> None:
    app = saving(editing(EXAMPLE + "\n"), "llama2")
    assert "comes with the studio" in app.error[0].value
    assert not saved.list_saved()
    app = saving(app, "")
    assert "has no name yet" in app.error[0].value
    app = saving(app, "../up")
    assert app.error and not saved.list_saved()
    assert app.session_state[DRAFTS][EXAMPLE_NAME] == EXAMPLE + "\n"


def test_saved_again_it_is_the_next_version_and_deleted_it_is_gone() -> None:
    app = saving(editing(), "mine")
    app = saving(typing(app, "mine", EXAMPLE.replace("###", "##")), "mine")
    assert saved.get("mine").version == 2
    assert "mine@2" in [option for box in app.selectbox if box.label == "Template" for option in box.options]
    button(app, "Delete it").click().run()
    assert not app.exception
    assert not saved.list_saved()
    assert field(app, "Template").value == "llama2"


def test_the_models_own_template_can_be_started_from() -> None:
    app = editing()
    chooser = field(app, "Start from")
    chooser.set_value("the chat template of starter").run()
    assert not app.exception
    assert rendered(app)[0].startswith("<|im_start|>system")


def test_a_template_that_is_markup_stays_text() -> None:
    app = editing("<script>alert(1)</script>{{ nothing }} :red[x]")
    assert not app.exception
    assert not [text for text in texts(app, "markdown") if "<script>" in text]
