"""What follows from acts of order, once they are durable: who leaves, who is told what, and who reads nothing more."""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from tests.storage.memory import MemoryLog
from udpchat.chat.ids import AUDIT_LOG, DIRECTORY_LOG
from udpchat.chat.permissions import Role
from udpchat.server.frame_handlers import FRAMES, FrameContext
from udpchat.server.registry import Peer
from udpchat.session.noise import fingerprint
from udpchat.session.path import Path
from udpchat.sync.ended_follows import SPACING_S
from udpchat.sync.log import Append
from udpchat.wire.content import (
    BAN,
    MUTE,
    AccountRecord,
    Announced,
    Claim,
    Device,
    Entry,
    Joined,
    Left,
    ModesSet,
    Record,
    RoleSet,
    SanctionSet,
)
from udpchat.wire.frames import (
    EnterRefused,
    Entries,
    FollowRefused,
    Goodbye,
    Ping,
    Welcome,
    encode,
    parse_entry_untrusted,
)
from udpchat.wire.limits import ORDER
from udpchat.wire.packets import Address
from udpchat.wire.requests import (
    Announce,
    Done,
    EntryList,
    Failed,
    GetHistory,
    Invite,
    Kick,
    Lift,
    RequestBody,
    ResultBody,
    Sanction,
    Say,
    SetModes,
    SetRole,
    Tell,
)

MODERATOR = b"o" * 32


def rig_with_moderator() -> tuple[Rig, Peer]:
    """A server, and one who moderates it."""
    log = MemoryLog()
    written: list[Record] = [
        Claim("olga", MODERATOR, 1, True), AccountRecord(MODERATOR, (Device(MODERATOR, 0),), role=Role.ADMIN)
    ]  # fmt: skip
    log.append([Append(DIRECTORY_LOG, at, encode(record), None) for at, record in enumerate(written, 1)])
    rig = Rig(log)
    return rig, rig.device("olga", key=MODERATOR)


def done(rig: Rig, peer: Peer, request: RequestBody) -> ResultBody | None:
    counter = rig.ask(peer, request)
    rig.write()
    return rig.result(peer, counter)


def entries(rig: Rig, peer: Peer, log: str) -> list[Entry]:
    """What a device was sent of a log since this was asked last."""
    rig.settle()
    found = [frame for frame in rig.frames(peer) if isinstance(frame, Entries) and frame.log == log]
    return [parse_entry_untrusted(bytes(entry)) for frame in found for entry in frame.entries]


def ping(rig: Rig, peer: Peer) -> None:
    context = FrameContext(rig.now, rig.chat, peer, peer.session, peer.session.path.address, 100)
    FRAMES[Ping](context, Ping(1))
    rig.chat.fanout.to_flush[peer] = None
    rig.settle()


# --- Rooms ----------


def test_who_is_kicked_leaves_and_is_told_by_whom_and_why_as_are_the_others() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    rig.frames(bob)
    assert done(rig, alice, Kick("den", "bob", "too loud")) == Done()
    assert bob.rooms == set() and not bob.downlink.subscriptions
    assert FollowRefused("#den", "kicked", ("alice", "too loud")) in rig.frames(bob)
    assert rig.roster("den")[-1] == Left("bob", bob.author.user, "kicked", "alice", "too loud")
    rig.follow(bob, "#den")
    rig.settle()
    assert bob.rooms == {"den"}, "a kick is no ban"


def test_who_may_not_have_heard_that_they_were_removed_is_told_again_with_the_next_heartbeats() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    done(rig, alice, Kick("den", "bob"))
    told = []
    for _ in range(4):
        rig.frames(bob)
        ping(rig, bob)
        told.append(FollowRefused("#den", "kicked", ("alice", "")) in rig.frames(bob))
        rig.now += 0.6 * SPACING_S
    assert told == [False, False, True, False]
    rig.follow(bob, "#den")
    done(rig, alice, Kick("den", "bob"))
    rig.follow(bob, "#den")
    rig.settle()
    rig.frames(bob)
    ping(rig, bob)
    assert not [frame for frame in rig.frames(bob) if isinstance(frame, FollowRefused)], "it follows the room again"


