"""An adapter made elsewhere among the runs: what works with it, and what cannot, in words."""

from __future__ import annotations

import json

import pytest

from lib.data.imports.importer import import_source
from lib.errors import WrongState
from lib.storage import read_json
from lib.training import runs
from lib.training.adopt import adopt
from tests import tiny
from tests.commands.conftest import command
from tests.helpers import write_lines

__all__ = ["command"]  # a fixture
torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def made_elsewhere(tiny_folder, tmp_path_factory):
    return tiny.write_adapter(tiny_folder, tmp_path_factory.mktemp("elsewhere") / "their adapter", seed=3)


@pytest.fixture
def guest(tiny_home, made_elsewhere):
    return adopt(str(made_elsewhere), "guest", "tiny", "chatml", "ann", "nf4")


@pytest.mark.parametrize(
    "again",
    [
        lambda: runs.resume("guest", "ann"),
        lambda: runs.resume("guest", "ann", 5),
        lambda: runs.extend("guest", "ann", 5),
        lambda: runs.retry("guest", "ann", {"learning_rate": 1e-4}),
    ],
    ids=["resume", "resume for more", "extend", "retry"],
)
def test_it_cannot_be_trained_on_and_the_hint_says_what_can(guest, again):
    with pytest.raises(WrongState, match="guest was made elsewhere") as caught:
        again()
    assert "train DATASET --model tiny --template chatml --set r=4 --set lora_alpha=8" in caught.value.hint
    assert runs.resumable(guest) is None and runs.extendable(guest) is None
    assert runs.get("guest").job == guest.job, "nothing was queued"


def test_stopping_it_says_that_there_is_nothing_to_stop(guest):
    with pytest.raises(WrongState, match="finished already"):
        runs.stop("guest", "ann")


def test_it_says_what_it_is(guest, command):
    document = guest.to_dict()
    assert document["adopted"] and document["data"] == "" and document["warnings"] == []
    manifest = read_json(guest.folder / "manifest.json")
    assert guest.facts == {key: manifest[key] for key in guest.facts}
    assert set(guest.facts) == {"model", "template", "base_sha256", "template_sha256", "adopted_from"}
    repeated = "adopt 'their adapter' --name guest --model tiny --template chatml --quantization nf4"
    assert runs.repeat(guest) == f"python -m studio {repeated}"
    shown = command("run", "guest")
    assert shown.code == 0 and repeated in shown.out and "made elsewhere" in shown.out
    assert command("run", "guest", "--json").json()["facts"] == guest.facts
    assert "guest" in command("runs").out
    refused = command("resume", "guest")
    assert refused.code == 1 and "made elsewhere" in refused.err and "Traceback" not in refused.err


def test_it_is_compared_on_data_that_is_named(guest, command, jobs_here, tmp_path):
    import_source(str(write_lines(tmp_path / "sums.jsonl", tiny.ROWS)), "sums")
    done = command("compare", "guest", "--data", "sums", "--limit", "2", "--metric", "rougeL", "--json")
    assert done.code == 0, done.err
    models = json.loads(done.out)["models"]
    assert set(models) == {"tiny", "guest"} and all(figures["rougeL"]["n"] == 2 for figures in models.values())
    without = command("compare", "guest")
    assert without.code == 1 and "Traceback" not in without.err
