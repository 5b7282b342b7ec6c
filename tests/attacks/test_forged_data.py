"""Data that proves no key is charged to its member if it comes from where that is, else to a stranger (SPEC 6.7)."""

from __future__ import annotations

import pytest

from tests.attacks.member import Member
from tests.server.rig import Rig
from udpchat.server.credit import DATAGRAM_US, SOURCE_SHARES
from udpchat.server.pace import TURN_US
from udpchat.server.registry import Peer
from udpchat.wire.errors import Drop
from udpchat.wire.frames import Ping, encode, pack
from udpchat.wire.packets import Address, Data

COPIES = int(4 * TURN_US / DATAGRAM_US)
CHARGED_US = TURN_US  # at least, of the work of so many: the balances lag behind by a turn or two
ELSEWHERE = Address("10.9.9.9", 5)
UNKNOWN_FRAME = b"\xc1"  # no MessagePack


def peer_of(rig: Rig, member: Member) -> Peer:
    return rig.chat.registry.peers_of(member.key.public)[0]


def entered() -> tuple[Rig, Member, Peer]:
    rig = Rig()
    member = Member(rig)
    member.enter("alice")
    return rig, member, peer_of(rig, member)


def receive(rig: Rig, address: Address, datagrams: list[bytes]) -> None:
    for datagram in datagrams:
        rig.server.receive(rig.now, [(datagram, address)])
    rig.server.handle_timeout(rig.now)


def forged(alice: Peer) -> list[bytes]:
    return [Data(alice.session.index, counter, bytes(40)).encode() for counter in range(100, 100 + COPIES)]


def test_forged_data_from_elsewhere_is_not_charged_to_the_peer_whose_session_it_names() -> None:
    rig, _, alice = entered()
    used_us = alice.balance.used_us
    receive(rig, ELSEWHERE, forged(alice))
    assert rig.server.counters[Drop.BAD_SEAL] == COPIES
    assert alice.balance.used_us < used_us + CHARGED_US


def test_a_copy_of_data_from_elsewhere_is_not_charged_to_the_peer_that_sent_it() -> None:
    rig, member, alice = entered()
    assert member.session is not None
    sent = member.session.seal(pack([encode(Ping(0))]))
    receive(rig, member.address, [sent])
    used_us = alice.balance.used_us
    receive(rig, ELSEWHERE, [sent] * COPIES)
    assert rig.server.counters[Drop.REPLAYED] == COPIES
    assert alice.balance.used_us < used_us + CHARGED_US


@pytest.mark.usefixtures("short_turns")
def test_who_sends_garbage_in_its_own_session_goes_behind_those_who_use_less() -> None:
    """As found: it was charged to no member, so it went before all whose credit was used up, without an end."""
    rig, mallory, _ = entered()
    bob = Member(rig, host="10.7.7.7")
    bob.enter("bob")
    rig.chat.ledger.clock_us += 200_000.0  # all have saved much
    for peer in rig.chat.registry:
        peer.balance.used_us = rig.chat.ledger.clock_us - (150_000.0 if peer.key == mallory.key.public else 1_000.0)
    peer, at = peer_of(rig, mallory), peer_of(rig, bob)
    assert bob.session is not None
    for turn in range(int(220_000.0 / TURN_US)):
        rig.now += 1e-4
        garbage = [(Data(peer.session.index, 1_000 + turn, bytes(40)).encode(), mallory.address)] * 100
        rig.server.receive(rig.now, [*garbage, (bob.session.seal(pack([encode(Ping(turn))])), bob.address)])
    assert at.session.opened > 20 and rig.server.counters[Drop.OVER_SHARE] > 1_000


def test_data_that_cannot_be_read_is_charged_to_the_peer_that_sealed_it() -> None:
    rig, member, alice = entered()
    assert member.session is not None
    used_us = alice.balance.used_us
    receive(rig, member.address, [member.session.seal(UNKNOWN_FRAME) for _ in range(COPIES)])
    assert rig.server.counters[Drop.MALFORMED] == COPIES
    assert alice.balance.used_us > used_us + CHARGED_US


def test_the_source_that_a_datagram_names_is_not_charged_but_the_one_that_its_member_has_proved() -> None:
    rig, member, _ = entered()
    assert member.session is not None
    ledger = rig.chat.ledger
    victim = Address("10.3.3.3", 5)
    used_us = [ledger.open(host).used_us for host in (victim.host, member.address.host)]
    sent = [member.session.seal(UNKNOWN_FRAME) for _ in range(COPIES)]
    for datagram in sent:
        rig.server.receive(rig.now, [(datagram, victim)])
    rig.server.handle_timeout(rig.now)
    assert ledger.open(victim.host).used_us == used_us[0]
    assert ledger.open(member.address.host).used_us > used_us[1] + CHARGED_US / SOURCE_SHARES
