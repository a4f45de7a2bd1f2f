"""The app without a browser: open a page, and read everything on it that a person can read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from streamlit.testing.v1 import AppTest

from lib.settings import ROOT

PAGES = ("home", "datasets", "curate", "format", "train", "runs", "playground", "compare", "vote", "system")

# What a page of an empty home tells a newcomer to do.
FIRST_STEP = {
    "home": "Import a dataset",
    "datasets": "Drop a file above",
    "curate": "Import one",
    "format": "Import one",
    "train": "Import one",
    "runs": "Train First look",
    "playground": "There is no model to ask yet",
    "compare": "Train First look",
    "vote": "a finished comparison",
    "system": "Nothing runs and nothing waits",
}


def open_page(name: str = "home", **parameters: str) -> AppTest:
    """A fresh session on one page, with the address's parameters; nothing may have failed that nobody foresaw."""
    app = AppTest.from_file(ROOT / "studio" / "app.py", default_timeout=20)
    if name != "home":
        app.switch_page(f"../pages/{name}.py")
    for key, value in parameters.items():
        app.query_params[key] = value
    app.run()
    assert not any("did not expect" in error.value for error in app.error), "the log has the traceback"
    return app


def elements(block: Any) -> Iterator[Any]:
    """Every element of a part of the screen, in order."""
    for child in block.children.values():
        if hasattr(child, "children"):
            if label := getattr(child, "label", "") or (child.type == "popover" and child.proto.popover.label):
                yield Label(label)
            yield from elements(child)
        else:
            yield child


class Label:
    """What an expander or a tab is called."""

    type = "label"

    def __init__(self, text: str) -> None:
        self.value = text


def words(app: AppTest) -> str:
    """All text on the page, labels and values of fields included."""
    return "\n".join(text for element in elements(app.main) for text in _texts(element) if text)


def texts(app: AppTest, *kinds: str) -> list[str]:
    """The text of each element of some kinds: `text`, `markdown`, `error` …"""
    return [str(element.value) for element in elements(app.main) if element.type in kinds]


def rendered(app: AppTest) -> list[str]:
    """The rendered rows of the Format page."""
    return ["".join(text for text, *_ in row) for row in segments(app)]


def segments(app: AppTest) -> list[list[tuple[str, bool, bool]]]:
    """The same as segments: text, trained, special."""
    return [parts for part in app.get("bidi_component") if (parts := _parts(part))]


def button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label == label)


def field(app: AppTest, label: str) -> Any:
    """The text field, number field or chooser of that label, on the page or in a dialog over it."""
    return next(element for element in elements(app._tree) if _is_field(element) and element.label == label)


def _is_field(element: Any) -> bool:
    return element.type in ("text_input", "text_area", "number_input", "selectbox", "checkbox")


def _texts(element: Any) -> list[str]:
    found = [str(getattr(element, "label", "") or "")]
    if element.type == "dataframe":
        return [*found, element.value.to_string()]
    if element.type == "bidi_component":
        return ["".join(text for text, *_ in _parts(element))]
    if element.type == "progress":
        return [element.proto.text]
    value = getattr(element, "value", None)
    return found + ([str(value)] if value is not None else [])


def _parts(component: Any) -> list[tuple[str, bool, bool]]:
    """What a component shows as text: segments of a rendered row, or pieces of a diff."""
    data = json.loads(component.proto.json or "{}")
    parts = data.get("parts") or []
    return [(text, bool(flags & 1), bool(flags & 2)) for text, flags in parts] or data.get("pieces") or []


def tokens(app: AppTest) -> list[dict[str, Any]]:
    """What the token views of the Format page are given to draw."""
    shown = [json.loads(part.proto.json or "{}") for part in app.get("bidi_component")]
    return [data for data in shown if "ids" in data]
