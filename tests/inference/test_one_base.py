"""The engine holds one base at a time: with another one loading, the last is gone."""

from __future__ import annotations

import asyncio
import shutil
import weakref
from typing import Any

from lib.evaluation.sides import model_side
from lib.inference import engine
from lib.inference.engine import Engine
from lib.inference.generator import Generator
from tests.helpers import FakeJob

QUESTION = [{"role": "user", "content": "Add 3 and 3."}]


def test_the_last_base_has_gone_when_another_is_loaded(tiny_home, monkeypatch):
    shutil.copytree((tiny_home / "models" / "tiny").resolve(), tiny_home / "models" / "other")
    made: list[weakref.ref[Generator]] = []
    alive: list[int] = []

    class Watched(Generator):
        def __init__(self, *arguments: Any) -> None:
            alive.append(sum(one() is not None for one in made))
            super().__init__(*arguments)
            made.append(weakref.ref(self))

    monkeypatch.setattr(engine, "Generator", Watched)

    async def ask(model: str) -> dict[str, Any]:
        side = model_side(model, "llama2")
        ticket = held._line.join(
            {"panes": [{**side.to_dict(), "messages": QUESTION}], "sampling": {"max_new_tokens": 2}}
        )
        while not ticket.done:
            await ticket.news(0.1)
        return ticket.state or {}

    held = Engine(FakeJob())
    for model in ("tiny", "other", "tiny"):
        assert asyncio.run(ask(model))["done"]
    assert alive == [0, 0, 0]
