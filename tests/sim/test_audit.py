"""The audit finds what it is there for, and leaves everything as it was."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from types import ModuleType
from typing import Any

import pytest

from tests.sim import audit
from tests.sim.world import World
from udpchat.session import noise as handshake
from udpchat.session import session
from udpchat.session.cipher import Cipher, SendCipher

KEY = bytes(32)


def ciphers(module: ModuleType, name: str) -> tuple[Any, Any]:
    """Two ciphers of one key, as a module that uses them would make them."""
    return vars(module)[name](KEY), vars(module)[name](KEY)


@pytest.fixture
def audited() -> Iterator[None]:
    """Within, every seal is audited."""
    audit.begin()
    yield
    audit.end()


@pytest.mark.usefixtures("audited")
def test_a_second_session_of_a_key_may_not_repeat_its_counters() -> None:
    one, other = ciphers(session, "SendCipher")
    one.seal(5, b"", b"x")
    with pytest.raises(AssertionError, match="counter 5"):
        other.seal(5, b"", b"y")


@pytest.mark.usefixtures("audited")
def test_a_handshake_may_repeat_a_message_and_not_change_it() -> None:
    one, other = ciphers(handshake, "Cipher")
    assert one.seal(0, b"h", b"x") == other.seal(0, b"h", b"x")
    with pytest.raises(AssertionError, match="counter 0"):
        other.seal(0, b"h", b"y")


def test_every_seal_of_a_world_is_audited_and_after_it_nothing_is() -> None:
    world = World(Random(1))
    clients = world.add_clients(3)
    clients[0].say("hello")
    world.settle()
    assert len(audit.highest) == 6
    assert len(audit.sealed) == 4 * 3
    audit.end()
    assert vars(session)["SendCipher"] is SendCipher
    assert vars(handshake)["Cipher"] is Cipher
