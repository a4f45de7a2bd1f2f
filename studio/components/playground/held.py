"""The conversation that this session has in hand, what is streaming into it, and what the buttons do to it.

The stream outlives a rerun: who switches something while answers are written does not interrupt them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import streamlit as st

from lib.errors import StudioError
from lib.inference.client import Ask, ask
from lib.inference.stream import Stream
from lib.inference.talk import Answer, Talk
from studio.components.playground import asked
from studio.components.playground.panes import Pane

_TALK, _STREAM, _FRESH, _EDITING, _EMPTY = (
    "playground-talk",
    "playground-stream",
    "playground-fresh",
    "playground-editing",
    "playground-empty",
)


def talk() -> Talk:
    """The conversation so far."""
    found: Talk = st.session_state.get(_TALK) or Talk()
    return found


def put(now: Talk) -> Talk:
    st.session_state[_TALK] = now
    return now


def fresh() -> int:
    """Goes up with every question that was asked: part of the keys of the fields, which are then empty."""
    count: int = st.session_state.get(_FRESH, 0)
    return count


def field(name: str, at: int | None = None) -> str:
    """The key of a field of the prompt, or of an earlier question that is being changed."""
    return f"playground-{name}-{fresh()}" + ("" if at is None else f"-{at}")


def editing() -> int | None:
    """The earlier question that is being changed."""
    found: int | None = st.session_state.get(_EDITING)
    return found


def edit(at: int | None) -> None:
    st.session_state[_EDITING] = at


def asked_nothing() -> bool:
    """Whether the last press of Ask found no question; said once."""
    return bool(st.session_state.pop(_EMPTY, False))


def send(at: int | None = None) -> None:
    """Callback: ask what stands in the fields; `at` puts it in the place of an earlier question."""
    content = st.session_state.get(field("prompt", at), "")
    context = st.session_state.get(field("input", at), "")
    if not content.strip():
        st.session_state[_EMPTY] = True
        return
    _begin(replace(talk(), system=asked.system()).asked(content, context, at))


def again() -> None:
    """Callback: ask the last question once more, as the settings are now."""
    now = talk()
    last = now.turns[-1]
    _begin(replace(now, system=asked.system()).asked(last.content, last.context, len(now.turns) - 1))


def _begin(now: Talk) -> None:
    _close()
    put(now)
    edit(None)
    st.session_state[_FRESH] = fresh() + 1


def stop() -> None:
    """Callback: stop all that is being written; what there is stays."""
    _close()
    if talk().going:
        put(talk().done())


def restart() -> None:
    """Callback: an empty conversation."""
    _close()
    edit(None)
    put(Talk())
    st.session_state[_FRESH] = fresh() + 1


def _close() -> None:
    _, stream = st.session_state.pop(_STREAM, None) or ((), None)
    if stream is not None:
        stream.stop()


def stream(panes: Sequence[Pane]) -> Iterator[dict[str, Answer]]:
    """What the panes have written, again and again until all have ended; the conversation has it at once."""
    kept: tuple[list[str], Stream] | None = st.session_state.get(_STREAM)
    if kept is None:
        now, able = talk(), [(pane.key, pane.side) for pane in panes if pane.side is not None]
        asks = [{**side.to_dict(), "messages": now.messages(key)} for key, side in able]
        kept = [key for key, _ in able], Stream(ask(Ask(asks, asked.sampling())))
        st.session_state[_STREAM] = kept
    keys, answers = kept
    fault = None
    try:
        for newest in answers:
            yield put(talk().heard(dict(zip(keys, newest, strict=True)))).turns[-1].answers  # type: ignore[misc]
    except StudioError as error:
        fault = error.message, error.hint
    except Exception:
        stop()  # else each drawing of the page would raise it again
        raise
    st.session_state.pop(_STREAM, None)
    put(talk().done(fault))
