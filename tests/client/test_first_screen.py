"""What a client shows when it comes back: first what it has, then what is new, without a hole and without a double."""

from __future__ import annotations

import pytest

from tests.client.pair import Person, Wire
from udpchat.chat import events
from udpchat.chat.ids import message_id
from udpchat.client.stored import RequestAdded
from udpchat.wire.frames import encode
from udpchat.wire.requests import Say


@pytest.fixture
def wire() -> Wire:
    return Wire()


def say(wire: Wire, person: Person, *texts: str) -> None:
    for text in texts:
        person.core.say(wire.now, "lobby", text)
    wire.settle()


def shown(person: Person) -> list[tuple[int, str]]:
    return [(message.seq, message.text) for message in person.of(events.MessageReceived)]


def test_it_begins_with_what_is_here_and_goes_on_with_what_is_new(wire: Wire) -> None:
    alice, bob = wire.person("alice"), wire.person("bob")
    say(wire, bob, "one", "two", "three")
    wire.leave(alice)
    say(wire, bob, "four")
    wire.start(alice, history=2, is_recent=True)
    say(wire, bob, "five")
    assert shown(alice) == [(2, "two"), (3, "three"), (4, "four"), (5, "five")]
    assert [message.history for message in alice.of(events.MessageReceived)] == [True, True, True, False]
    (notice,) = [event for event in alice.of(events.Notice) if event.code == "new"]
    assert notice == events.notice("new", count=1, log="lobby")
    order = [event for event in alice.events if event == notice or isinstance(event, events.MessageReceived)]
    assert order.index(notice) == 2
    assert isinstance(alice.events[0], events.Connected)


def test_if_too_little_is_here_the_server_is_read_from_further_back(wire: Wire) -> None:
    bob = wire.person("bob")
    say(wire, bob, "one", "two", "three")
    alice = wire.person("alice")
    say(wire, bob, "four")
    wire.leave(alice)
    say(wire, bob, "five")
    wire.start(alice, history=3, is_recent=True)
    assert shown(alice) == [(3, "three"), (4, "four"), (5, "five")]
    assert alice.store.extent("#lobby").base == 2
    wire.leave(alice)
    wire.start(alice, history=3, is_recent=True)
    assert shown(alice) == [(3, "three"), (4, "four"), (5, "five")]


def test_nothing_that_came_meanwhile_is_left_out_however_little_of_the_past_is_wanted(wire: Wire) -> None:
    bob = wire.person("bob")
    say(wire, bob, "one")
    alice = wire.person("alice")
    wire.leave(alice)
    say(wire, bob, "two", "three", "four")
    wire.start(alice, history=1, is_recent=True)
    assert shown(alice) == [(2, "two"), (3, "three"), (4, "four")]


def test_what_the_server_no_longer_keeps_is_still_here(wire: Wire) -> None:
    alice, bob = wire.person("alice"), wire.person("bob")
    say(wire, bob, "one", "two", "three")
    wire.leave(alice)
    wire.leave(bob)
    wire.log.prune("#lobby", 2)
    wire.settle(60)
    wire.start(alice, history=10, is_recent=True)
    assert shown(alice) == [(1, "one"), (2, "two"), (3, "three")]


def test_of_a_log_that_is_another_now_nothing_is_shown_from_here(wire: Wire) -> None:
    alice, bob = wire.person("alice"), wire.person("bob")
    say(wire, bob, "one", "two")
    wire.leave(alice)
    fresh = Wire(seed=4)
    fresh.people.append(alice)
    other = fresh.person("bob")
    say(fresh, other, "anew")
    fresh.start(alice, history=10, is_recent=True)
    assert shown(alice) == [(1, "anew")]
    assert "generation" in [event.code for event in alice.of(events.Notice)]


def test_what_was_said_before_a_kill_is_confirmed_in_its_place_and_shown_only_so(wire: Wire) -> None:
    alice, bob = wire.person("alice"), wire.person("bob")
    say(wire, bob, "one")
    say(wire, alice, "mine")
    say(wire, bob, "three")
    (sent,) = alice.of(events.MessageSent)
    wire.leave(alice)
    instance = alice.store.load().instance
    counter = next(number for number in range(1, 99) if message_id(instance, number).hex() == sent.id)
    alice.store.write(
        [RequestAdded(counter, encode(Say("lobby", 0, "mine")))]
    )  # as if the answer had not been written down
    wire.start(alice, history=9, is_recent=True)
    told = [event for event in alice.events if isinstance(event, events.MessageReceived | events.MessageSent)]
    assert [(type(event), event.seq) for event in told] == [
        (events.MessageReceived, 1), (events.MessageSent, 2), (events.MessageReceived, 3)
    ]  # fmt: skip
    assert alice.core.model.sending == []
