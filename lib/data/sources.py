"""Where rows come from: a file, a folder of files, or a data set of the Hugging Face Hub.

source = open_source("rows.jsonl.gz")
for item in source.rows():        # (number, row) or Refusal, memory flat
    ...
"""

from __future__ import annotations

import gzip
import itertools
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lib.data.documents import read_json
from lib.data.readers import EmptySource, Item, Meter, Refusal, read_arrow, read_csv, read_jsonl
from lib.data.sniff import FORMAT_OF_SUFFIX, READABLE, FileKind, Format, named_format, sniff
from lib.errors import BadInput, NotFound

__all__ = ["Item", "Refusal", "Source", "open_source"]

READERS: dict[Format, Callable[[Path, FileKind, Meter], Iterator[Item]]] = {
    "json": read_json,
    "jsonl": read_jsonl,
    "csv": read_csv,
    "parquet": read_arrow,
    "arrow": read_arrow,
}
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(:[\w.\[\]%+-]+)?")
NOT_ROWS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "package.json")


@dataclass(frozen=True)
class Part:
    """One file of a source, or a whole Hub data set. `file` is its name inside a folder, empty otherwise."""

    read: Callable[[Meter], Iterator[Item]]
    size: int = 0
    file: str = ""


@dataclass
class Source:
    """Something that rows can be read from, any number of times. `notes` tells what was found on the way."""

    name: str
    parts: list[Part]
    meter: Meter = field(default_factory=Meter)
    file: str = ""
    """The file that the rows come from just now, when the source is a folder."""

    @property
    def notes(self) -> list[str]:
        return self.meter.notes

    @property
    def decoded(self) -> int:
        """Bytes or characters unpacked so far, to bound what a reader holds at once."""
        return self.meter.decoded

    def rows(self) -> Iterator[Item]:
        """Every row with its number in its file, unreadable ones as refusals.

        Raises:
            BadInput: the source holds no rows, or is not what its name says.
        """
        self.meter = Meter(size=sum(part.size for part in self.parts), notes=self.meter.notes)
        found = False
        for part in self.parts:
            self.file = part.file
            try:
                for item in _unbroken(part.read(self.meter), part.file or self.name):
                    found = True
                    yield _placed(item, part.file)
            except EmptySource as error:
                if len(self.parts) == 1:
                    raise BadInput(error.message, error.hint) from error
                self.meter.note(error.message)
            self.meter.before += part.size
        if not found:
            raise BadInput(f"{self.name} has no rows.", "Choose a source that has rows in it.")

    def estimate(self, done: int) -> int | None:
        """Rows in all, judged by the share read when `done` rows were out; exact for Parquet."""
        if self.meter.rows is not None and len(self.parts) == 1:
            return self.meter.rows
        share = self.meter.share()
        return max(done, round(done / share)) if share and done else None


def _placed(item: Item, file: str) -> Item:
    """A refusal says which file of a folder it is in."""
    return Refusal(item.row, item.reason, item.text, file) if file and isinstance(item, Refusal) else item


def _unbroken(items: Iterator[Item], name: str) -> Iterator[Item]:
    """Turn packed data that breaks off into a refusal after the rows that could be unpacked."""
    last = 0
    try:
        for item in items:
            last = item.row if isinstance(item, Refusal) else item[0]
            yield item
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        if not last:
            raise BadInput(f"{name} is a damaged gzip file.", "Copy or download it again.") from error
        yield Refusal(last + 1, "the packed file breaks off here; the rest was not read")


def open_source(source: str) -> Source:
    """Find out what `source` is: a path, or `owner/name` or `owner/name:split` on the Hub.

    Raises:
        NotFound: no such file.
        BadInput: a file that cannot be read as rows.
        StudioError: the Hub cannot be reached or has no such data set.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        return _folder(path)
    if path.exists():
        notes: list[str] = []
        part = _file_part(path, notes)
        return Source(path.name, [part], Meter(notes=notes))
    if HUB_ID.fullmatch(source) and named_format(path) is None:
        from lib.data.hub import hub_rows

        return Source(source, [Part(lambda meter: hub_rows(source, meter))])
    raise NotFound(
        f"There is no file {source}.", f"Give the path of a file or folder ({READABLE}), or a Hub id like owner/name."
    )


def _file_part(path: Path, notes: list[str], file: str = "") -> Part:
    try:
        kind = sniff(path)
        size = path.stat().st_size
    except OSError as error:
        raise BadInput(f"{path.name} cannot be read ({error.strerror}).", "Check its permissions.") from error
    notes += kind.notes
    return Part(lambda meter: READERS[kind.format](path, kind, meter), size, file)


def _folder(folder: Path) -> Source:
    files = [path for path in sorted(folder.rglob("*")) if _is_rows(path.relative_to(folder)) and path.is_file()]
    if not files:
        listed = ", ".join(sorted(FORMAT_OF_SUFFIX))
        raise BadInput(f"{folder.name} holds no file that can be read.", f"Put files ending in {listed} into it.")
    notes: list[str] = []
    parts = []
    for path in files:
        name = str(path.relative_to(folder))
        if path.stat().st_size:
            parts.append(_file_part(path, notes, name))
        else:
            notes.append(f"{name} is empty.")
    notes.append(f"{len(parts)} files: {', '.join(itertools.islice((part.file for part in parts), 20))}.")
    return Source(folder.resolve().name, parts, Meter(notes=notes))


def _is_rows(path: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.parts)
    return not hidden and path.name not in NOT_ROWS and named_format(path) is not None
