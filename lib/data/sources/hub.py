"""Rows of a data set on the Hugging Face Hub, streamed; nothing of it is run, and nothing is kept."""

from __future__ import annotations

import os
import re
import socket
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lib.data.sources.items import Item, Meter, as_row, plain
from lib.errors import StudioError

SPLITS = ("train", "training", "validation", "test")
HUB = "https://huggingface.co"
REACH_SECONDS = 4.0  # to find and reach the host; the Hub's client would try again for much longer
TRUE = ("1", "true", "yes", "on")


@dataclass(frozen=True)
class HubSource:
    """`owner/name@revision:split`; revision and split may be missing."""

    repository: str
    revision: str | None
    split: str

    @classmethod
    def parse(cls, source: str) -> HubSource:
        rest, _, split = source.partition(":")
        repository, _, revision = rest.partition("@")
        return cls(repository, revision or None, split)


def hub_rows(source: str, meter: Meter) -> Iterator[Item]:
    """Rows of a data set: of the split that is named, else of the training split, else of the first.

    Raises:
        StudioError: no network, no such data set, or one that needs its own code to be run.
    """
    number = 0
    try:
        _reach(source)
        for number, row in enumerate(_stream(HubSource.parse(source), meter), start=1):
            yield as_row(number, plain(row), row, doubtful=True)
    except StudioError:
        raise
    except Exception as error:  # the Hub's client raises dozens of kinds, and those of five libraries below it
        raise _translated(source, error, number) from error


def _reach(source: str) -> None:
    """Knock at the Hub's door, unless the client goes through a proxy.

    Raises:
        StudioError: it cannot be reached within `REACH_SECONDS`, or this machine is told to stay offline.
    """
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        if os.environ.get(name, "").lower() in TRUE:
            raise StudioError(
                f"{source} cannot be read from the Hub: {name} is set.",
                "Unset it to reach huggingface.co, or download the files elsewhere and import those.",
            )
    address = urllib.parse.urlsplit(os.environ.get("HF_ENDPOINT") or HUB)
    if address.scheme in urllib.request.getproxies():
        return
    host, port = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    faults: list[str] = ["no answer"]

    def knock() -> None:
        try:
            socket.create_connection((host, port), timeout=REACH_SECONDS).close()
            faults.clear()
        except OSError as error:
            faults[:] = [error.strerror or str(error)]

    # In a thread, since nothing else bounds the look-up of a name.
    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(REACH_SECONDS)
    if faults:
        raise StudioError(
            f"{source} cannot be read from the Hub: {host} cannot be reached ({faults[0]}).",
            f"Check that this machine reaches {host}; or download the data set's files and import those.",
        )


def _stream(source: HubSource, meter: Meter) -> Any:
    import datasets

    splits = datasets.load_dataset(source.repository, revision=source.revision, streaming=True)
    split = source.split
    if not split:
        split = next((name for name in SPLITS if name in splits), next(iter(splits)))
        meter.note(f"Split {split!r} of {', '.join(map(str, splits))}; write {source.repository}:SPLIT for another.")
    elif split not in splits:
        listed = ", ".join(map(str, splits))
        raise StudioError(f"{source.repository} has no split {split!r}.", f"It has: {listed}.")
    stream = splits[split]
    for column, feature in (stream.features or {}).items():
        if isinstance(feature, (datasets.Image, datasets.Audio)):
            stream = stream.cast_column(column, type(feature)(decode=False))
    return stream


def _translated(source: str, error: Exception, number: int) -> StudioError:
    what = type(error).__name__
    said = re.sub(r"\s+", " ", str(error))[:200]
    hint = "Check the id, and that this machine reaches huggingface.co; or download its files and import those."
    if "trust_remote_code" in said or "script" in said:
        hint = "It needs a script of its own to be run, which is not done here: download its files and import those."
    after = f" after {number} rows" if number else ""
    return StudioError(f"{source} cannot be read from the Hub{after}: {what}, {said}", hint)
