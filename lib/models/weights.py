"""A model's safetensors files: which ones count, whether they are whole, how many parameters, and their hash."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from lib.storage import models_dir, write_json

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
HEADER_LIMIT = 100_000_000  # bytes, as in safetensors itself
HASHED_AT_ONCE = 4  # files


def weight_files(folder: Path) -> list[Path]:
    """The files that transformers would load; a folder may hold the same weights in another form as well."""
    if (folder / WHOLE).is_file():
        return [folder / WHOLE]
    shards = [folder / name for name in _shards(folder)]
    return [file for file in shards if file.is_file()] or sorted(folder.glob("*.safetensors"))


def problem(folder: Path) -> str:
    """What is wrong with the weights, naming the file; empty when they are whole."""
    if not (folder / WHOLE).is_file():
        missing = [name for name in _shards(folder) if not (folder / name).is_file()]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            return f"{missing[0]}{more} of its weights {'are' if more else 'is'} missing."
    return next((found for file in weight_files(folder) if (found := _header(*_stamp(file))[1])), "")


def parameters(folder: Path) -> int:
    """How many numbers the weights hold; 0 when a file is broken."""
    return sum(_header(*_stamp(file))[0] for file in weight_files(folder))


def fingerprint(folder: Path) -> str:
    """SHA-256 over a model's weights; kept beside the models, as hashing many gigabytes takes a while."""
    files = weight_files(folder)
    kept = _kept(folder)
    if kept.exists():
        known = json.loads(kept.read_text(encoding="utf-8"))
        if known["files"] == _state(files):
            return str(known["sha256"])
    with ThreadPoolExecutor(HASHED_AT_ONCE) as pool:
        return remember(folder, list(pool.map(file_hash, files)))


def remember(folder: Path, hashes: Sequence[str]) -> str:
    """Keep the fingerprint of weights whose SHA-256 are known, in the order of `weight_files`; returns it."""
    digest = hashlib.sha256(b"".join(bytes.fromhex(found) for found in hashes)).hexdigest()
    write_json(_kept(folder), {"files": _state(weight_files(folder)), "sha256": digest})
    return digest


def file_hash(file: Path) -> str:
    """SHA-256, hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _kept(folder: Path) -> Path:
    key = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]
    return models_dir() / ".fingerprints" / f"{key}.json"


def _state(files: list[Path]) -> list[list[Any]]:
    return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def _stamp(file: Path) -> tuple[str, int, int]:
    status = os.stat(file)  # noqa: PTH116 - through links, and half the time of Path's
    return str(file), status.st_size, status.st_mtime_ns


def _shards(folder: Path) -> list[str]:
    """Names of the files that the index lists; none when there is no (readable) index."""
    try:
        listed = json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()
        return sorted({str(name) for name in listed if Path(str(name)).name == name})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


@lru_cache(maxsize=4096)
def _header(path: str, size: int, changed: int) -> tuple[int, str]:
    """Parameters in a file, and what is wrong with it. The header says how long the file has to be."""
    name = Path(path).name
    with Path(path).open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or (8 + length > size and length <= HEADER_LIMIT):
            return 0, f"{name} is cut off: it has only {size:,} bytes."
        if length > HEADER_LIMIT:
            return 0, f"{name} is no safetensors file."
        content = file.read(length)
    try:
        tensors = [entry for key, entry in json.loads(content).items() if key != "__metadata__"]
        end = 8 + length + max((entry["data_offsets"][1] for entry in tensors), default=0)
        numbers = sum(math.prod(entry["shape"]) for entry in tensors)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return 0, f"{name} is no safetensors file."
    if size < end:
        return 0, f"{name} is cut off: it has {size:,} of {end:,} bytes."
    return numbers, f"{name} is damaged: {size - end:,} bytes too many." if size > end else ""
