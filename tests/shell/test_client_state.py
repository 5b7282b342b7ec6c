from __future__ import annotations

import pytest

from tests.client.pair import Wire
from udpchat.chat import events
from udpchat.shell import client_state as module
from udpchat.shell.client_state import recognize_conversations, remembered


def test_the_last_messages_of_each_room_are_there_at_once() -> None:
    wire = Wire()
    alice, bob = wire.person("alice", "lobby", "dev"), wire.person("bob")
    for text in ("one", "two", "three"):
        bob.core.say(wire.now, "lobby", text)
    bob.core.tell(wire.now, "alice", "psst")
    wire.settle()
    saved = remembered(alice.store, ["dev", "lobby"], 2)
    assert saved.replicas == alice.store.load().replicas
    assert {log: [sequence for sequence, _ in items] for log, items in saved.recent.items()} == {
        "#lobby": [2, 3], "#dev": []
    }  # fmt: skip
    assert remembered(alice.store, ["lobby"], 0).recent == {}


def test_of_no_rooms_those_of_the_run_before_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire()
    alice = wire.person("alice", "attic", "zoo")
    alice.core.part(wire.now, "attic")
    wire.settle()
    monkeypatch.setattr(module, "ROOMS_PER_PEER_MAX", 1)
    assert list(remembered(alice.store, [], 2).recent) == ["#zoo"]
    assert list(remembered(alice.store, ["attic"], 2).recent) == ["#attic"]


def test_whom_a_conversation_is_with_is_known_before_anybody_says_anything() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    for teller, nick in ((alice, "bob"), (bob, "alice")):
        teller.core.tell(wire.now, nick, "psst")
    wire.settle()
    for person, other in ((alice, "@bob"), (bob, "@alice")):
        wire.leave(person)
        wire.is_cut = True
        wire.start(person)
        assert person.core.log_of(other) is None
        recognize_conversations(person.core, person.store)
        assert person.core.log_of(other) in person.store.logs()
        assert person.of(events.MessageReceived) == []
        wire.is_cut = False
