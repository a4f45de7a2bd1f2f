"""Comparisons with the tiny model, made in this process, and a ballot on stored answers."""

from __future__ import annotations

import pytest

from lib.evaluation import comparisons, votes
from lib.evaluation.comparisons import CompareConfig
from lib.training import runs
from lib.training.config import TrainConfig
from tests import tiny
from tests.evaluation import stored
from tests.evaluation.balloting import BASE_NAME, TUNED_NAME
from tests.helpers import FakeJob


@pytest.fixture
def run(studio_home):
    """The finished run of the home."""
    return runs.list_runs()[0]


@pytest.fixture
def train(studio_home):
    """Train another run on `sums`, or other data."""
    from lib.training import trainer

    def train_here(data="sums", **settings):
        config = TrainConfig.from_settings({**tiny.SETTINGS, **settings})
        view = runs.create(data, "tiny", "llama2", config, "tester")
        trainer.run_job({"run": view.id}, FakeJob())
        return runs.get(view.id)

    return train_here


@pytest.fixture
def compare(studio_home):
    """Create a comparison and do its work."""
    from lib.evaluation.comparing.job import run_job

    def compare_here(run_ids, job=None, data=None, split="test", *, prompt_set="", models=(), base=True, **config):
        settings = CompareConfig(**{"max_new_tokens": 8} | config)
        asked = {"prompt_set": prompt_set, "models": models, "base": base}
        view = comparisons.create(run_ids, data, split, settings, "tester", **asked)
        run_job({"comparison": view.id}, job or FakeJob())
        return comparisons.get(view.id)

    return compare_here


@pytest.fixture
def ballot():
    return votes.create(stored.pairs(), BASE_NAME, TUNED_NAME, "ada")
