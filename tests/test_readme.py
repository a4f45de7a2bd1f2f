"""What README counts and maps is so."""

from __future__ import annotations

import re

import pytest

from lib.data.checks import CHECKS
from lib.evaluation.metrics.catalogue import METRICS
from lib.export.options import COLUMNS
from lib.formats.lint.kinds import LINTS
from lib.settings import ROOT

README = (ROOT / "README.md").read_text()
NUMBERS = {
    4: "four",
    6: "six",
    8: "eight",
    10: "ten",
    14: "fourteen",
    15: "fifteen",
    16: "sixteen",
    18: "eighteen",
    19: "nineteen",
    20: "twenty",
}


@pytest.mark.parametrize(
    ("things", "words"),
    [(CHECKS, "checks find"), (LINTS, "faults of the pair"), (METRICS, "metrics, metric folders"), (COLUMNS, "shapes")],
)
def test_what_is_counted_in_words(things, words):
    assert re.search(rf"\b{NUMBERS.get(len(things), len(things))} {words}", README, re.IGNORECASE)


def test_the_changelog_counts_the_checks_too():
    assert f"{NUMBERS[len(CHECKS)]} checks" in (ROOT / "CHANGELOG.md").read_text()


def test_the_map_has_every_module_of_the_studio_and_every_part_of_lib():
    there = [path for path in (ROOT / "studio").glob("*.py") if path.stem != "__init__"]
    there += [path for path in (ROOT / "lib").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    there += [path.parent for path in (ROOT / "lib/data").glob("*/__init__.py")]
    named = README.partition("## Map")[2].partition("Stored under")[0]
    names = [path.name if path.suffix else f"{path.name}/" for path in there if path.stem != "__init__"]
    assert [name for name in names if not re.search(rf"\b{re.escape(name)}", named)] == []
