"""README.md of an exported folder: what the Hub and `datasets` read, and what a person wants to know.

The head is YAML: https://huggingface.co/docs/hub/datasets-cards.
"""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import Any

from lib.data.datasets import DatasetInfo
from lib.export.markdown import code, fenced, table
from lib.export.options import ExportOptions
from lib.export.report import ExportReport
from lib.export.shapes import SCHEMAS

CARD = "README.md"
EXAMPLE_LENGTH = 2000  # characters
SIZES = (("n<1K", 1e3), ("1K<n<10K", 1e4), ("10K<n<100K", 1e5), ("100K<n<1M", 1e6), ("1M<n<10M", 1e7))
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]*")

Sample = dict[str, Any]
"""One row: column -> value."""


def dataset_card(info: DatasetInfo, options: ExportOptions, report: ExportReport, sample: Sample | None) -> str:
    """The text of README.md for the files that the report lists."""
    parts = [
        f"---\n{_head(info, options, report)}\n---",
        f"# {info.name}",
        f"Version {info.version} of the dataset {info.name}, {report.rows:,} rows.",
        _files(report),
        f"## Columns\n\n{_columns(options)}",
        f"## How it was made\n\n{_history(info, options, report)}",
        f"## Licence\n\n{code(options.licence) if options.licence else 'Unknown: nobody has said.'}",
    ]
    if sample:
        parts.append(f"## Example\n\n{_example(sample)}")
    return "\n\n".join(parts) + "\n"


def _head(info: DatasetInfo, options: ExportOptions, report: ExportReport) -> str:
    from huggingface_hub import DatasetCardData

    files = [{"split": file.split, "path": file.name} for file in report.files]
    licence = (options.licence or "unknown").strip()
    # The Hub knows licences by short names in lower case, and asks for others to be named so.
    known = _LICENCE.fullmatch(licence.lower())
    head = DatasetCardData(
        license=licence.lower() if known else "other",
        pretty_name=f"{info.name} v{info.version}",
        size_categories=[next((name for name, limit in SIZES if report.rows < limit), "n>10M")],
        task_categories=["text-generation"],
        tags=["tandem"],
        configs=[{"config_name": "default", "data_files": files}],
        ignore_metadata_errors=False,
        license_name=None if known else licence,
    )
    return str(head.to_yaml()).strip()


def _files(report: ExportReport) -> str:
    rows = [[file.split, code(file.name), f"{file.rows:,}", f"{file.bytes:,}"] for file in report.files]
    return table(["split", "file", "rows", "bytes"], rows)


def _columns(options: ExportOptions) -> str:
    kinds = [[code(field.name), code(_kind(field.type))] for field in SCHEMAS[options.columns]]
    return table(["column", "type"], kinds)


def _kind(type_: Any) -> str:
    import pyarrow as pa

    if pa.types.is_list(type_):
        inner = type_.value_type
        names = ", ".join(field.name for field in inner) if pa.types.is_struct(inner) else str(inner)
        return f"list of {{{names}}}" if pa.types.is_struct(inner) else f"list of {names}"
    return str(type_)


def _history(info: DatasetInfo, options: ExportOptions, report: ExportReport) -> str:
    lines = [
        f"Source: {code(info.source)}, read as {code(info.label)}.",
        f"Version {info.version}, saved {info.created_at[:10]}, content {code(info.hash)}.",
        *_way(options),
        *report.changes(),
        *(f"{count:,} left out: {code(reason)}" for reason, count in report.reasons.items()),
        f"Exported {datetime.datetime.now(datetime.UTC).date().isoformat()} with Tandem.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _way(options: ExportOptions) -> list[str]:
    lines = [f"Columns: {options.columns}."]
    if options.renders:
        tokens = (
            f"the special tokens of {code(_model(options.tokenizer))}"
            if options.tokenizer
            else "the format's own tokens"
        )
        lines.append(f"Template: {code(options.template or '')} with {tokens}.")
    if options.renders and options.columns != "ids" and not options.specials:
        lines.append("The begin and end token of each text is left out, for a tokenizer that adds its own.")
    if options.renders and options.escape:
        lines.append("Marks of the format inside messages are escaped with a backslash.")
    if options.max_length:
        lines.append(f"Rows of more than {options.max_length:,} tokens: {options.long_rows}.")
    if options.columns == "ids":
        learned = "all text" if options.train_on_prompt else "the answers and the token that ends them"
        lines.append(f"Labels: {learned}; -100 elsewhere.")
    return lines


def _model(name: str) -> str:
    """A name or Hub id as it is; of a folder's path, which is nobody else's business, the last part."""
    return name if name.count("/") <= 1 and name[0] not in "/.~" else Path(name).name


def _example(sample: Sample) -> str:
    """The first row; a text by itself as it is, anything else as JSON."""
    ((name, value), *more) = sample.items()
    plain = isinstance(value, str) and not more
    text = value if plain else json.dumps(sample, ensure_ascii=False, indent=2)
    cut = f"\n\nThe first {EXAMPLE_LENGTH:,} of {len(text):,} characters." if len(text) > EXAMPLE_LENGTH else ""
    return f"{code(name)} of the first row:\n\n" * plain + fenced(text[:EXAMPLE_LENGTH], "" if plain else "json") + cut
