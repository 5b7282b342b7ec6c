"""The groups of a client: which packets it opens, and what they may hold."""

from __future__ import annotations

import pytest

from udpchat.client.groups import Groups
from udpchat.session.cipher import SendCipher
from udpchat.session.group import GroupSender, GroupSigner
from udpchat.sync.uplink import Uplink
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import (
    Ack,
    Entries,
    EntryFragment,
    GroupKey,
    GroupReady,
    Head,
    Heads,
    Pong,
    encode,
    pack,
    parse_up_untrusted,
    raw,
)
from udpchat.wire.limits import GROUP_EPOCH_OVERLAP_S, GROUP_FORGERIES_BURST, SIGNATURE_BYTES
from udpchat.wire.packets import GROUP_HEADER, Kind

NOW, LOBBY, DEV = 10.0, "#lobby", "#dev"
SIGNER = GroupSigner(b"s" * 32)


def sender_of(epoch: int, group: int = 7) -> GroupSender:
    return GroupSender(group, epoch, bytes([group, epoch] * 16), SIGNER)


def key_of(sender: GroupSender, log: str = LOBBY) -> GroupKey:
    return GroupKey(log, sender.group, sender.epoch, sender.key, SIGNER.public)


def entries(first: int, *texts: str, log: str = LOBBY, ack_delay_ms: int = 20) -> bytes:
    return encode(Entries(log, 1, first, ack_delay_ms, [raw(encode(text)) for text in texts]))


class Member:
    """A client's end: replicas of two logs, and what came."""

    def __init__(self) -> None:
        self.uplink = Uplink(lambda count: b"\xff" * count)
        for log in (LOBBY, DEV):
            self.uplink.open(log, generation=1, sequence=0)
        self.uplink.drain_acks(NOW, is_sending=True)
        self.groups = Groups(NOW, self.uplink)

    def take(self, datagram: bytes, now: float = NOW) -> list[tuple[str, int, int]]:
        """The entries that came next in their logs by it: log, first, how many."""
        self.groups.receive_untrusted(now, datagram, self.uplink.receive_entries)
        return [(each.log, each.first, len(each.entries)) for each in self.uplink.drain_received()]

    def refuses(self, datagram: bytes, now: float = NOW) -> Drop:
        with pytest.raises(BadDatagram) as caught:
            self.take(datagram, now)
        return caught.value.reason


@pytest.fixture
def member() -> Member:
    return Member()


def test_a_key_is_answered_whenever_it_comes_and_its_packets_are_opened(member: Member) -> None:
    sender = sender_of(1)
    packet = sender.seal(pack([entries(1, "a", "b")]))
    assert member.refuses(packet) is Drop.UNKNOWN_GROUP
    for _ in range(2):
        member.groups.receive_key(NOW, key_of(sender))
        member.groups.receive_key(NOW, key_of(sender))
        assert parse_up_untrusted(pack(member.groups.drain_ready())) == [GroupReady(7, 1)]
    assert member.take(packet) == [(LOBBY, 1, 2)]
    assert member.refuses(packet) is Drop.REPLAYED


def test_a_key_of_a_log_that_is_not_held_is_not_kept(member: Member) -> None:
    member.groups.receive_key(NOW, key_of(sender_of(1), "#other"))
    assert not member.groups.drain_ready() and not len(member.groups)


def test_the_epoch_before_is_opened_for_a_while_and_no_other(member: Member) -> None:
    first, second, third, future = (sender_of(epoch) for epoch in (1, 2, 3, 4))
    member.groups.receive_key(NOW, key_of(first))
    member.groups.receive_key(NOW, key_of(second))
    assert member.take(first.seal(pack([entries(1, "a")]))) == [(LOBBY, 1, 1)]
    assert member.take(second.seal(pack([entries(2, "b")]))) == [(LOBBY, 2, 1)]
    late = NOW + GROUP_EPOCH_OVERLAP_S
    assert member.refuses(first.seal(pack([entries(3, "c")])), late) is Drop.UNKNOWN_GROUP
    member.groups.receive_key(NOW, key_of(third))
    assert member.refuses(first.seal(pack([entries(3, "c")]))) is Drop.UNKNOWN_GROUP
    assert member.refuses(future.seal(pack([entries(3, "c")]))) is Drop.UNKNOWN_GROUP
    assert len(member.groups) == 2


