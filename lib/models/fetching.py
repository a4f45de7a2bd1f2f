"""One file over HTTP, going on where an earlier attempt ended, whoever ended it.

The Hub's own client (2.4) gives each attempt a file of its own and removes it when it fails, so that after a kill all
comes again: many gigabytes. Here the part that has come stays, and only what is missing is asked for.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from lib.errors import StorageError
from lib.models.hub import HubFile
from lib.models.weights import file_hash
from lib.storage import sync

CHUNK = 1 << 18  # bytes: what a kill loses at most
ATTEMPTS = 5  # that brought nothing
WAIT_SECONDS = (1, 2, 4, 8, 8)
TRY_AGAIN = (408, 429, 500, 502, 503, 504)

Told = Callable[[int], None]
"""Told how many bytes came; negative when some have to come again. What it raises ends the work."""


def part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def fetch_file(url: str, file: HubFile, target: Path, told: Told) -> None:
    """Make `target` whole and true to its hash.

    Raises:
        StorageError: what came is not what the Hub announced.
        Exception: of the Hub's client, when it does not get there.
    """
    part = part_of(target)
    part.touch()
    if part.stat().st_size > file.size:
        told(-part.stat().st_size)
        part.write_bytes(b"")
    attempts = 0
    while (have := part.stat().st_size) < file.size:
        attempts = _attempt(url, part, attempts, told)
        if part.stat().st_size > have:
            attempts = 0
        told(0)
    _verify(file, part, told)
    with part.open("rb") as opened:
        sync(opened)
    part.replace(target)


def _attempt(url: str, part: Path, attempts: int, told: Told) -> int:
    """Fetch on until the end, or an error of the network that may pass; returns how many attempts there were."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    try:
        _stream(url, part, told)
    except (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError, HfHubHTTPError) as error:
        passing = not isinstance(error, HfHubHTTPError) or error.response.status_code in TRY_AGAIN
        if not passing or attempts == ATTEMPTS:
            raise
        print(f"{part.name}: {type(error).__name__}, trying again", flush=True)
        _wait(WAIT_SECONDS[min(attempts, len(WAIT_SECONDS) - 1)], told)
    return attempts + 1


def _stream(url: str, part: Path, told: Told) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    have = part.stat().st_size
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with get_session().stream("GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT) as response:
        hf_raise_for_status(response)
        if have and response.status_code != 206:  # it sends all of it
            told(-have)
            part.write_bytes(b"")
        with part.open("ab", buffering=0) as file:
            for chunk in response.iter_bytes(CHUNK):
                file.write(chunk)
                told(len(chunk))


def _wait(seconds: float, told: Told) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        told(0)
        time.sleep(0.1)


def _verify(file: HubFile, part: Path, told: Told) -> None:
    if part.stat().st_size == file.size and _is_true(file, part):
        return
    told(-part.stat().st_size)
    part.unlink()
    raise StorageError(
        f"{file.name} did not arrive as the Hub announced it (its hash differs).",
        "Fetch the model again: this file comes anew. If it happens again, look at the network or the disk.",
    )


def _is_true(file: HubFile, part: Path) -> bool:
    if file.sha256:
        return file_hash(part) == file.sha256
    if not file.git_sha1:
        return True
    content = part.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == file.git_sha1
