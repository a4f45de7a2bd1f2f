"""`system`: what the machine does and stores, and what can be done about it."""

from __future__ import annotations

import pytest

from lib.jobs import queue
from tests.system.making import exported, started


def test_everything_in_one_document(command, home):
    run = queue.submit("train", {"run": "gentle-otter"}, "ada")
    waits = queue.submit("compare", {"comparison": 3}, "ada")
    started(run)
    exported(9)
    found = command("system", "--json").json()
    assert found["devices"][-1]["id"] == "cpu"
    assert [held["job"] for device in found["devices"] for held in device["held_by"]] == [run]
    assert [job["job"] for job in found["queue"]["waiting"]] == [waits]
    assert found["disk"]["parts"]["exports"] == 4000 and found["disk"]["freeable"][0]["name"] == "exports"
    assert found["versions"]["streamlit"] and found["models"] == [] and found["workers"] == []
    home_setting = next(value for value in found["settings"] if value["name"] == "home")
    assert (home_setting["value"], home_setting["source"]) == (str(home), "environment (STUDIO_HOME)")
    shown = command("system")
    assert shown.code == 0
    for words in ("Run gentle-otter", "Comparison 3", "No worker is alive", "exports 4 kB", "STUDIO_HOME", "streamlit"):
        assert words in shown.out


def test_stop_up_and_free(command):
    first, second = (queue.submit("train", {"run": name}, "ada") for name in ("one", "two"))
    assert command("system", "up", str(second), "--json").json() == {"job": second, "waiting": [second, first]}
    assert command("system", "stop", str(second), "--json").json() == {"job": second, "status": "stopped"}
    started(first)
    assert command("system", "stop", str(first)).out == f"job {first}: stopping\n"
    folder = exported(9)
    refused = command("system", "free", "exports")
    assert refused.code == 1 and "--yes" in refused.err and folder.exists()
    assert command("system", "free", "exports", "--yes", "--json").json() == {
        "freed": "exports",
        "items": 1,
        "bytes": 4000,
    }
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("stop", "99"), "no job 99"), (("up", "99"), "no job 99"), (("free", "runs"), "nothing that can be freed")],
)
def test_expected_failures(command, arguments, said):
    result = command("system", *arguments)
    assert result.code == 1 and said in result.err and "Traceback" not in result.err
