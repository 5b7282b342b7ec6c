"""A client core that is the operator of a server."""

from __future__ import annotations

import pytest

from tests.client.pair import SERVER, Wire
from udpchat.chat import events
from udpchat.client import operating
from udpchat.client.operating import Refused
from udpchat.session.noise import KeyPair, fingerprint
from udpchat.shell.operating.operator_client import Keys, OperatorClient
from udpchat.wire.requests import RELOAD, STATUS

SERVER_KEY, OTHER = KeyPair(b"s" * 32), KeyPair(b"o" * 32)


def client_of(errand: int = STATUS) -> OperatorClient[object]:
    keys = Keys(KeyPair(b"k" * 32), SERVER_KEY.public)
    return OperatorClient(0.0, keys, SERVER, operating.report(errand))


def test_a_server_of_another_key_is_not_asked() -> None:
    wire = Wire()
    client = client_of()
    for _ in range(1_000):
        if client.is_done:
            break
        up = [(datagram, SERVER) for datagram, _ in client.core.drain_transmits()]
        wire.server.receive(wire.now, up)
        client.core.receive(wire.now, wire.server.drain_transmits())
        client.on_events(wire.now, client.core.drain_events())
        wire.now += 0.05
        client.core.handle_timeout(wire.now)
    with pytest.raises(Refused) as refused:
        client.outcome()
    assert refused.value.phrase.key == "failed.other_server"
    assert refused.value.phrase.values["wanted"] == fingerprint(SERVER_KEY.public)


def test_what_ends_a_client_ends_the_dialogue_and_the_first_cause_counts() -> None:
    client = client_of(RELOAD)
    client.on_events(1.0, [events.Rejected("too_many_devices", {"devices_max": 8})])
    client.end(Refused("failed.no_answer", server="", limit_s=5))
    with pytest.raises(Refused) as refused:
        client.outcome()
    assert client.is_done and refused.value.phrase.key == "too_many_devices"
