"""An operator's dialogue with a server that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shell.waiting import free_port, serving, url_of
from udpchat.client import operator_dialogues
from udpchat.client.operator_dialogues import RequestRefused
from udpchat.shell.addresses import ServerAddress, parse_server
from udpchat.shell.data_folder import operator_key, server_key
from udpchat.shell.maintenance import OperationFailed
from udpchat.shell.operating import over_socket
from udpchat.shell.operating.operator_client import OperatorKeys
from udpchat.wire import requests


def keys_of(folder: Path, server: Path | None = None) -> OperatorKeys:
    folder.mkdir(exist_ok=True)
    return OperatorKeys(operator_key(folder), server_key(server or folder).public)


def test_whoever_has_the_key_is_answered_and_nobody_else(tmp_path: Path) -> None:
    data, other = tmp_path / "server", tmp_path / "other"
    with serving(data) as server:
        address = parse_server(url_of(server))
        found = over_socket.hold(address, keys_of(data), operator_dialogues.report(requests.STATUS))
        assert (found["peers"], found["process"]) == (0, server.process.pid)
        with pytest.raises(RequestRefused) as refused:
            over_socket.hold(address, keys_of(other, data), operator_dialogues.report(requests.STATUS))
        assert refused.value.phrase.key == "bad_nick.reserved"


def test_silence_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(over_socket, "ENTERED_S_MAX", 0.2)
    with pytest.raises(OperationFailed) as failed:
        over_socket.hold(ServerAddress("127.0.0.1", free_port()), keys_of(tmp_path), operator_dialogues.peers())
    assert failed.value.phrase.key == "failed.no_answer"
