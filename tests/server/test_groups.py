"""Groups: who is sent group packets, and when the key is another."""

from __future__ import annotations

from itertools import count, pairwise

import pytest

from tests.server.rig import Rig
from udpchat.server.copies import COPIES_MAX
from udpchat.server.fanout import PUBLISHED_AT_ONCE_MAX, Fanout
from udpchat.server.groups import OFFER_S_MAX, OFFER_S_MIN, ROTATES_AT_ONCE, Groups
from udpchat.server.registry import Peer
from udpchat.session.group import GroupReceiver
from udpchat.sync.log_stream import LogStream
from udpchat.wire.content import Reason, Tombstone
from udpchat.wire.frames import (
    Ack,
    Cursor,
    Down,
    Entries,
    GroupKey,
    GroupReady,
    Heads,
    encode,
    parse_down_untrusted,
)
from udpchat.wire.limits import GROUP_REST_S, GROUP_ROTATION_S_MIN, GROUPS, ROOM_CHARACTERS_MAX
from udpchat.wire.packets import Group, parse_packet_untrusted

NOW, LOBBY, PEERS_MIN = 100.0, "#lobby", 3
ENTRY = encode(Tombstone(0))


class Room:
    """A stream that peers follow, each of whom opens group packets and has said what it holds."""

    def __init__(self, peers: int = PEERS_MIN, log: str = LOBBY) -> None:
        self.rig = Rig()
        self.now = NOW
        self.fanout = Fanout(self.rig.chat.ledger, Groups(self.rig.random.randbytes, PEERS_MIN))
        self.stream = LogStream(log, self.rig.log)
        self.peers = [self.come() for _ in range(peers)]

    def come(self, *, capabilities: tuple[int, ...] = (GROUPS,)) -> Peer:
        """Somebody follows the log, and says that all of it is there."""
        peer = self.rig.stranger(capabilities=capabilities)
        self.fanout.follow(self.now, peer, self.stream)
        self.hold(peer, self.stream.head)
        self.frames(peer)
        return peer

    def hold(self, peer: Peer, sequence: int, *ranges: tuple[int, int]) -> None:
        """A follower reports what it holds."""
        cursor = Cursor(self.stream.log, self.stream.generation, sequence, list(ranges))
        peer.downlink.receive_ack(self.now, Ack(None, [cursor]), packets_sent=99)

    def say(self, entries: int = 1) -> list[tuple[Peer, Group]]:
        """The log has grown; which copies of group packets go to whom."""
        self.grow([ENTRY] * entries)
        return self.copies()

    def grow(self, entries: list[bytes]) -> None:
        self.fanout.extend(self.now, self.stream, entries)
        self.fanout.share(self.now)

    def copies(self) -> list[tuple[Peer, Group]]:
        by_address = {peer.session.path.address: peer for peer in self.rig.chat.registry}
        drained: list[tuple[Peer, Group]] = []
        for _ in count():
            copies = self.fanout.copies.drain(self.now)
            for datagram, address in copies:
                packet = parse_packet_untrusted(datagram)
                assert isinstance(packet, Group)
                drained.append((by_address[address], packet))
            if not copies:
                return drained

    def frames(self, peer: Peer) -> list[Down]:
        """What is due to a peer in its session."""
        return [one for each in peer.downlink.drain_packets(self.now) for one in parse_down_untrusted(each.body)]

    def key(self, peer: Peer) -> GroupKey | None:
        """The key that is due to a peer."""
        return next((frame for frame in self.frames(peer) if isinstance(frame, GroupKey)), None)

    def answer(self, *peers: Peer) -> GroupKey:
        """Peers answer the keys that are due to them."""
        keys = [self.key(peer) for peer in peers]
        for peer, key in zip(peers, keys, strict=True):
            assert key is not None
            self.fanout.groups.on_ready(peer, GroupReady(key.group, key.epoch))
        assert keys[-1] is not None
        return keys[-1]


def receivers(copies: list[tuple[Peer, Group]]) -> list[Peer]:
    """In the order in which they came."""
    return sorted([peer for peer, _ in copies], key=lambda peer: peer.session.index)


def test_the_first_entry_goes_in_sessions_with_the_key_and_the_next_once_for_all() -> None:
    room = Room()
    assert room.say() == []
    key = room.answer(*room.peers)
    copies = room.say()
    assert receivers(copies) == room.peers and all(packet.counter == 0 for _, packet in copies)
    assert not any(room.frames(peer) for peer in room.peers)
    body = GroupReceiver(key.key, key.signer).open_untrusted(copies[0][1].encode())
    (entries,) = parse_down_untrusted(body)
    assert isinstance(entries, Entries) and (entries.log, entries.first) == (LOBBY, 2)


def test_a_log_with_few_followers_has_no_group_and_one_that_shrinks_has_none_any_more() -> None:
    room = Room(PEERS_MIN - 1)
    room.say()
    assert room.key(room.peers[0]) is None and not room.stream.is_grouped
    room.come()
    room.say()
    room.answer(room.peers[0])
    for peer in room.peers:
        room.fanout.unfollow(peer, room.stream, Reason.PARTED)
    assert room.say() == [] and not room.stream.is_grouped


