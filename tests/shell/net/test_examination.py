"""The observer of a doctor, on this machine alone; on whole networks: tests/lan/test_doctor."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.shell.waiting import free_port, serving, url_of
from udpchat.client.diagnosis import UNICAST, Observed
from udpchat.shell.addresses import ServerAddress, parse_server
from udpchat.shell.net import examination
from udpchat.shell.net.examination import examine
from udpchat.wire.packets import Address


def seen(server: ServerAddress | None, *, known: str = "", timeout_s: float = 10.0) -> Observed:
    return examine(server, known=lambda meant: known, timeout_s=timeout_s)


def test_a_server_of_this_machine_is_seen_with_its_key_and_the_path_to_it(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        url = parse_server(url_of(server))
        found = seen(url, known="a" * 32)
    assert found.contact is not None
    assert (found.contact.answer, found.contact.shown, found.contact.known) == ("serves", url.fingerprint, "a" * 32)
    assert found.run(UNICAST).answered == len(found.run(UNICAST).sent) == 50
    assert max(size for size, run in found.sizes.items() if run.heard) == 1472
    assert found.is_local and not found.is_on_link


def test_of_several_addresses_of_a_name_the_one_that_answers_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def both(host: str, port: int) -> list[Address]:
        return [Address("::1", port), Address("127.0.0.1", port)]

    monkeypatch.setattr(examination, "resolve", both)
    with serving(tmp_path) as server:
        found = seen(ServerAddress("localhost", parse_server(url_of(server)).port))
    assert found.place is not None and found.place.host == "127.0.0.1"
    assert found.run(UNICAST).answered == 50 and found.can_chat


def test_where_nobody_listens_it_is_refused() -> None:
    found = seen(ServerAddress("127.0.0.1", free_port()))
    assert found.answer == "refused" and not found.can_chat


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_it_ends_when_its_time_is_over_with_what_was_seen_by_then(host: str) -> None:
    began = time.monotonic()
    found = seen(ServerAddress(host, free_port()), timeout_s=0.3)
    assert time.monotonic() < began + 5.0
    assert found.own.buffer_bytes >= 0 and found.server.startswith(host)
