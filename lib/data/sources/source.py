"""Where rows come from: a file, a folder of files or of a saved data set, or a data set of the Hugging Face Hub.

source = open_source("rows.jsonl.gz")
for batch in source.batches():    # rows, their numbers, refusals; memory flat
    ...
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from lib.data.sources import oasst, saved
from lib.data.sources.documents import read_json
from lib.data.sources.items import BROKEN, Batch, EmptySource, Item, Meter, Refusal, Row, batched, unbroken
from lib.data.sources.lines import read_jsonl
from lib.data.sources.readers import read_arrow, read_csv
from lib.data.sources.sniff import FORMAT_OF_SUFFIX, READABLE, FileKind, Format, damaged, named_format, sniff
from lib.errors import BadInput, NotFound

__all__ = ["Item", "Refusal", "Source", "open_source"]


def _in_batches(read: Callable[[Path, FileKind, Meter], Iterator[Item]]) -> BatchReader:
    return lambda path, kind, meter: batched(unbroken(read(path, kind, meter)), meter)


BatchReader = Callable[[Path, FileKind, Meter], Iterator[Batch]]
READERS: dict[Format, BatchReader] = {
    "json": _in_batches(read_json),
    "jsonl": read_jsonl,
    "csv": _in_batches(read_csv),
    "parquet": _in_batches(read_arrow),
    "arrow": _in_batches(read_arrow),
}
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?(:[\w.\[\]%+-]+)?")
SHAPES_SHOWN = 20  # files of a folder whose columns are compared
NOT_ROWS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "package.json")


@dataclass(frozen=True)
class Part:
    """One file of a source, or a whole Hub data set. `file` is its name inside a folder, empty otherwise.

    `columns` are added to each of its rows: the split, where the source says which it is.
    """

    read: Callable[[Meter], Iterator[Batch]]
    size: int = 0
    file: str = ""
    columns: dict[str, str] = field(default_factory=dict)


@dataclass
class Source:
    """Something that rows can be read from, any number of times. `notes` tells what was found on the way."""

    name: str
    parts: list[Part]
    meter: Meter = field(default_factory=Meter)
    file: str = ""
    """The file that the rows come from just now, when the source is a folder."""
    read: int = 0
    """Rows and refusals read so far, those that nobody has looked at yet among them."""

    @property
    def notes(self) -> list[str]:
        return self.meter.notes

    @property
    def decoded(self) -> int:
        """Bytes or characters unpacked so far, to bound what a reader holds at once."""
        return self.meter.decoded

    def batches(self) -> Iterator[Batch]:
        """Every row with its number in its file, unreadable ones as refusals; each batch of one file.

        Raises:
            BadInput: the source holds no rows, or is not what its name says.
        """
        self.meter = Meter(size=sum(part.size for part in self.parts), notes=self.meter.notes)
        self.read = 0
        for part in self.parts:
            self.file = part.file
            try:
                for batch in oasst.joined(part.read(self.meter), self.meter):
                    self.read += len(batch)
                    yield _placed(batch, part)
            except EmptySource as error:
                if len(self.parts) == 1:
                    raise
                self.meter.note(error.message)
            except BROKEN as error:
                raise damaged(part.file or self.name, "") from error
            self.meter.before += part.size
        if not self.read:
            raise BadInput(f"{self.name} has no rows.", "Choose a source that has rows in it.")

    def rows(self) -> Iterator[Item]:
        """The same one by one, in the order of each file."""
        for batch in self.batches():
            yield from batch.items()

    def estimate(self, done: int) -> int | None:
        """Rows in all, of which `done` were looked at, judged by the share of bytes read; exact for Parquet."""
        if self.meter.rows is not None and len(self.parts) == 1:
            return self.meter.rows
        share = self.meter.share()
        return max(done, round(self.read / share)) if share and self.read else None

    def shapes(self) -> dict[tuple[str, ...], list[str]]:
        """Columns of the first row of each of the first files, with the files that begin so."""
        found: dict[tuple[str, ...], list[str]] = {}
        for part in self.parts[:SHAPES_SHOWN]:
            row = _first_row(part)
            if row is not None:
                found.setdefault(tuple(row), []).append(part.file or self.name)
        return found


def _first_row(part: Part) -> Row | None:
    try:
        return next((row for batch in part.read(Meter()) for row in batch.rows), None)
    except (BadInput, *BROKEN):
        return None


def _placed(batch: Batch, part: Part) -> Batch:
    """Refusals say which file of a folder they are in, rows get the columns that the source adds."""
    if part.columns:
        for row in batch.rows:
            saved.add_columns(row, part.columns)
    if part.file and batch.refusals:
        batch.refusals = [replace(refused, file=part.file) for refused in batch.refusals]
    return batch


def open_source(source: str) -> Source:
    """Find out what `source` is: a path, or `owner/name`, `owner/name@revision:split` on the Hub.

    Raises:
        NotFound: no such file.
        BadInput: a file that cannot be read as rows.
        StudioError: the Hub cannot be reached or has no such data set.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        return _saved(path) if saved.is_saved(path) else _folder(path)
    if path.exists():
        notes: list[str] = []
        part = _file_part(path, notes)
        return Source(path.name, [part], Meter(notes=notes))
    if HUB_ID.fullmatch(source) and named_format(path) is None:
        from lib.data.sources.hub import hub_rows

        return Source(source, [Part(lambda meter: batched(hub_rows(source, meter), meter))])
    raise NotFound(
        f"There is no file {source}.", f"Give the path of a file or folder ({READABLE}), or a Hub id like owner/name."
    )


def _file_part(path: Path, notes: list[str], file: str = "", columns: dict[str, str] | None = None) -> Part:
    try:
        kind = sniff(path)
        size = path.stat().st_size
    except OSError as error:
        raise BadInput(f"{path.name} cannot be read ({error.strerror}).", "Check its permissions.") from error
    notes += kind.notes
    return Part(lambda meter: READERS[kind.format](path, kind, meter), size, file, columns or {})


def _saved(folder: Path) -> Source:
    """A folder that `datasets` saved: its Arrow files in order, each with its split."""
    found = saved.data_files(folder)
    notes = list(found.notes)
    parts = [_file_part(path, notes, str(path.relative_to(folder)), columns) for path, columns in found.files]
    return Source(folder.resolve().name, parts, Meter(notes=notes))


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