def test_all_devices_of_a_person_are_removed_and_of_a_device_that_is_banned_only_that_one() -> None:
    rig = Rig()
    alice, one = rig.device("alice", "den"), rig.device("bob", "den")
    two = rig.device("bob", "den", key=one.key)
    other = rig.device("carol", "den")
    assert done(rig, alice, Sanction("den", BAN, "bob")) == Done()
    assert one.rooms == two.rooms == set() and other.rooms == {"den"}
    assert done(rig, alice, Sanction("den", BAN, f"#{fingerprint(other.key)}", 0, "noisy")) == Done()
    assert other.rooms == set()
    rig.follow(other, "#den")
    rig.settle()
    assert FollowRefused("#den", "banned.room", ("alice", "noisy", "0")) in rig.frames(other)


def test_who_is_banned_from_a_room_reads_nothing_that_is_written_with_the_ban_or_after_it() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    rig.frames(bob)
    rig.ask(alice, Sanction("den", BAN, "bob"))
    rig.ask(alice, Say("den", 0, "he is gone"))
    rig.write()
    done(rig, alice, Say("den", 0, "at last"))
    assert entries(rig, bob, "#den") == [] == entries(rig, bob, "%den")
    assert done(rig, bob, GetHistory("#den", None, None, 9)) == Failed("banned.room", ("alice", "", "0"))
    assert done(rig, bob, Say("den", 0, "hi")) == Failed("banned.room", ("alice", "", "0"))


def test_what_was_being_read_when_a_ban_came_is_not_given() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    done(rig, alice, Say("den", 0, "secret"))
    rig.holds_queries = True
    counter = rig.ask(bob, GetHistory("#den", None, None, 9))
    query = rig.next_query()
    assert query is not None
    done(rig, alice, Sanction("den", BAN, "bob"))
    rig.answer(query)
    assert rig.result(bob, counter) == EntryList([])


def test_a_ban_ends_at_its_time_or_when_it_is_lifted() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob")
    done(rig, alice, Sanction("den", BAN, "bob", 60))
    for seconds, is_in in ((59.0, False), (1.0, True)):
        rig.now += seconds
        rig.follow(bob, "#den")
        rig.settle()
        assert (bob.rooms == {"den"}) is is_in
    done(rig, alice, Sanction("den", BAN, "bob"))
    assert done(rig, alice, Lift("den", BAN, "bob")) == Done()
    rig.follow(bob, "#den")
    rig.settle()
    assert bob.rooms == {"den"}


def test_who_is_in_a_room_that_becomes_invite_only_stays_but_not_who_joined_meanwhile() -> None:
    rig = Rig()
    alice, bob, carol = rig.device("alice", "den"), rig.device("bob", "den"), rig.device("carol")
    rig.ask(alice, SetModes("den", is_invite_only=True))
    rig.follow(carol, "#den")
    rig.settle()
    assert carol.rooms == {"den"}, "it is not durable yet"
    rig.write()
    assert alice.rooms == bob.rooms == {"den"} and carol.rooms == set()
    rig.chat.rooms.part(rig.now, bob, "den", "parted")  # type: ignore[arg-type]
    rig.follow(bob, "#den")
    rig.settle()
    assert bob.rooms == {"den"}


def test_who_loses_the_role_that_let_them_in_leaves() -> None:
    rig, olga = rig_with_moderator()
    alice, bob = rig.device("alice", "den"), rig.device("bob")
    done(rig, alice, SetModes("den", is_invite_only=True))
    done(rig, alice, Invite("den", "bob"))
    done(rig, olga, SetRole(None, "bob", Role.MODERATOR))
    rig.follow(bob, "#den")
    rig.settle()
    assert done(rig, olga, SetRole("den", "bob", Role.MEMBER)) == Done() and bob.rooms == {"den"}
    assert done(rig, olga, SetRole(None, "bob", Role.MEMBER)) == Done() and bob.rooms == set()
    assert FollowRefused("#den", "not_allowed.invite_only") in rig.frames(bob)


