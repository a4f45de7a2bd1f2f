"""A run keeps the version of a saved template, and its source, whatever happens to the template later."""

from __future__ import annotations

import json

from lib.formats import get_template, saved
from lib.training import runs
from lib.training.config import TrainConfig
from tests.app import seeds

SOURCE = "{% for m in messages %}### {{ m.role }}:\n{{ m.content }}{{ eos_token }}\n{% endfor %}"


def test_the_version_of_today_is_kept() -> None:
    seeds.samples()
    seeds.model()
    saved.save("mine", SOURCE, "ann")
    view = runs.create("support-desk", "starter", "mine", TrainConfig(), "ann")
    saved.save("mine", SOURCE + "changed", "ann")
    saved.delete("mine")
    assert runs.get(view.id).template == "mine@1" and get_template("mine@1").source == SOURCE
    config = json.loads((view.folder / "config.json").read_text())
    assert (config["template"], config["template_source"]) == ("mine@1", SOURCE)
    assert "--template mine@1" in config["command"]
    plain = runs.create("support-desk", "starter", "llama2", TrainConfig(), "ann")
    assert "template_source" not in json.loads((plain.folder / "config.json").read_text())
