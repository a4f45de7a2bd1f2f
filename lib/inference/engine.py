"""The inference engine: the job `engine`. It holds one base with its adapters and answers over local HTTP.

    POST /generate   {"panes": [{"model", "quantization", "run", "template", "source", "escape", "messages": […]}, …],
                      "sampling": {…}}
                     -> a line of JSON a step: {"queue": n} while n others are before, {"answers": […]} with what all
                        panes have written so far, at last the same with "done": true; or {"error": …}
    GET /health      {"model", "adapters", "waiting"}

It listens on 127.0.0.1 only and wants the token that it writes, with its port, into `engine.json` (readable by the
owner alone). Requests are answered one at a time in the order they came; one whose connection is closed is left off.
A line comes twice a second even when nothing is new, so that whoever reads can go away. Idle for
`engine_idle_seconds`, it ends and so gives all its memory back.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import threading
import time
import traceback
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from lib.inference.asking import Asking, Base
from lib.inference.generator import Generator, Sampling
from lib.inference.line import Line, Ticket
from lib.jobs.context import JobContext
from lib.models import loading
from lib.settings import settings
from lib.storage import engine_file, write_json

TICK = 0.5  # seconds


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
    """What the handlers share: the loaded model, and the line of those who wait for it."""

    def __init__(self, job: JobContext) -> None:
        self.job = job
        self.answers = 0
        self._line = Line(self._work)
        self._token = secrets.token_urlsafe(32)
        self._generator: Generator | None = None
        self._last = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        return 0.0 if len(self._line) else time.monotonic() - self._last

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
                "waiting": len(self._line),
            }
        )

    async def _generate(self, request: Request) -> Response:
        if not self._allowed(request):
            return JSONResponse({"error": "not allowed"}, status_code=403)
        return StreamingResponse(self._lines(request, await request.json()), media_type="application/x-ndjson")

    async def _lines(self, request: Request, body: dict[str, Any]) -> AsyncIterator[str]:
        """What there is to tell, until all is told; whoever goes away before has left the line."""
        ticket = self._line.join(body)
        try:
            while not ticket.done:
                if await request.is_disconnected():  # what is sent to nobody raises nothing
                    return
                ahead = self._line.ahead(ticket)
                yield _written({"queue": ahead} if ahead else ticket.state or {"queue": 0})
                await ticket.news(TICK)
            yield _written(ticket.state or {})
        finally:
            self._line.leave(ticket)

    def _work(self, ticket: Ticket) -> None:
        """Answer one request, in a thread; stops soon after whoever asked went away."""
        try:
            asking = Asking(
                ticket.body["panes"],
                Sampling(**ticket.body.get("sampling", {})),
                lambda answers: ticket.tell({"answers": answers}),
                lambda: ticket.gone.is_set() or self.job.stopping,
            )
            asking.run(self._load, self._held_base())
            self.answers += 1
            asking.tell()
            ticket.tell({**(ticket.state or {}), "done": True}, done=True)
        except Exception as error:  # the boundary of a request: the engine lives on
            traceback.print_exc()
            failed = {"error": "Unexpected", "message": f"The engine failed: {error}", "hint": "Ask again."}
            ticket.tell(failed, done=True)
        self._last = time.monotonic()

    def _held_base(self) -> Base | None:
        """A function of its own: a frame that holds the generator while another base is loaded would keep both."""
        held = self._generator
        return (held.folder, held.quantization) if held else None

    def _load(self, base: Base) -> Generator:
        held = self._generator
        if held is None or not held.ready or (held.folder, held.quantization) != base or held.outdated():
            self._generator = None
            del held
            loading.free()
            self.job.progress(0, None, "loading the model")
            self._generator = Generator(*base)
        generator = self._generator
        assert generator is not None
        self.job.progress(0, None, "answering", model=str(generator.folder))  # what holds a model is seen by it
        return generator


def _written(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"
