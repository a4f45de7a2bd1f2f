"""Rows of a data set on the Hugging Face Hub, streamed; nothing of it is run, and nothing is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lib.data.readers import Item, Meter, as_row, plain
from lib.errors import StudioError

SPLITS = ("train", "training", "validation", "test")


def hub_rows(source: str, meter: Meter) -> Iterator[Item]:
    """Rows of `owner/name` (its training split, or the first) or `owner/name:split`.

    Raises:
        StudioError: no network, no such data set, or one that needs its own code to be run.
    """
    repository, _, split = source.partition(":")
    number = 0
    try:
        for number, row in enumerate(_stream(repository, split, meter), start=1):
            yield as_row(number, plain(row), row, doubtful=True)
    except StudioError:
        raise
    except Exception as error:  # the Hub's client raises dozens of kinds, and those of five libraries below it
        raise _translated(source, error, number) from error


def _stream(repository: str, split: str, meter: Meter) -> Any:
    import datasets

    splits = datasets.load_dataset(repository, streaming=True)
    if not split:
        split = next((name for name in SPLITS if name in splits), next(iter(splits)))
        meter.note(f"Split {split!r} of {', '.join(map(str, splits))}; write {repository}:SPLIT for another.")
    elif split not in splits:
        listed = ", ".join(map(str, splits))
        raise StudioError(f"{repository} has no split {split!r}.", f"It has: {listed}.")
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
