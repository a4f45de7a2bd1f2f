"""The layout of any template, learned from what it writes.

Conversations of words that stand nowhere else are rendered; what stands between these words is the layout. Templates
that change their layout with the text are read as far as they keep to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lib.errors import StudioError
from lib.formats.layout import MARK, Layout

Render = Callable[[list[dict[str, str]], bool], str]
"""(messages of `{"role", "content"}`, add_generation_prompt) -> text."""

_SYSTEM, _FIRST, _SECOND, _THIRD = (
    "Vq7systemXw",
    ("Vq7askAXw", "Vq7sayAXw"),
    ("Vq7askBXw", "Vq7sayBXw"),
    ("Vq7askCXw", "Vq7sayCXw"),
)


def learn(render: Render) -> Layout | None:
    """The layout of what `render` writes; None when it writes no texts as they are, or nothing visible between them."""
    single = _learn(render, _FIRST)
    if single is None:
        return None
    start, first_answer, end = single
    if not first_answer.strip():
        return None
    next_user, next_answer = _later_turns(render, single)
    if next_user is not None and not next_user.strip():
        return None
    first_open = _learn(render, _FIRST[:1], generation=True)
    next_open = _learn(render, (*_FIRST, *_SECOND[:1]), generation=True)
    system = _learn(render, (_SYSTEM, *_FIRST))
    told = system is not None and system[2:] == single[1:] and bool(system[1].strip())
    return Layout(
        start,
        first_answer,
        end,
        next_user,
        next_answer,
        system[0] if system and told else None,
        system[1] if system and told else "",
        first_open[-1] if first_open and first_open[0] == start else "",
        next_open[-1] if next_open and next_open[0] == start else "",
        _own_system(start, system[0], system[1]) if system else "",
    )


def _later_turns(render: Render, single: list[str]) -> tuple[str | None, str]:
    """What stands before the question and the answer of later turns; None when these are not all alike."""
    start, first_answer, end = single
    two, three = _learn(render, (*_FIRST, *_SECOND)), _learn(render, (*_FIRST, *_SECOND, *_THIRD))
    if two is None or three is None:
        return None, ""
    later = two[2:4]
    if two != [start, first_answer, *later, end] or three != [start, first_answer, *later, *later, end]:
        return None, ""
    return later[0], later[1]


def _learn(render: Render, words: Sequence[str], *, generation: bool = False) -> list[str] | None:
    """What stands before, between and behind the words; None when a word is missing, changed or written twice."""
    turns = words[1:] if words[0] == _SYSTEM else words
    roles = [
        *["system"] * (len(words) - len(turns)),
        *(("user", "assistant")[number % 2] for number in range(len(turns))),
    ]
    messages = [{"role": role, "content": word} for role, word in zip(roles, words, strict=True)]
    try:
        rest = render(messages, generation)
    except StudioError:
        return None
    constants = []
    for word in words:
        before, found, rest = rest.partition(word)
        if not found:
            return None
        constants.append(before)
    return None if any(word in rest for word in words) else [*constants, rest]


def _own_system(start: str, before: str, after: str) -> str:
    """What stands in the place of a system text when there is none, or round it in any case."""
    if len(start) > len(before) + len(after) and start.startswith(before) and start.endswith(after):
        return start[len(before) : len(start) - len(after)]
    if before and start == before + after:
        own = MARK.sub("", before).strip()
        return "" if own.lower() == "system" else own
    return ""
