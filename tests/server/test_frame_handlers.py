"""What each frame of a peer changes: those of its session count, those of the session before do not."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import get_args

import pytest

from tests.server.rig import Rig
from tests.server.test_peer_sessions import grow_old
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.server.frame_handlers import FRAMES, FRAMES_OF_PREVIOUS, FrameContext
from udpchat.server.registry import Peer
from udpchat.session.noise import Keys
from udpchat.session.session import Session
from udpchat.wire.content import MUTE, Reason
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import (
    Ack,
    AckedPackets,
    Cursor,
    Down,
    Follow,
    GetReceipt,
    Goodbye,
    Head,
    Heads,
    Receipt,
    Request,
    RequestFragment,
    Typing,
    Up,
    UserTyping,
    encode,
    pack,
    parse_down_untrusted,
)
from udpchat.wire.limits import NOTICED_PEERS_MAX, NOTICES_BURST, TYPING
from udpchat.wire.requests import Rename, Sanction, Say, SetModes

OF_THE_SESSION = (
    Follow("#elsewhere"),
    Request(1, 1, Rename("bob")),
    RequestFragment(1, 1, 0, 2, b"first half"),
    Ack(AckedPackets(2**40, 0, 0, 0), []),
    Ack(AckedPackets(0, 0, 0, 0), [Cursor("#lobby", 0, 2**40, [])]),
    Goodbye("quit"),
)


def received(rig: Rig, *, is_current: bool) -> FrameContext:
    """A frame of alice's session, or of one that her newest replaced."""
    peer = rig.device("alice", "lobby")
    session = peer.session
    if not is_current:
        keys = Keys(send=bytes(32), receive=bytes(32), handshake_hash=bytes(32))
        session = Session(
            rig.now, index=99, peer_index=99, remote_static=session.remote_static, keys=keys, path=session.path
        )
    return FrameContext(rig.now, rig.chat, peer, session, session.path.address, 100)


def test_every_frame_of_a_client_has_its_handler() -> None:
    assert set(FRAMES) == set(FRAMES_OF_PREVIOUS) == set(get_args(Up))


@pytest.mark.parametrize("frame", OF_THE_SESSION, ids=lambda frame: type(frame).__name__)
def test_a_frame_of_the_session_before_changes_nothing(frame: Up) -> None:
    rig = Rig()
    late = received(rig, is_current=False)
    assert FRAMES_OF_PREVIOUS[type(frame)](late, frame) is None
    rig.settle()
    assert not rig.server.drain_writes() and not late.peer.window.held and "elsewhere" not in rig.chat.rooms
    assert late.peer in rig.chat.registry


def test_a_goodbye_of_the_session_ends_it() -> None:
    assert FRAMES[Goodbye](received(Rig(), is_current=True), Goodbye("quit")) is Reason.QUIT


@pytest.mark.parametrize(
    ("log", "is_answered"), [("@" + "0" * 20, True), ("~" + "0" * 20, True), ("#elsewhere", False), ("%lobby", False)]
)
def test_who_names_a_private_log_that_the_server_does_not_know_is_told_that_it_is_empty(
    log: str, is_answered: bool
) -> None:
    rig = Rig()
    entered = received(rig, is_current=True)
    ack = Ack(None, [Cursor(log, 5, 7, [])])
    assert FRAMES[Ack](entered, ack) is None
    bodies = [packet.body for packet in entered.peer.downlink.drain_packets(rig.now)]
    told = [frame for body in bodies for frame in parse_down_untrusted(body)]
    empty = Heads(0, [Head(log, rig.log.extent(log).generation, 0, 0, 0)])
    assert (empty in told) == is_answered
    assert log not in [stream.log for stream in rig.chat.rooms.streams()]


def test_an_ack_of_what_was_never_sent_is_no_ack() -> None:
    with pytest.raises(BadDatagram) as caught:
        FRAMES[Ack](received(Rig(), is_current=True), Ack(AckedPackets(2**40, 0, 0, 0), []))
    assert caught.value.reason is Drop.UNSENT_ACK


def test_a_violation_of_the_protocol_is_announced_as_one() -> None:
    world = World(Random(6))
    alice, bob = world.add_clients(2)
    world.network.blackhole(alice.address, sends=False)  # or it would be back before its leave is announced
    alice.inject(encode(Ack(AckedPackets(2**40, 0, 0, 0), [])))
    world.run(1)
    assert bob.of(events.MemberLeft) == [events.MemberLeft("lobby", alice.nick, "protocol violation")]
    left = [event for event in world.server.events if isinstance(event, events.PeerLeft)]
    assert left == [events.PeerLeft(alice.nick, "protocol violation")]


def test_who_violated_the_protocol_is_told_so() -> None:
    world = World(Random(6))
    alice, _ = world.add_clients(2)
    alice.inject(encode(Ack(AckedPackets(2**40, 0, 0, 0), [])))
    world.run(1)
    assert alice.of(events.Disconnected) == [events.Disconnected("lost.reason", {"reason": "protocol violation"})]


