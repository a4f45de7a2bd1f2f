"""A dataset as rendered text in a file: JSONL, JSON, CSV or Parquet, written whole or not at all."""

from __future__ import annotations

import csv
import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lib import models
from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.errors import BadInput, CannotCarry
from lib.formats import ModelTokenizer, get_template, load_tokenizer, render_text
from lib.storage import disk_errors

ENDINGS = (".jsonl", ".json", ".csv", ".parquet")
PARQUET_BATCH = 10_000


@dataclass
class ExportReport:
    """Rows written and rows the template could not carry (`reasons`: message and count)."""

    out: str
    rows: int = 0
    left_out: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def export_dataset(
    info: DatasetInfo,
    template: str,
    out: Path,
    tokenizer: str | None = None,
    split: str | None = None,
    keep_good: bool = False,
) -> ExportReport:
    """Write one `text` a row, with the format's own literal tokens or those of a model.

    Raises:
        BadInput: unknown ending, or rows that the template cannot carry while `keep_good` is off.
        NotFound: unknown template or model.
        StorageError: disk full or folder not writable.
    """
    if out.suffix not in ENDINGS:
        raise BadInput(f"{out.name} has an ending that is not known.", f"Use one of {', '.join(ENDINGS)}.")
    get_template(template)
    loaded = load_tokenizer(models.find(tokenizer).path) if tokenizer else None
    report = ExportReport(str(out))
    scratch = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            _WRITERS[out.suffix](_texts(info, template, loaded, split, keep_good, report), scratch)
            scratch.replace(out)
        finally:
            scratch.unlink(missing_ok=True)
    return report


def _texts(
    info: DatasetInfo,
    template: str,
    tokenizer: ModelTokenizer | None,
    split: str | None,
    keep_good: bool,
    report: ExportReport,
) -> Iterator[str]:
    for row_id, conversation in datasets.conversations(info, split=split):
        try:
            text = render_text(conversation, template, tokenizer)
        except CannotCarry as error:
            if not keep_good:
                raise BadInput(
                    f"Row {row_id}: {error.message}", "Mend the row, or export with --keep-good to leave such rows out."
                ) from error
            report.left_out += 1
            report.reasons[error.message] = report.reasons.get(error.message, 0) + 1
            continue
        report.rows += 1
        yield text


def _write_jsonl(texts: Iterator[str], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)


def _write_json(texts: Iterator[str], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for number, text in enumerate(texts):
            file.write((",\n" if number else "\n") + json.dumps({"text": text}, ensure_ascii=False))
        file.write("\n]\n")


def _write_csv(texts: Iterator[str], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        writer.writerows([text] for text in texts)


def _write_parquet(texts: Iterator[str], path: Path) -> None:
    import itertools

    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("text", pa.string())])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(itertools.islice(texts, PARQUET_BATCH)):
            writer.write_table(pa.table({"text": batch}, schema=schema))


_WRITERS = {".jsonl": _write_jsonl, ".json": _write_json, ".csv": _write_csv, ".parquet": _write_parquet}
