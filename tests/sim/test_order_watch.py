"""Order in the simulator: what acts do under the network's faults, and that the watch sees each way to break them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.sim.faults import Link
from tests.sim.network import Address
from tests.sim.nodes import ClientNode
from tests.sim.order_deeds import Host
from tests.sim.rights import Rights
from tests.sim.world import World
from udpchat.chat.events import CodeMade, Error
from udpchat.chat.permissions import Role
from udpchat.server import history, settle, settle_order
from udpchat.server.admission import Settings
from udpchat.server.enforcement import Enforcement
from udpchat.server.request_context import RequestContext
from udpchat.session.noise import KeyPair, fingerprint
from udpchat.wire import requests
from udpchat.wire.content import (
    ACCOUNT,
    BAN,
    DEVICE,
    MUTE,
    AccountRecord,
    Device,
    Modes,
    RoleRecord,
    RoomRecord,
    SanctionRecord,
)
from udpchat.wire.frames import Proof
from udpchat.wire.limits import GROUPS, ORDER, TYPING
from udpchat.wire.requests import RequestBody

LOSSY = Link(delay_s=0.005, jitter_s=0.01, loss=0.2, duplicate=0.2, reorder=0.2, reorder_delay_s_max=0.05)
ONE, OTHER = b"1" * 32, b"2" * 32


class Room:
    """A server with an owner, alice; bob, who is in the lobby with her; and carol, who is elsewhere."""

    def __init__(self, seed: int = 1) -> None:
        random = Random(seed)
        host = KeyPair(random.randbytes(32))
        self.world = World(random, host=host, settings=Settings(group_peers_min=2))
        self.world.wishes = {"capabilities": (TYPING, ORDER, GROUPS)}
        self.alice = self.world.add_client("alice", rooms=("lobby", "den"))
        self.world.run_until(lambda: self.alice.is_in, limit_s=5)
        self.bob = self.world.add_client("bob", rooms=("lobby", "den"))
        self.carol = self.world.add_client("carol")
        self.world.strangers.append(Host(self.world, random, host, "alice"))
        self.world.run_until(lambda: self.world.order.acts == 1, limit_s=10)
        self.world.run(0.5)

    def act(self, client: ClientNode, request: RequestBody) -> None:
        """Somebody does something, and it is done or refused."""
        client.do("ask", request)
        self.world.run_until(lambda: client.core.is_idle, limit_s=10)

    def codes(self, client: ClientNode) -> list[str]:
        """The refusals that somebody was told."""
        return [event.key for event in client.events if isinstance(event, Error)]


def test_who_is_banned_from_a_room_gets_nothing_that_is_said_after_it_whatever_the_network_does() -> None:
    for seed in range(5):
        room = Room(seed)
        room.world.network.heal(LOSSY)
        for number in range(20):
            room.alice.say(f"before {number}", "den")
            room.bob.say(f"mine {number}", "den")
            room.world.run(0.01)
        room.act(room.alice, requests.Sanction("den", BAN, "bob"))
        for number in range(20):
            room.alice.say(f"after {number}", "den")
            room.world.run(0.02)
        room.bob.do("ask", requests.GetHistory("#den", None, None, 100))
        room.bob.do("ask", requests.Search("after", None, None, 0))
        room.world.settle()
        assert not [text for text in room.bob.texts("den") if text.startswith("after")]
        assert "den" not in room.bob.core.model.rooms and room.world.order.acts == 2


def test_a_ban_outlasts_a_restart_and_ends_when_it_is_lifted() -> None:
    room = Room()
    room.act(room.alice, requests.Sanction("den", BAN, "bob", 3_600))
    room.world.run(1)
    room.world.server.kill()
    room.world.server.restart()
    room.bob.do("join", "den")
    room.world.run(5)
    room.alice.say("among us", "den")
    room.world.settle()
    assert "banned.room" in room.codes(room.bob) and room.bob.texts("den") == []
    room.act(room.alice, requests.Lift("den", BAN, "bob"))
    room.bob.do("join", "den")
    room.world.settle()
    assert "den" in room.bob.core.model.rooms


def everything(room: Room) -> None:
    """Acts, each followed by what it forbids."""
    world = room.world
    room.act(room.alice, requests.SetModes("den", is_invite_only=True))
    room.alice.say("between us", "den")
    room.act(room.carol, requests.ListRooms(""))
    room.act(room.carol, requests.Search("between", None, None, 0))
    room.act(room.bob, requests.SetModes("den", is_moderated=True))
    room.act(room.alice, requests.Sanction("lobby", MUTE, "bob"))
    room.bob.say("but", "lobby")
    world.run(1)
    room.act(room.alice, requests.Sanction("lobby", BAN, "bob"))
    room.alice.say("without bob")
    world.run(1)


def test_what_the_server_does_right_is_not_reported() -> None:
    room = Room()
    everything(room)
    room.world.settle()
    assert room.world.order.acts == 4


def nothing(*_: Any, **__: Any) -> None:
    """In the place of what is done or refused."""


Patch = tuple[object, str, Callable[..., Any]]
MUTANTS: dict[str, tuple[list[Patch], str]] = {
    "who is banned stays": ([(Enforcement, "_exclude", nothing)], "bob is sent entry"),
    "everybody may do everything": ([(settle_order, "need", nothing)], "a INVITED may not"),
    "nothing is audited": ([(settle_order, "recorded", lambda *_, **__: [])], "without an act"),
    "who is muted speaks": ([(settle, "why_not_speak", nothing)], "was not to be said"),
    "hidden rooms are listed": ([(RequestContext, "hides", lambda self, room: False)], "carol is sent Page"),
    "hidden rooms are searched": (
        [(history, "unreadable_rooms", lambda *_: []), (history, "may_read", lambda *_: True)],
        "carol is sent EntryList",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("patches", "told"), MUTANTS.values(), ids=MUTANTS)
def test_a_server_without_one_of_its_checks_is_caught(
    patches: list[Patch], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room()
    for owner, name, broken in patches:
        monkeypatch.setattr(owner, name, broken)
    with pytest.raises(AssertionError, match=told):
        everything(room)


# --- What the watch holds it against ----------


def rights_of(*records: Any) -> Rights:
    rights = Rights()
    for record in records:
        rights.apply(record)
    return rights


def test_rights_are_those_of_the_records() -> None:
    rights = rights_of(
        AccountRecord(ONE, (Device(ONE, 0), Device(OTHER, 1)), role=Role.MODERATOR),
        RoomRecord("den", ONE, Modes(is_invite_only=True, is_moderated=True)),
    )
    assert rights.account_of(OTHER) == ONE and rights.role(ONE, "den") is Role.MODERATOR
    stranger = b"s" * 32
    assert rights.is_hidden("den", stranger) and not rights.may_join("den", stranger, stranger, 0)
    rights.apply(RoleRecord("den", stranger, Role.INVITED))
    assert rights.may_join("den", stranger, stranger, 0) and not rights.may_speak("den", stranger, stranger, 0)
    rights.apply(RoleRecord("den", stranger, Role.VOICE))
    assert rights.may_speak("den", stranger, stranger, 0)


@pytest.mark.parametrize(
    ("kind_of_subject", "subject"), [(ACCOUNT, ONE), (DEVICE, fingerprint(OTHER).encode())], ids=["account", "device"]
)
def test_sanctions_are_on_an_account_or_a_device_until_they_end(kind_of_subject: int, subject: bytes) -> None:
    made = SanctionRecord(BAN, "", kind_of_subject, subject, "bob", "alice", "", 0, 100)
    rights = rights_of(made)
    assert not rights.may_join("den", ONE, OTHER, 99) and not rights.may_speak("", ONE, OTHER, 99)
    assert rights.may_join("den", ONE, OTHER, 100) and rights.may_join("den", b"s" * 32, b"s" * 32, 99)
    rights.apply(made.changed(is_lifted=True))
    assert rights.may_join("den", ONE, OTHER, 99)


def test_a_device_that_was_revoked_reads_nothing() -> None:
    rights = rights_of(AccountRecord(ONE, (Device(ONE, 0), Device(OTHER, 1, 2))))
    assert rights.is_revoked(OTHER) and not rights.is_revoked(ONE) and rights.account_of(OTHER) == ONE


def test_a_second_device_that_was_revoked_gets_nothing_more_and_one_with_a_password_is_the_same_person() -> None:
    room = Room()
    world, bob = room.world, room.bob
    bob.do("make_code")
    world.run_until(lambda: bool(bob.of(CodeMade)), limit_s=5)
    (made,) = bob.of(CodeMade)
    assert isinstance(made, CodeMade)
    world.proof = Proof(True, made.code.replace("-", ""))
    stolen = world.add_client("bob", address=Address("stolen", 1), rooms=("den",))
    world.run_until(lambda: stolen.is_in, limit_s=10)
    room.alice.say("for both", "den")
    world.run_until(lambda: stolen.texts("den") == ["for both"], limit_s=5)
    room.act(bob, requests.RevokeDevice(fingerprint(stolen.static.public)))
    room.alice.say("for one", "den")
    world.run_until(lambda: "for one" in bob.texts("den") and stolen.core.is_over, limit_s=10)
    assert stolen.texts("den") == ["for both"]
    room.act(bob, requests.SetPassword("correct horse"))
    world.proof = Proof(False, "correct horse")
    other = world.add_client("bob", address=Address("other", 1), rooms=("den",))
    world.run_until(lambda: other.is_in, limit_s=10)
    room.alice.say("for both again", "den")
    world.run_until(lambda: other.texts("den") == ["for both again"], limit_s=5)
