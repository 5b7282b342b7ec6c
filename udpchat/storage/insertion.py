"""Many rows by few statements.

At each step of a statement sqlite3 gives up the interpreter, and has to get it back from the loop's thread, which may
take milliseconds while that is busy. `executemany` takes a step for each row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

sqlite3.register_adapter(
    bytes, bytes
)  # sqlite3 looks for one each time: to find none takes longer than to bind a value

ROWS_MAX = 64  # in a statement: their values stay below SQLITE_MAX_VARIABLE_NUMBER, 999 before SQLite 3.32


def insert_rows(connection: sqlite3.Connection, into: str, rows: Sequence[tuple[object, ...]], then: str = "") -> None:
    """Insert rows of the same width in their order; `into` is a statement up to its VALUES, and `then` what follows.

    In a transaction that ends with the first failure, `INSERT OR FAIL` takes less than `INSERT`, for which SQLite
    copies pages to undo one statement.
    """
    for at in range(0, len(rows), ROWS_MAX):
        part = rows[at : at + ROWS_MAX]
        connection.execute(_statement(into, len(part), len(part[0]), then), list(chain.from_iterable(part)))


@lru_cache(maxsize=1024)
def _statement(into: str, height: int, width: int, then: str) -> str:
    row = f"({', '.join('?' * width)})"
    return f"{into} VALUES {', '.join([row] * height)} {then}"
