"""Data that is forged or copied in another's name proves no key, and is charged to none (SPEC 6.7)."""

from __future__ import annotations

from tests.attacks.member import Member
from tests.server.rig import Rig
from udpchat.server.credit import DATAGRAM_US, SOURCE_SHARES
from udpchat.server.meter import TURN_US
from udpchat.server.registry import Peer
from udpchat.wire.errors import Drop
from udpchat.wire.frames import Ping, encode, pack
from udpchat.wire.packets import Address, Data

COPIES = int(4 * TURN_US / DATAGRAM_US)
CHARGED_US = TURN_US  # at least, of the work of so many: the accounts lag behind by a turn or two
UNKNOWN_FRAME = b"\xc1"  # no MessagePack


def peer_of(rig: Rig, member: Member) -> Peer:
    return rig.chat.registry.peers_of(member.key.public)[0]


def entered() -> tuple[Rig, Member, Peer]:
    rig = Rig()
    member = Member(rig)
    member.enter("alice")
    return rig, member, peer_of(rig, member)


def receive(rig: Rig, member: Member, datagrams: list[bytes]) -> None:
    for datagram in datagrams:
        rig.server.receive(rig.now, [(datagram, member.address)])
    rig.server.handle_timeout(rig.now)


def test_forged_data_is_not_charged_to_the_peer_whose_session_it_names() -> None:
    rig, member, alice = entered()
    used_us = alice.account.used_us
    receive(
        rig, member, [Data(alice.session.index, counter, bytes(40)).encode() for counter in range(100, 100 + COPIES)]
    )
    assert rig.server.counters[Drop.BAD_SEAL] == COPIES
    assert alice.account.used_us < used_us + CHARGED_US


def test_a_copy_of_data_is_not_charged_to_the_peer_that_sent_it() -> None:
    rig, member, alice = entered()
    assert member.session is not None
    sent = member.session.seal(pack([encode(Ping(0))]))
    receive(rig, member, [sent])
    used_us = alice.account.used_us
    receive(rig, member, [sent] * COPIES)
    assert rig.server.counters[Drop.REPLAYED] == COPIES
    assert alice.account.used_us < used_us + CHARGED_US


def test_data_that_cannot_be_read_is_charged_to_the_peer_that_sealed_it() -> None:
    rig, member, alice = entered()
    assert member.session is not None
    used_us = alice.account.used_us
    receive(rig, member, [member.session.seal(UNKNOWN_FRAME) for _ in range(COPIES)])
    assert rig.server.counters[Drop.MALFORMED] == COPIES
    assert alice.account.used_us > used_us + CHARGED_US


def test_the_source_that_a_datagram_names_is_not_charged_but_the_one_that_its_member_has_proved() -> None:
    rig, member, _ = entered()
    assert member.session is not None
    accounts = rig.chat.accounts
    victim = Address("10.3.3.3", 5)
    used_us = [accounts.open(host).used_us for host in (victim.host, member.address.host)]
    sent = [member.session.seal(UNKNOWN_FRAME) for _ in range(COPIES)]
    for datagram in sent:
        rig.server.receive(rig.now, [(datagram, victim)])
    rig.server.handle_timeout(rig.now)
    assert accounts.open(victim.host).used_us == used_us[0]
    assert accounts.open(member.address.host).used_us > used_us[1] + CHARGED_US / SOURCE_SHARES
