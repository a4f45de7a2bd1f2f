"""The tree in the docstring of `lib.errors` is the tree of classes."""

from __future__ import annotations

import re

from lib import errors
from lib.settings import ROOT

CLASS = re.compile(r"^class (\w+)\((\w+)\):", re.MULTILINE)
BRANCH = re.compile(r"([ │]*)[├└]── (\w+)")
INDENT = 6  # of each level


def written() -> dict[str, str]:
    """Name of each kind of error in lib -> name of the kind that it belongs to."""
    files = [path.read_text(encoding="utf-8") for path in (ROOT / "lib").rglob("*.py")]
    pairs = dict(pair for text in files for pair in CLASS.findall(text))
    known = {"StudioError"}
    while more := {name for name, kind in pairs.items() if kind in known} - known:
        known |= more
    return {name: kind for name, kind in pairs.items() if name in known - {"StudioError"}}


def drawn() -> dict[str, str]:
    path, found = ["StudioError"], {}
    for indent, name in BRANCH.findall(errors.__doc__ or ""):
        level = len(indent) // INDENT
        path = [*path[:level], name]
        found[name] = path[level - 1]
    return found


def test_the_tree_is_drawn_as_it_is() -> None:
    assert drawn() == written()
    assert {"TemplateError": "ModelError", "BadRows": "BadInput", "Stopped": "StudioError"}.items() <= drawn().items()
