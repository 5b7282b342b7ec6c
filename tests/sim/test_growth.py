"""Growing without a flag day (SPEC 8): today's client with a later server, and a later client with today's server.

Whoever is later sends fields, frames, kinds of content and capabilities that nobody here knows; nothing is lost by it.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

import msgspec
import pytest

from tests.sim.nodes import ClientNode
from tests.sim.world import World
from udpchat.chat import events
from udpchat.client import link
from udpchat.server import roster, settle
from udpchat.session.session import Session
from udpchat.sync import exactly_once
from udpchat.sync.fragments import split
from udpchat.ui.json_events import json_event
from udpchat.ui.printing import plain_lines
from udpchat.wire import frames
from udpchat.wire.content import Extra, Message
from udpchat.wire.errors import Drop
from udpchat.wire.frames import (
    Ack,
    Enter,
    Follow,
    Heads,
    Introduction,
    Ping,
    Request,
    RequestFragment,
    Result,
    Welcome,
    encode,
)
from udpchat.wire.limits import BODY_BYTES_MAX
from udpchat.wire.requests import Failed, GetHistory, Say, Whois

LATER = 7  # a field that nobody knows
UP = {1, 2, 3, 4, 5, 6, 7}
NESTED = {3: 3, 18: 2}  # tag of a frame -> where it has a body
LISTED = {5: 2, 21: 2}  # tag of a frame -> where it has a list of records


def grown(frame: list[Any]) -> list[Any]:
    """A frame as a later version sends it: with another field at its end, and at the end of each record in it."""
    tag = frame[0]
    if tag in NESTED:
        frame[NESTED[tag]].append(LATER)
        if tag == 18 and frame[2][0] == 7:
            for item in frame[2][1]:
                item.append(LATER)
    for record in frame[LISTED[tag]] if tag in LISTED else []:
        record.append(LATER)
    if tag == 5 and frame[1] is not None:
        frame[1].append(LATER)
    if tag == 16:
        frame[9] = [3, 500]  # capabilities
    return [*frame, LATER]


class Later:
    """Has one side speak a later version, and counts the frames that it sent so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, is_server: bool) -> None:
        self.seen: set[int] = set()
        seal = Session.seal

        def grown_seal(session: Session, body: bytes) -> bytes:
            sent = msgspec.msgpack.decode(body)
            if ({frame[0] for frame in sent} <= UP) == is_server or sent[0][0] == 8:
                return seal(session, body)
            more = encode([[200, "later"], *map(grown, sent), [2**40]])
            if len(more) > BODY_BYTES_MAX:
                return seal(session, body)
            self.seen.update(frame[0] for frame in sent)
            return seal(session, more)

        monkeypatch.setattr(Session, "seal", grown_seal)
        if is_server:
            monkeypatch.setattr(settle, "encode_message", self._message)
            monkeypatch.setattr(roster, "encode", lambda entry: frames.encode([*_fields(entry), LATER]))
        else:
            monkeypatch.setattr(link, "encode_introduction", self.introduction)

    @staticmethod
    def _message(message: Message) -> bytes:
        return encode([*_fields(message), LATER])

    @staticmethod
    def introduction(instance: bytes, capabilities: tuple[int, ...]) -> bytes:
        return encode([*_fields(Introduction(instance, 9, (1, 500))), LATER])


def _fields(record: msgspec.Struct) -> list[Any]:
    return [record.__struct_config__.tag, *msgspec.structs.astuple(record)]


def talk(world: World) -> tuple[ClientNode, ClientNode]:
    """Everything that two people do in an evening, through a network that loses and repeats."""
    alice, bob = world.add_clients(2)
    alice.say("hello")
    bob.tell(alice.nick, "psst")
    alice.say("long " * 1_000)
    bob.do("set_topic", "lobby", "tea")
    alice.do("names", "lobby")
    alice.do("whois", bob.nick)
    world.run(1)
    alice.do("rename", "carol")
    alice.core.ask(world.now, GetHistory("#lobby", None, None, 5))
    world.drain(alice)
    world.settle()
    assert [event.text for event in bob.messages()] == ["hello", ("long " * 1_000).strip("\n")]
    assert [event.text for event in alice.messages(f"@{bob.nick}")] == ["psst"]
    assert alice.core.model.nick == "carol" and alice.of(events.MemberList) and alice.of(events.HistoryFound)
    assert not alice.of(events.Error) and not bob.of(events.Error)
    assert not alice.of(events.Disconnected) and not bob.of(events.Disconnected)
    return alice, bob


