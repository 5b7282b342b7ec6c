"""A data folder that is older than what the server has of it: restored from a copy, or a copy in use."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.client.pair import Person, Wire
from tests.storage.memory import MemoryClientStore
from udpchat.chat import events
from udpchat.chat.phrase import Phrase
from udpchat.client.own_requests import Requests, RequestSource
from udpchat.client.profile import Profile
from udpchat.client.stored import Label, RequestRenumbered
from udpchat.client.timeline import Timeline
from udpchat.session.noise import KeyPair
from udpchat.sync.uplink import Uplink
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import Result, encode, encode_request
from udpchat.wire.limits import COUNTER_TAKEN_MAX, EXPIRY_S, SEQUENCE_MAX
from udpchat.wire.requests import Say, Stored

HELLO = Say("lobby", 0, "hello")
LABEL = Label("script", 1)
FIVE = ["a", "b", "c", "d", "e"]
SIX = ["1", "2", "3", "4", "5", "6"]


def codes(person: Person) -> list[str]:
    return [event.key for event in person.events if isinstance(event, Phrase)]


def reported(person: Person) -> list[str]:
    """The lines that this run has reported as not said."""
    return [error.values.get("message") or error.said for error in person.of(events.Error)]


def say(wire: Wire, person: Person, *texts: str) -> None:
    for text in texts:
        person.core.say(wire.now, "lobby", text)


def restored(wire: Wire) -> Person:
    """Fay, whose store is as it was before she said FIVE."""
    fay = wire.person("fay")
    say(wire, fay, "one")
    wire.settle()
    wire.leave(fay)
    copy = deepcopy(fay.store)
    wire.start(fay)
    say(wire, fay, *FIVE)
    wire.settle()
    wire.leave(fay)
    fay.store = copy
    return fay


@pytest.mark.parametrize("away_s", [0.0, 3 * EXPIRY_S])
def test_what_is_said_after_the_folder_was_restored_from_a_copy_is_said(away_s: float) -> None:
    """As found: the server answered each line as one that was said after the copy was made, and it was lost."""
    wire = Wire()
    bob = wire.person("bob")
    fay = restored(wire)
    wire.settle(away_s)
    wire.start(fay)
    say(wire, fay, *SIX)
    wire.settle()
    assert bob.texts() == ["one", *FIVE, *SIX]
    assert [sent.text for sent in fay.of(events.MessageSent)] == SIX and not fay.core.model.sending
    assert codes(fay).count("older_copy") == 1 and not fay.of(events.Error)
    wire.leave(fay)
    wire.start(fay)
    say(wire, fay, "later")
    wire.settle()
    assert bob.texts()[-1] == "later" and "older_copy" not in codes(fay)


@pytest.mark.parametrize("count", [1, 6, 12, 100])
def test_what_was_said_before_the_server_answered_is_said_too(count: int) -> None:
    """More lines than were said since the copy was made, and fewer; before they are on the disk, and after."""
    wire = Wire()
    bob = wire.person("bob")
    fay = restored(wire)
    wire.is_cut = True
    wire.start(fay)
    texts = [f"line {number}" for number in range(count)]
    say(wire, fay, *texts)
    wire.settle()
    ids = [said.id for said in fay.core.model.sending]
    wire.is_cut = False
    wire.settle(10.0)
    assert bob.texts() == ["one", *FIVE, *texts]
    assert [sent.text for sent in fay.of(events.MessageSent)] == texts
    assert not {sent.id for sent in fay.of(events.MessageSent)} & {identity.hex() for identity in ids}
    assert fay.store.unanswered() == [] and not fay.core.model.sending


def labelled() -> tuple[Requests, MemoryClientStore]:
    """A labelled line of a run that has not met the server, and whose write has no outcome yet."""
    store = MemoryClientStore()
    state = store.load()
    profile = Profile(KeyPair(bytes(32)), "fay", (), "server", lambda key: None)
    client = Requests(state, Timeline(Uplink(bytes), profile=profile, saved=state))
    with client.on_behalf_of(RequestSource(1, LABEL)):
        client.ask(HELLO)
    return client, store


def test_a_line_of_a_script_keeps_its_label_under_its_new_counter() -> None:
    client, store = labelled()
    (added,) = client.drain_writes()
    assert client.on_latest(7) == [events.notice("older_copy")] and client.on_latest(7) == []
    (renumbered,) = client.drain_writes()
    assert renumbered == RequestRenumbered(1, 8)
    store.write([added])
    client.persisted(1.0, 1)
    assert client.outbox.drain_frames(1.0) == []
    store.write([renumbered])
    client.persisted(1.0, 1)
    assert client.outbox.drain_frames(1.0) == [encode_request(8, 8, encode(HELLO))]
    saved = store.load("script")
    assert saved.unanswered == ((8, encode(HELLO)),) and saved.labelled == {8} and saved.labels[1].counter == 8
    client.on_result(2.0, Result(8, Stored("#lobby", 3)))
    store.write(client.drain_writes())
    assert store.load("script").labels[1].result and store.unanswered() == []


def test_a_line_of_a_script_that_could_not_be_written_is_not_sent_under_its_new_counter() -> None:
    client, _ = labelled()
    client.drain_writes()
    client.on_latest(7)
    assert [event.key for event in client.rejected(1.0, "full") if isinstance(event, events.Error)] == [
        "unwritable_here.line"
    ]
    client.drain_writes()
    client.persisted(1.0, 1)
    assert client.outbox.drain_frames(1.0) == [] and client.is_idle


@pytest.mark.parametrize("latest", [COUNTER_TAKEN_MAX + 1, SEQUENCE_MAX])
def test_no_server_can_use_up_the_counters_of_a_client(latest: int) -> None:
    client, _ = labelled()
    with pytest.raises(BadDatagram):
        client.on_latest(latest)
    client.on_latest(COUNTER_TAKEN_MAX)
    assert client.outbox.unanswered() == [(COUNTER_TAKEN_MAX + 1, encode(HELLO))]


def test_an_honest_client_whose_last_results_were_lost_goes_on_as_before() -> None:
    wire = Wire()
    bob, fay = wire.person("bob"), wire.person("fay")
    fay.is_cut = True
    say(wire, fay, "one", "two")
    wire.settle()
    fay.is_cut = False
    wire.start(fay)  # the process before was killed
    say(wire, fay, "three")
    wire.settle(5.0)
    assert bob.texts() == ["one", "two", "three"] and "older_copy" not in codes(fay)


def test_a_line_whose_id_a_copy_has_used_is_reported_and_can_be_said_again() -> None:
    """A run that never reached the server left it: from the store alone it cannot be told from one that was sent."""
    wire = Wire()
    bob = wire.person("bob")
    fay = restored(wire)
    wire.is_cut = True
    wire.start(fay)
    say(wire, fay, *SIX)
    wire.settle()
    wire.is_cut = False
    wire.start(fay)
    wire.settle(5.0)
    lost = reported(fay)
    # Those that were refused: topic and modes of the room were asked for.
    assert codes(fay).count("id_taken") == 4 and codes(fay).count("refused") == 2
    assert {*bob.texts(), *lost} == {"one", *FIVE, *SIX} and not fay.core.model.sending


def test_a_line_that_the_copy_had_not_confirmed_and_that_the_server_has_forgotten_holds_up_nothing() -> None:
    """As found: it was repeated for ever, and nothing that was said later was sent."""
    wire = Wire()
    bob, fay = wire.person("bob"), wire.person("fay")
    wire.is_cut = True
    say(wire, fay, "left")
    wire.settle()
    copy = deepcopy(fay.store)
    wire.is_cut = False
    wire.start(fay)
    say(wire, fay, *FIVE)
    wire.settle()
    wire.leave(fay)
    fay.store = copy
    wire.start(fay)
    say(wire, fay, *SIX)
    wire.settle()
    assert bob.texts() == ["left", *FIVE, *SIX]
    assert codes(fay).count("answer_forgotten") == 1 and reported(fay) == ["left"]
    assert not fay.core.model.sending and fay.store.unanswered() == []


def test_two_processes_with_copies_of_one_folder_lose_no_line_silently() -> None:
    wire = Wire()
    bob = wire.person("bob")
    fay = wire.person("fay")
    wire.leave(fay)
    twin = Person("fay", fay.address._replace(host="10.0.1.9"), wire.random)
    twin.static, twin.store = fay.static, deepcopy(fay.store)
    wire.start(fay)
    wire.people.append(twin)
    wire.start(twin)
    said = []
    for number in range(12):
        for person in (fay, twin):
            said.append(f"{number} of {person.address.host}")
            say(wire, person, said[-1])
            wire.settle(0.3)
    wire.settle(60.0)
    lost = reported(fay) + reported(twin)
    assert sorted([*bob.texts(), *lost]) == sorted(said) and bob.texts()
    assert "older_copy" in codes(fay) and "older_copy" in codes(twin)
