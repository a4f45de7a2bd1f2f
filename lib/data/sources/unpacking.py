"""The bytes of a file, unpacked where it is gzip or Zstandard, whatever its name says."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal

from lib.data.sources.items import BROKEN, Meter

Packing = Literal["", "gzip", "Zstandard"]
MAGIC: dict[bytes, Packing] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "Zstandard"}
PACKING_OF_SUFFIX: dict[str, Packing] = {".gz": "gzip", ".zst": "Zstandard"}
CHUNK = 1 << 20  # bytes
STEP = 1 << 16  # bytes unpacked at once, which is what a break in the file can cost


def packing_of(path: Path) -> Packing:
    """How a file is packed, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(4)
    return next((packing for magic, packing in MAGIC.items() if head.startswith(magic)), "")


def open_bytes(path: Path, packing: Packing) -> io.BufferedReader:
    """The file's bytes, unpacked; the caller closes it. Reading raises one of `BROKEN` where the packed data does."""
    if packing == "gzip":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if packing == "Zstandard":
        return io.BufferedReader(_Zstandard(path), STEP)
    return path.open("rb")


class _Zstandard(io.RawIOBase):
    """Reads through Arrow's decompressor, which tells a file that breaks off from one that ends."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        self.file = path.open("rb")
        self._stream = pa.CompressedInputStream(self.file, "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except OSError as error:
            raise EOFError(str(error)) from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self.file.close()
        super().close()


def metered(path: Path, packing: Packing, meter: Meter) -> io.BufferedReader:
    """The unpacked bytes of a file that `meter` watches from now on."""
    file = open_bytes(path, packing)
    meter.file = _packed_file(file)
    return file


def _packed_file(file: Any) -> IO[bytes]:
    """The file on disk, whose position says how much of it is read."""
    if isinstance(file, gzip.GzipFile):
        return file.fileobj  # type: ignore[return-value]
    raw = getattr(file, "raw", None)
    return raw.file if isinstance(raw, _Zstandard) else file


def chunks(file: io.BufferedReader) -> Iterator[bytes]:
    """What is left of a file; packed data that breaks off ends there.

    Raises:
        one of `BROKEN`: it breaks off before its first byte.
    """
    found = False
    try:
        while chunk := file.read1(CHUNK):  # not `read`, which loses what comes before a break
            found = True
            yield chunk
    except BROKEN:
        if not found:
            raise


def read_all(file: io.BufferedReader) -> bytes:
    """Everything there is; of packed data that breaks off, what comes before the break."""
    return b"".join(chunks(file))
