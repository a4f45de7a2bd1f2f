"""What a newcomer sees: an empty home, then the samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app import seeds
from tests.app.screen import FIRST_STEP, PAGES, button, open_page, words


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_an_empty_home_says_what_to_do_first(name: str) -> None:
    app = open_page(name)
    assert not app.exception
    assert not app.error
    assert FIRST_STEP[name] in words(app)


def test_home_says_that_the_starter_model_and_the_worker_are_missing() -> None:
    shown = words(open_page())
    assert "no starter model" in shown
    assert "no worker" in shown


def test_train_without_a_model_says_how_to_get_one() -> None:
    seeds.samples()
    assert "make setup" in words(open_page("train"))


def test_home_with_the_samples_offers_one_thing_to_do_and_leads_there() -> None:
    seeds.samples()
    seeds.model()
    app = open_page()
    assert "medical\\-terms is ready to train on" in words(app)
    assert [button.label for button in app.button] == ["Train First look, some minutes"]
    app.button[0].click().run()
    assert app.title[0].value == "Train"
    assert app.query_params["dataset"] in ("medical-terms@1", ["medical-terms@1"])
    assert button(app, "Start")


def test_home_names_what_is_there_and_what_happened() -> None:
    done = seeds.full()
    shown = words(open_page())
    for text in ("2 datasets", "4 runs", "1 comparison", done.id, "started run"):
        assert text in shown


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_a_full_home_opens(name: str) -> None:
    seeds.full()
    app = open_page(name)
    assert not app.exception
    assert not app.error


def test_a_home_that_cannot_be_written_is_said_and_not_a_traceback(home: Path) -> None:
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file where the folder should be")
    app = open_page()
    assert not app.exception
    assert str(home.name) in app.error[0].value
