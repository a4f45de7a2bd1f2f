"""Callers of the one DuckDB do not see each other, and see files as they are now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib import duck


def test_threads_at_once_have_views_and_tables_of_their_own(tmp_path: Path) -> None:
    def ask(number: int) -> tuple[int, int]:
        path = tmp_path / f"{number}.parquet"
        pq.write_table(pa.table({"n": [number]}), path)
        with duck.connect() as connection:
            connection.from_parquet(str(path)).create_view("rows")
            connection.execute("CREATE TABLE kept AS FROM rows")
            other = duck.cursor(connection)
            return connection.execute("FROM rows").fetchall()[0][0], other.execute("FROM kept").fetchall()[0][0]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(60))) == [(number, number) for number in range(60)]


def test_nothing_is_left_of_a_caller_that_failed() -> None:
    with pytest.raises(duckdb.Error), duck.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        connection.execute("FROM missing")
    with duck.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 2 AS n")
        assert connection.execute("FROM kept").fetchall() == [(2,)]
        found = connection.execute("SELECT database_name FROM duckdb_databases() WHERE NOT internal").fetchall()
    assert len([name for (name,) in found if name.startswith("own_")]) == 1


def test_a_file_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    for number in range(3):
        pq.write_table(pa.table({"n": [number]}), path)
        with duck.connect() as connection:
            assert connection.execute("FROM read_parquet(?)", [str(path)]).fetchall() == [(number,)]


def test_after_a_fault_of_duckdb_itself_the_next_caller_has_a_new_one() -> None:
    with pytest.raises(duckdb.FatalException, match="broken"), duck.connect() as connection:
        connection.execute("CREATE TABLE memory.left_over AS SELECT 1")
        raise duckdb.FatalException("broken")
    with duck.connect() as connection, pytest.raises(duckdb.CatalogException):
        connection.execute("FROM memory.left_over")


def test_a_reader_that_is_left_half_way_keeps_nothing(tmp_path: Path) -> None:
    with duck.connect() as connection:
        connection.execute("CREATE TABLE many AS SELECT * FROM range(500000) AS numbers(n)")
        reader = duck.cursor(connection)
        reader.execute("FROM many")
        assert reader.fetchmany(2) == [(0,), (1,)]
    reader.close()
    with duck.connect() as connection:
        found = connection.execute("SELECT count(*) FROM duckdb_databases() WHERE database_name LIKE 'own_%'")
        assert found.fetchall() == [(1,)]