def test_the_others_see_roles_modes_and_sanctions_in_the_roster() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    for request in (
        SetRole("den", "bob", Role.VOICE),
        SetModes("den", is_moderated=True, slow_s=5),
        Sanction("den", MUTE, "bob", 60, "hush"),
        Lift("den", MUTE, "bob"),
    ):
        assert done(rig, alice, request) == Done()
    role, modes, mute, lifted = rig.roster("den")[2:]
    assert role == RoleSet("bob", bob.author.user, Role.VOICE, "alice")
    assert isinstance(modes, ModesSet) and modes.modes.is_moderated and modes.modes.slow_s == 5
    assert mute == SanctionSet(MUTE, "bob", "alice", "hush", 160_000, False)
    assert isinstance(lifted, SanctionSet) and lifted.is_lifted


# --- The server ----------


@pytest.mark.parametrize("of", ["account", "device", "address", "network"])
def test_who_is_banned_from_the_server_is_told_why_and_cannot_come_back_before_its_time(of: str) -> None:
    rig, olga = rig_with_moderator()
    alice = rig.device("alice", "den")
    bob = rig.stranger(host="192.0.2.7")
    rig.enter(bob, "bob")
    rig.write()
    rig.follow(bob, "#den")
    rig.settle()
    rig.frames(bob)
    named = {"account": "bob", "device": f"#{fingerprint(bob.key)}", "address": "192.0.2.7", "network": "192.0.2.0/24"}
    assert done(rig, olga, Sanction(None, BAN, named[of], 60, "spam")) == Done()
    refused = EnterRefused("banned", ("olga", "spam", "160000"))
    assert rig.frames(bob)[-2:] == [refused, Goodbye("kicked")] and bob not in rig.chat.registry
    assert rig.roster("den")[-1] == Left("bob", bob.author.user, "kicked", "olga", "spam")
    key = bob.key if of in ("account", "device") else None
    host = "198.51.100.9" if key else "192.0.2.7"
    again = rig.stranger(key=key, host=host)
    for seconds, is_in in ((59.0, False), (1.0, True)):
        rig.now += seconds
        rig.enter(again, "bob" if key else "robert")
        rig.write()
        rig.settle()
        assert (again.nick is not None) is is_in
        assert (refused in rig.frames(again)) is not is_in
    assert alice in rig.chat.registry


def test_a_network_is_not_banned_for_who_has_a_role_on_the_server() -> None:
    rig, olga = rig_with_moderator()
    host = olga.session.path.address[0]
    assert done(rig, olga, Sanction(None, BAN, host)) == Done()
    assert olga in rig.chat.registry and rig.device("olga", key=MODERATOR).nick == "olga"


def test_who_moves_to_a_network_that_is_banned_is_shut_out() -> None:
    rig, olga = rig_with_moderator()
    bob = rig.device("bob", "den")
    assert done(rig, olga, Sanction(None, BAN, "192.0.2.0/24")) == Done() and bob in rig.chat.registry
    bob.session.path = Path(Address("192.0.2.200", 1))
    rig.chat.on_moved(rig.now, bob)
    rig.settle()
    assert bob not in rig.chat.registry and rig.frames(bob)[-1] == Goodbye("kicked")


def test_a_ban_that_is_settled_before_an_enter_refuses_it_and_one_after_it_ends_the_session() -> None:
    rig, olga = rig_with_moderator()
    rig.device("bob")
    key = rig.chat.commits.durable.claims.owner("bob")
    assert key is not None
    before, after = rig.stranger(key=key.key), rig.stranger(key=key.key)
    rig.enter(before, "robert")
    rig.ask(olga, Sanction(None, BAN, "bob"))
    rig.enter(after, "bobby")
    rig.write()
    rig.settle()
    assert before not in rig.chat.registry and after.nick is None
    assert Goodbye("kicked") in rig.frames(before) and Welcome not in map(type, rig.frames(after))


