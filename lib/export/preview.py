"""One conversation as the file of an export would hold it, before the export."""

from __future__ import annotations

from lib.export.making import row_maker
from lib.export.options import ExportOptions
from lib.export.report import ExportReport
from lib.export.shapes import SCHEMAS, Row
from lib.formats import ModelTokenizer
from lib.formats.render import REFUSALS
from lib.records import Conversation


def preview(
    conversation: Conversation, options: ExportOptions, tokenizer: ModelTokenizer | None
) -> list[dict[str, object]]:
    """The rows made of it, column by column; none where the options leave it out.

    Raises:
        BadSettings: faults of the options.
        CannotCarry: the columns or the template have no place for it.
        NotFound, ModelError: no such template, one that this model cannot be used with, or that fails on the row.
    """
    make = row_maker(options.check(), tokenizer if options.renders else None, ExportReport(""))
    made = make([conversation])[0]
    if isinstance(made, REFUSALS):
        raise made
    rows: list[Row] = [] if isinstance(made, str) else made
    return [dict(zip(SCHEMAS[options.columns].names, row, strict=True)) for row in rows]
