"""When the studio ends the engine goes with it, and everything else goes on."""

from __future__ import annotations

from lib.jobs import queue
from studio.serve import _end_engine


def test_the_engine_is_asked_to_stop_and_a_run_is_not(home, capsys):
    engine, train = queue.submit("engine", {}, "ann"), queue.submit("train", {}, "ann")
    _end_engine()
    assert queue.get(engine).status == "stopped"
    assert queue.get(train).status == "queued"
    assert "goes on" in capsys.readouterr().out
