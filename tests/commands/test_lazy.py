"""Commands are imported only when a command line names them: the table of names has to be right."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.main import get_command

from lib.settings import ROOT
from studio.__main__ import COMMANDS, build

NAMES = sorted(name for names in COMMANDS.values() for name in names)


def test_help_lists_every_command():
    assert sorted(get_command(build(["--help"])).commands) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_name_brings_its_command(name):
    assert name in get_command(build([name])).commands


def test_opening_the_app_imports_no_command_and_no_library_of_data():
    code = (
        "import sys; from studio.__main__ import build; import studio.serve; build([]);"
        "assert not {'duckdb', 'sqlalchemy', 'pyarrow', 'studio.commands.data'} & set(sys.modules), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_python_without_the_libraries_is_told_so_in_one_line(tmp_path):
    code = "import sys; sys.modules['typer'] = None; import studio.__main__"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr and ".venv/bin/python" in done.stderr
