"""The one place where failures become something to read: message and what to do next, never a traceback."""

from __future__ import annotations

import contextlib
import functools
import traceback
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import streamlit as st

from lib.errors import StudioError
from studio.components.text import escape

Drawn = TypeVar("Drawn", bound=Callable[..., Any])


@contextlib.contextmanager
def boundary() -> Iterator[None]:
    """Show an expected failure as its message; log an unexpected one and say that it was logged."""
    try:
        yield
    except StudioError as error:
        show(error.message, error.hint)
    except Exception:  # the last boundary before the person; Streamlit's own control flow is not an Exception
        traceback.print_exc()
        show(
            "Something went wrong that the studio did not expect.", "Nothing stored is lost. The terminal has the log."
        )


def guarded(function: Drawn) -> Drawn:
    """The same boundary for a fragment, which Streamlit reruns without the page round it."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with boundary():
            return function(*args, **kwargs)

    return wrapped  # type: ignore[return-value]


def show(message: str, hint: str = "") -> None:
    """An error with the remedy under it."""
    st.error(f"{escape(message)}\n\n{escape(hint)}" if hint else escape(message), icon=":material/error:")


def show_job_error(error: dict[str, Any] | None) -> None:
    """The stored error of a job that failed or was interrupted."""
    if error:
        show(error["message"], error.get("hint", ""))
