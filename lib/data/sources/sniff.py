"""What a file really is: packing, format, encoding and delimiter, judged by its content before its name."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lib.data.sources.items import BROKEN
from lib.data.sources.unpacking import PACKING_OF_SUFFIX, Packing, chunks, open_bytes, packing_of
from lib.errors import BadInput

Format = Literal["json", "jsonl", "csv", "parquet", "arrow"]
FORMAT_OF_SUFFIX: dict[str, Format] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
}
READABLE = "JSON, JSON Lines, CSV, TSV, Parquet and Arrow files, each also as .gz or .zst"
HEAD_BYTES = 1 << 20
BLANK = b"\0 \t\r\n" + codecs.BOM_UTF8
DELIMITERS = ",;\t|"
FOREIGN = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive (or an Office document)"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"SQLite format 3", "an SQLite database"),
)
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Encoding:
    """A codec's name; `damaged` when some bytes of the file do not belong to it."""

    name: str
    damaged: bool = False


@dataclass(frozen=True)
class FileKind:
    """How to read one file; `notes` says where its content and its name disagree."""

    format: Format
    packing: Packing = ""
    encoding: Encoding = Encoding("utf-8")
    delimiter: str = ","
    notes: tuple[str, ...] = ()


def sniff(path: Path) -> FileKind:
    """Find out how `path` is to be read.

    Raises:
        BadInput: empty, or nothing that can be read as rows; says what it is instead where that is known.
    """
    packing = packing_of(path)
    notes = _packing_notes(path, packing)
    head = _head(path, packing)
    named = named_format(path)
    found = _binary_format(head, path)
    if found is None:
        encoding = find_encoding(iter([head]))
        text = head.decode(encoding.name, errors="replace")
        found = _text_format(text, named, path)
        if found != "jsonl":
            encoding = _encoding(path, packing)
        notes += _encoding_notes(path, encoding)
    else:
        encoding, text = Encoding("utf-8"), ""
    if named is not None and found != named:
        notes.append(f"{path.name} is really {FULL_NAMES[found]}, and was read as that.")
    delimiter = find_delimiter(text, path) if found == "csv" else ","
    if delimiter not in (",", "\t"):
        notes.append(f"{path.name}: fields are separated by {delimiter!r}.")
    return FileKind(found, packing, encoding, delimiter, tuple(notes))


FULL_NAMES: dict[Format, str] = {
    "json": "one JSON document",
    "jsonl": "JSON Lines",
    "csv": "a table of delimited text",
    "parquet": "Parquet",
    "arrow": "Arrow",
}


def named_format(path: Path) -> Format | None:
    """The format that the file's name promises, a `.gz` or `.zst` at its end aside."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKING_OF_SUFFIX:
        suffixes.pop()
    return FORMAT_OF_SUFFIX.get(suffixes[-1]) if suffixes else None


def _packing_notes(path: Path, packing: Packing) -> list[str]:
    promised = PACKING_OF_SUFFIX.get(path.suffix.lower(), "")
    if promised == packing:
        return []
    return [f"{path.name} is {f'packed with {packing}' if packing else 'not packed'}, whatever its name says."]


def _head(path: Path, packing: Packing) -> bytes:
    """The first megabyte or so from the first line on that is not blank."""
    head = b""
    with open_bytes(path, packing) as file:
        try:
            for chunk in chunks(file):
                head = head + chunk if head.strip(BLANK) else chunk
                if len(head) >= HEAD_BYTES and head.strip(BLANK):
                    break
        except BROKEN as error:
            raise damaged(path.name, packing) from error
    if head.strip(BLANK):
        return head
    if path.stat().st_size > HEAD_BYTES:
        raise BadInput(f"{path.name} has no rows, only blank lines.", "Choose a file that has rows in it.")
    raise BadInput(f"{path.name} is empty.", "Choose a file that has rows in it.")


def damaged(name: str, packing: Packing) -> BadInput:
    """What to raise for a packed file of which nothing can be unpacked."""
    return BadInput(f"{name} is a damaged {packing or 'gzip'} file.", "Copy or download it again.")


def _encoding(path: Path, packing: Packing) -> Encoding:
    with open_bytes(path, packing) as file:
        return find_encoding(chunks(file), whole=True)


def _binary_format(head: bytes, path: Path) -> Format | None:
    """Parquet or Arrow by its first bytes, None for text; refuses everything else that is not text."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "arrow"
    known = next((what for magic, what in FOREIGN if head.startswith(magic)), None)
    if known is None and _is_text(head):
        if named_format(path) in ("parquet", "arrow") and head[:1] not in b"[{":
            known = "text"
        elif head[:200].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
            known = "a web page or XML"
        else:
            return None
    hint = f"Give {READABLE}; a download that went wrong often leaves something else under the right name."
    raise BadInput(f"{path.name} is {known or 'binary data of an unknown kind'}, not a file of rows.", hint)