def test_a_kick_from_the_server_ends_all_sessions_of_a_person_who_may_come_back() -> None:
    rig, olga = rig_with_moderator()
    rig.device("alice", "den")
    one = rig.device("bob", "den")
    two = rig.device("bob", "den", key=one.key)
    assert done(rig, olga, Kick(None, "bob", "bye")) == Done()
    assert one not in rig.chat.registry and two not in rig.chat.registry
    told = [EnterRefused("kicked", ("olga", "bye")), Goodbye("kicked")]
    assert rig.frames(one)[-2:] == rig.frames(two)[-2:] == told
    assert rig.roster("den")[-1] == Left("bob", one.author.user, "kicked", "olga", "bye")
    assert rig.device("bob", key=one.key).nick == "bob"


def test_who_is_mute_on_the_server_says_nothing_not_even_in_private() -> None:
    rig, olga = rig_with_moderator()
    rig.device("alice", "den")
    bob = rig.device("bob", "den")
    assert done(rig, olga, Sanction(None, MUTE, "bob", 0, "hush")) == Done()
    for request in (Say("den", 0, "hi"), Tell("alice", 0, "hi")):
        assert done(rig, bob, request) == Failed("muted", ("olga", "hush", "0"))


def test_what_concerns_all_is_sent_to_who_knows_of_order_and_an_address_to_nobody() -> None:
    rig, olga = rig_with_moderator()
    new = rig.stranger(capabilities=(ORDER,))
    rig.enter(new, "alice")
    rig.write()
    old = rig.device("bob")
    rig.settle()
    for request in (
        Announce("tea"),
        SetRole(None, "bob", Role.MODERATOR),
        Sanction(None, BAN, "192.0.2.1"),
        Sanction(None, MUTE, "bob"),
    ):
        assert done(rig, olga, request) == Done()
    told = entries(rig, new, "%")
    assert [type(entry) for entry in told] == [Announced, RoleSet, SanctionSet] and told[0] == Announced("tea", "olga")
    assert entries(rig, old, "%") == [] and "%" not in old.downlink.subscriptions


# --- Durability ----------


def test_what_could_not_be_written_did_not_happen_and_happens_when_it_can() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    done(rig, alice, Say("den", 0, "hi"))
    heads = {name: rig.log.extent(name).head for name in rig.log.logs()}
    request = Sanction("den", BAN, "bob")
    counter = rig.ask(alice, request)
    rig.refuse()
    rig.settle()
    assert bob.rooms == {"den"} and rig.result(alice, counter) is None
    assert {name: rig.log.extent(name).head for name in rig.log.logs()} == heads
    assert not list(rig.chat.commits.settled.order.sanctions("den", 0))
    assert not [entry for entry in rig.roster("den") if not isinstance(entry, Joined)]
    rig.ask(alice, request, counter=counter)
    rig.write()
    assert rig.result(alice, counter) == Done() and bob.rooms == set() and rig.log.extent(AUDIT_LOG).head == 1


def test_all_of_it_survives_a_restart_and_a_repeated_act_is_answered_as_done() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    requests: tuple[RequestBody, ...] = (
        SetModes("den", is_invite_only=True, slow_s=9),
        SetRole("den", "bob", Role.VOICE),
        Sanction("den", MUTE, "bob"),
        Kick("den", "bob"),
    )
    counters = [rig.ask(alice, request) for request in requests]
    rig.write()
    rig.now += 1
    again = Rig(rig.log)
    order = again.chat.commits.durable.order
    assert order.modes("den").slow_s == 9 and order.role("den", alice.key) is Role.OPERATOR
    assert order.role("den", bob.key) is Role.VOICE and len(list(order.sanctions("den", 0))) == 1
    back = again.stranger(key=alice.key, instance=alice.author.instance)
    again.enter(back, "alice")
    again.write()
    for counter, request in zip(counters, requests, strict=True):
        again.ask(back, request, counter=counter)
        assert again.result(back, counter) == Done()
    assert again.log.extent(AUDIT_LOG).head == len(requests)
