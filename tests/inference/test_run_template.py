"""A run is asked in the template that it stored, whatever became of the template since."""

from __future__ import annotations

import asyncio
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx2 as httpx
import pytest

from lib.errors import NotFound
from lib.evaluation.sides import Side, base_side, run_side
from lib.formats import get_template, saved
from lib.inference.engine import Engine
from lib.storage import engine_file, read_json, templates_dir
from lib.training import runs
from tests.helpers import FakeJob

pytest.importorskip("torch")

SOURCE = (
    "{% for m in messages %}{{ m.role }}> {{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant> {% endif %}"
)


def ask(engine: Engine, *sides: Side) -> list[dict[str, Any]]:
    """The last answers that the engine gives."""
    messages = [{"role": "user", "content": "Add 3 and 3."}]
    panes = [{**side.to_dict(), "messages": messages} for side in sides]
    body = {"panes": panes, "sampling": {"max_new_tokens": 8}}

    async def post() -> httpx.Response:
        token = read_json(engine_file())["token"]
        transport = httpx.ASGITransport(app=engine.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://engine") as client:
            return await client.post("/generate", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    with ThreadPoolExecutor(1) as other:  # beside the browser tests, this thread may have a loop of its own
        return json.loads(other.submit(asyncio.run, post()).result().text.splitlines()[-1])["answers"]


def test_a_run_answers_in_its_own_template(new_run, jobs_here):
    saved.save("mine", SOURCE, "ann")
    run = new_run(template="mine").id
    jobs_here()
    assert runs.get(run).status == "finished", runs.get(run).job.error
    assert runs.get(run).template == "mine@1"
    engine = Engine(FakeJob())
    engine.announce(0)
    tuned = run_side(run)
    before = ask(engine, base_side(tuned), tuned)
    assert before[1]["text"]

    shutil.rmtree(templates_dir())
    with pytest.raises(NotFound):
        get_template("mine@1")
    after = ask(engine, base_side(run_side(run)), run_side(run))
    assert [one["text"] for one in after] == [one["text"] for one in before]
    assert after[0]["prompt_tokens"] == before[0]["prompt_tokens"]

    (unknown,) = ask(engine, Side("tiny", "tiny", None, "none", "mine@1"))
    assert unknown["ended"] == "refused" and "mine@1" in unknown["message"], "without its text there is only the name"
    (other,) = ask(engine, replace(tuned, template="alpaca", source=""))
    assert other["prompt_tokens"] > before[1]["prompt_tokens"], "another template can be asked for"
