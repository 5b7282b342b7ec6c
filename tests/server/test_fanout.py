"""Fan-out: who is sent what a log has grown by, and who is told its head."""

from __future__ import annotations

import pytest

from tests.server.rig import HeardSession, Rig
from udpchat.server.credit import NEW_CREDIT_US, Ledger
from udpchat.server.fanout import NEW_PACKETS_MAX, PUBLISHED_AT_ONCE_MAX, Fanout
from udpchat.server.registry import Peer
from udpchat.sync.log_stream import ANNOUNCE_AFTER_S, LogStream
from udpchat.wire.content import Reason, Tombstone
from udpchat.wire.frames import Ack, Cursor, Down, Entries, Heads, Pong, encode, pack, parse_down_untrusted
from udpchat.wire.limits import SENDER_DRIVEN_PEERS_MAX

NOW = 100.0
FLUSHED_MAX = 64
ENTRY = encode(Tombstone(0))


def followed(count: int) -> tuple[Fanout, LogStream, list[Peer]]:
    """A stream of an empty log, which these peers follow; what that sends is sent."""
    rig = Rig()
    fanout, stream = Fanout(Ledger()), LogStream("#lobby", rig.log)
    peers = [rig.stranger() for _ in range(count)]
    for peer in peers:
        fanout.follow(NOW, peer, stream)
        drained(peer)
    fanout.to_flush.clear()
    return fanout, stream, peers


def drained(peer: Peer) -> list[Down]:
    """The frames that are due to a peer."""
    packets = peer.downlink.drain_packets(NOW)
    return [frame for packet in packets for frame in parse_down_untrusted(packet.body)]


def test_what_a_log_has_grown_by_goes_to_those_who_follow_it() -> None:
    fanout, stream, (alice, bob, gone) = followed(3)
    fanout.unfollow(gone, stream, Reason.PARTED)
    fanout.extend(NOW, stream, [ENTRY])
    assert list(fanout.to_flush) == list(fanout.followers(stream)) == [alice, bob] and stream in fanout.to_arm
    for peer in (alice, bob):
        [entries] = [frame for frame in drained(peer) if isinstance(frame, Entries)]
        assert (entries.first, list(map(bytes, entries.entries))) == (1, [ENTRY])
    assert drained(gone) == []


def test_a_log_that_nobody_follows_grows_without_a_frame() -> None:
    fanout, stream, (alice,) = followed(1)
    fanout.unfollow(alice, stream, Reason.PARTED)
    fanout.extend(NOW, stream, [ENTRY])
    assert stream.head == 1 and not fanout.to_flush and not list(fanout.followers(stream))


def flushed(fanout: Fanout, peer: Peer) -> list[Down]:
    """A peer is flushed: what it is sent."""
    session = peer.session
    assert isinstance(session, HeardSession)
    session.frames = []
    fanout.datagrams(NOW, peer)
    return session.frames


def entries_sent(fanout: Fanout, peer: Peer) -> list[tuple[int, int]]:
    """A peer is flushed: the first of each frame of entries, and how many."""
    return [(frame.first, len(frame.entries)) for frame in flushed(fanout, peer) if isinstance(frame, Entries)]


def test_what_is_new_in_a_log_with_many_followers_is_queued_for_each_when_it_is_flushed() -> None:
    fanout, stream, peers = followed(PUBLISHED_AT_ONCE_MAX + 1)
    first, second, gone, *_ = peers
    fanout.extend(NOW, stream, [ENTRY])
    assert list(fanout.to_flush) == peers and not any(peer.downlink.has_packets for peer in peers)
    assert entries_sent(fanout, first) == [(1, 1)]
    fanout.unfollow(gone, stream, Reason.PARTED)
    # Few follow it now, and it grows again before all have been sent the first entry
    fanout.extend(NOW, stream, [ENTRY, ENTRY])
    assert entries_sent(fanout, first) == [(2, 2)] and entries_sent(fanout, second) == [(1, 3)]
    assert entries_sent(fanout, first) == entries_sent(fanout, gone) == []
    assert all(entries_sent(fanout, peer) == [(1, 3)] for peer in peers[3:])
    fanout.extend(NOW, stream, [ENTRY])
    assert all(peer.downlink.has_packets for peer in fanout.followers(stream)), "at once, as few follow it"


def test_the_head_of_a_log_is_not_told_to_whom_its_entries_are_sent_soon() -> None:
    fanout, stream, peers = followed(PUBLISHED_AT_ONCE_MAX + 1)
    fanout.extend(NOW, stream, [ENTRY])
    entries_sent(fanout, peers[0])
    fanout.to_flush.clear()
    fanout.announce(stream, stream.head)
    assert list(fanout.to_flush) == peers[:1]


def test_the_head_of_a_log_with_many_followers_is_queued_for_each_when_it_is_flushed() -> None:
    """As found: a turn of 10 ms, once a second, while 1,400 followers acknowledged nothing."""
    fanout, stream, peers = followed(PUBLISHED_AT_ONCE_MAX + 1)
    fanout.extend(NOW, stream, [ENTRY])
    assert all(entries_sent(fanout, peer) == [(1, 1)] for peer in peers)
    fanout.to_flush.clear()
    assert fanout.announce(stream, stream.head)
    assert list(fanout.to_flush) == peers and not any(peer.downlink.has_packets for peer in peers)
    for peer in peers:
        (heads,) = [frame for frame in flushed(fanout, peer) if isinstance(frame, Heads)]
        assert [(head.log, head.head) for head in heads.heads] == [("#lobby", 1)]
        assert flushed(fanout, peer) == []


