"""Dry runs: real steps, whose figures take the place of the estimate."""

from __future__ import annotations

import pytest

from lib.jobs import queue
from lib.settings import settings as studio
from lib.training.config import TrainConfig
from lib.training.plan import dry_run_job, newest_dry_run, plan, submit_dry_run
from tests import tiny

CONFIG = TrainConfig.from_settings({**tiny.SETTINGS, "gradient_accumulation_steps": 2})


@pytest.mark.parametrize("packing", [False, True], ids=["plain", "packed"])
def test_a_measurement_replaces_the_estimate(tiny_home, store, jobs_here, packing):
    info, config = store(), TrainConfig.from_settings({**CONFIG.to_dict(), "packing": packing, "max_length": 64})
    before = plan(info, "tiny", "llama2", config)
    assert not before.measured and newest_dry_run(info, "tiny", "llama2", config) is None
    job = submit_dry_run(info, "tiny", "llama2", config, "tester")
    assert submit_dry_run(info, "tiny", "llama2", config, "tester") == job  # one at a time
    jobs_here()
    assert queue.get(job).status == "finished", queue.get(job).error
    found = newest_dry_run(info, "tiny", "llama2", config)
    assert found and found.longest_tokens >= found.usual_tokens > 0
    assert found.usual_seconds > 0 and found.peak_bytes > 100 * 2**20 and not found.checkpointing
    assert queue.get(job).result["peak_bytes"] == found.peak_bytes
    after = plan(info, "tiny", "llama2", config)
    assert after.measured and after.memory.peak == found.peak_bytes and "dry run" in after.pace.source
    assert after.pace.tokens_per_second == pytest.approx(found.tokens_per_second, rel=0.5)
    assert not (studio.home / "runs").exists()


def test_it_holds_for_what_makes_no_difference_and_for_nothing_else(tiny_home, store, jobs_here):
    info = store()
    submit_dry_run(info, "tiny", "llama2", CONFIG, "tester")
    jobs_here()

    def known(template="llama2", **changed):
        return newest_dry_run(info, "tiny", template, TrainConfig.from_settings({**CONFIG.to_dict(), **changed}))

    assert known(learning_rate=1e-4, seed=7, max_steps=9)
    assert not known(r=8) and not known(per_device_train_batch_size=2) and not known("alpaca")


def test_what_it_fails_of_is_named_and_nothing_is_kept(tiny_home, store, jobs_here):
    info, config = store(), TrainConfig.from_settings({**CONFIG.to_dict(), "max_length": 8})
    submit_dry_run(info, "tiny", "llama2", config, "tester")
    jobs_here()
    job = dry_run_job(info, "tiny", "llama2", config)
    assert job and job.status == "failed" and "longer than max_length" in job.error["message"]
    assert newest_dry_run(info, "tiny", "llama2", config) is None
