"""Metrics that a team already has as folders of `evaluate`: copied into the home folder, loaded by path, offline.

    add_folder(Path("polite"), "polite", user, higher_is_better=True, low=0, high=1)     metrics/polite/
    score("folder:polite", predictions, references)

A folder `polite` holds `polite.py` with a subclass of `evaluate.Metric`. Loading runs that code: with the rights of
the studio, in the job's process, never in the web process. Add only folders whose code you would run.
Range and direction are told, never guessed: by hand, or in a file `tandem.json` in the folder.
"""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lib.errors import BadInput, NotFound, StorageError, WrongState
from lib.evaluation.metrics.spec import MetricSpec
from lib.settings import settings
from lib.storage import check_name, disk_errors, new_folder, read_json, write_json

MANIFEST = "metric.json"
TOLD = "tandem.json"
LARGEST_BYTES = 50_000_000


@dataclass(frozen=True)
class FolderMetric:
    """A team's metric, with what they said about it."""

    name: str
    module: str
    """Name of its folder and script, as it was."""
    higher_is_better: bool
    low: float
    high: float | None
    """None: no upper bound."""
    result: str = ""
    """Which number of what `compute` returns; empty: the only one there is."""
    help: str = ""
    sha256: str = ""
    """Of its files."""
    created_by: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def metrics_home() -> Path:
    return settings.home / "metrics"


def add_folder(
    path: Path,
    name: str,
    user: str,
    higher_is_better: bool | None = None,
    low: float | None = None,
    high: float | None = None,
    result: str = "",
    help: str = "",
) -> FolderMetric:
    """Copy a folder of `evaluate` in, as the metric `folder:<name>`. Nothing of it is run.

    What is not given is read from the folder's `tandem.json`: an object with `higher_is_better`, `low`, `high` (null:
    no upper bound), and if need be `result` and `help`.

    Raises:
        BadInput: no such script, a script with a fault, no direction or range.
        WrongState: there is a metric of that name.
        StorageError: disk full or folder not writable.
    """
    check_name(name, "metric name")
    path = path.expanduser().resolve()
    _check_script(path)
    told = _told(path) | {
        key: value
        for key, value in {
            "higher_is_better": higher_is_better,
            "low": low,
            "high": high,
            "result": result,
            "help": help,
        }.items()
        if value not in (None, "")
    }
    folder = _checked(FolderMetric(name=name, module=path.name, created_by=user, **_needed(told)))
    if (metrics_home() / name).exists():
        raise WrongState(f"There is a metric {name} already.", "Remove it first, or choose another name.")
    with new_folder(metrics_home() / name) as scratch:
        shutil.copytree(path, scratch / path.name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        folder = FolderMetric(**{**asdict(folder), "sha256": _hash(scratch / path.name)})
        write_json(scratch / MANIFEST, folder.to_dict())
    return folder


def get_folder(name: str) -> FolderMetric:
    """Raises:
    NotFound: no metric of that name.
    StorageError: its manifest is damaged.
    """
    file = metrics_home() / check_name(name, "metric name") / MANIFEST
    if not file.exists():
        known = ", ".join(folder.name for folder in list_folders())
        raise NotFound(
            f"There is no metric folder {name!r}.", f"There are: {known}." if known else "None is added yet."
        )
    try:
        return FolderMetric(**read_json(file))
    except TypeError as error:
        raise StorageError(f"{file} describes no metric.", "Remove its folder and add it again.") from error


def list_folders() -> list[FolderMetric]:
    """All of them by name. One that cannot be read is left out."""
    found = []
    for file in sorted(metrics_home().glob(f"[!.]*/{MANIFEST}")):
        try:
            found.append(FolderMetric(**read_json(file)))
        except (TypeError, StorageError):
            continue
    return found


def remove_folder(name: str) -> None:
    """Raises:
    NotFound: no metric of that name.
    """
    get_folder(name)
    with disk_errors(metrics_home()):
        shutil.rmtree(metrics_home() / name)


def folder_spec(folder: FolderMetric) -> MetricSpec:
    """The folder as a metric: the mean of its rows."""
    way = "higher" if folder.higher_is_better else "lower"
    return MetricSpec(
        name=f"folder:{folder.name}",
        label=folder.name,
        range=(folder.low, folder.high),
        higher_is_better=folder.higher_is_better,
        help=f"{folder.help or 'A metric of your team.'} {way.capitalize()} is better. Its own code runs in the job.",
        signature=f"evaluate folder {folder.module}|sha256:{folder.sha256[:12]}|mean of rows, each row by itself "
        "unless it gives a number a row",
        needs="text",
        digits=3,
    )


# --- adding ---------------------------------------------------------------------------------------------------------


def _check_script(path: Path) -> None:
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


def _told(path: Path) -> dict[str, Any]:
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


def _needed(told: dict[str, Any]) -> dict[str, Any]:
    """Direction and range must be told, by hand or in the folder."""
    if missing := [key for key in ("higher_is_better", "low") if key not in told]:
        raise BadInput(
            f"It is not said of this metric: {', '.join(missing)}.",
            f"Say which direction is better, and its range; or put them into {TOLD} in its folder.",
        )
    return {"high": None, **told}


def _checked(folder: FolderMetric) -> FolderMetric:
    numbers = [folder.low] if folder.high is None else [folder.low, folder.high]
    if not isinstance(folder.higher_is_better, bool) or not all(isinstance(number, int | float) for number in numbers):
        raise BadInput("higher_is_better must be true or false, low and high numbers.", "Correct them.")
    if folder.high is not None and folder.high <= folder.low:
        raise BadInput(f"The range {folder.low:g} to {folder.high:g} is empty.", "Give the lowest value first.")
    return folder


def _hash(folder: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            found.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return found.hexdigest()
