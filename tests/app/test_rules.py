"""Rules of the web side that no single page can show: what it imports, what it never uses, how long a page is."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lib.settings import ROOT
from tests.app import seeds
from tests.app.screen import PAGES

HEAVY = ("torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "datasets", "evaluate")
FORBIDDEN = {
    "unsafe HTML": r"unsafe_allow_html\s*=\s*True",
    "components.v1": r"components\.v1|components import v1",
    "a deprecated width": r"use_container_width",
    "code from a model's folder": r"trust_remote_code\s*=\s*True",
    "a shell": r"shell\s*=\s*True",
    "pickled weights": r"\bpickle\.load|weights_only\s*=\s*False",
}
SOURCES = sorted(path for folder in ("pages", "studio", "lib") for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("path", sorted((ROOT / "pages").glob("*.py")), ids=lambda path: path.stem)
def test_a_page_is_short_and_imports_no_other_page(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 110
    assert not {name for name in imports(path) if name == "pages" or name.startswith("pages.")}


def test_every_page_is_in_the_table_and_tested() -> None:
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} == set(PAGES)


def test_lib_never_imports_streamlit_or_the_studio() -> None:
    for path in SOURCES:
        if path.is_relative_to(ROOT / "lib"):
            assert not {name.split(".")[0] for name in imports(path)} & {"streamlit", "studio", "pages"}, path


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_code_never_uses(what: str) -> None:
    found = [str(path.relative_to(ROOT)) for path in SOURCES if re.search(FORBIDDEN[what], path.read_text())]
    assert not found


def test_no_file_of_the_studio_shadows_a_library() -> None:
    """Streamlit puts studio/ first on sys.path: a studio/datasets.py would hide Hugging Face's."""
    taken = set(sys.stdlib_module_names) | set(HEAVY) | {"streamlit", "duckdb", "pandas", "pyarrow", "sqlalchemy"}
    assert not {path.stem for path in (ROOT / "studio").iterdir()} & taken


RENDER_EVERYTHING = """
import sys
from tests.app.screen import PAGES, open_page
for name in PAGES:
    for parameters in ({}, *PARAMETERS.get(name, [])):
        app = open_page(name, **parameters)
        assert not app.exception and not app.error, (name, parameters, app.exception, app.error)
loaded = [name for name in HEAVY if name in sys.modules]
assert not loaded, f"the web process imported {loaded}"
"""


def test_the_web_process_imports_no_library_that_computes() -> None:
    done = seeds.full()
    parameters = {
        "datasets": [{"dataset": "medical-terms"}],
        "runs": [{"run": done.id}],
        "compare": [{"view": "test split"}],
    }
    script = f"HEAVY, PARAMETERS = {HEAVY!r}, {parameters!r}\n{RENDER_EVERYTHING}"
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
