"""What a metric folder must be and say before it is taken in. Nothing of it is run."""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path
from typing import Any

from lib.errors import BadInput

TOLD = "tandem.json"
LARGEST_BYTES = 50_000_000


def check_script(path: Path) -> None:
    """That it is a folder with a script of its own name that Python can read."""
    script = path / f"{path.name}.py"
    if not script.is_file():
        raise BadInput(
            f"{path} is no metric folder of `evaluate`.", f"It must hold {path.name}.py, named like the folder."
        )
    if sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) > LARGEST_BYTES:
        raise BadInput(f"{path} is larger than {LARGEST_BYTES // 1_000_000} MB.", "Leave out what is not needed.")
    try:
        ast.parse(script.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        place = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise BadInput(f"{script} is no Python{place}: {error.args[0]}.", "Correct it and add it again.") from error


def told_in(path: Path) -> dict[str, Any]:
    """What the folder itself says of its metric, in `tandem.json`; empty without one."""
    file = path / TOLD
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"{file} is no JSON: {error}.", "Correct it and add the folder again.") from error
    fields = {"higher_is_better", "low", "high", "result", "help"}
    if not isinstance(found, dict) or set(found) - fields:
        raise BadInput(f"{file} may hold only {', '.join(sorted(fields))}.", "Take out the rest.")
    return found


def settled(told: dict[str, Any]) -> dict[str, Any]:
    """What was told of a metric, whole: direction and range are there and make sense.

    Raises:
        BadInput: they are not told, by hand or in the folder, or cannot be.
    """
    if missing := [key for key in ("higher_is_better", "low") if key not in told]:
        raise BadInput(
            f"It is not said of this metric: {', '.join(missing)}.",
            f"Say which direction is better, and its range; or put them into {TOLD} in its folder.",
        )
    low, high = told["low"], told.get("high")
    numbers = [low] if high is None else [low, high]
    if not isinstance(told["higher_is_better"], bool) or not all(isinstance(one, int | float) for one in numbers):
        raise BadInput("higher_is_better must be true or false, low and high numbers.", "Correct them.")
    if high is not None and high <= low:
        raise BadInput(f"The range {low:g} to {high:g} is empty.", "Give the lowest value first.")
    return {"high": None, **told}


def folder_hash(folder: Path) -> str:
    """SHA-256 of its files and their names."""
    found = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            found.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return found.hexdigest()
