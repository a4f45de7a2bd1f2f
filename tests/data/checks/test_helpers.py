"""Helper processes: the same findings as without them; they end with the check, however it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from lib.data.checks import Settings, helpers, run_checks
from lib.errors import Stopped, WrongState
from lib.formats import load_tokenizer
from lib.records import Conversation, Message
from tests.formats.tokenizers_for_tests import starter_like
from tests.helpers import python, wait_until

COUNT = 2500


@pytest.fixture(autouse=True)
def three_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    monkeypatch.setattr(helpers, "ROWS_A_HELPER", COUNT // 2)


def rows() -> Iterator[tuple[int, Conversation]]:
    for number in range(1, COUNT + 1):
        answer = f"Number {number} follows {number - 1}; write to n{number}@corp.org." if number % 7 else "ok"
        context = "N/A" if number % 11 == 0 else ""
        yield number, Conversation((Message("user", f"What is {number % 900}?", context), Message("assistant", answer)))


def helper_processes() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(child.cmdline())
    ]


def test_findings_are_the_same(monkeypatch, tmp_path):
    tokenizer = load_tokenizer(starter_like(tmp_path / "model"))
    settings = Settings(tokenizer=tokenizer, template="chatml", max_tokens=60)
    seen: list[tuple[int, int | None]] = []
    with_helpers = run_checks(rows, COUNT, settings, lambda done, total: seen.append((done, total)))
    assert not helper_processes()
    monkeypatch.setattr(helpers, "MAX_HELPERS", 0)
    alone = run_checks(rows, COUNT, settings)
    assert with_helpers == alone
    assert len({finding.check for finding in alone.findings}) >= 5
    assert seen[0] == (0, COUNT) and seen[-1] == (COUNT, COUNT)
    assert sorted(seen) == seen and len(seen) >= COUNT // helpers.BATCH_ROWS


def test_it_can_be_stopped():
    def stop(done: int, total: int | None) -> None:
        if done:
            raise Stopped("stopped")

    with pytest.raises(Stopped):
        run_checks(rows, COUNT, progress=stop)
    assert not helper_processes()


def test_a_helper_that_is_killed_is_told():
    def killing() -> Iterator[tuple[int, Conversation]]:
        for row in rows():
            if row[0] == COUNT - 1:
                for child in helper_processes():
                    child.send_signal(signal.SIGKILL)
            yield row

    with pytest.raises(WrongState, match="ended from outside"):
        run_checks(killing, COUNT)
    assert not helper_processes()


def test_helpers_end_with_a_check_that_is_killed(tmp_path):
    script = tmp_path / "check.py"
    script.write_text(
        "import os, time\n"
        "from lib.data.checks import helpers\n"
        "from lib.data.checks.run import run_checks\n"
        "from tests.data.checks.test_helpers import rows, COUNT\n"
        "if __name__ == '__main__':\n"
        "    os.sched_getaffinity = lambda _: {0, 1, 2}\n"
        "    helpers.ROWS_A_HELPER = COUNT // 2\n"
        "    run_checks(rows, COUNT, progress=lambda done, total: done and (print('on', flush=True), time.sleep(60)))\n"
    )
    process = python(str(script), env={**os.environ, "PYTHONPATH": "."})
    assert process.stdout is not None and process.stdout.readline() == "on\n"
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    process.kill()
    process.wait()
    wait_until(
        lambda: not any(child.is_running() and child.status() != "zombie" for child in children), "helpers ended"
    )


def test_batches_are_small():
    letters = "x" * (helpers.BATCH_CHARS // 2)
    large = [(number, Conversation((Message("user", letters), Message("assistant", "y")))) for number in range(5)]
    assert [len(batch) for batch in helpers.batches(large)] == [2, 2, 1]
    assert [len(batch) for batch in helpers.batches(rows())] == [512] * 4 + [COUNT - 4 * 512]
