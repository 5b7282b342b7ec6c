"""A client core that is the operator of a server."""

from __future__ import annotations

from random import Random

import pytest

from tests.client.pair import SERVER, Wire
from tests.sim import audit
from tests.storage.memory import MemoryLog
from udpchat.chat import events
from udpchat.chat.phrase import Phrase
from udpchat.client import operator_dialogues
from udpchat.client.operator_dialogues import RequestRefused
from udpchat.server.admission import Settings
from udpchat.server.core import ServerCore
from udpchat.session.noise import KeyPair, fingerprint
from udpchat.shell.operating.operator_client import OperatorClient, OperatorKeys
from udpchat.wire.packets import Address
from udpchat.wire.requests import RELOAD, STATUS, STOP, Report

SERVER_KEY, OTHER = KeyPair(b"s" * 32), KeyPair(b"o" * 32)


def client_of(errand: int = STATUS) -> OperatorClient[object]:
    keys = OperatorKeys(KeyPair(b"k" * 32), SERVER_KEY.public)
    return OperatorClient(0.0, keys, SERVER, operator_dialogues.report(errand))


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
    with pytest.raises(RequestRefused) as refused:
        client.outcome()
    assert refused.value.phrase.key == "failed.other_server"
    assert refused.value.phrase.values["wanted"] == fingerprint(SERVER_KEY.public)


def test_what_ends_a_client_ends_the_dialogue_and_the_first_cause_counts() -> None:
    client = client_of(RELOAD)
    client.on_events(1.0, [events.Rejected("too_many_devices", {"devices_max": 8})])
    client.end(RequestRefused("failed.no_answer", server="", limit_s=5))
    with pytest.raises(RequestRefused) as refused:
        client.outcome()
    assert client.is_done and refused.value.phrase.key == "too_many_devices"


def test_an_operator_is_told_that_nothing_was_done_where_nothing_can_be_stored() -> None:
    client = client_of(RELOAD)
    client.on_events(1.0, [events.error("unwritable", reason="full")])
    with pytest.raises(RequestRefused) as refused:
        client.outcome()
    assert refused.value.phrase == Phrase("failed.unwritable", {"reason": "full"})


def test_an_answer_that_comes_with_the_goodbye_counts() -> None:
    audit.begin()
    random, now, operator, here = Random(1).randbytes, 100.0, KeyPair(b"k" * 32), Address("127.0.0.1", 9)
    settings = Settings(host=operator.public)
    server = ServerCore(static=SERVER_KEY, log=MemoryLog(random=random), random=random, settings=settings)
    client = OperatorClient(now, OperatorKeys(operator, SERVER_KEY.public), SERVER, operator_dialogues.report(STOP))
    while not (errands := server.drain_errands()):
        server.receive(now, [(datagram, here) for datagram, _ in client.core.drain_transmits()])
        client.core.receive(now, [(datagram, SERVER) for datagram, _ in server.drain_transmits()])
        client.core.persisted(now, len(client.core.drain_writes()))
        client.on_events(now, client.core.drain_events())
        now += 0.001
        client.core.handle_timeout(now)
    server.reported(now, errands[0], Report([]))
    server.stop(now)
    client.core.receive(now, [(datagram, SERVER) for datagram, _ in server.drain_transmits()])
    assert not client.core.is_entered
    client.on_events(now, client.core.drain_events())
    assert client.outcome() == {}
