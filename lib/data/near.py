"""Near-duplicate texts: pairs and groups whose sets of words are similar enough.

index = NearIndex(0.8)
index.add_batch(keys, texts)
index.groups()            # {key: lowest key of its group}

The measure is the Jaccard similarity of two texts' sets of words. MinHash (Broder 1997) proposes pairs: 256 hashes a
text, of which one byte each is kept; some bytes make a band, and texts that share a band are compared. How many bytes
is chosen so that a pair exactly at the threshold is missed with a chance below 0.4 % (at 0.8: 8 bytes, 0.3 %; a pair at
0.85: less than 1 in 10,000). In a band of many texts each is compared with some of them only. Every proposed pair is
verified on the words themselves, so no similarity is an estimate.

Memory grows by 12 bytes a text while they are added. Signatures and word hashes, 256 bytes a text and 4 bytes for each
of its different words, go to temporary files.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np

from lib.data.word_sets import HASHES, Array, Sketches, similarities
from lib.errors import BadInput
from lib.storage import disk_errors

LOWEST_THRESHOLD = 0.5  # below it bands are so short that nearly every pair of texts is proposed
BATCH = 1024
MOST_COMPARED = 1000
MIN_WORDS = 5  # texts of fewer different words are too small to be nearly the same
MAX_MISSED = 0.004
NEIGHBOURS = 16  # texts of a band that each text is compared with, so that a band of thousands stays cheap
SLACK = 0.1  # four standard deviations of the estimate from 256 hashes, so that verification decides
PART_PAIRS = 1 << 14
PART_WORDS = 1 << 21
_FOLD = np.uint64(0x9E3779B97F4A7C15)


def check_threshold(threshold: float) -> float:
    """The threshold itself.

    Raises:
        BadInput: outside of 0.5 to 1.
    """
    if not LOWEST_THRESHOLD <= threshold <= 1:
        raise BadInput(
            f"The threshold for near-duplicates is out of range: {threshold:g}.",
            f"Give a share of equal words from {LOWEST_THRESHOLD} to 1; 0.8 is usual.",
        )
    return threshold


def band_width(threshold: float) -> int:
    """Bytes of a band: as many as miss a pair at the threshold with a chance of at most 0.4 %."""
    fits = (width for width in range(16, 1, -1) if (1 - threshold**width) ** (HASHES // width) <= MAX_MISSED)
    return next(fits, 2)


class NearIndex:
    """Add texts under keys, then ask for pairs or groups. Keys are whole numbers, each used once.

    Raises:
        BadInput: a threshold outside of 0.5 to 1.
        StorageError: the disk of temporary files is full, on adding.
    """

    def __init__(self, threshold: float = 0.8, pulse: Callable[[], None] = lambda: None) -> None:
        """`pulse` is called now and then while pairs are sought; what it raises ends the search."""
        self._pulse = pulse
        self._threshold = check_threshold(threshold)
        self._keys: array[int] = array("q")
        self._counts: array[int] = array("I")
        self._signatures, self._words = _Column(np.uint8), _Column(np.uint32)
        self._waiting: list[tuple[int, str]] = []

    def add(self, key: int, text: str) -> None:
        self._waiting.append((key, text))
        if len(self._waiting) >= BATCH:
            self._flush()

    def add_batch(self, keys: Sequence[int], texts: Sequence[str]) -> None:
        """Some thousand texts at most: their words are held in memory together."""
        self.add_sketches(keys, Sketches.of(texts))

    def add_sketches(self, keys: Iterable[int], sketches: Sketches) -> None:
        """`keys` as many as there are sketches."""
        for known in ("_verified", "_ends", "_places"):
            self.__dict__.pop(known, None)
        self._keys.extend(keys)
        self._counts.frombytes(sketches.counts.tobytes())
        self._signatures.append(sketches.signatures)
        self._words.append(sketches.words)

    def pairs(self) -> Iterator[tuple[int, int, float]]:
        """Verified pairs: the lower key, the higher one, and their similarity.

        In a large group not every pair is given, but enough of them to connect it.
        """
        self._flush()
        ones, twos, alike = self._verified
        keys = self._keys
        for one, two, share in zip(ones.tolist(), twos.tolist(), alike.tolist(), strict=True):
            yield keys[one], keys[two], share

    def groups(self) -> dict[int, int]:
        """For every key that is in a group of two or more, the lowest key of that group."""
        self._flush()
        ones, twos, _ = self._verified
        keys = np.array(self._keys, dtype=np.int64)
        lowest = lowest_of_groups(keys, ones, twos)
        members = np.unique(np.concatenate([ones, twos]))
        return dict(zip(keys[members].tolist(), lowest[members].tolist(), strict=True))

    def closest(self, key: int, others: Sequence[int]) -> tuple[int, float] | None:
        """Of other keys the one with the most similar text, and its similarity; None when none reaches the threshold.

        Four with the most similar signatures are looked at, of a thousand keys at most.
        """
        self._flush()
        places = self._places
        among = np.array([places[other] for other in others[:: len(others) // MOST_COMPARED + 1]], dtype=np.int64)
        signatures = self._signatures.read().reshape(-1, HASHES)
        alike = (signatures[among] == signatures[places[key]]).mean(axis=1)
        best = among[np.argsort(-alike, kind="stable")[:4]]
        pairs = np.stack([np.full(len(best), places[key]), best], axis=1)
        shares = similarities(self._words.read(), self._ends, pairs)
        top = int(np.argmax(shares))
        return (self._keys[best[top]], float(shares[top])) if shares[top] >= self._threshold else None

    def similarity(self, one: int, two: int) -> float:
        """Of the texts under two keys, 0 to 1."""
        self._flush()
        pair = np.array([[self._places[one], self._places[two]]])
        return float(similarities(self._words.read(), self._ends, pair)[0])

    def _flush(self) -> None:
        if self._waiting:
            keys, texts = zip(*self._waiting, strict=True)
            self._waiting = []
            self.add_batch(keys, texts)

    @cached_property
    def _places(self) -> dict[int, int]:
        return {key: place for place, key in enumerate(self._keys)}

    @cached_property
    def _ends(self) -> Array:
        """Where each text's words start in the column of words, and where the last ones end."""
        return np.concatenate([[0], np.cumsum(np.array(self._counts, dtype=np.int64))])

    @cached_property
    def _verified(self) -> tuple[Array, Array, Array]:
        """Places of both texts of each pair, the lower key in front, and their similarity."""
        ends, pairs, hashes = self._ends, self._proposed(), self._words.read()
        found = []
        sizes = np.cumsum((ends[pairs + 1] - ends[pairs]).sum(axis=1))
        for part in np.split(pairs, np.searchsorted(sizes, np.arange(PART_WORDS, sizes[-1:].sum(), PART_WORDS))):
            self._pulse()
            alike = similarities(hashes, ends, part)
            chosen = alike >= self._threshold
            found.append((part[chosen, 0], part[chosen, 1], alike[chosen]))
        ones, twos, alike = (np.concatenate(column) for column in zip(*found, strict=True))
        return ones, twos, alike

    def _proposed(self) -> Array:
        """Pairs of places, the lower key in front, that share a band and whose signatures are alike; pairs x 2.

        Texts are compared in order of their keys, so the order in which they were added makes no difference.
        """
        order = np.argsort(np.array(self._keys, dtype=np.int64), kind="stable")
        order = order[np.array(self._counts, dtype=np.uint32)[order] >= MIN_WORDS]
        rows, width = len(order), band_width(self._threshold)
        kept = np.empty(0, dtype=np.int64)
        if rows > 1:
            signatures = self._signatures.read().reshape(-1, HASHES)
            for start in range(0, HASHES - width + 1, width):
                bands = _band(signatures[:, start : start + width])[order]
                codes = _without(_neighbours(bands), kept)
                kept = np.sort(np.concatenate([kept, codes[self._alike(signatures, order, codes)]]))
        return np.stack([order[kept // max(rows, 1)], order[kept % max(rows, 1)]], axis=1)

    def _alike(self, signatures: Array, order: Array, codes: Array) -> Array:
        """Which pairs have signatures that are nearly as alike as the threshold asks for."""
        alike = np.zeros(len(codes), dtype=bool)
        for start in range(0, len(codes), PART_PAIRS):
            self._pulse()
            part = codes[start : start + PART_PAIRS]
            same = signatures[order[part // len(order)]] == signatures[order[part % len(order)]]
            alike[start : start + PART_PAIRS] = same.mean(axis=1) >= self._threshold - SLACK
        return alike


class _Column:
    """Numbers appended to a temporary file without a name, which goes when the object does."""

    def __init__(self, dtype: type[np.generic]) -> None:
        self._dtype = dtype
        self._file: IO[bytes] | None = None

    def append(self, values: Array) -> None:
        with disk_errors(Path(tempfile.gettempdir())):
            self._file = self._file or tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the column
            self._file.write(values.astype(self._dtype, copy=False).tobytes())

    def read(self) -> Array:
        """All of them, read from the file as they are used."""
        if self._file is None:
            return np.empty(0, dtype=self._dtype)
        with disk_errors(Path(tempfile.gettempdir())):
            self._file.flush()
        if not self._file.tell():
            return np.empty(0, dtype=self._dtype)
        return np.memmap(self._file, dtype=self._dtype, mode="r")


def lowest_of_groups(keys: Array, ones: Array, twos: Array) -> Array:
    """For each of n places the lowest key of the group it is in, when `ones[i]` and `twos[i]` belong together."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = coo_matrix((np.ones(len(ones), dtype=bool), (ones, twos)), shape=(len(keys), len(keys)))
    number, labels = connected_components(edges, directed=False)
    lowest = np.full(number, np.iinfo(np.int64).max)
    np.minimum.at(lowest, labels, keys)
    return np.asarray(lowest[labels])


def _band(columns: Array) -> Array:
    """One 64-bit key for each row of at most 16 bytes."""
    padded = np.zeros((len(columns), 16), dtype=np.uint8)
    padded[:, : columns.shape[1]] = columns
    halves = padded.view(np.uint64)
    return np.asarray(halves[:, 0] ^ (halves[:, 1] * _FOLD))


def _neighbours(bands: Array) -> Array:
    """Pairs of n places with equal bands, each with the few before it and with the first, as `lower * n + higher`.

    The codes are unique and ascending.
    """
    order = np.argsort(bands, kind="stable")
    ordered = bands[order]
    lags = range(1, min(NEIGHBOURS, len(order) - 1) + 1)
    same = [np.flatnonzero(ordered[lag:] == ordered[:-lag]) for lag in lags]
    codes = [order[before] * len(order) + order[before + lag] for lag, before in zip(lags, same, strict=True)]
    later = same[0] + 1
    firsts = order[np.searchsorted(ordered, ordered[later])]
    found = np.sort(np.concatenate([*codes, firsts * len(order) + order[later]]))
    return found[np.diff(found, prepend=-1) > 0]


def _without(codes: Array, known: Array) -> Array:
    """Those of `codes` that are not in `known`; both ascending."""
    places = np.searchsorted(known, codes)
    return codes[known[np.minimum(places, len(known) - 1)] != codes] if len(known) else codes
