"""Metrics that a team already has as folders of `evaluate`: copied into the home folder, loaded by path, offline.

    add_folder(Path("polite"), "polite", user, higher_is_better=True, low=0, high=1)     metrics/polite/
    score("folder:polite", predictions, references)

A folder `polite` holds `polite.py` with a subclass of `evaluate.Metric`. Loading runs that code: with the rights of
the studio, in the job's process, never in the web process. Add only folders whose code you would run.
Range and direction are told, never guessed: by hand, or in a file `tandem.json` in the folder.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lib.errors import NotFound, StorageError, WrongState
from lib.evaluation.metrics.folder_checks import check_script, folder_hash, settled, told_in
from lib.evaluation.metrics.spec import MetricSpec
from lib.settings import settings
from lib.storage import check_name, disk_errors, new_folder, read_json, write_json

MANIFEST = "metric.json"


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
    check_script(path)
    told = told_in(path) | {
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
    folder = FolderMetric(name=name, module=path.name, created_by=user, **settled(told))
    if (metrics_home() / name).exists():
        raise WrongState(f"There is a metric {name} already.", "Remove it first, or choose another name.")
    with new_folder(metrics_home() / name) as scratch:
        shutil.copytree(path, scratch / path.name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        folder = FolderMetric(**{**asdict(folder), "sha256": folder_hash(scratch / path.name)})
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