def _is_text(head: bytes) -> bool:
    if head.startswith(tuple(bom for bom, _ in BOMS)) or _wide(head):
        return True
    sample = head[:4096]
    control = sum(byte < 9 or 13 < byte < 27 for byte in sample)
    return control <= len(sample) // 20


def _wide(head: bytes) -> str | None:
    """UTF-16 without its mark shows as zeros in every second byte."""
    sample = head[:1024]
    half = len(sample) // 2
    if half < 2:
        return None
    for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if sample[start::2].count(0) > 0.6 * half and sample[1 - start :: 2].count(0) < 0.2 * half:
            return name
    return None


def find_encoding(chunks: Iterator[bytes], whole: bool = False) -> Encoding:
    """The encoding of a text file. Falls back to Windows' Western one when the bytes are not UTF-8.

    `whole`: the chunks are all of the file, so that one which ends within a character is damaged.
    """
    first = next(chunks, b"")
    marked = next((name for bom, name in BOMS if first.startswith(bom)), None) or _wide(first)
    if marked:
        return Encoding(marked)
    decoder = codecs.getincrementaldecoder("utf-8")()
    chunk = first
    try:
        while chunk:
            decoder.decode(chunk)
            chunk = next(chunks, b"")
    except UnicodeDecodeError:
        return _not_utf8(chunk)
    return Encoding("utf-8", damaged=whole and bool(decoder.getstate()[0]))


def _not_utf8(chunk: bytes) -> Encoding:
    text = chunk.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    good = sum(not char.isascii() for char in text) - bad
    if good > bad:
        return Encoding("utf-8", damaged=True)  # UTF-8 with a few broken rows: refusing those beats garbling the rest
    try:
        chunk.decode("cp1252")
    except UnicodeDecodeError:
        return Encoding("latin-1")
    return Encoding("cp1252", damaged=True)


def _encoding_notes(path: Path, encoding: Encoding) -> list[str]:
    if encoding.name in ("utf-8", "utf-8-sig"):
        return [f"{path.name}: some bytes are not UTF-8."] if encoding.damaged else []
    return [f"{path.name} was read as {encoding.name}, not UTF-8."]


def _text_format(text: str, named: Format | None, path: Path) -> Format:
    text = text.lstrip("\ufeff \t\r\n\0")
    first, _, rest = text.partition("\n")
    if text[:1] in ("{", "["):
        return _json_format(first, rest.strip(), named)
    if named in ("json", "jsonl") and (text[:1] == '"' or not _tabular(text)):
        return named
    if named is not None or _tabular(text):
        return "csv"
    raise BadInput(f"{path.name} has no form that is known here.", f"Give {READABLE}.")


def _json_format(first: str, rest: str, named: Format | None) -> Format:
    """Lines are whole values with more of them below; a document goes on over its lines, or has only one."""
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        lines = named == "jsonl" and first.startswith("{") and rest[:1] in ("", "{")
        return "jsonl" if lines else "json"
    if rest:
        return "jsonl"
    return "jsonl" if named != "json" and isinstance(value, dict) else "json"


def _tabular(text: str) -> bool:
    header = text.split("\n", 1)[0]
    return any(delimiter in header for delimiter in DELIMITERS) and "\n" in text.strip()


def find_delimiter(text: str, path: Path) -> str:
    """The delimiter that cuts the first lines into the same number of fields most often, the widest of equals."""
    lines = text.splitlines(keepends=True)[:40]
    preferred = "\t" if ".tsv" in path.name.lower() else ","

    def score(delimiter: str) -> tuple[float, int, bool]:
        try:
            records = [record for record in csv.reader(lines, delimiter=delimiter) if record]
        except csv.Error:
            return 0.0, 0, False
        width = len(records[0]) if records else 0
        if width < 2:
            return 0.0, 0, delimiter == preferred
        same = sum(len(record) == width for record in records) / len(records)
        return round(same, 1), width, delimiter == preferred

    return max(preferred + DELIMITERS, key=score)
