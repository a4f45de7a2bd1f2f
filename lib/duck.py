"""One DuckDB for the process: opening one takes 15 to 50 ms, a database within it one or two."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from functools import cache

import duckdb

_numbers = itertools.count()


@contextlib.contextmanager
def connect() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to an empty database of its own in memory, which is gone afterwards with its views and tables."""
    name = f"own_{next(_numbers)}"
    with _process().cursor() as connection:
        try:
            connection.execute(f"ATTACH ':memory:' AS {name}")
            connection.execute(f"USE {name}")
            yield connection
        except (duckdb.FatalException, duckdb.InternalException):
            _process.cache_clear()  # it answers nobody any more; the next caller opens a new one
            raise
        finally:
            with contextlib.suppress(duckdb.FatalException):  # then there is nothing left to tidy
                connection.execute("USE memory")
                connection.execute(f"DETACH DATABASE IF EXISTS {name}")


def cursor(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A second connection to the same database, to read while the first one writes."""
    found = connection.execute("SELECT current_database()").fetchall()
    other = connection.cursor()
    other.execute(f"USE {found[0][0]}")
    return other


@cache
def _process() -> duckdb.DuckDBPyConnection:
    # The system keeps files in memory already; a second copy would stay with the web process.
    return duckdb.connect(config={"enable_external_file_cache": "false"})
