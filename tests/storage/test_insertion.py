"""Rows are inserted in order, by as few statements as their number needs."""

from __future__ import annotations

import sqlite3

import pytest

from udpchat.storage.insertion import ROWS_MAX, insert_rows


@pytest.mark.parametrize(
    ("count", "statements"), [(0, 0), (1, 1), (ROWS_MAX, 1), (ROWS_MAX + 1, 2), (5 * ROWS_MAX + 3, 6)]
)
def test_all_rows_are_inserted_in_order_by_few_statements(count: int, statements: int) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE pairs (name TEXT, number INTEGER)")
    rows = [(f"row {number}", number) for number in range(count)]
    carried_out: list[str] = []
    connection.set_trace_callback(carried_out.append)
    insert_rows(connection, "INSERT INTO pairs (name, number)", rows)
    connection.set_trace_callback(None)
    assert connection.execute("SELECT * FROM pairs ORDER BY rowid").fetchall() == rows
    assert len(carried_out) == statements


def test_a_row_that_cannot_be_inserted_takes_its_statement_with_it() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
    with pytest.raises(sqlite3.IntegrityError):
        insert_rows(connection, "INSERT INTO numbers", [(1,), (2,), (1,)])
    assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
