"""What CONTRIBUTING.md says of the code is so."""

from __future__ import annotations

import re
from itertools import chain

from lib.settings import ROOT

_HEAVY = re.compile(r"^\s*(?:import|from) (?:torch|transformers|trl|peft)\b", re.MULTILINE)
_PATH = re.compile(r"`((?:lib|studio|pages|tests)/[\w/]+(?:\.py|/))`")


def test_torch_is_imported_where_it_says_and_nowhere_else():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("- `torch`")]
    allowed = _PATH.findall(line)
    files = chain.from_iterable((ROOT / part).rglob("*.py") for part in ("lib", "studio", "pages"))
    heavy = [file.relative_to(ROOT).as_posix() for file in files if _HEAVY.search(file.read_text())]
    assert [file for file in heavy if not file.startswith(tuple(allowed))] == []
    assert [path for path in allowed if not any(file.startswith(path) for file in heavy)] == []
    assert "lib/inference/client.py" not in heavy


def test_the_places_that_it_names_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert [path for path in _PATH.findall(text) if not (ROOT / path).exists()] == []


def test_names_in_the_recipes_are_in_the_files_that_they_name():
    """A bare `name.py` lies beside a path of its recipe; a constant stands in a file of its recipe."""
    rows = [line for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if line.startswith("| ")]
    for row in rows[2:]:
        paths = [ROOT / path for path in _PATH.findall(row)]
        folders = {path if path.is_dir() else path.parent for path in paths}
        bare = re.findall(r"`(\w+\.py)`", row)
        assert [name for name in bare if not any((folder / name).exists() for folder in folders)] == [], row
        files = [file for folder in folders for file in (folder.glob("*.py"))]
        texts = [file.read_text() for file in files]
        names = re.findall(r"`(_?[A-Z][A-Z_]{2,}|_\w+)`", row)
        assert [name for name in names if not any(re.search(rf"\b{name}\b", text) for text in texts)] == [], row
