"""Runs: the list, several side by side, and what can be done with one that has ended."""

from __future__ import annotations

import json

import pytest

from lib import packaging
from lib.data import datasets
from lib.jobs import queue
from lib.training import checkpoints, labels, runs
from lib.training.checkpoints import Place
from lib.training.config import TrainConfig
from lib.training.plan import plan
from lib.training.presets import get_preset
from studio.components.charts import MOST_POINTS, points, smoothed, spark
from tests.app import seeds
from tests.app.screen import button, field, open_page, texts, words


@pytest.fixture(autouse=True)
def ready(home) -> None:
    seeds.samples()
    seeds.model()


def test_the_list_is_searched() -> None:
    first, other = seeds.run("finished"), seeds.run("failed")
    labels.label(first.id, "ada", ["baseline"])
    app = open_page("runs")
    assert first.id in words(app) and other.id in words(app) and "baseline" in words(app)
    field(app, "Search").set_value("baseline").run()
    assert first.id in words(app) and other.id not in words(app)
    field(app, "Search").set_value("no such thing").run()
    assert "No run has all of these words" in words(app)


def test_runs_are_compared_by_what_differs() -> None:
    one, two, three = seeds.run(), seeds.run(r=8), seeds.run(learning_rate=5e-4)
    app = open_page("runs")
    for run in (one, two, three):
        field(app, f"Compare {run.id}").check().run()
    button(app, "Compare 3 runs").click().run()
    assert not app.exception
    settings, results = (frame.value for frame in app.dataframe)
    assert settings["setting"].tolist() == ["learning_rate", "r"]
    assert settings[two.id].tolist() == ["0.001", "8"]
    assert results[one.id].tolist()[2] == "40"
    assert app.get("echarts_chart")
    button(app, "All runs").click().run()
    assert "Search" in words(app)


