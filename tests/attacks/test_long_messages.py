"""Who has much written does not go before everybody: the disk is given in the order of credit too (SPEC 6.7)."""

from __future__ import annotations

from tests.attacks.member import Member
from tests.server.rig import Rig
from udpchat.server.credit import FOLLOWER_US, PACKET_US
from udpchat.server.registry import Peer
from udpchat.wire import frames
from udpchat.wire.content import Reason
from udpchat.wire.limits import FRAGMENT_BYTES, REQUESTS_IN_FLIGHT_MAX, WRITE_AHEAD_BYTES_MAX
from udpchat.wire.requests import GetHistory, Say, Stored, Tell

LONG = "x" * 12_000
DEVICES = 8


def test_a_line_waits_for_no_more_long_messages_than_are_written_ahead() -> None:
    rig = Rig()
    key = b"m" * 32
    hostile = [rig.device("mallory", "lobby", key=key) for _ in range(DEVICES)]
    alice = rig.device("alice", "lobby")
    for device in hostile:
        for _ in range(REQUESTS_IN_FLIGHT_MAX):
            rig.ask(device, Say("lobby", 0, LONG))
    rig.ask(alice, Say("lobby", 0, "hello"))
    ahead: list[bytes] = []
    while not any(b"hello" in entry for entry in ahead):
        batch = rig.server.drain_writes()
        ahead += [append.entry for append in batch]
        rig.log.append(batch)
        rig.server.persisted(rig.now, len(batch))
        rig.settle()
    first = next(at for at, entry in enumerate(ahead) if b"hello" in entry)
    assert sum(map(len, ahead[:first])) <= 2 * (WRITE_AHEAD_BYTES_MAX + len(LONG) + 200)


def used_us(rig: Rig, reader: Peer, request: Say | Tell, author: Peer) -> float:
    """What a reader is charged for what somebody else says five times."""
    ledger = rig.chat.ledger
    before = reader.balance.used_us = ledger.clock_us
    for _ in range(5):
        assert isinstance(rig.result(author, say_long(rig, author, request)), Stored)
    for _ in range(10):
        rig.settle()
    return reader.balance.used_us - before


def say_long(rig: Rig, author: Peer, request: Say | Tell) -> int:
    counter = rig.ask(author, request)
    rig.write()
    return counter


def test_who_says_something_long_pays_for_its_datagrams_and_those_who_read_it_do_not() -> None:
    """As found: 425 us for each message of 16 KiB, to everybody in the room."""
    rig = Rig()
    mallory, bob = rig.device("mallory", "lobby"), rig.device("bob", "lobby")
    assert used_us(rig, bob, Say("lobby", 0, LONG), mallory) == 0.0
    assert used_us(rig, bob, Tell("bob", 0, LONG), mallory) == 0.0
    assert used_us(rig, mallory, Say("lobby", 0, LONG), mallory) > 5 * 2 * FOLLOWER_US * len(LONG) / FRAGMENT_BYTES


def test_who_reads_the_history_pays_for_its_datagrams() -> None:
    rig = Rig()
    mallory, bob = rig.device("mallory", "lobby"), rig.device("bob", "lobby")
    say_long(rig, mallory, Say("lobby", 0, LONG))
    before = bob.balance.used_us = rig.chat.ledger.clock_us
    for _ in range(4):
        rig.ask(bob, GetHistory("#lobby", None, None, 1))
        rig.settle()
    assert bob.balance.used_us - before > 2 * PACKET_US * len(LONG) / FRAGMENT_BYTES


def test_who_lets_packets_be_lost_by_time_pays_for_those_that_are_sent_again() -> None:
    """As found: who claims that packets overtake each other, and names the latest only, had the others for nothing."""
    rig = Rig()
    mallory, reader = rig.device("mallory", "lobby"), Member(rig)
    reader.enter("reader")
    reader.send(frames.Follow("#lobby"))
    head = next(head for frame in reader.received if isinstance(frame, frames.Heads) for head in frame.heads)
    (peer,) = rig.chat.registry.peers_of(reader.key.public)
    reader.send(frames.Ack(None, [frames.Cursor("#lobby", head.generation, 0, [])]))
    say_long(rig, mallory, Say("lobby", 0, LONG))
    rig.now += 0.01
    reader.send(frames.Ack(frames.AckedPackets(peer.session.sent - 1, 0, 0, 1), []))
    before, sent = peer.balance.used_us, peer.session.sent
    while peer.downlink.loss_detection.lost == 0 and (due := rig.server.next_timeout()) is not None:
        rig.now = due
        rig.handle_timeouts()
    again = peer.session.sent - sent
    assert again > len(LONG) / FRAGMENT_BYTES / 2
    reader.send(frames.Goodbye(Reason.QUIT))  # what was not charged yet is charged now
    assert peer.balance.used_us - before >= again * PACKET_US
