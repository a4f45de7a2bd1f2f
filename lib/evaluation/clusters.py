"""Texts in a few groups by the words that they share, each named by the words that tell it from the others.

    clusters(["reset my password", "password lost", …])     -> ["password, reset", "password, reset", …]

Words are weighed by how rare they are (tf-idf), texts grouped by spherical k-means: https://doi.org/10.1023/A:1007612920971
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.data.word_sets import words

FEWEST_TEXTS = 12
MOST_CLUSTERS = 8
MOST_WORDS = 2000
SHORTEST_WORD = 3  # characters
ROUNDS, STARTS = 25, 4
TELLING = 3
REST = "other"
Array = NDArray[np.float64]


def clusters(texts: Sequence[str], seed: int = 0) -> list[str]:
    """A name for each text; the same texts get the same groups. `other`: those without a word that others have."""
    bags = [Counter(word for word in words(text) if len(word) >= SHORTEST_WORD) for text in texts]
    vocabulary = _vocabulary(bags)
    if len(texts) < FEWEST_TEXTS or not vocabulary:
        return [REST] * len(texts)
    matrix = _weighed(bags, vocabulary)
    there = np.flatnonzero(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel() > 0)
    count = int(np.clip(round((len(there) / 4) ** 0.5), 2, MOST_CLUSTERS))
    found = np.full(len(texts), -1)
    if len(there) > count:
        found[there] = _grouped(matrix[there], count, np.random.default_rng(seed))
    names = _names(matrix, found, list(vocabulary))
    return [names.get(int(number), REST) for number in found]


def _vocabulary(bags: Sequence[Counter[bytes]]) -> dict[bytes, int]:
    """Words of two texts at least and of half of them at most, the commonest; word -> column."""
    texts_with = Counter(word for bag in bags for word in bag)
    kept = [word for word, number in texts_with.most_common() if 2 <= number <= max(2, len(bags) // 2)]
    return {word: column for column, word in enumerate(kept[:MOST_WORDS])}


def _weighed(bags: Sequence[Counter[bytes]], vocabulary: dict[bytes, int]) -> Any:
    """Sparse (texts, words): tf-idf, rows of length 1."""
    from scipy.sparse import csr_matrix

    cells = [
        (row, vocabulary[word], 1 + np.log(number))
        for row, bag in enumerate(bags)
        for word, number in bag.items()
        if word in vocabulary
    ]
    rows, columns, values = (np.array(part) for part in zip(*cells, strict=True))
    shape = len(bags), len(vocabulary)
    matrix = csr_matrix((values.astype(float), (rows, columns)), shape=shape)
    texts_with = np.asarray((matrix > 0).sum(axis=0)).ravel()
    matrix = matrix.multiply(np.log(len(bags) / texts_with) + 0.1).tocsr()
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return matrix.multiply(1 / np.maximum(lengths, 1e-12)[:, None]).tocsr()


def _grouped(matrix: Any, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """The best of some starts: a group's number for each row."""
    best, best_fit = np.zeros(matrix.shape[0], dtype=np.int64), -np.inf
    for _ in range(STARTS):
        centres = _spread(matrix, count, random)
        groups = np.zeros(matrix.shape[0], dtype=np.int64)
        for _ in range(ROUNDS):
            alike = np.asarray(matrix @ centres.T)
            moved = alike.argmax(axis=1)
            if (moved == groups).all() and groups.any():
                break
            groups = moved
            centres = _centres(matrix, groups, centres)
        fit = float(alike.max(axis=1).sum())
        if fit > best_fit:
            best, best_fit = groups, fit
    return best


def _spread(matrix: Any, count: int, random: np.random.Generator) -> Array:
    """First centres: rows far from those chosen before are likelier (k-means++)."""
    chosen = [int(random.integers(matrix.shape[0]))]
    far = np.ones(matrix.shape[0])
    for _ in range(count - 1):
        far = np.minimum(far, 1 - np.asarray((matrix @ matrix[chosen[-1]].T).todense()).ravel()).clip(0)
        weights = far**2 + 1e-12
        chosen.append(int(random.choice(len(far), p=weights / weights.sum())))
    return np.asarray(matrix[chosen].todense(), dtype=float)


def _centres(matrix: Any, groups: NDArray[np.int64], before: Array) -> Array:
    """Mean direction of each group; an empty one stays where it was."""
    found = before.copy()
    for number in range(len(before)):
        rows = np.flatnonzero(groups == number)
        if len(rows):
            mean = np.asarray(matrix[rows].mean(axis=0)).ravel()
            found[number] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return found


def _names(matrix: Any, groups: NDArray[np.int64], listed: Sequence[bytes]) -> dict[int, str]:
    """Group -> the words that are heavier in it than elsewhere; a number behind it where two would be called alike."""
    names: dict[int, str] = {}
    overall = np.asarray(matrix.mean(axis=0)).ravel()
    for number in sorted(set(groups.tolist()) - {-1}):
        inside = np.asarray(matrix[np.flatnonzero(groups == number)].mean(axis=0)).ravel()
        telling = np.argsort(-(inside - overall), kind="stable")[:TELLING]
        name = ", ".join(listed[column].decode(errors="replace") for column in telling if inside[column] > 0)
        names[number] = name if name not in names.values() else f"{name} ({number + 1})"
    return names
