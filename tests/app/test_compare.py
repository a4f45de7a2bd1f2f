"""The Compare page: asking both, a split with figures, addresses."""

from __future__ import annotations

from lib.evaluation import comparisons
from tests.app import seeds
from tests.app.screen import button, field, open_page, texts, words


def test_the_question_starts_with_a_held_out_row() -> None:
    view = seeds.full()
    app = open_page("compare", run=view.id)
    assert field(app, "Question").value.startswith("Rewrite this note in plain English.")
    assert button(app, "Ask both")


def test_runs_without_an_adapter_are_not_offered() -> None:
    seeds.samples()
    seeds.model()
    failed = seeds.run("failed")
    assert "Nothing to compare yet" in words(open_page("compare"))
    seeds.run("finished")
    app = open_page("compare", run=failed.id)
    assert not app.exception
    assert "has no adapter to compare" in app.warning[0].value


def test_a_split_shows_verdict_figures_and_examples() -> None:
    view = seeds.full()
    app = open_page("compare", run=view.id, view="test split")
    assert not app.exception
    shown = words(app)
    for text in ("tuned is better on", "worse on", "no evidence either way", "better / same / worse", "< 0.001"):
        assert text in shown
    assert f"Answer 0 of {view.id}, with *stars* and $5." in texts(app, "text")


def test_a_link_to_a_comparison_opens_that_comparison() -> None:
    seeds.samples()
    seeds.model()
    first, second = seeds.run("finished"), seeds.run("finished")
    made = seeds.comparison(first)
    seeds.comparison(second)
    app = open_page("compare", comparison=str(made.id))
    assert not app.exception
    assert f"Comparison {made.id}:" in words(app)
    assert field(app, "Run").value == first.id


def test_an_unknown_comparison_in_the_address_is_said() -> None:
    seeds.full()
    for number in ("999", "x", "<script>"):
        app = open_page("compare", comparison=number)
        assert not app.exception
        assert "There is no comparison" in words(app)


def test_compare_queues_a_comparison_and_shows_it() -> None:
    seeds.samples()
    seeds.model()
    view = seeds.run("finished")
    app = open_page("compare", run=view.id, view="test split")
    field(app, "Rows at most").set_value(8)
    button(app, "Compare").click().run()
    assert not app.exception
    (made,) = comparisons.list_comparisons()
    assert (made.split, made.config["limit"], made.status) == ("test", 8, "queued")
    assert f"Comparison {made.id}:" in words(app)
    assert "Waiting for its turn" in words(app)
    button(app, "Stop and keep").click().run()
    assert not app.exception
    assert comparisons.get(made.id).status == "stopped"


def test_examples_can_be_put_in_order_of_difference() -> None:
    view = seeds.full()
    app = open_page("compare", run=view.id, view="test split")
    for option in field(app, "Order").options:
        field(app, "Order").select(option).run()
        assert not app.exception
        assert not app.error


def test_an_empty_question_is_said() -> None:
    view = seeds.full()
    app = open_page("compare", run=view.id)
    field(app, "Question").set_value("")
    button(app, "Ask both").click().run()
    assert "Write a question first" in app.warning[0].value
