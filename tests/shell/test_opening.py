"""A server that starts while another process has its log."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from udpchat.shell import opening
from udpchat.shell.maintenance import LOG_FILE
from udpchat.shell.opening import open_log
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import Durability, StoreInUse


def test_a_command_that_has_the_log_for_a_moment_keeps_no_server_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = SqliteLog(tmp_path / LOG_FILE)
    monkeypatch.setattr(time, "sleep", lambda seconds: command.close())
    with closing(open_log(tmp_path, Durability.FSYNC)) as log:
        assert log.extent("#lobby").head == 0


def test_a_log_that_stays_in_use_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "IN_USE_S_MAX", 0.05)
    with closing(SqliteLog(tmp_path / LOG_FILE)), pytest.raises(StoreInUse, match="is in use by process"):
        open_log(tmp_path, Durability.FSYNC)
