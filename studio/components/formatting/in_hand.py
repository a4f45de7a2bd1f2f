"""Which row the Format page shows: the one in the address, else the first."""

from __future__ import annotations

from lib.data.filters import Query
from lib.data.table import Table, TableRow
from studio import cache, state
from studio.components.formatting.look import Look


def all_rows(look: Look) -> Table:
    """All rows that are not deleted, edits included."""
    return Table(look.copy, Query())


def row_in_hand(table: Table) -> tuple[int, TableRow] | None:
    """The row, and how many rows come before it; None where there are no rows."""
    asked = state.get("row")
    if asked.isdecimal() and len(asked) < 16:
        found = cache.placed_row(table, int(asked))
        if found:
            return found
    first = cache.table_page(table, 1, 0).rows
    return (0, first[0]) if first else None


def open_row(table: Table, place: int) -> None:
    """Open the row that so many others come before."""
    state.put("row", str(cache.table_page(table, 1, place).rows[0].row_id))


def see_row(row_id: int) -> None:
    """Show a row as text and tokens."""
    state.put("view", "Rows")
    state.put("row", str(row_id))