def test_todays_client_understands_a_later_server(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(Random(5))  # first: it shows what is sealed as it is sealed
    later = Later(monkeypatch, is_server=True)
    talk(world)
    tags = {shape.__struct_config__.tag for shape in (Welcome, Result, Heads, frames.Entries, frames.Pong)}
    assert tags <= later.seen


def test_todays_server_understands_a_later_client(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(Random(6))
    later = Later(monkeypatch, is_server=False)
    talk(world)
    tags = {shape.__struct_config__.tag for shape in (Enter, Follow, Request, Ack)}
    assert tags <= later.seen
    assert {peer.author.capabilities for peer in world.server.core.chat.registry} == {frozenset((1, 500))}
    assert not world.server.core.counters[Drop.MALFORMED]


def test_capabilities_are_those_of_the_latest_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(Random(7))
    world.wishes = {"capabilities": ()}
    (alice,) = world.add_clients(1)
    (peer,) = world.server.core.chat.registry
    assert peer.author.capabilities == frozenset()
    alice.kill()
    monkeypatch.setattr(link, "encode_introduction", Later.introduction)
    alice.restart()
    world.settle()
    (peer,) = world.server.core.chat.registry
    assert peer.author.capabilities == {1, 500}


@pytest.mark.parametrize("text", ["", "a picture of tea"])
def test_content_of_an_unknown_kind_is_kept_and_shown_as_such_in_its_place(text: str) -> None:
    world = World(Random(8))
    alice, bob = world.add_clients(2)
    alice.say("one")
    world.settle()
    (first,) = bob.messages()
    alice.core.ask(world.now, Say("lobby", 200, text, Extra(bytes.fromhex(first.id), b"\x01\x02")))
    alice.say("three")
    world.settle()
    assert [(event.seq, event.kind, event.text) for event in bob.messages()] == [
        (1, "text", "one"),
        (2, "unknown", text),
        (3, "text", "three"),
    ]
    assert [(event.seq, event.kind) for event in alice.sent()] == [(1, "text"), (2, "unknown"), (3, "text")]
    shown = bob.messages()[1]
    assert json.loads(json.dumps(json_event(shown)))["kind"] == "unknown"
    [(_, line)] = plain_lines(shown)
    said = "sent something that this version cannot show"
    assert line == f"[lobby] -- {alice.nick} {said}" + (f": {text}" if text else "")
    [entry] = world.server.log.read("#lobby", 2, 1)
    message = frames.parse_entry_untrusted(entry)
    assert isinstance(message, Message) and message.extra == Extra(bytes.fromhex(first.id), b"\x01\x02")


def failure_of(world: World, counter: int) -> str:
    """Why the server did not carry out a request of its only peer, as it would answer again."""
    (peer,) = world.server.core.chat.registry
    answer = peer.window.answer_of(counter)
    assert answer is not None
    result = frames.parse_result_untrusted(answer)
    assert isinstance(result, Failed)
    return result.code


@pytest.mark.parametrize("body", [encode([99, "later"]), encode([1, "lobby"]), encode("no array")])
def test_a_request_that_the_server_cannot_read_fails_and_is_asked_no_more(
    monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    world = World(Random(9))
    (alice,) = world.add_clients(1)
    monkeypatch.setattr(exactly_once, "encode_request", lambda *header: frames.encode_request(*header[:2], body))
    alice.core.ask(world.now, Whois("bob"))
    world.drain(alice)
    world.run(1)
    assert [event.code for event in alice.events if isinstance(event, events.Error)] == ["malformed"]
    assert failure_of(world, max(alice.asked)) == "malformed" and alice.core.is_idle
    assert not world.server.core.counters[Drop.MALFORMED]


def test_a_request_in_fragments_that_the_server_cannot_read_fails() -> None:
    world = World(Random(11))
    (alice,) = world.add_clients(1)
    counter = max(alice.asked) + 1
    for index, data in enumerate(parts := split(encode([99, "x" * 1_500]))):
        fragment = RequestFragment(counter, counter, index, len(parts), data)
        alice.inject(encode(fragment))
    world.run(1)
    assert failure_of(world, counter) == "malformed"
    assert not world.server.core.counters[Drop.MALFORMED]


def test_any_other_malformed_frame_drops_its_packet_and_is_counted() -> None:
    world = World(Random(10))
    alice, bob = world.add_clients(2)
    alice.inject(encode([3, 1, 1]), encode(Ping(9)))
    world.run(0.01)
    assert world.server.core.counters[Drop.MALFORMED] == 1
    alice.say("all is well")
    world.settle()
    assert [event.text for event in bob.messages()] == ["all is well"]
