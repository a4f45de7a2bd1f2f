"""The System page and the state of the machine on Home."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace

import psutil
import pytest

from lib import models
from lib.database import Worker, session
from lib.evaluation import votes
from lib.jobs import queue
from lib.models import job as download_job
from lib.system import disk
from studio.components.system import lines
from tests.app import seeds
from tests.app.screen import button, field, open_page, texts, words
from tests.system.making import exported, set_job, started


def keyed(app, key: str):
    return next(one for one in app.button if one.key == key)


def test_an_empty_machine_shows_its_devices_and_that_there_is_no_worker() -> None:
    shown = words(open_page("system"))
    for text in ("CPU", "free of", "Nothing of the studio holds it", "Nothing runs and nothing waits", "No worker is"):
        assert text in shown


def test_what_runs_waits_and_failed_is_there_with_what_can_be_done() -> None:
    seeds.samples()
    seeds.model()
    failed, live = seeds.run("failed"), seeds.run("queued")
    first, second = seeds.run("queued"), seeds.run("queued")
    started(live.job.id, progress={"done": 10, "total": 40, "text": "training"})
    app = open_page("system")
    assert not app.exception
    shown = words(app)
    for text in (f"Run {live.id}", "10 of 40 steps", f"Run {first.id}", "Memory ran out.", f"job {failed.job.id}"):
        assert text in shown.replace("\\", "")
    keyed(app, f"up-{second.job.id}").click().run()
    assert [job.id for job in queue.waiting("compute")] == [second.job.id, first.job.id]
    keyed(app, f"stop-{first.job.id}").click().run()
    assert queue.get(first.job.id).status == "stopped"
    keyed(app, f"stop-{live.job.id}").click().run()
    assert queue.get(live.job.id).stopping and button(app, "Stopping").disabled


def test_the_engine_gives_its_memory_back() -> None:
    job = queue.submit("engine", {}, "ada")
    started(job, progress={"model": "/models/starter"})
    app = open_page("system")
    assert "Inference engine with starter" in words(app)
    button(app, "Give its memory back").click().run()
    assert queue.get(job).stopping
    assert not app.exception


def test_a_log_is_read_when_it_is_opened() -> None:
    seeds.samples()
    seeds.model()
    run = seeds.run("failed")
    app = open_page("system")
    assert "loading the model" not in words(app)
    app.session_state[f"log-{run.job.id}"] = True
    assert "loading the model\ntraining" in words(app.run())


def test_workers_that_live_and_those_that_are_gone() -> None:
    me = psutil.Process()
    with session() as opened:
        opened.add(Worker(host=queue.HOST, pid=me.pid, started=me.create_time(), heartbeat_at=time.time()))
        opened.add(Worker(host="elsewhere", pid=1, started=1.0, heartbeat_at=time.time() - 3600))
    app = open_page("system")
    assert f"process {os.getpid()} on" in words(app) and "elsewhere" in words(app)
    assert not app.warning


def test_storage_names_the_parts_and_frees_exports() -> None:
    exported(7)
    disk.forget()
    app = open_page("system", view="Storage")
    assert not app.exception
    assert "exports" in app.dataframe[0].value["part"].tolist()
    assert "**4 kB** in 1 export" in words(app)
    button(app, "Delete 1 export").click().run()
    assert "in 1 export" not in words(app)


def test_models_are_listed_with_what_is_wrong_and_deleted() -> None:
    seeds.model("good")
    broken = seeds.model("broken")
    (broken / "tokenizer.json").unlink()
    app = open_page("system", view="Storage")
    shown = words(app)
    assert "**good**" in shown and "It has no tokenizer.json" in shown.replace("\\", "")
    app.session_state["ask-broken"] = True
    app.run()
    keyed(app, "delete-broken").click().run()
    assert [model.name for model in models.list_models()] == ["good"]
    assert not app.exception


def test_a_model_of_the_hub_is_looked_at_before_it_is_fetched() -> None:
    app = open_page("system", view="Storage")
    field(app, "Fetch a model from the Hub").set_value("owner/name").run()
    assert "is not on this machine yet" in words(app) and button(app, "Look it up on the Hub")
    field(app, "Fetch a model from the Hub").set_value("no such folder").run()
    assert not app.exception and app.error


def test_settings_and_versions_say_where_they_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("STUDIO_ENGINE_IDLE_SECONDS", "soon")
    app = open_page("system", view="Versions and settings")
    assert not app.exception
    own, foreign, *_ = (table.value for table in app.table)
    assert own.set_index("setting").loc["user", "from"] == "environment \\(STUDIO\\_USER\\)"
    assert "hf_secret" not in foreign.to_string() and "soon" in own.to_string()
    assert "not a number" in texts(app, "error")[0]
    assert "streamlit" in "".join(table.value.to_string() for table in app.table)


def test_home_says_how_the_machine_is_and_leads_to_system() -> None:
    seeds.samples()
    seeds.model()
    shown = words(open_page())
    assert "starter ready · CPU" in shown and "no worker" in shown
    download_job.submit("owner/name", "ada")
    me = psutil.Process()
    with session() as opened:
        opened.add(Worker(host=queue.HOST, pid=me.pid, started=me.create_time(), heartbeat_at=time.time()))
    assert "1 in the queue" in words(open_page())


def test_home_leads_from_a_run_over_a_comparison_to_a_vote() -> None:
    seeds.samples()
    seeds.model()
    run = seeds.run()
    assert button(open_page(), "Compare it with its base")
    made = seeds.comparison(run)
    app = open_page()
    button(app, "Start a vote").click().run()
    assert app.title[0].value == "Vote"
    assert app.query_params["comparison"] in (str(made.id), [str(made.id)])
    ballot = votes.create(made.id, "starter", run.id, "ada")
    assert button(open_page(), "Vote")
    votes.close(ballot.id, "ada")
    assert button(open_page(), "Train again")


def test_home_points_to_a_comparison_that_goes_on() -> None:
    seeds.samples()
    seeds.model()
    made = seeds.comparison(seeds.run())
    set_job(made.job.id, status="running", finished_at=None)
    app = open_page()
    assert f"Comparison {made.id} is running" in words(app)


def test_a_button_that_comes_too_late_says_so_when_the_page_is_drawn(monkeypatch) -> None:
    """What runs is drawn as a fragment: Streamlit does not show what its callbacks draw."""
    seeds.samples()
    seeds.model()
    ended = seeds.run("finished").job.id
    kept: dict[str, str] = {}
    with monkeypatch.context() as patch:
        patch.setattr(lines, "st", SimpleNamespace(session_state=kept))
        patch.setattr(lines.person, "name", lambda: "ann")
        lines._stop(ended)
        lines._move_up(ended)
    app = open_page("system")
    ((slot, refused),) = kept.items()
    app.session_state[slot] = refused
    assert "does not wait any more" in app.run().toast[0].value
    assert not app.run().toast