def test_runs_are_compared_by_what_they_answered() -> None:
    views = [seeds.run() for _ in range(4)]
    for number, view in enumerate(views[:3]):
        lines = [
            {
                "step": step,
                "prompt": prompt,
                "answer": f"<i>{number} at {step}</i>",
                "tokens": 5,
                "seconds": 0.1,
                "ended": "end",
            }
            for prompt in ("What is a *bursa*?", f"Only {number}?")
            for step in (0, 40)
        ]
        (view.folder / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    app = open_page("runs", runs=",".join(view.id for view in views))
    assert not app.exception
    assert texts(app, "text") == [f"<i>{number} at 40</i>" for number in range(3)]
    assert "What is a \\*bursa\\*?" in words(app) and "Only 0?" not in words(app)


def test_a_comparison_of_runs_that_are_gone_says_so() -> None:
    app = open_page("runs", runs="nonesuch,<b>x</b>")
    assert not app.exception and len(app.warning) == 2


def test_waiting_runs_can_be_reordered() -> None:
    first, second, third = (seeds.run("queued") for _ in range(3))
    app = open_page("runs")
    assert "3 runs wait for the device" in words(app)
    next(one for one in app.button if one.key == f"first-{third.id}").click().run()
    assert [view.id for view in runs.waiting()] == [third.id, first.id, second.id]
    next(one for one in app.button if one.key == f"up-{second.id}").click().run()
    assert [view.id for view in runs.waiting()] == [third.id, second.id, first.id]


def test_an_interrupted_run_can_be_started_again() -> None:
    run = seeds.run("interrupted")
    app = open_page("runs", run=run.id)
    button(app, "Start it again").click().run()
    assert not app.exception
    assert runs.get(run.id).status == "queued"


def test_a_finished_run_is_trained_longer() -> None:
    run = seeds.run("finished")
    kept = checkpoints.folder_of(run.folder) / "checkpoint-40"
    kept.mkdir(parents=True)
    (kept / checkpoints.PLACE).write_text(json.dumps(Place(40, 40, 1, 1.0, 1, True, "x", "y").to_dict()))
    app = open_page("runs", run=run.id)
    field(app, "More steps").set_value(15).run()
    button(app, "Go on").click().run()
    assert not app.exception
    view = runs.get(run.id)
    assert (view.status, view.config.max_steps) == ("queued", 55)


def test_a_run_that_ran_out_of_memory_offers_what_would_fit() -> None:
    run = seeds.run("failed")
    app = open_page("runs", run=run.id)
    retry = next((one for one in app.button if one.label.startswith("Retry with")), None)
    assert retry is not None, [one.label for one in app.button]
    assert "a batch of 2 rows and 2 batches to a step" in retry.label
    retry.click().run()
    newest = runs.list_runs()[0]
    assert newest.parent == run.id and newest.config.per_device_train_batch_size == 2
    assert newest.config.rows_per_step == run.config.rows_per_step


def test_tags_and_note_are_kept() -> None:
    run = seeds.run("finished")
    app = open_page("runs", run=run.id)
    field(app, "Note").set_value("The one to beat.").run()
    assert runs.get(run.id).note == "The one to beat."
    assert not app.exception


def test_sample_answers_are_shown_as_text() -> None:
    run = seeds.run("finished")
    lines = [
        {
            "step": step,
            "prompt": "What is <b>a</b> bursa?",
            "answer": f"<script>{step}</script>",
            "tokens": 5,
            "seconds": 0.1,
            "ended": "end",
        }
        for step in (0, 40)
    ]
    (run.folder / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    app = open_page("runs", run=run.id)
    assert "<script>40</script>" in texts(app, "text")
    (run.folder / "samples.jsonl").write_text(json.dumps({**lines[-1], "ended": "length"}) + "\n")
    assert "<script>40</script> …" in texts(open_page("runs", run=run.id), "text")
    assert not [text for text in texts(app, "markdown") if "<script>" in text or "<b>" in text.replace("\\<", "")]


def test_a_package_is_asked_for() -> None:
    run = seeds.run("finished")
    app = open_page("runs", run=run.id)
    next(radio for radio in app.radio if radio.label == "As").set_value("merged").run()
    button(app, "Package it").click().run()
    assert not app.exception
    job = packaging.newest_job(run.id)
    assert job is not None and job.payload["as"] == "merged"
    assert job.id in [live.id for live in queue.live_jobs()]


def test_settings_of_a_run_are_copied_and_saved() -> None:
    run = seeds.run("finished", r=24)
    app = open_page("train", copy=run.id, dataset="medical-terms")
    assert field(app, "Adapter rank").value == "24"
    field(app, "Name").set_value("big-rank").run()
    button(app, "Save").click().run()
    assert not app.exception
    assert get_preset("big-rank").settings["r"] == 24
    assert "big-rank" in [option for box in open_page("train").selectbox for option in box.options]
    assert open_page("train", copy="nonesuch").warning


def test_proposed_settings_are_put_into_the_form() -> None:
    config = TrainConfig.from_settings(get_preset("first-look").settings)
    proposed = plan(datasets.get("medical-terms"), "starter", "llama2", config).proposals[0].settings
    assert {"per_device_train_batch_size", "gradient_checkpointing"} <= set(proposed)
    app = open_page("train", dataset="medical-terms")
    button(app, "Use these").click().run()
    assert field(app, "Rows per batch").value == str(proposed["per_device_train_batch_size"])
    assert field(app, "Gradient checkpointing").value == proposed["gradient_checkpointing"]
    field(app, "Preset").set_value("llama2-chat-4bit").run()
    assert field(app, "Rows per batch").value == "4"


def test_curves_are_thinned_and_smoothed_honestly() -> None:
    lines = [{"step": step, "loss": 5.0} for step in range(10_000)]
    found = points(lines, "loss")
    assert len(found) <= MOST_POINTS + 1 and found[0] == [0, 5.0] and found[-1] == [9999, 5.0]
    assert smoothed(found, 0.9) == found, "a constant stays what it is, from the first point on"
    assert points([{"step": 1}, {"step": 2, "loss": 1.0}], "loss") == [[2, 1.0]]
    assert spark([3, 2, 1]) == "█▅▁" and spark([]) == "" and spark([1.0]) == "▁"