def test_an_ack_of_what_was_never_sent_ends_the_session_and_not_the_service() -> None:
    world = World(Random(6))
    alice, bob = world.add_clients(2)
    alice.inject(encode(Ack(AckedPackets(2**40, 0, 0, 0), [])))
    world.run(1)
    assert world.server.core.counters[Drop.UNSENT_ACK] == 1
    alice.say("still here")
    world.settle()
    assert bob.texts() == ["still here"]


def test_a_late_goodbye_of_the_session_before_ends_nothing() -> None:
    world = World(Random(8))
    alice, bob = world.add_clients(2)
    before = alice.session
    grow_old(world, alice)
    world.run(0.5)
    assert alice.session is not before
    world.network.send(world.now, alice.address, SERVER, before.seal(pack([encode(Goodbye("quit"))])))
    world.run(0.5)
    assert len(world.server.core.chat.registry) == 2 and not bob.of(events.MemberLeft)


# --- Notices ----------


def notices(peer: Peer, rig: Rig) -> list[Down]:
    """The notices and receipts that were sent to a device."""
    sent: list[Down] = []
    while packets := peer.downlink.drain_packets(rig.now):
        sent += [frame for packet in packets for frame in parse_down_untrusted(packet.body)]
    return [frame for frame in sent if isinstance(frame, UserTyping | Receipt)]


def send(rig: Rig, peer: Peer, frame: Up) -> None:
    FRAMES[type(frame)](FrameContext(rig.now, rig.chat, peer, peer.session, peer.session.path.address, 100), frame)


def test_a_notice_of_typing_goes_to_the_other_users_of_the_log_who_can_show_it() -> None:
    rig = Rig()
    alice, bob, carol = (rig.device(nick, "lobby") for nick in ("alice", "bob", "carol"))
    phone = rig.device("alice", "lobby", key=alice.key)
    dave = rig.device("dave", "den")
    for peer in (alice, bob, phone, dave):
        peer.author = replace(peer.author, capabilities=frozenset({TYPING}))
    send(rig, alice, Typing("#lobby"))
    got = {peer.nick: notices(peer, rig) for peer in (bob, carol, dave)}
    assert got == {"bob": [UserTyping("#lobby", "alice")], "carol": [], "dave": []} and notices(phone, rig) == []
    for log in ("#den", "%lobby", "~", "@0"):
        send(rig, alice, Typing(log))
    assert not any(notices(peer, rig) for peer in (bob, dave))


def test_a_receipt_counts_the_other_users_by_what_one_of_their_devices_holds() -> None:
    rig = Rig()
    alice, bob, carol = (rig.device(nick, "lobby") for nick in ("alice", "bob", "carol"))
    rig.device("alice", "lobby", key=alice.key)
    rig.device("bob", "lobby", key=bob.key)
    for peer in (bob, carol):
        send(rig, peer, Ack(None, [Cursor("#lobby", rig.log.extent("#lobby").generation, 0, [])]))
    rig.ask(alice, Say("lobby", 0, "hi"))
    rig.write()
    send(rig, bob, Ack(None, [Cursor("#lobby", rig.log.extent("#lobby").generation, 1, [])]))
    send(rig, alice, GetReceipt("#lobby", 1))
    send(rig, alice, GetReceipt("#den", 1))
    assert notices(alice, rig) == [Receipt("#lobby", 1, 1, 2)]


def test_notices_of_logs_that_one_does_not_follow_have_a_rate_too() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    for _ in range(int(NOTICES_BURST)):
        send(rig, alice, Typing("#den"))
    with pytest.raises(BadDatagram, match="rate"):
        send(rig, alice, Typing("#den"))


def test_notices_have_a_rate_and_end_where_they_would_go_to_too_many() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    others = [rig.device(f"peer{number}", "lobby") for number in range(NOTICED_PEERS_MAX - 1)]
    for _ in range(int(NOTICES_BURST)):
        send(rig, alice, GetReceipt("#lobby", 1))
    for frame in (GetReceipt("#lobby", 1), Typing("#lobby")):
        with pytest.raises(BadDatagram, match="rate"):
            send(rig, alice, frame)
    rig.now += 10.0
    rig.device("another", "lobby")
    notices(alice, rig)
    send(rig, alice, GetReceipt("#lobby", 1))
    assert notices(alice, rig) == [] and len(others) == NOTICED_PEERS_MAX - 1


def test_who_may_not_speak_is_not_shown_typing() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    alice.author = replace(alice.author, capabilities=frozenset({TYPING}))
    for request, is_shown in (
        (SetModes("den", is_moderated=True), False),
        (SetModes("den", is_moderated=False), True),
        (Sanction("den", MUTE, "bob", 60), False),
    ):
        rig.ask(alice, request)
        rig.write()
        send(rig, bob, Typing("#den"))
        assert notices(alice, rig) == ([UserTyping("#den", "bob")] if is_shown else [])
    rig.now += 60
    send(rig, bob, Typing("#den"))
    assert notices(alice, rig) == [UserTyping("#den", "bob")]
