"""What is measured of each row: lengths and language of its texts, and tokens; where it is kept and how fresh it is.

measures/<name>/v0001/texts.parquet            row id, key, turns, question_chars, answer_chars, language
measures/<name>/v0001/tokens-<model>.parquet   row id, key, prompt_tokens, answer_tokens

`key` is a hash of the texts that were measured: a row needs measuring again when its key differs. The file's metadata
is a `Measured`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from lib import models
from lib.data.columns import ROW_ID
from lib.data.datasets import DatasetInfo, quoted
from lib.data.edits.overlay import SEQ
from lib.data.edits.working import WorkingCopy
from lib.data.mapping.roles import Mapping
from lib.errors import StorageError
from lib.formats import load_tokenizer
from lib.storage import measures_dir, suggest_name

What = Literal["texts", "tokens"]
KEY = "_tandem_key"
METADATA = "tandem"
TEXT_FILE = "texts.parquet"
_ROW = [(ROW_ID, pa.int64()), (KEY, pa.uint64())]
SCHEMAS: dict[What, pa.Schema] = {
    "texts": pa.schema(
        [
            *_ROW,
            ("turns", pa.int32()),
            ("question_chars", pa.int32()),
            ("answer_chars", pa.int32()),
            ("language", pa.string()),
        ]
    ),
    "tokens": pa.schema([*_ROW, ("prompt_tokens", pa.int32()), ("answer_tokens", pa.int32())]),
}
_UNREAD = ("split", "rejected")  # roles that no measure looks at


@dataclass(frozen=True)
class Measured:
    """What a file of measures knows of itself.

    `seq`: the working copy's journal entry that it was measured at. `tokenizer`: fingerprint of the model's tokenizer,
    "" for texts. `edges`: lower bounds of a number field's bars, by the field's name; the last bar is open upwards.
    `columns`: source columns that are worth a facet.
    """

    seq: int
    model: str = ""
    tokenizer: str = ""
    edges: dict[str, tuple[float, ...]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Measured:
        value = json.loads(text)
        edges = {name: tuple(bounds) for name, bounds in value["edges"].items()}
        return cls(**{**value, "edges": edges, "columns": tuple(value["columns"])})


def text_file(info: DatasetInfo) -> Path:
    """Turns, lengths in characters and language of each row."""
    return measures_dir(info.name, info.version) / TEXT_FILE


def token_file(info: DatasetInfo, model: str) -> Path:
    """Tokens of prompt and answer of each row, counted with a model's tokenizer."""
    return measures_dir(info.name, info.version) / f"tokens-{suggest_name(model)}.parquet"


def file_of(info: DatasetInfo, what: What, model: str = "") -> Path:
    return text_file(info) if what == "texts" else token_file(info, model)


def what_of(path: Path) -> What:
    return "texts" if path.name == TEXT_FILE else "tokens"


def measured(path: Path) -> Measured | None:
    """What a file of measures knows of itself; None when it is not there, or an earlier studio measured other things.

    Raises:
        StorageError: the file is damaged.
    """
    try:
        schema = pq.read_schema(path)
        if schema.names != SCHEMAS[what_of(path)].names:
            return None
        return Measured.from_json(schema.metadata[METADATA.encode()])
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path} is damaged.", "Delete it; rows are then measured again.") from error


def fingerprint(what: What, model: str) -> str:
    """The fingerprint of a model's tokenizer; empty for texts.

    Raises:
        NotFound, ModelError: no such model, or its tokenizer cannot be read.
    """
    return load_tokenizer(models.find(model).path).fingerprint if what == "tokens" else ""


def stale(copy: WorkingCopy, what: What, model: str = "") -> int:
    """How many rows have to be measured again; all when none ever was.

    Raises:
        NotFound, ModelError: see `fingerprint`.
        StorageError: a file is missing or damaged.
    """
    path, tokenizer = file_of(copy.info, what, model), fingerprint(what, model)
    known = measured(path)
    if known is None or known.tokenizer != tokenizer:
        return copy.info.rows
    if known.seq >= copy.seq:
        return 0
    with copy.connect() as connection:
        connection.from_parquet(str(path)).create_view("measured")
        found = connection.execute(
            f"""SELECT count(*) FROM rows LEFT JOIN measured USING ({ROW_ID})
            WHERE rows.{SEQ} > ? AND measured.{KEY} IS DISTINCT FROM {key_of(copy.mapping)}""",
            [known.seq],
        ).fetchall()
    return int(found[0][0])


def key_of(mapping: Mapping) -> str:
    """SQL of a row's key. A column that is added later and empty leaves it as it is."""
    key = "0::UBIGINT"
    for role, column in sorted(mapping.columns.items()):
        if role not in _UNREAD:
            name = f"rows.{quoted(column)}"
            key = f"xor({key}, CASE WHEN {name} IS NULL THEN 0::UBIGINT ELSE hash('{role}', {name}) END)"
    return key
