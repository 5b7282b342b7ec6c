"""A room that only the invited may join is not there for others: by no request, frame, error or head.

An outsider is answered, to the byte, as on a server that has no such room. Only who asks to join it or to speak in it,
by exactly its name, is told why not.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

import pytest

from tests.server.rig import Rig
from udpchat.server.frame_handlers import FRAMES, FrameContext
from udpchat.server.registry import Peer
from udpchat.server.request_context import RequestContext
from udpchat.server.request_handlers import HANDLERS, price_of
from udpchat.wire.content import TEXT, Message
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import Ack, Cursor, GetReceipt, Ping, Typing, Up, encode
from udpchat.wire.requests import (
    Failed,
    GetHistory,
    GetTopic,
    Invite,
    Malformed,
    RequestBody,
    Say,
    Search,
    SetModes,
    SetTopic,
    Stored,
)

DEN: Final = "den"
ALICE, MALLORY = b"a" * 32, b"m" * 32
SAID: Final = frozenset({Say})  # who speaks in a room by its name is told, as who joins it
VALUES: Final[dict[str, tuple[Any, ...]]] = {  # of each field of a request: what an outsider could try
    "room": (DEN, "Den", "d"),
    "log": ("#den", "%den", "#Den"),
    "nick": ("alice",),
    "after": ("", "a", "dem", "den"),
    "words": ("secret", "word"),
    "before": (None, 3),
    "before_ms": (None,),
    "count": (10,),
    "since_ms": (0,),
    "generation": (1,),
    "sequence": (1,),
    "id": (b"i" * 8,),
    "kind": (0,),
    "text": ("hi",),
    "extra": (None,),
    "topic": ("tea",),
    "reason": ("because",),
    "password": ("",),
    "digest": (b"d" * 16,),
    "purpose": (0, 2),
    "fingerprint": ("abcdefgh",),
    "is_for_contacts": (False,),
    "role": (2,),
    "is_moderated": (True,),
    "is_invite_only": (False,),
    "is_topic_locked": (None,),
    "slow_s": (None,),
    "kept_s": (None,),
    "subject": ("alice", "#" + "a" * 32),
    "for_s": (0,),
    "skip": (0,),
    "erases": (False,),
    "errand": (0,),
}


def world(*, has_den: bool) -> tuple[Rig, Peer]:
    """A server with Alice, and maybe with her room; and Mallory, who was never in it."""
    rig = Rig()
    alice = rig.device("alice", "lobby", key=ALICE, instance=b"a" * 16)
    mallory = rig.device("mallory", "lobby", key=MALLORY, instance=b"m" * 16)
    if has_den:
        rig.follow(alice, "#den")
    in_den = (Say(DEN, TEXT, "a secret word"), SetTopic(DEN, "secret tea"), SetModes(DEN, is_invite_only=True))
    for request in (*(in_den if has_den else [GetTopic("lobby")] * len(in_den)), Say("lobby", TEXT, "an open word")):
        rig.ask(alice, request)
        rig.write()
    rig.settle()
    return rig, mallory


def all_about_it() -> Iterator[RequestBody]:
    """Every request that there is, with all that an outsider could try: one that is added later is tried too."""
    for kind in HANDLERS:
        if kind in SAID or kind is Malformed:
            continue
        missing = [name for name in kind.__struct_fields__ if name not in VALUES]
        assert not missing, f"{kind.__name__}: what could an outsider write as {missing}?"
        for values in product(*(VALUES[name] for name in kind.__struct_fields__)):
            yield kind(*values)


def done(rig: Rig, peer: Peer, request: RequestBody) -> bytes:
    """The whole answer, as it is sent."""
    counter = rig.ask(peer, request)
    rig.write()
    return encode(rig.result(peer, counter))


@pytest.mark.parametrize("kind", [kind for kind in HANDLERS if kind not in SAID], ids=lambda kind: kind.__name__)
def test_an_outsider_is_answered_as_if_there_were_no_such_room(kind: type[RequestBody]) -> None:
    for request in (each for each in all_about_it() if type(each) is kind):
        found, without = (done(*world(has_den=has_den), request) for has_den in (True, False))
        assert found == without and b"secret" not in found, request


def test_what_a_request_costs_does_not_tell_of_it() -> None:
    for request in all_about_it():
        prices = []
        for has_den in (True, False):
            rig, mallory = world(has_den=has_den)
            prices.append(price_of(RequestContext(rig.now, rig.chat, mallory), request))
        assert prices[0] == prices[1], request


@pytest.mark.parametrize(
    "frame",
    [
        Typing("#den"),
        GetReceipt("#den", 1),
        Ack(None, [Cursor("#den", 1, 0, []), Cursor("%den", 1, 0, [])]),
        Ping(1),
    ],
    ids=lambda frame: type(frame).__name__,
)
def test_no_frame_is_answered_otherwise_than_if_there_were_no_such_room(frame: Up) -> None:
    answers = []
    for has_den in (True, False):
        rig, peer = world(has_den=has_den)
        peer.downlink.queue.drain()
        context = FrameContext(rig.now, rig.chat, peer, peer.session, peer.session.path.address, 100)
        try:
            FRAMES[type(frame)](context, frame)
        except BadDatagram as drop:
            answers.append(drop.reason)
        else:
            answers.append([packet.body for packet in peer.downlink.queue.drain()])
    assert answers[0] == answers[1]


def test_who_asks_to_join_it_or_to_speak_in_it_by_its_name_is_told_why_not() -> None:
    rig, mallory = world(has_den=True)
    counter = rig.ask(mallory, Say(DEN, TEXT, "hi"))
    assert rig.result(mallory, counter) == Failed("not_allowed.invite_only")
    rig.follow(mallory, "#den")
    rig.settle()
    assert not mallory.rooms - {"lobby"}


def test_who_is_invited_sees_all_of_it() -> None:
    rig, mallory = world(has_den=True)
    alice = rig.chat.registry.entered(ALICE)[0]
    rig.ask(alice, Invite(DEN, "mallory"))
    rig.write()
    assert [item.log for item in rig.found(mallory, Search("secret", None, None, 0))] == ["#den"]
    assert [item.sequence for item in rig.found(mallory, GetHistory("#den", None, None, 5))] == [1]
    rig.follow(mallory, "#den")
    rig.settle()
    assert DEN in mallory.rooms
    counter = rig.ask(mallory, Say(DEN, TEXT, "thanks"))
    rig.write()
    assert isinstance(rig.result(mallory, counter), Stored)


def test_hidden_messages_take_no_place_among_what_a_search_finds() -> None:
    rig, mallory = world(has_den=True)
    alice = rig.chat.registry.entered(ALICE)[0]
    for number in range(250):
        rig.now += 0.1
        rig.ask(alice, Say(DEN, TEXT, f"a hidden word {number}"))
        rig.write()
    assert len(rig.texts("#den")) > 250
    found = rig.found(mallory, Search("word", None, None, 0))
    entry = rig.entry("#lobby", found[0].sequence)
    assert [item.log for item in found] == ["#lobby"] and isinstance(entry, Message)
