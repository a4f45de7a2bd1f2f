"""The docstring of a package is its map: a line for each module, and none for a module that there is not."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

LINE = re.compile(r"^(\w+)\s{2,}\S", re.MULTILINE)


@pytest.mark.parametrize(
    "name", ["lib.formats", "lib.formats.jinja", "lib.formats.lint", "lib.export", "lib.packaging"]
)
def test_every_module_has_its_line(name: str) -> None:
    package = importlib.import_module(name)
    modules = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    assert sorted(LINE.findall(package.__doc__ or "")) == modules
