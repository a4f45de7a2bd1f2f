"""Who waits for the engine: first come, first served, one request at a time, each worked in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any


class Ticket:
    """One request. `gone`: whoever asked went away. `state`: the newest that there is to tell; `done`: the last."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.gone = threading.Event()
        self.state: dict[str, Any] | None = None
        self.done = False
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def tell(self, state: dict[str, Any], done: bool = False) -> None:
        """Called by the thread that works. What nobody has fetched by then is replaced."""
        self.state, self.done = state, done
        with contextlib.suppress(RuntimeError):  # nobody listens any more
            self._loop.call_soon_threadsafe(self._news.set)

    async def news(self, seconds: float) -> None:
        """Wait until there is something new to tell, so long at most."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
        self._news.clear()


class Line:
    """Tickets in the order in which they came; the first is being worked on."""

    def __init__(self, work: Callable[[Ticket], None]) -> None:
        """`work` does not raise."""
        self._work = work
        self._tickets: list[Ticket] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._tickets)

    def join(self, body: dict[str, Any]) -> Ticket:
        """Take a place at the end."""
        ticket = Ticket(body)
        with self._lock:
            self._tickets.append(ticket)
            if len(self._tickets) == 1:
                threading.Thread(target=self._serve, daemon=True).start()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Nobody wants the answer any more: one that waits is gone at once, one that is being worked on ends soon."""
        ticket.gone.set()
        with self._lock:
            if ticket in self._tickets[1:]:
                self._tickets.remove(ticket)

    def ahead(self, ticket: Ticket) -> int:
        """How many have their turn before this one."""
        with self._lock:
            return self._tickets.index(ticket) if ticket in self._tickets else 0

    def _serve(self) -> None:
        while True:
            ticket = self._tickets[0]
            if not ticket.gone.is_set():
                self._work(ticket)
            with self._lock:
                self._tickets.pop(0)
                if not self._tickets:
                    return
