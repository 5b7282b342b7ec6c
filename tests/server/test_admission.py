"""The entrance: one's own nick, rooms within bounds, and everything said again is answered again."""

from __future__ import annotations

from tests.server.rig import Rig, device_counts
from tests.storage.memory import MemoryLog
from udpchat.chat import events
from udpchat.chat.ids import DIRECTORY_LOG
from udpchat.server.admission import Settings
from udpchat.server.registry import Peer
from udpchat.wire.content import Claim
from udpchat.wire.frames import Down, EnterRefused, FollowRefused, Heads, Welcome, encode, parse_down_untrusted
from udpchat.wire.limits import (
    CAPABILITIES,
    EMPTY_ROOMS_PER_KEY_MAX,
    NICKS_PER_KEY_MAX,
    PROTOCOL_MINOR,
    ROOMS_PER_PEER_MAX,
)
from udpchat.wire.requests import GetTopic, Say, Tell

KEY, INSTANCE = b"k" * 32, b"i" * 16


def told(rig: Rig, peer: Peer) -> list[Down]:
    """What is on its way to a peer."""
    packets = peer.downlink.drain_packets(rig.now)
    return [frame for packet in packets for frame in parse_down_untrusted(packet.body)]


def refusals(rig: Rig, peer: Peer) -> list[str]:
    return [
        frame.code.partition(".")[0] for frame in told(rig, peer) if isinstance(frame, EnterRefused | FollowRefused)
    ]


def heads(rig: Rig, peer: Peer) -> set[str]:
    return {head.log for frame in told(rig, peer) if isinstance(frame, Heads) for head in frame.heads}


def test_who_enters_is_told_what_the_server_expects_and_keeps() -> None:
    rig = Rig(settings=Settings(name="den", heartbeat_s=5, expiry_s=15, kept_s=60, kept_entries=100))
    peer = rig.device("alice")
    rig.enter(peer, "alice")
    (welcome,) = told(rig, peer)
    assert welcome == Welcome("alice", peer.author.user, "den", 5_000, 15_000, 60, 100, PROTOCOL_MINOR, CAPABILITIES)
    assert rig.told == [events.PeerEntered("alice", "10.0.0.1")]


def test_who_enters_is_told_its_latest_counter_that_is_known_from_memory_or_from_the_log() -> None:
    log = MemoryLog(random=lambda count: bytes(count))
    rig = Rig(log)
    peer = rig.device("alice", "lobby", key=KEY, instance=INSTANCE)
    told(rig, peer)
    rig.ask(peer, Say("lobby", 0, "hello"))
    rig.ask(peer, GetTopic("lobby"))
    rig.write()
    rig.settle()
    rig.enter(peer, "alice")
    (welcome,) = (frame for frame in told(rig, peer) if isinstance(frame, Welcome))
    assert welcome.latest_counter == 2
    rig.leave(peer)
    back = rig.device("alice", key=KEY, instance=INSTANCE)
    rig.enter(back, "alice")
    (welcome,) = (frame for frame in told(rig, back) if isinstance(frame, Welcome))
    assert welcome.latest_counter == 1  # what left no entry may be carried out again


def test_a_nick_is_welcome_only_once_it_is_durably_its_own() -> None:
    rig = Rig()
    peer = rig.stranger()
    for _ in range(3):
        rig.enter(peer, "alice")
    rig.follow(peer, "#lobby")
    assert told(rig, peer) == [] and peer.nick is None and not rig.chat.rooms
    assert len(rig.server.drain_writes()) == 1
    rig.log.append([])
    rig.chat.persisted(rig.now, 1)
    assert peer.nick is not None and peer.rooms == {"lobby"} and peer.entering is None


def test_a_nick_of_another_key_or_one_that_looks_like_it_is_refused() -> None:
    rig = Rig()
    rig.device("alice")
    for nick in ("alice", "Alice", "a1ice", "\u0430lice"):
        peer = rig.stranger()
        rig.enter(peer, nick)
        assert refusals(rig, peer) == ["nick_taken"] and peer.nick is None
    assert rig.told[-1] == events.PeerRefused("10.0.0.5", "nick_taken", "\u0430lice")