@pytest.mark.parametrize("log", ["@0123456789abcdef0123", "~0123456789abcdef0123"])
def test_what_few_may_read_never_goes_to_a_group(log: str) -> None:
    room = Room(9, log)
    room.say()
    assert not any(room.key(peer) for peer in room.peers) and room.stream.shared is None


def test_who_did_not_say_that_it_opens_group_packets_is_sent_its_own() -> None:
    room = Room()
    plain = room.come(capabilities=())
    room.say()
    room.answer(*room.peers)
    assert room.key(plain) is None
    assert receivers(room.say()) == room.peers and any(isinstance(frame, Entries) for frame in room.frames(plain))


def test_who_has_not_said_what_it_holds_is_not_sent_the_key_yet() -> None:
    room = Room()
    new = room.rig.stranger(capabilities=(GROUPS,))
    room.fanout.follow(room.now, new, room.stream)
    room.say()
    assert room.key(new) is None
    room.hold(new, 1)
    room.say()
    assert room.key(new) is not None


def test_a_key_is_sent_again_with_entries_less_and_less_often() -> None:
    room = Room()
    sent = []
    for step in range(400):
        room.now = NOW + step / 10
        room.say()
        sent += [room.now - NOW] if room.key(room.peers[0]) else []
    pauses = [later - earlier for earlier, later in pairwise(sent)]
    assert OFFER_S_MIN <= pauses[0] <= 2 * OFFER_S_MIN and OFFER_S_MAX - 0.1 <= pauses[-1] <= OFFER_S_MAX + 0.2


def test_a_long_batch_is_cut_into_packets_that_fit_a_group() -> None:
    room = Room()
    room.say()
    room.answer(*room.peers)
    copies = room.say(400)
    assert len(copies) > 2 * PEERS_MIN and all(len(packet.encode()) <= 1_200 for _, packet in copies)


def test_what_does_not_fit_a_group_packet_goes_in_sessions() -> None:
    """Fragments of a log with the longest of names."""
    room = Room(log="#" + "\U00010400" * ROOM_CHARACTERS_MAX)
    room.say()
    room.answer(*room.peers)
    room.grow([encode("x" * 3_000)])
    assert room.copies() == [] and all(room.frames(peer) for peer in room.peers)


@pytest.mark.parametrize("reason", Reason)
def test_who_was_removed_cannot_read_the_next_packet_and_who_left_none_from_the_next_minute(reason: Reason) -> None:
    """A table of causes: the key is another at once, or with the first entry after the minute."""
    room = Room(PEERS_MIN + 1)
    room.say()
    key = room.answer(*room.peers)
    gone, *others = room.peers
    room.fanout.unfollow(gone, room.stream, reason)
    copies = room.say()
    if ROTATES_AT_ONCE[reason]:
        assert copies == []  # they go in sessions, with the new key
    else:
        assert receivers(copies) == others
        room.now += GROUP_ROTATION_S_MIN
        assert room.say() == []
    again = room.answer(*others)
    assert (again.group, again.epoch) == (key.group, key.epoch + 1) and again.key != key.key
    assert receivers(room.say()) == others


def test_only_removal_voids_a_key_at_once() -> None:
    assert [reason for reason in Reason if ROTATES_AT_ONCE[reason]] == [Reason.KICKED]


def test_who_was_removed_and_had_no_key_changes_nothing() -> None:
    room = Room()
    room.say()
    key = room.answer(*room.peers)
    plain = room.come(capabilities=())
    room.fanout.unfollow(plain, room.stream, Reason.KICKED)
    assert receivers(room.say()) == room.peers
    assert key.epoch == 0


def test_several_who_leave_share_an_epoch() -> None:
    room = Room(PEERS_MIN + 3)
    room.say()
    room.answer(*room.peers)
    for peer in room.peers[:3]:
        room.now += 0.1
        room.fanout.unfollow(peer, room.stream, Reason.QUIT)
        assert room.say()
    room.now = NOW + GROUP_ROTATION_S_MIN
    room.say()
    assert room.answer(*room.peers[3:]).epoch == 1


def test_an_act_that_excludes_somebody_may_be_about_one_who_has_left() -> None:
    room = Room(PEERS_MIN + 1)
    room.say()
    room.answer(*room.peers)
    room.fanout.groups.exclude()
    assert receivers(room.say()) == room.peers  # nobody has left with the key
    room.fanout.unfollow(room.peers[0], room.stream, Reason.PARTED)
    room.fanout.groups.exclude()
    assert room.say() == [] and room.answer(*room.peers[1:]).epoch == 1


