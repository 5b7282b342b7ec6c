"""Where a running server says that it listens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from udpchat.shell.addresses import ServerAddress
from udpchat.shell.operating.address_file import (
    ADDRESS_FILE,
    own_address,
    read_address,
    remove_address,
    write_address,
)

FINGERPRINT = "a" * 32


@pytest.mark.parametrize(
    ("hosts", "host"),
    [
        (["::"], "127.0.0.1"),
        (["0.0.0.0"], "127.0.0.1"),
        (["192.168.1.5"], "192.168.1.5"),
        (["192.168.1.5", "127.0.0.2"], "127.0.0.2"),
        (["fe80::1%eth0"], "fe80::1%eth0"),
        (["10.0.0.1", "::1"], "::1"),
    ],
)
def test_a_server_is_reached_at_an_address_of_this_machine_that_it_serves(hosts: list[str], host: str) -> None:
    assert own_address(hosts, 5, FINGERPRINT) == ServerAddress(host, 5, FINGERPRINT)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%Eth0"])
def test_what_was_written_is_read(tmp_path: Path, host: str) -> None:
    address = ServerAddress(host, 5, FINGERPRINT)
    write_address(tmp_path, address)
    assert read_address(tmp_path) == address
    if os.name != "nt":
        assert (tmp_path / ADDRESS_FILE).stat().st_mode & 0o077 == 0
    remove_address(tmp_path)
    remove_address(tmp_path)
    assert read_address(tmp_path) is None and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"nowhere at all", b"udpchat://host:99999", b"x" * 5_000])
def test_what_is_no_address_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / ADDRESS_FILE).write_bytes(text)
    assert read_address(tmp_path) is None