def test_a_nick_that_may_not_be_is_refused() -> None:
    rig = Rig()
    peer = rig.stranger()
    rig.enter(peer, "no\u202ename")
    assert refusals(rig, peer) == ["bad_nick"]


def test_a_reserved_nick_is_refused_also_to_who_claimed_it_when_that_was_possible() -> None:
    rig = Rig()
    peer = rig.stranger()
    rig.chat.commits.durable.apply(DIRECTORY_LOG, 1, encode(Claim("admin", peer.key)))
    for nick in ("admin", "\u0430dmin", "Root"):
        rig.enter(peer, nick)
        assert refusals(rig, peer) == ["bad_nick"] and peer.nick is None


def test_a_key_enters_under_so_many_nicks() -> None:
    rig = Rig()
    for number in range(NICKS_PER_KEY_MAX):
        rig.leave(rig.device(f"nick{number}", key=KEY))
    peer = rig.stranger(key=KEY)
    rig.enter(peer, "more")
    assert refusals(rig, peer) == ["too_many_nicks"]
    rig.enter(peer, "NICK3")
    assert peer.nick == "NICK3"


def test_who_is_in_stays_who_it_is_whatever_it_says() -> None:
    rig = Rig()
    peer = rig.device("alice")
    told(rig, peer)
    rig.enter(peer, "bob")
    (welcome,) = told(rig, peer)
    assert (
        isinstance(welcome, Welcome)
        and welcome.nick == "alice"
        and rig.chat.commits.durable.claims.owner("bob") is None
    )


def test_who_left_before_its_nick_was_written_down_does_not_come_in_as_a_ghost() -> None:
    rig = Rig()
    peer = rig.stranger(key=KEY)
    rig.enter(peer, "alice")
    rig.follow(peer, "#lobby")
    rig.leave(peer)
    rig.write()
    assert (
        rig.told == []
        and not rig.chat.rooms
        and rig.chat.commits.durable.claims.owner("alice") == Claim("alice", KEY, 100_000)
    )


def test_a_room_is_answered_each_time_it_is_asked_for() -> None:
    rig = Rig()
    peer = rig.device("alice", "lobby")
    for _ in range(2):
        rig.follow(peer, "#Lobby")
        assert heads(rig, peer) == {"#lobby", "%lobby"}
    assert device_counts(rig.chat.rooms["lobby"].roster) == {"alice": 1}


def test_only_rooms_can_be_followed_by_asking() -> None:
    rig = Rig()
    alice, bob, mallory = rig.device("alice"), rig.device("bob"), rig.device("mallory")
    rig.ask(alice, Tell("bob", 0, "psst"))
    rig.write()
    (conversation,) = rig.chat.commits.durable.conversations(bob.key)
    for log in (conversation, "%lobby", "!directory", "lobby"):
        rig.follow(mallory, log)
        assert refusals(rig, mallory) == ["bad_room"]
        assert not mallory.rooms
    rig.follow(mallory, "#no room")
    assert refusals(rig, mallory) == ["bad_room"]


def test_one_may_be_in_so_many_rooms_whether_in_already_or_not() -> None:
    rig = Rig()
    for peer in (rig.device("alice"), rig.stranger()):
        for number in range(ROOMS_PER_PEER_MAX):
            rig.follow(peer, f"#room{number}")
        told(rig, peer)
        rig.follow(peer, "#more")
        assert refusals(rig, peer) == ["too_many_rooms"]
        rig.follow(peer, "#room7")
        assert refusals(rig, peer) == []
        assert len(peer.rooms if peer.entering is None else peer.entering.rooms) == ROOMS_PER_PEER_MAX


def test_a_person_opens_so_many_rooms() -> None:
    rig = Rig()
    peer = rig.device("alice")
    told(rig, peer)
    for number in range(EMPTY_ROOMS_PER_KEY_MAX):
        rig.chat.rooms.open(rig.now, f"room{number}", peer.who)
    rig.follow(peer, "#more")
    assert refusals(rig, peer) == ["too_many_rooms"] and not peer.rooms