def test_an_old_key_that_comes_late_replaces_nothing_and_is_not_answered(member: Member) -> None:
    first, second = sender_of(1), sender_of(2)
    member.groups.receive_key(NOW, key_of(second))
    member.groups.drain_ready()
    member.groups.receive_key(NOW, key_of(first))
    assert not member.groups.drain_ready()
    assert member.take(second.seal(pack([entries(1, "a")])), NOW + 99) == [(LOBBY, 1, 1)]


def test_a_session_ends_all_keys(member: Member) -> None:
    sender = sender_of(1)
    member.groups.receive_key(NOW, key_of(sender))
    member.groups.reset()
    assert not member.groups.drain_ready()
    assert member.refuses(sender.seal(pack([entries(1, "a")]))) is Drop.UNKNOWN_GROUP


@pytest.mark.parametrize(
    "frame",
    [
        entries(1, "a", log=DEV),
        encode(EntryFragment(DEV, 1, 1, 20, 0, 2, b"x")),
        encode(Heads(20, [Head(DEV, 1, 0, 1, 0)])),
        encode(Heads(20, [Head(LOBBY, 1, 0, 1, 0)] * 2)),
        encode(Pong(0)),
    ],
    ids=["entries", "a fragment", "a head", "two heads", "another frame"],
)
def test_a_packet_holds_nothing_but_what_is_new_in_its_log(member: Member, frame: bytes) -> None:
    sender = sender_of(1)
    member.groups.receive_key(NOW, key_of(sender))
    assert member.refuses(sender.seal(pack([frame]))) is Drop.IMPOSSIBLE


def test_what_members_forge_costs_a_bounded_number_of_signatures(member: Member) -> None:
    sender = sender_of(1)
    member.groups.receive_key(NOW, key_of(sender))
    body = pack([entries(1, "not the server's")])
    refused = []
    for counter in range(100, 100 + 2 * int(GROUP_FORGERIES_BURST)):
        header = GROUP_HEADER.pack(int(Kind.GROUP), 7, 1, counter)
        forged = header + SendCipher(sender.key).seal(counter, header, body + bytes(SIGNATURE_BYTES))
        refused.append(member.refuses(forged))
    assert refused.count(Drop.BAD_SIGNATURE) == GROUP_FORGERIES_BURST and refused[-1] is Drop.RATE_LIMITED
    assert member.take(sender.seal(pack([entries(1, "a")])), NOW + 1) == [(LOBBY, 1, 1)]


def ack_at(member: Member) -> float:
    due = member.uplink.next_timeout()
    assert due is not None
    return due


def test_entries_that_are_next_are_acknowledged_in_their_time_and_a_gap_soon(member: Member) -> None:
    sender = sender_of(1)
    member.groups.receive_key(NOW, key_of(sender))
    packets = [sender.seal(pack([entries(number, "x", ack_delay_ms=400)])) for number in (1, 2, 3)]
    member.take(packets[0])
    assert ack_at(member) > NOW + 0.2
    member.take(packets[2])
    assert NOW + 0.003 <= ack_at(member) <= NOW + 0.003 + 0.4 / 8
    (ack,) = parse_up_untrusted(pack(member.uplink.drain_acks(ack_at(member), is_sending=False)))
    assert isinstance(ack, Ack) and [(one.sequence, one.ranges) for one in ack.cursors] == [(1, [(3, 3)]), (0, [])]


def test_a_head_is_acknowledged_only_by_who_lacks_something(member: Member) -> None:
    sender = sender_of(1)
    member.groups.receive_key(NOW, key_of(sender))
    member.take(sender.seal(pack([entries(1, "a", ack_delay_ms=400)])))
    member.uplink.drain_acks(NOW + 9, is_sending=True)
    member.take(sender.seal(pack([encode(Heads(400, [Head(LOBBY, 1, 0, 1, 0)]))])), NOW + 10)
    assert member.uplink.next_timeout() is None
    member.take(sender.seal(pack([encode(Heads(400, [Head(LOBBY, 1, 0, 2, 0)]))])), NOW + 10)
    assert NOW + 10.003 <= ack_at(member) <= NOW + 10.003 + 0.4 / 8
