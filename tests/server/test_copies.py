"""Group packets on their way: each to each member once, in turns; who uses little is first."""

from __future__ import annotations

from tests.server.rig import Rig
from udpchat.server.copies import COPIES_MAX, FIRST_MAX, Copies
from udpchat.server.credit import CREDIT_US
from udpchat.server.registry import Peer
from udpchat.sync.log_stream import LogStream
from udpchat.sync.shared import SharedEntries
from udpchat.wire.packets import Address


class Crowd:
    """Members of a group, all without credit; and what is on its way to them."""

    def __init__(self, count: int) -> None:
        self.rig = Rig()
        self.ledger = self.rig.chat.ledger
        self.ledger.clock_us = 2 * CREDIT_US
        self.members = [self.rig.stranger() for _ in range(count)]
        for peer in self.members:
            peer.balance.used_us = self.ledger.clock_us
        self.copies = Copies(self.ledger)
        self.stream = LogStream("#lobby", self.rig.log)
        self.stream.shared = SharedEntries()

    def save(self, *peers: Peer) -> None:
        """These have used little."""
        for peer in peers:
            peer.balance.used_us = 0.0

    def add(self, datagram: bytes, last: int = 0) -> None:
        self.copies.add(self.stream, datagram, self.members, last=last)

    def drained(self, now: float = 0.0) -> list[tuple[bytes, Address]]:
        return self.copies.drain(now)


def addresses(peers: list[Peer]) -> list[Address]:
    return [peer.session.path.address for peer in peers]


def test_a_packet_goes_to_each_member_once_and_to_so_many_in_a_turn() -> None:
    crowd = Crowd(COPIES_MAX + 3)
    crowd.add(b"one")
    assert crowd.copies.left == COPIES_MAX + 3 and crowd.copies.behind == -(-(COPIES_MAX + 3) // 4)
    sent = crowd.drained()
    assert len(sent) == COPIES_MAX and crowd.copies.left == 3 and crowd.copies.behind == 1
    sent += crowd.drained()
    assert sorted(sent) == sorted((b"one", address) for address in addresses(crowd.members))
    assert crowd.drained() == [] and crowd.copies.left == 0


def test_who_uses_little_is_sent_a_packet_before_what_others_still_wait_for() -> None:
    crowd = Crowd(2 * COPIES_MAX)
    alice, bob = crowd.members[-2:]
    crowd.save(alice, bob)
    crowd.add(b"one")
    assert crowd.drained()[:2] == [(b"one", address) for address in addresses([alice, bob])]
    crowd.add(b"two")
    assert crowd.drained()[:3] == [
        *((b"two", address) for address in addresses([alice, bob])),
        (b"one", crowd.members[COPIES_MAX - 2].session.path.address),
    ]


def test_members_take_turns_in_being_last() -> None:
    crowd = Crowd(COPIES_MAX)
    sent = []
    for number in range(COPIES_MAX // FIRST_MAX + 1):
        crowd.add(b"%d" % number)
        sent.append([address for _, address in crowd.drained()])
    assert len({each[-1] for each in sent}) == COPIES_MAX // FIRST_MAX and sent[0] == sent[-1]
    assert all(sorted(each) == sorted(sent[0]) for each in sent)


def test_packets_reach_each_member_in_their_order() -> None:
    crowd = Crowd(COPIES_MAX // 2)
    crowd.save(*crowd.members[::3])
    for datagram in (b"1", b"2", b"3"):
        crowd.add(datagram)
    sent = [each for _ in range(3) for each in crowd.drained()]
    for address in addresses(crowd.members):
        assert [datagram for datagram, to in sent if to == address] == [b"1", b"2", b"3"]


def test_no_more_than_so_many_are_first_though_all_use_little() -> None:
    crowd = Crowd(COPIES_MAX + 10)
    crowd.save(*crowd.members)
    crowd.add(b"one")
    crowd.drained()
    crowd.add(b"two")
    sent = crowd.drained()
    assert [datagram for datagram, _ in sent[: FIRST_MAX + 10]] == [b"two"] * FIRST_MAX + [b"one"] * 10


def test_a_log_counts_as_sent_once_the_last_member_was_sent_it_not_when_the_first_were() -> None:
    crowd = Crowd(COPIES_MAX)
    crowd.add(b"one", last=7)
    crowd.save(*crowd.members[:10])
    crowd.add(b"two", last=8)
    assert crowd.stream.shared is not None
    crowd.drained(1.0)
    assert crowd.stream.shared.sent_by(1.0) == 0
    crowd.drained(2.0)
    assert crowd.stream.shared.sent_by(1.5) == 0 and crowd.stream.shared.sent_by(2.0) == 8