def test_who_goes_by_the_writes_that_an_entry_was_in_cannot_read_it() -> None:
    room = Room(PEERS_MIN + 1)
    room.say()
    room.answer(*room.peers)
    room.fanout.extend(room.now, room.stream, [ENTRY])
    room.fanout.unfollow(room.peers[0], room.stream, Reason.KICKED)
    room.fanout.share(room.now)
    assert room.copies() == [] and all(room.key(peer) for peer in room.peers[1:])


def test_an_answer_to_an_old_key_or_to_none_counts_for_nothing() -> None:
    room = Room(PEERS_MIN + 1)
    room.say()
    key = room.answer(*room.peers[:2])
    room.fanout.unfollow(room.peers[0], room.stream, Reason.KICKED)
    room.say()
    for peer in room.peers[1:]:
        room.fanout.groups.on_ready(peer, GroupReady(key.group, key.epoch))
        room.fanout.groups.on_ready(peer, GroupReady(key.group ^ 1, key.epoch + 1))
    stranger = room.rig.stranger(capabilities=(GROUPS,))
    room.fanout.groups.on_ready(stranger, GroupReady(key.group, key.epoch + 1))
    assert room.say() == []


def test_another_session_is_sent_the_key_again_first() -> None:
    room = Room()
    room.say()
    room.answer(*room.peers)
    room.fanout.groups.on_session(room.now, room.peers[0])
    assert receivers(room.say()) == room.peers[1:]
    assert room.key(room.peers[0]) is not None


def test_who_acknowledges_nothing_is_told_the_head_and_then_rests() -> None:
    """A member that claims to hear the group and does not is found out within two intervals."""
    room = Room()
    room.say()
    room.answer(*room.peers)
    deaf, *others = room.peers
    told = 0
    for step in range(1, 40):
        room.now = NOW + step / 10
        copies = room.say()
        for peer in others:
            room.hold(peer, room.stream.head)
        told += any(isinstance(frame, Heads) for frame in room.frames(deaf))
    assert receivers(copies) == others and told == 1
    room.now += GROUP_REST_S
    room.say()
    assert room.key(deaf) is not None


def test_who_loses_too_much_of_what_a_group_is_sent_rests() -> None:
    room = Room()
    room.say()
    room.answer(*room.peers)
    lossy, *others = room.peers
    for step in range(1, 40):
        room.now = NOW + step / 10
        copies = room.say(2)
        for peer in others:
            room.hold(peer, room.stream.head)
        room.hold(lossy, room.stream.head - 2, (room.stream.head, room.stream.head))
        room.frames(lossy)
        room.hold(lossy, room.stream.head)
    assert receivers(copies) == others


def test_heads_go_to_the_group_twice_and_then_each_second_to_who_lacks_something() -> None:
    room = Room()
    room.say()
    room.answer(*room.peers)
    room.say()
    here, *lacking = room.peers
    room.hold(here, room.stream.head)
    rounds, late = [], lacking[-1]
    while (due := room.stream.next_announcement()) is not None:
        room.now = due
        room.fanout.handle_timeout(due, room.stream)
        rounds.append((round(due - NOW, 1), len(room.copies()), [peer for peer in room.peers if room.frames(peer)]))
        if due >= NOW + 2:
            room.hold(lacking[0], room.stream.head)
        if due >= NOW + 4:
            room.hold(late, room.stream.head)
    assert rounds[:2] == [(0.1, 3, []), (0.4, 3, [])]
    assert rounds[2:] == [(1.0, 0, lacking), (2.0, 0, lacking), (3.0, 0, [late]), (4.0, 0, [late]), (5.0, 0, [])]


def test_many_copies_go_in_turns_and_count_as_behind_until_then() -> None:
    room = Room()
    room.say()
    room.answer(*room.peers)
    packets = COPIES_MAX // PEERS_MIN + 1
    for _ in range(packets):
        room.grow([ENTRY])
    assert room.fanout.behind == -(-packets * PEERS_MIN // 4)
    assert len(room.fanout.copies.drain(room.now)) == COPIES_MAX
    assert room.fanout.behind == 1
    assert len(room.fanout.copies.drain(room.now)) == packets * PEERS_MIN - COPIES_MAX
    assert room.fanout.behind == 0 and room.fanout.copies.drain(room.now) == []


def test_who_has_yet_to_be_sent_what_came_before_is_sent_both_in_its_session_and_then_each_entry_once() -> None:
    """In a room with so many followers that each is sent what is new when it is flushed."""
    room = Room(PUBLISHED_AT_ONCE_MAX + 1)
    gone, *others = room.peers
    room.say()
    room.answer(*room.peers)
    assert room.say() == []
    for peer in room.peers:
        room.fanout.datagrams(room.now, peer)
    assert receivers(room.say()) == room.peers
    room.fanout.unfollow(gone, room.stream, Reason.KICKED)
    assert room.say() == []
    for peer in others:
        room.fanout.datagrams(room.now, peer)
        sent = [(frame.first, len(frame.entries)) for frame in room.rig.frames(peer) if isinstance(frame, Entries)]
        assert sent == [(1, 2), (4, 1)]
