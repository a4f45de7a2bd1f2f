"""The inference engine: the job `engine`. It holds one base with its adapters and answers over local HTTP.

    POST /generate   {"model", "quantization", "template", "escape", "runs": […], "messages": […], "sampling": {…}}
                     -> a line of JSON a step: {"queue": n} while waiting, {"texts": […], "done": […]}, then
                        {"completions": […]} or {"error": …}
    GET /health      {"model", "adapters", "waiting"}

It listens on 127.0.0.1 only and wants the token that it writes, with its port, into `engine.json` (readable by the
owner alone). Requests are answered one at a time in the order they came. Idle for `engine_idle_seconds`, it ends
and so gives all its memory back.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import queue as queues
import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from lib import models
from lib.errors import ModelError, StudioError
from lib.formats import Template, load_tokenizer, stored_template
from lib.formats.escaping import escapable, unescape_text
from lib.inference.generator import BASE, Generator, Sampling
from lib.jobs.context import JobContext
from lib.records import Conversation
from lib.settings import settings
from lib.storage import engine_file, read_json, run_dir, write_json


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Serve until idle for too long or asked to stop."""
    engine = Engine(job)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(engine.app(), log_level="warning", lifespan="off"))
        threading.Thread(target=_watch, args=(engine, server), daemon=True).start()
        engine.announce(listener.getsockname()[1])
        try:
            asyncio.run(server.serve(sockets=[listener]))
        finally:
            engine_file().unlink(missing_ok=True)
    return {"answers": engine.answers}


def _watch(engine: Engine, server: uvicorn.Server) -> None:
    while not engine.job.stopping and engine.idle_seconds < settings.engine_idle_seconds:
        time.sleep(0.5)
    engine_file().unlink(missing_ok=True)
    server.should_exit = True


