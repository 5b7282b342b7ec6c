"""One host cannot take the places of all peers, and who never enters does not keep one (SPEC 6.1, 6.9).

As found, one host took all PEERS_MAX places within its rate of handshakes, and kept them without entering by a ping now
and then.
"""

from __future__ import annotations

import pytest

from tests.attacks.member import Member
from tests.server.rig import Rig
from tests.storage.memory import MemoryLog
from udpchat.server.expiry import ENTER_WITHIN_S
from udpchat.session.noise import KeyPair
from udpchat.sync.log import LogUnreadable
from udpchat.wire import limits
from udpchat.wire.errors import Drop
from udpchat.wire.frames import Ping
from udpchat.wire.limits import PEERS_PER_KEY_MAX

HOSTILE = "10.6.6.6"


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    """A server of twenty places, of which each source has three."""
    monkeypatch.setattr(limits, "PEERS_MAX", 20)
    monkeypatch.setattr(limits, "PEERS_PER_SOURCE", 3)
    return Rig()


def come(rig: Rig, count: int, host: str = HOSTILE) -> list[Member]:
    return [Member(rig, host, port=port) for port in range(1, count + 1)]


def test_one_host_takes_half_of_the_places_and_no_more(rig: Rig) -> None:
    come(rig, 30)
    assert len(rig.chat.registry) == 10 and rig.server.counters[Drop.TABLE_FULL] == 20
    assert all(member.has_place for member in come(rig, 3, "10.0.0.1"))


def test_who_enters_takes_the_place_of_one_who_does_not_at_the_host_with_the_most(rig: Rig) -> None:
    hostile = come(rig, 10)
    for number in range(3):
        come(rig, 3, f"10.0.0.{number}")
    come(rig, 1, "10.0.0.9")
    assert len(rig.chat.registry) == 20
    alice = Member(rig, "10.0.1.1")
    alice.enter("alice")
    assert alice.is_in and [member.has_place for member in hostile] == [False] + [True] * 9


def test_who_has_entered_is_not_displaced(rig: Rig) -> None:
    class_of_ten = come(rig, 10)
    for number, member in enumerate(class_of_ten):
        member.enter(f"pupil{number}")
    for number in range(6):
        come(rig, 3, f"10.0.0.{number}")
    assert len(rig.chat.registry) == 20 and all(member.is_in for member in class_of_ten)


def test_who_never_enters_does_not_stay_by_pinging(rig: Rig) -> None:
    idle, alice = come(rig, 2)
    alice.enter("alice")
    begun = rig.now
    while rig.now < begun + ENTER_WITHIN_S + 1:
        rig.now += 0.5
        rig.server.handle_timeout(rig.now)
        if idle.has_place:
            idle.send(Ping(1))
    assert not idle.has_place and alice.is_in


def test_a_fresh_handshake_does_not_prolong_the_time_to_enter(rig: Rig) -> None:
    peer = rig.stranger()
    begun = rig.now
    while rig.now < begun + ENTER_WITHIN_S + 1 and peer in rig.chat.registry:
        rig.now += 0.5
        peer.session.born_s = peer.session.heard_s = rig.now
        rig.chat.fanout.to_flush[peer] = None
        rig.settle()
        rig.server.handle_timeout(rig.now)
    assert peer not in rig.chat.registry


def test_two_hundred_people_behind_one_address_enter_within_a_minute() -> None:
    rig = Rig()
    pupils = []
    for number in range(200):
        rig.now += 0.1
        rig.server.handle_timeout(rig.now)
        pupils.append(Member(rig, "10.0.0.7", port=number + 1))
        pupils[-1].enter(f"pupil{number}")
    assert all(pupil.is_in for pupil in pupils)


class Damaged(MemoryLog):
    """A log whose record of answers cannot be read for a while."""

    is_damaged = False

    def answered(self, client_id: bytes) -> list[tuple[int, str, int]]:
        if self.is_damaged:
            raise LogUnreadable("the answers are damaged")
        return super().answered(client_id)


def test_nobody_goes_for_a_newcomer_whose_answers_cannot_be_read() -> None:
    rig = Rig(log := Damaged())
    key = KeyPair(rig.random.randbytes(32))
    devices = [Member(rig, key=key, port=1 + number) for number in range(PEERS_PER_KEY_MAX)]
    assert all(device.session for device in devices)
    log.is_damaged = True
    assert Member(rig, key=key, port=100).session is None
    assert len(rig.chat.registry.peers_of(key.public)) == PEERS_PER_KEY_MAX
    log.is_damaged = False
    assert Member(rig, key=key, port=101).session is not None
    assert len(rig.chat.registry.peers_of(key.public)) == PEERS_PER_KEY_MAX