def test_an_ack_before_an_entry_is_published_does_not_have_it_sent_twice() -> None:
    fanout, stream, peers = followed(PUBLISHED_AT_ONCE_MAX + 1)
    peer = peers[0]
    fanout.extend(NOW, stream, [ENTRY])
    ack = Ack(None, [Cursor("#lobby", stream.generation, 0, [])])
    peer.downlink.receive_ack(NOW, ack, packets_sent=1)
    assert entries_sent(fanout, peer) == [(1, 1)] and entries_sent(fanout, peer) == []


def test_what_is_due_to_a_peer_is_sealed_in_its_session_and_goes_to_its_address() -> None:
    fanout, stream, (alice, bob) = followed(2)
    fanout.extend(NOW, stream, [ENTRY])
    fanout.send(bob, encode(Pong(0)))
    [(to_alice, address)] = fanout.datagrams(NOW, alice)
    [(to_bob, other)] = fanout.datagrams(NOW, bob)
    assert to_alice != to_bob and (address, other) == (alice.session.path.address, bob.session.path.address)
    assert alice.session.sent == 1 and alice.downlink.loss_detection.bytes_in_flight == len(to_alice)
    assert fanout.datagrams(NOW, alice) == []


def test_only_who_lacks_something_is_told_the_head_and_only_when_it_is_due() -> None:
    fanout, stream, peers = followed(SENDER_DRIVEN_PEERS_MAX + 1)
    fanout.extend(NOW, stream, [ENTRY])
    for peer in peers:
        drained(peer)
    here, *lacking = peers
    here.downlink.subscriptions["#lobby"].on_cursor(Cursor("#lobby", stream.generation, 1, []))
    fanout.to_flush.clear()
    due = stream.next_announcement()
    assert due is not None and due >= NOW + ANNOUNCE_AFTER_S[0]
    fanout.handle_timeout(due - 0.001, stream)
    assert not fanout.to_flush
    fanout.handle_timeout(due, stream)
    assert list(fanout.to_flush) == lacking
    assert drained(here) == [] and all(isinstance(frame, Heads) for peer in lacking for frame in drained(peer))


def send_some(peers: list[Peer]) -> None:
    """As many packets as make peers no new ones any more."""
    for peer in peers:
        for _ in range(NEW_PACKETS_MAX):
            peer.session.seal(pack([encode(Pong(0))]))


def test_of_more_peers_than_a_turn_has_time_for_the_others_follow_each_once() -> None:
    fanout, stream, peers = followed(2 * FLUSHED_MAX + 10)
    fanout.extend(NOW, stream, [ENTRY])
    turns = [fanout.take_to_flush(FLUSHED_MAX)]
    fanout.to_flush[peers[-1]] = fanout.to_flush[peers[0]] = None
    while fanout.later:
        turns.append(fanout.take_to_flush(FLUSHED_MAX))
    assert [len(turn) for turn in turns] == [FLUSHED_MAX, FLUSHED_MAX, 11]
    assert sorted(map(id, [peer for turn in turns for peer in turn])) == sorted(map(id, [*peers, peers[0]]))


def test_if_not_all_are_flushed_at_once_those_with_most_saved_credit_are_first_in_half_of_the_places() -> None:
    fanout, stream, peers = followed(2 * FLUSHED_MAX)
    for peer in peers:
        peer.balance.used_us = -NEW_CREDIT_US
    send_some(peers)
    late = peers[-FLUSHED_MAX:]
    for number, peer in enumerate(late, 1):
        peer.balance.used_us -= number
    fanout.extend(NOW, stream, [ENTRY])
    half = FLUSHED_MAX // 2
    assert fanout.take_to_flush(FLUSHED_MAX) == late[: -half - 1 : -1] + peers[:half]


def test_who_is_new_is_flushed_before_all_who_wait_for_their_turn() -> None:
    fanout, stream, peers = followed(4 * FLUSHED_MAX)
    send_some(peers[:-1])
    fanout.extend(NOW, stream, [ENTRY])
    assert fanout.take_to_flush(FLUSHED_MAX)[0] is peers[-1]


@pytest.mark.parametrize("count_max", [1, 10, FLUSHED_MAX])
def test_no_more_are_flushed_than_may_though_all_are_new_and_all_have_saved(count_max: int) -> None:
    """As found, with 24 instead of 32: an exception, which ended the server."""
    fanout, stream, peers = followed(FLUSHED_MAX + 1)
    fanout.extend(NOW, stream, [ENTRY])
    for peer in peers:
        peer.balance.used_us = -2.0 * NEW_CREDIT_US
    assert len(fanout.take_to_flush(count_max)) == count_max


def test_who_is_gone_is_not_flushed_later() -> None:
    fanout, stream, peers = followed(FLUSHED_MAX + 1)
    fanout.extend(NOW, stream, [ENTRY])
    fanout.take_to_flush(FLUSHED_MAX)
    fanout.leave(peers[-1])
    assert not fanout.later and fanout.take_to_flush(FLUSHED_MAX) == []
