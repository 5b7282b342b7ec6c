"""An index of words: it is merged in small steps, and its own merging is off in files of earlier versions too."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.entries import LOBBY, alter, batch, said
from udpchat.storage import server_sqlite
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.sync.log import SearchQuery


def test_no_append_waits_for_a_long_merge_of_the_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FTS5 by itself merges two megabytes at once, with every hundredth of these appends."""
    monkeypatch.setattr(server_sqlite, "WAL_PAGES_MAX", 0)  # no limit: the file shows what is written
    path, chance, pages = tmp_path / "log.db", random.Random(0), []
    wal = path.with_name("log.db-wal")
    with closing(SqliteLog(path)) as log:
        for sequence in range(1, 131):
            before = wal.stat().st_size
            log.append(batch(LOBBY, sequence, said(" ".join(chance.randbytes(4).hex() for _ in range(1_700)))))
            pages.append((wal.stat().st_size - before) // 4_096)
        assert max(pages) < 200
        with closing(sqlite3.connect(path)) as found:
            (segments,) = found.execute("SELECT count(DISTINCT id >> 37) FROM words_data WHERE id > 10").fetchone()
        assert segments < 16


def test_a_file_whose_index_merges_by_itself_is_changed_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SqliteLog(path)) as log:
        log.append(batch(LOBBY, 1, said("one")))
    alter(path, "INSERT INTO words (words, rank) VALUES ('automerge', 4)")
    with closing(SqliteLog(path)) as log, closing(sqlite3.connect(path)) as found:
        assert found.execute("SELECT v FROM words_config WHERE k = 'automerge'").fetchall() == [(0,)]
        assert len(log.search(SearchQuery("one"))) == 1
