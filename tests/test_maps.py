"""The docstring of a package is its map: a line for each module, and none for a module that there is not."""

from __future__ import annotations

import ast
import pkgutil
import re
from pathlib import Path

import pytest

LIB = Path(__file__).parents[1] / "lib"
LINE = re.compile(r"^(\w+)\s{2,}\S", re.MULTILINE)
MODULES = {
    file.parent: sorted(module.name for module in pkgutil.iter_modules([str(file.parent)]))
    for file in LIB.rglob("__init__.py")
}


@pytest.mark.parametrize(
    "package",
    sorted(package for package, modules in MODULES.items() if len(modules) >= 4),
    ids=lambda package: ".".join(package.relative_to(LIB.parent).parts),
)
def test_every_module_has_its_line(package: Path) -> None:
    # Read, not imported: some packages load torch.
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    assert sorted(LINE.findall(docstring or "")) == MODULES[package]
