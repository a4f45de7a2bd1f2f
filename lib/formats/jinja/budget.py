"""What one rendering may cost. A template can ask for more than any machine has in a few characters.

Steps are turns of loops, calls and items of lists. Sizes are characters and items together, of a list with all that is
in it, however often. All of it grows with the conversation, so that a long one is not refused.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from types import GeneratorType
from typing import Any

from lib.formats.jinja.faults import Exceeded

STEPS = 1_000_000
SECONDS = 1.5
"""Of computing by this thread: a machine that is busy with other things does not make a template slow."""
LONGEST, LONGEST_PER_INPUT = 1_000_000, 10
"""One value, and the text that comes out: so many, and so many for each character of the conversation."""
MADE, MADE_PER_INPUT = 32_000_000, 50
"""All values together that were made on the way."""
BITS = 10_000
"""Of a whole number."""

_CLOCK_EVERY = 200
_CHARACTERS_A_STEP = 256


class Budget:
    """What is left of a rendering's means. Every method raises `Exceeded` when it is used up."""

    def __init__(self, size: int, marks: tuple[str, str] | None = None) -> None:
        """`size`: characters of the conversation. `marks`: what to write round `{% generation %}` blocks."""
        self.longest = LONGEST + LONGEST_PER_INPUT * size
        self.marks = marks
        self._made = MADE + MADE_PER_INPUT * size
        self._steps = STEPS + size
        self._deadline = time.thread_time() + SECONDS
        self._until_clock = _CLOCK_EVERY

    def step(self, count: int = 1) -> None:
        self._steps -= count
        self._until_clock -= count
        if self._steps < 0:
            raise Exceeded(f"the template takes more than {STEPS:,} steps; is there a loop that goes on and on?")
        if self._until_clock < 0:
            self._until_clock = _CLOCK_EVERY
            if time.thread_time() > self._deadline:
                raise Exceeded(f"the template takes longer than {SECONDS} seconds")

    def check_size(self, size: int, what: str = "") -> None:
        """Refuse one value of this size."""
        if size > self.longest:
            raise Exceeded("the template makes a text or list that is far too long", what)

    def make(self, size: int, what: str = "") -> None:
        """A value of this size is about to be made, or was."""
        self.check_size(size, what)
        self._made -= size
        self.step(size // _CHARACTERS_A_STEP)
        if self._made < 0:
            raise Exceeded("the template makes far too much text on the way", what)

    def made(self, value: Any, what: str = "") -> Any:
        """`value`, counted; a generator counts what it yields as it goes."""
        if isinstance(value, str):
            self.make(len(value), what)
            return value if type(value) is str else str.__str__(value)  # markup has methods of its own
        if isinstance(value, (list, tuple, dict, set, frozenset)):
            self.make(self.weigh(value, what), what)
        elif isinstance(value, int) and value.bit_length() > BITS:
            raise Exceeded("the template computes a number that is far too large", what)
        elif isinstance(value, GeneratorType):
            return self.walk(value)
        return value

    def walk(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.step()
            yield item

    def weigh(self, value: Any, what: str = "") -> int:
        """The size of a value with all that is in it: the same list in two places counts twice, as it would print."""
        total, waiting = 0, [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                total += len(item)
            elif isinstance(item, Mapping):
                total += 2 * len(item)
                self.check_size(total, what)
                waiting += [*item.keys(), *item.values()]
            elif isinstance(item, (list, tuple, set, frozenset)):
                total += len(item)
                self.check_size(total, what)
                waiting += item
            total += 1
            self.check_size(total, what)
        return total


def size_of(value: Any) -> int:
    """Steps that going through a value once takes."""
    if isinstance(value, str):
        return len(value) // _CHARACTERS_A_STEP
    return len(value) if isinstance(value, (list, tuple, dict, set, frozenset, range)) else 0


current: ContextVar[Budget] = ContextVar("budget")
"""The budget of the rendering that this thread is in."""
