"""Presets of the studio and of people; tags and notes of runs."""

from __future__ import annotations

import pytest

from lib.errors import BadInput, NotFound
from lib.settings import settings
from lib.training import labels, runs
from lib.training.config import TrainConfig
from lib.training.presets import PRESETS, delete_preset, differences, get_preset, list_presets, save_preset
from tests.app import seeds

CONFIG = TrainConfig(r=8, max_steps=7, learning_rate=3e-4)


def test_settings_are_saved_under_a_name_and_come_back(home):
    save_preset("mine", CONFIG, "ada", "for short rows")
    preset = get_preset("mine")
    assert (preset.about, preset.saved) == ("for short rows", True)
    assert TrainConfig.from_settings(preset.settings) == CONFIG
    assert preset.settings == differences(CONFIG) == {"r": 8, "max_steps": 7, "learning_rate": 3e-4}
    assert list(list_presets()) == [*PRESETS, "mine"]
    save_preset("mine", TrainConfig(r=4), "bob")
    assert get_preset("mine").settings == {"r": 4}
    delete_preset("mine")
    assert list(list_presets()) == list(PRESETS)


@pytest.mark.parametrize("name", ["first-look", "../up", "", "Äh"])
def test_names_that_cannot_be_used_are_refused(home, name):
    with pytest.raises(BadInput):
        save_preset(name, CONFIG, "ada")
    assert list(list_presets()) == list(PRESETS)


def test_those_of_the_studio_stay(home):
    for name in ("first-look", "nonesuch"):
        with pytest.raises(NotFound):
            delete_preset(name)


def test_a_damaged_file_is_passed_over(home):
    save_preset("mine", CONFIG, "ada")
    (settings.home / "presets" / "broken.json").write_text("{")
    (settings.home / "presets" / "odd.json").write_text('{"about": "x", "settings": {"nonesuch": 1}}')
    assert list(list_presets()) == [*PRESETS, "mine"]


def test_runs_are_labelled_and_found(home):
    seeds.samples()
    seeds.model()
    one, other = seeds.run("finished"), seeds.run("failed")
    labels.label(one.id, "ada", ["baseline", " baseline ", "r 16"], "The first that speaks plainly.")
    labelled = runs.get(one.id)
    assert (labelled.tags, labelled.note) == (("baseline", "r 16"), "The first that speaks plainly.")
    assert labelled.to_dict()["tags"] == ["baseline", "r 16"]
    labels.label(one.id, "ada", tags=["kept"])
    assert runs.get(one.id).note == "The first that speaks plainly."
    views = runs.list_runs()
    for words, found in {
        "KEPT plainly": [one.id],
        other.id: [other.id],
        "failed": [other.id],
        "medical llama2": [other.id, one.id],
        "nothing of that": [],
    }.items():
        assert sorted(view.id for view in labels.matching(views, words)) == sorted(found), words


@pytest.mark.parametrize("tags", [["a,b"], ["x" * 41], [str(n) for n in range(21)]])
def test_tags_that_cannot_be_are_refused(home, tags):
    seeds.samples()
    seeds.model()
    run = seeds.run("finished")
    with pytest.raises(BadInput):
        labels.label(run.id, "ada", tags)
    with pytest.raises(NotFound):
        labels.label("nonesuch", "ada", [])
    assert runs.get(run.id).tags == ()
