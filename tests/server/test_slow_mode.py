"""Slow mode: how long somebody waits between two messages, and how much is remembered."""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from tests.server.test_request_handlers import done
from udpchat.chat.permissions import Role
from udpchat.server import slow_mode
from udpchat.server.slow_mode import SlowMode
from udpchat.wire.content import EDIT, REACTION, Extra, Message
from udpchat.wire.requests import Failed, Say, SetModes, SetRole, Stored

ONE, OTHER = b"1" * 32, b"2" * 32


def test_who_said_something_waits_so_long_and_others_do_not() -> None:
    slow = SlowMode()
    assert slow.wait_s(10.0, "den", ONE, 30, (b"c", 1)) == 0
    assert slow.wait_s(10.5, "den", ONE, 30, (b"c", 2)) == 30 and slow.wait_s(39.9, "den", ONE, 30, (b"c", 3)) == 1
    assert slow.wait_s(10.5, "den", OTHER, 30, (b"d", 1)) == 0 == slow.wait_s(10.5, "attic", ONE, 30, (b"c", 4))
    assert slow.wait_s(40.0, "den", ONE, 30, (b"c", 5)) == 0


def test_a_message_that_could_not_be_written_is_not_slowed_down_by_itself() -> None:
    slow = SlowMode()
    assert slow.wait_s(10.0, "den", ONE, 30, (b"c", 1)) == 0 == slow.wait_s(11.0, "den", ONE, 30, (b"c", 1))


def test_so_many_are_remembered_and_of_more_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_mode, "SLOWED_MAX", 2)
    slow = SlowMode()
    for number, room in enumerate(("a", "b", "c")):
        assert slow.wait_s(10.0, room, ONE, 30, (b"c", number)) == 0
    assert slow.wait_s(11.0, "a", ONE, 30, (b"c", 9)) == 0 and slow.wait_s(11.0, "c", ONE, 30, (b"c", 10)) == 29


def test_in_a_slow_room_the_next_message_is_refused_with_the_seconds_to_wait() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    done(rig, alice, SetModes("den", slow_s=30))
    assert isinstance(done(rig, bob, Say("den", 0, "one")), Stored)
    assert done(rig, bob, Say("den", 0, "two")) == Failed("too_fast.wait", ("30",))
    rig.now += 29.5
    assert done(rig, bob, Say("den", 0, "two")) == Failed("too_fast.wait", ("1",))
    rig.now += 0.5
    assert isinstance(done(rig, bob, Say("den", 0, "two")), Stored)
    for number in range(3):
        assert isinstance(done(rig, alice, Say("den", 0, f"{number}")), Stored), "who runs the room may hurry"
    done(rig, alice, SetRole("den", "bob", Role.VOICE))
    assert isinstance(done(rig, bob, Say("den", 0, "three")), Stored)


def test_reactions_and_edits_are_not_slowed_down() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    done(rig, alice, SetModes("den", slow_s=30))
    done(rig, bob, Say("den", 0, "one"))
    message = rig.entry("#den", 1)
    assert isinstance(message, Message)
    for kind, text in ((EDIT, "won"), (REACTION, "\u2665"), (EDIT, "one")):
        assert isinstance(done(rig, bob, Say("den", kind, text, Extra(message.id, b"", 1))), Stored)


def test_a_slow_message_is_said_when_it_can_be_written() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    done(rig, alice, SetModes("den", slow_s=30))
    counter = rig.ask(bob, Say("den", 0, "one"))
    rig.refuse()
    rig.ask(bob, Say("den", 0, "one"), counter=counter)
    rig.write()
    assert isinstance(rig.result(bob, counter), Stored)
