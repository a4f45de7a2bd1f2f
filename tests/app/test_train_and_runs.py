"""Train and Runs: settings and their faults, starting, the states of a run."""

from __future__ import annotations

import json
import re

import pytest

from lib.database import Job, session
from lib.jobs import queue
from lib.training import checkpoints, runs
from lib.training.checkpoints import Place
from studio.components.training.plan_box import axis_end
from tests.app import seeds
from tests.app.screen import button, field, open_page, texts, words


def ready() -> None:
    seeds.samples()
    seeds.model()


def test_the_plan_says_what_will_happen() -> None:
    ready()
    app = open_page("train", dataset="medical-terms")
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures.keys() == {"Time", "Steps", "Passes", "Tokens learned"}
    assert figures["Steps"] == "30" and figures["Passes"] == "0.42"
    assert re.fullmatch(r"\d+ to \d+ min", figures["Time"]), "nothing was measured here yet"
    shown = words(app)
    assert "**282** of 287 training rows can be learned from, 24 held-out rows to measure on" in shown
    assert "fits: " in shown and "estimated" in shown
    assert "42% of the rows are seen in 30 steps" in shown and not app.warning
    assert field(app, "Rows per batch").value == "auto" and "batches of 4 rows" in shown
    assert "python -m studio train medical-terms@1 --model starter --template model" in words(app)


def test_the_memory_bar_ends_at_what_the_words_say_is_there() -> None:
    assert axis_end(2.5, 21.34) == 21.3
    assert axis_end(40.0, 21.34) == 42.0


def test_all_bad_settings_are_named_together_and_nothing_can_be_started() -> None:
    ready()
    app = open_page("train", dataset="medical-terms")
    for label, value in {"Steps": "many", "Learning rate": "5", "Adapter rank": "0", "Adapter dropout": "1.5"}.items():
        field(app, label).set_value(value)
    app.run()
    assert not app.exception
    assert len(app.error) == 1
    for part in ("Steps", "many", "Learning rate", "Adapter rank"):
        assert part in app.error[0].value
    assert "dropout" in app.error[0].value
    assert button(app, "Start").disabled


def test_choosing_a_preset_fills_the_form_anew() -> None:
    ready()
    app = open_page("train", dataset="medical-terms")
    field(app, "Preset").set_value("llama2-chat-4bit").run()
    assert not app.exception
    assert field(app, "Adapter rank").value == "64"
    assert field(app, "Base held as").value == "nf4"


@pytest.mark.parametrize("longest", ["64", "160", "256"])
def test_rows_that_are_left_out_are_said_once(longest: str) -> None:
    ready()
    app = open_page("train", dataset="medical-terms")
    field(app, "Longest row (tokens)").set_value(longest).run()
    assert words(app).count("longer than max") == 1


def test_start_queues_a_run_and_shows_it() -> None:
    ready()
    app = open_page("train", dataset="medical-terms")
    field(app, "Steps").set_value("12").run()
    button(app, "Start").click().run()
    assert not app.exception
    (view,) = runs.list_runs()
    assert (view.status, view.data_ref, view.model, view.template) == ("queued", "medical-terms@1", "starter", "model")
    assert view.config.max_steps == 12
    assert app.title[0].value == "Runs"
    assert "queued" in words(app)
    assert "starter · the model's own template" in words(open_page("runs"))
    assert [job.id for job in queue.live_jobs()] == [view.job.id]
    app.switch_page("../pages/train.py").run()
    assert field(app, "Steps").value == "12", "for the next run, what was typed is still there"


def test_a_queued_run_can_be_cancelled() -> None:
    ready()
    view = seeds.run("queued")
    app = open_page("runs", run=view.id)
    assert "Waiting for its turn" in words(app)
    assert "Stop and keep" not in [one.label for one in app.button], "there is nothing to keep"
    button(app, "Cancel").click().run()
    assert not app.exception
    assert runs.get(view.id).status == "stopped"


def test_a_run_that_was_resumed_says_where_it_goes_on_and_that_it_waits_again() -> None:
    ready()
    view = seeds.run("queued")
    scratch = checkpoints.folder_of(view.folder) / ".checkpoint-10"
    scratch.mkdir(parents=True)
    checkpoints.finish(scratch, Place(10, 40, 5000, 60.0, 0, False, "", ""))
    assert "It goes on from step 10; to go on it was put at the end of the queue." in words(
        open_page("runs", run=view.id)
    )


@pytest.mark.parametrize("status", ["queued", "running", "finished", "failed", "stopped", "interrupted"])
def test_a_run_in_every_state_opens_and_says_its_state(status: str) -> None:
    ready()
    view = seeds.run(status)
    app = open_page("runs", run=view.id)
    assert not app.exception
    assert status in words(app)
    assert status in words(open_page("runs"))


def test_a_running_run_shows_how_far_it_is_and_can_be_stopped() -> None:
    ready()
    view = seeds.run("running")
    app = open_page("runs", run=view.id)
    shown = words(app)
    for text in ("20 of 40 steps", "132 tokens/s", "42 s left"):
        assert text in shown
    assert app.get("echarts_chart")
    button(app, "Stop and keep").click().run()
    assert runs.get(view.id).job.stopping
    assert "Stopping; what is there is kept" in words(app)
    button(app, "Cancel").click().run()
    assert not app.exception
    with session() as opened:
        assert opened.get(Job, view.job.id).stop_requested_at == queue.LONG_AGO, "the worker does not wait for it"


def test_a_failed_run_says_what_happened_and_what_to_do() -> None:
    ready()
    app = open_page("runs", run=seeds.run("failed").id)
    (error,) = texts(app, "error")
    assert seeds.MEMORY["message"] in error
    assert seeds.MEMORY["hint"] in error


def test_a_finished_run_shows_its_figures_and_leads_to_the_comparison() -> None:
    ready()
    run = seeds.run("finished").id
    app = open_page("runs", run=run)
    shown = words(app)
    for text in ("Loss on held-out rows", "1.400", "11,240", "127 tok/s", "2.0 GiB", "Compare with the base"):
        assert text in shown
    button(app, "Compare with its base").click().run()
    assert app.title[0].value == "Compare" and f"compare {run} --data medical-terms@1" in words(app)


@pytest.mark.parametrize("run", ["nonesuch", "../..", "<script>alert(1)</script>", "Not a run"])
def test_an_unknown_run_in_the_address_is_said(run: str) -> None:
    ready()
    known = seeds.run("finished")
    app = open_page("runs", run=run)
    assert not app.exception
    assert len(app.error) == 1
    assert "<script>" not in app.error[0].value.replace("\\<", "")
    button(app, "All runs").click().run()
    assert known.id in words(app)


def test_the_time_is_told_from_the_last_run_on_this_machine() -> None:
    ready()
    done = seeds.run("finished")
    assert f"going by the run {done.id}" in words(open_page("train")).replace("\\", "")


def test_the_template_begins_with_the_models_own_and_one_in_hand_stays() -> None:
    ready()
    files = seeds.model("plain") / "tokenizer_config.json"
    files.write_text(json.dumps({**json.loads(files.read_text()), "chat_template": None}))
    assert field(open_page("train", dataset="medical-terms"), "Template").value == "model"
    assert field(open_page("train", dataset="medical-terms", template="llama2"), "Template").value == "llama2"
    app = open_page("train", dataset="medical-terms", template="model", model="plain")
    assert field(app, "Template").value == "llama2" and "plain has no template of its own" in words(app)
    assert not app.exception
