"""An operator's dialogue with a log on which no server runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from udpchat.client import operator_dialogues
from udpchat.client.operator_dialogues import RequestRefused
from udpchat.session.noise import KeyPair
from udpchat.shell.maintenance import LOG_FILE
from udpchat.shell.operating import in_process
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import StoreUnusable
from udpchat.wire import requests

SERVER, OPERATOR = KeyPair(b"s" * 32), KeyPair(b"o" * 32)


def test_the_operator_is_answered_and_the_log_is_let_go(tmp_path: Path) -> None:
    for _ in range(2):
        assert in_process.hold(tmp_path, SERVER, OPERATOR, operator_dialogues.peers()) == []
    SqliteLog(tmp_path / LOG_FILE).close()


def test_what_only_a_running_program_can_do_is_refused(tmp_path: Path) -> None:
    for errand in (requests.STATUS, requests.RELOAD, requests.STOP):
        with pytest.raises(RequestRefused):
            in_process.hold(tmp_path, SERVER, OPERATOR, operator_dialogues.report(errand))


def test_long_reads_are_answered_too(tmp_path: Path) -> None:
    found = in_process.hold(
        tmp_path, SERVER, OPERATOR, operator_dialogues.asked(requests.Search("tea", None, None, 0))
    )
    assert found == requests.EntryList([])


def test_a_log_that_a_server_has_is_not_touched(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / LOG_FILE)
    with pytest.raises(StoreUnusable, match="in use"):
        in_process.hold(tmp_path, SERVER, OPERATOR, operator_dialogues.peers())
    log.close()