class Engine:
    """What the handlers share: the loaded model, and a lock that makes requests wait in order."""

    def __init__(self, job: JobContext) -> None:
        self.job = job
        self.answers = 0
        self.waiting = 0
        self._token = secrets.token_urlsafe(32)
        self._turn = asyncio.Lock()  # first come, first served
        self._generator: Generator | None = None
        self._last = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        return 0.0 if self.waiting else time.monotonic() - self._last

    def announce(self, port: int) -> None:
        write_json(engine_file(), {"port": port, "token": self._token, "job": self.job.id})

    def app(self) -> Starlette:
        return Starlette(
            routes=[Route("/generate", self._generate, methods=["POST"]), Route("/health", self._health)],
        )

    def _allowed(self, request: Request) -> bool:
        return secrets.compare_digest(request.headers.get("authorization", ""), f"Bearer {self._token}")

    async def _health(self, request: Request) -> Response:
        if not self._allowed(request):
            return JSONResponse({"error": "not allowed"}, status_code=403)
        held = self._generator
        return JSONResponse(
            {
                "model": str(held.folder) if held else None,
                "adapters": sorted(held.adapters) if held else [],
                "waiting": self.waiting,
            }
        )

    async def _generate(self, request: Request) -> Response:
        if not self._allowed(request):
            return JSONResponse({"error": "not allowed"}, status_code=403)
        return StreamingResponse(self._lines(await request.json()), media_type="application/x-ndjson")

    async def _lines(self, body: dict[str, Any]) -> AsyncIterator[str]:
        self.waiting += 1
        try:
            if self._turn.locked():
                yield json.dumps({"queue": self.waiting - 1}) + "\n"
            async with self._turn:
                async for line in self._answer(body):
                    yield json.dumps(line, ensure_ascii=False) + "\n"
        finally:
            self.waiting -= 1
            self._last = time.monotonic()

    async def _answer(self, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Run one request in a thread; when the browser goes away this is closed and the thread stops."""
        steps: queues.SimpleQueue[dict[str, Any] | None] = queues.SimpleQueue()
        gone = threading.Event()
        thread = threading.Thread(target=self._work, args=(body, steps, gone), daemon=True)
        thread.start()
        try:
            while (step := await asyncio.to_thread(steps.get)) is not None:
                yield step
        finally:
            gone.set()
            await asyncio.to_thread(thread.join)

    def _work(self, body: dict[str, Any], steps: Any, gone: threading.Event) -> None:
        try:
            steps.put(self._complete(body, steps, gone))
            self.answers += 1
        except StudioError as error:
            steps.put(error.to_dict())
        except Exception as error:  # the boundary of a request: the engine lives on
            steps.put({"error": "Unexpected", "message": f"The engine failed: {error}", "hint": "Ask again."})
        finally:
            steps.put(None)

    def _complete(self, body: dict[str, Any], steps: Any, gone: threading.Event) -> dict[str, Any]:
        base = models.find(body["model"])
        tokenizer = load_tokenizer(base.path)
        adapters = [run or BASE for run in body["runs"]]
        conversation = Conversation.from_dict({"messages": body["messages"]})
        template, escape = _template(body["template"], body["runs"]), body.get("escape", False)
        prompt = tokenizer.encode_conversation(conversation, template, generation=True, escape=escape).ids
        tags = escapable(template, tokenizer) if escape else None
        generator = self._load(base.path, body.get("quantization", "none"), adapters)
        sampling = Sampling(**body.get("sampling", {}))
        rows: list[list[int]] = [[] for _ in adapters]
        done = [False] * len(adapters)
        ended = [0.0] * len(adapters)  # when each row ended: a short answer beside a long one is not a slow one
        began = time.perf_counter()

        def read(ids: list[int]) -> str:
            text = tokenizer.decode(ids, continuation=True)
            return unescape_text(text, tags) if tags else text

        def on_token(tokens: list[int | None]) -> bool:
            for index, token in enumerate(tokens):
                done[index] = token is None
                if token is not None:
                    rows[index].append(token)
                    ended[index] = time.perf_counter() - began
            steps.put({"texts": [read(row) for row in rows], "done": list(done)})
            return gone.is_set() or self.job.stopping

        stop_ids = tokenizer.stop_ids(template)
        answers = generator.generate([prompt] * len(adapters), adapters, stop_ids, sampling, on_token)
        return {
            "completions": [
                {
                    "text": read(answer.ids).strip(),
                    "ended": answer.ended,
                    "tokens": len(answer.ids),
                    "seconds": round(seconds, 3),
                }
                for answer, seconds in zip(answers, ended, strict=True)
            ],
            "prompt_tokens": len(prompt),
        }

    def _load(self, folder: Any, quantization: str, adapters: list[str]) -> Generator:
        held = self._generator
        if held is None or (held.folder, held.quantization) != (folder, quantization) or held.outdated():
            self._generator = None
            del held
            _free_memory()
            self.job.progress(0, None, "loading the model")
            self._generator = Generator(folder, quantization)
        generator = self._generator
        assert generator is not None
        for adapter in adapters:
            if adapter != BASE:
                folder = run_dir(adapter) / "adapter"
                if not folder.exists():
                    raise ModelError(f"The run {adapter} has no adapter yet.", "Wait until it ends, or stop it.")
                generator.add_adapter(adapter, folder)
        self.job.progress(0, None, "answering", model=str(generator.folder))  # what holds a model is seen by it
        return generator


def _template(name: str, runs: list[str | None]) -> Template:
    """The template of that name; one that somebody wrote here as a run stored it beside its adapter.

    Raises:
        NotFound: no run has stored it, and there is none of that name.
    """
    for run in filter(None, runs):
        stored = run_dir(run) / "adapter" / "renderer.json"
        renderer = read_json(stored) if stored.exists() else {}
        if renderer.get("template") == name:
            return stored_template(name, renderer.get("template_source", ""))
    return stored_template(name)


def _free_memory() -> None:
    import torch

    gc.collect()
    with contextlib.suppress(RuntimeError):
        torch.cuda.empty_cache()
