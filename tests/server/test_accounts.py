"""Accounts and devices: what a device is to the server, before and after it was added to an account (SPEC 6.10)."""

from __future__ import annotations

from tests.server.rig import Rig
from tests.server.test_admission import refusals, told
from udpchat.chat.ids import DIRECTORY_LOG, client_id_of, conversation_log
from udpchat.chat.names import HOST_NICK
from udpchat.chat.permissions import Role
from udpchat.server.admission import Settings
from udpchat.session.noise import user_id
from udpchat.sync.log import Append
from udpchat.wire.content import AccountRecord, Device, Joined, Reason
from udpchat.wire.frames import FollowRefused, Standing, Welcome, encode
from udpchat.wire.limits import PEERS_PER_KEY_MAX
from udpchat.wire.requests import Say, Tell

FIRST, SECOND, HOST = b"1" * 32, b"2" * 32, b"h" * 32


def record(rig: Rig, *devices: Device, role: Role = Role.MEMBER) -> None:
    """The account of FIRST has these devices from here on."""
    durable = rig.chat.commits.durable
    account = AccountRecord(FIRST, devices, role=role)
    append = Append(DIRECTORY_LOG, durable.head(DIRECTORY_LOG) + 1, encode(account), None)
    rig.log.append([append])
    durable.apply(append.log, append.sequence, append.entry)


def standing(rig: Rig, nick: str, key: bytes) -> Standing:
    peer = rig.device(nick, key=key)
    rig.enter(peer, nick)
    (welcome,) = (frame for frame in told(rig, peer) if isinstance(frame, Welcome))
    return welcome.standing


def test_a_device_of_an_account_is_the_account_in_all_that_others_see() -> None:
    rig = Rig()
    first = rig.device("alice", "lobby", key=FIRST)
    record(rig, Device(FIRST, 1), Device(SECOND, 2))
    second = rig.device("alice", "lobby", key=SECOND)
    assert second.key == FIRST == first.key and second.author.user == user_id(FIRST)
    assert second.author.device == SECOND and second.author.client_id == client_id_of(SECOND, second.author.instance)
    assert rig.chat.registry.entered(FIRST) == [first, second]
    rig.settle()
    joined = [entry for entry in rig.roster("lobby") if isinstance(entry, Joined)]
    assert len(joined) == 1, "one person"
    bob = rig.device("bob", "lobby")
    rig.ask(bob, Tell("alice", 0, "psst"))
    rig.write()
    log = conversation_log(bob.key, FIRST)
    assert log in first.downlink.subscriptions and log in second.downlink.subscriptions


def test_a_device_learns_its_account_and_its_role_as_it_enters() -> None:
    rig = Rig()
    assert standing(rig, "alice", FIRST) == Standing()
    record(rig, Device(FIRST, 1), Device(SECOND, 2), role=Role.ADMIN)
    assert standing(rig, "alice", FIRST) == Standing(b"", Role.ADMIN)
    assert standing(rig, "alice", SECOND) == Standing(FIRST, Role.ADMIN)


def test_a_revoked_device_does_not_enter_also_the_one_that_the_account_is_named_by() -> None:
    rig = Rig()
    rig.device("alice", key=FIRST)
    record(rig, Device(FIRST, 1, 9), Device(SECOND, 2, 9))
    for nick in ("alice", "other"):
        for key in (FIRST, SECOND):
            peer = rig.stranger(key=key)
            rig.enter(peer, nick)
            assert refusals(rig, peer) == ["key_revoked"] and peer.nick is None
    record(rig, Device(SECOND, 2))  # without any word of the first
    peer = rig.stranger(key=FIRST)
    rig.enter(peer, "alice")
    assert refusals(rig, peer) == ["key_revoked"]


def test_a_device_that_was_added_while_it_was_connected_is_of_the_account_when_it_enters() -> None:
    rig = Rig()
    rig.device("alice", key=FIRST)
    peer = rig.stranger(key=SECOND)
    record(rig, Device(FIRST, 1), Device(SECOND, 2))
    assert peer.key == SECOND
    rig.enter(peer, "alice")
    assert peer.nick == "alice" and peer.key == FIRST and peer.who.key == FIRST
    assert rig.chat.registry.peers_of(SECOND) == []


def test_a_device_that_is_one_too_many_for_its_account_takes_the_place_of_the_one_heard_longest_ago() -> None:
    rig = Rig()
    peer = rig.stranger(key=SECOND)
    devices = [rig.device("alice", key=FIRST) for _ in range(PEERS_PER_KEY_MAX)]
    record(rig, Device(FIRST, 1), Device(SECOND, 2))
    rig.enter(peer, "alice")
    rig.settle()
    assert peer.nick == "alice" and len(rig.chat.registry.peers_of(FIRST)) == PEERS_PER_KEY_MAX
    assert devices[0] not in rig.chat.registry and rig.chat.quotas.peers.total == PEERS_PER_KEY_MAX
    for each in [peer, *devices[1:]]:
        rig.leave(each)
    assert rig.chat.quotas.peers.total == 0


def test_the_key_of_who_runs_the_server_enters_under_its_nick_and_joins_nothing() -> None:
    rig = Rig(settings=Settings(host=HOST))
    assert standing(rig, HOST_NICK, HOST) == Standing(b"", Role.HOST)
    (peer,) = rig.chat.registry.entered(HOST)
    rig.follow(peer, "#lobby")
    assert not peer.rooms and any(isinstance(frame, FollowRefused) for frame in told(rig, peer))
    assert rig.chat.commits.durable.claims.owner(HOST_NICK) is None and not rig.log.extent(DIRECTORY_LOG).head


def test_the_key_of_who_runs_the_server_enters_under_no_other_nick_and_no_other_key_under_this_one() -> None:
    rig = Rig(settings=Settings(host=HOST))
    host, other = rig.stranger(key=HOST), rig.stranger()
    rig.enter(host, "alice")
    rig.enter(other, HOST_NICK)
    assert refusals(rig, host) == ["not_allowed"] and refusals(rig, other) == ["bad_nick"]


def test_a_session_that_is_to_end_ends_with_the_turn_and_only_once() -> None:
    rig = Rig()
    peer = rig.device("alice", "lobby", key=FIRST)
    rig.ask(peer, Say("lobby", 0, "hi"))
    for _ in range(2):
        rig.chat.registry.end_later(peer, Reason.KICKED)
    rig.settle()
    assert peer not in rig.chat.registry and "lobby" not in rig.chat.rooms
