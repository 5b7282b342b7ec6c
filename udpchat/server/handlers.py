"""What each request does (SPEC 4.3), as a table: its handler, and whether it waits for what was asked before it.

A handler answers at once, or asks the hub for an append and answers when that is durable. The checks that all share, an
entered peer and the order of requests, are made once, where the table is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from udpchat.chat.ids import DIRECTORY_LOG, message_id, room_log
from udpchat.chat.names import BadName, parse_nick, parse_room, skeleton
from udpchat.chat.text import clean_text, fits
from udpchat.server.registry import Peer
from udpchat.server.rooms import Hub
from udpchat.session.noise import fingerprint
from udpchat.sync.fragments import split
from udpchat.wire.bodies import (
    ABSENT,
    AWAY,
    HERE,
    Done,
    EntryList,
    Failed,
    GetHistory,
    GetTopic,
    ListMembers,
    ListRooms,
    LogEntry,
    Message,
    Page,
    Part,
    Person,
    Reason,
    Rename,
    RequestBody,
    ResultBody,
    Say,
    Search,
    SetAway,
    SetTopic,
    Stored,
    Tell,
    TopicRecord,
    TopicSet,
    Whois,
)
from udpchat.wire.frames import ResultFragment, encode, encode_result
from udpchat.wire.limits import AWAY_BYTES_MAX, PAST_BYTES_MAX, TEXT_BYTES_MAX, TOPIC_BYTES_MAX

PAGE_BYTES_MAX = 900
RESULT_BYTES_MAX = 1_100


@dataclass(frozen=True, slots=True)
class Asking:
    """A request in the hands of its handler: who asks, under which counter, when."""

    now: float
    hub: Hub
    peer: Peer
    counter: int

    def answer(self, body: ResultBody) -> None:
        """The result, sent now and repeated whenever the request is."""
        encoded = encode(body)
        self.peer.window.answer(self.counter, encoded)
        send_result(self.peer, self.counter, encoded)

    def fail(self, code: str, text: str) -> None:
        """It will never be carried out, for this reason."""
        self.answer(Failed(code, text[:200]))


def send_result(peer: Peer, counter: int, body: bytes) -> None:
    """A result, in parts if it does not fit a datagram."""
    if len(body) <= RESULT_BYTES_MAX:
        return peer.downlink.send(encode_result(counter, body))
    parts = split(body)
    for index, data in enumerate(parts):
        peer.downlink.send(encode(ResultFragment(counter, index, len(parts), data)))


def _say(asking: Asking, request: Say) -> None:
    try:
        room = parse_room(request.room)
    except BadName as error:
        return asking.fail("bad_room", error.reason)
    if asking.hub.open_room(room) is None:
        return asking.fail("too_many_rooms", "this server has as many rooms as it can hold")
    _append_message(asking, room_log(room), request.text, request.kind)


def _append_message(
    asking: Asking, log: str, text: str, kind: int, *, to: str = "", presence: int = HERE, away: str = ""
) -> None:
    hub, peer, counter = asking.hub, asking.peer, asking.counter
    cleaned = clean_text(text)
    if cleaned is None:
        return asking.fail("empty", "there is nothing in this message")
    if not fits(cleaned, TEXT_BYTES_MAX):
        return asking.fail("too_long", f"a message has at most {TEXT_BYTES_MAX} bytes")
    peer.said_at = asking.now
    time_ms = int((asking.now + hub.wall_offset_s) * 1000)
    identity = message_id(peer.instance, counter)
    entry = encode(Message(time_ms, peer.user, peer.nick, identity, kind, cleaned, to))

    def confirm(now: float, sequence: int) -> None:
        asking.answer(Stored(log, sequence, presence, away))

    hub.append(peer, log, entry, counter=counter, on_durable=confirm)


def _tell(asking: Asking, request: Tell) -> None:
    hub, peer = asking.hub, asking.peer
    owner = hub.registry.owner(request.nick)
    if owner is None:
        return asking.fail("no_such_nick", f"nobody here has ever been called {request.nick}")
    nick, key = owner
    stream = hub.open_conversation(peer, key)
    if stream is None:
        return asking.fail("too_many_conversations", "one of you has as many conversations as can be held")
    hub.follow_conversation(asking.now, stream.log, peer.key)
    hub.follow_conversation(asking.now, stream.log, key)
    presence, away = _presence_of(hub.registry.entered(key))
    _append_message(asking, stream.log, request.text, request.kind, to=nick, presence=presence, away=away)


def _part(asking: Asking, request: Part) -> None:
    room = asking.hub.rooms.get(request.room)
    if room is not None:
        asking.hub.part(asking.now, asking.peer, room, Reason.PARTED)
    asking.peer.parted_at = asking.peer.session.largest_received
    asking.answer(Done())


def _rename(asking: Asking, request: Rename) -> None:
    hub, peer, registry = asking.hub, asking.peer, asking.hub.registry
    try:
        nick = parse_nick(request.nick)
    except BadName as error:
        return asking.fail("bad_nick", error.reason)
    owner = registry.owner(nick)
    if owner is not None and owner[1] != peer.key:
        return asking.fail("nick_taken", taken(nick, owner[0]))
    if owner is None and not registry.may_claim(nick, peer.key):
        return asking.fail("too_many_nicks", "you hold as many nicks as one person may")

    def be_known(now: float) -> None:
        hub.rename(now, peer, nick)
        asking.answer(Done())

    if owner is not None and not hub.is_claiming(owner[0]):
        return be_known(asking.now)
    hub.claim(peer, nick, be_known, counter=asking.counter)


def taken(nick: str, held: str) -> str:
    """Why a nick cannot be had, for people."""
    alike = "" if nick == held else f" (it looks like {held})"
    return f"the nick {nick} is held by another key{alike}; choose another, or use the data folder that holds its key"


def _set_topic(asking: Asking, request: SetTopic) -> None:
    hub, peer = asking.hub, asking.peer
    if request.room not in hub.rooms:
        return asking.fail("no_such_room", f"there is no room {request.room}")
    if request.room not in peer.rooms:
        return asking.fail("not_in_room", f"you are not in {request.room}")
    if not fits(request.topic, TOPIC_BYTES_MAX):
        return asking.fail("too_long", f"a topic has at most {TOPIC_BYTES_MAX} bytes")
    topic, nick = request.topic, peer.nick

    def announce(now: float, sequence: int) -> None:
        hub.set_topic(now, request.room, topic, nick)
        asking.answer(Done())

    record = encode(TopicRecord(request.room, topic, nick))
    hub.append(peer, DIRECTORY_LOG, record, counter=asking.counter, on_durable=announce)


def _topic_of(asking: Asking, request: GetTopic) -> None:
    asking.answer(TopicSet(*asking.hub.topic(request.room)))


def _set_away(asking: Asking, request: SetAway) -> None:
    if not fits(request.reason, AWAY_BYTES_MAX):
        return asking.fail("too_long", f"a reason has at most {AWAY_BYTES_MAX} bytes")
    asking.peer.away = request.reason
    asking.answer(Done())


def _whois(asking: Asking, request: Whois) -> None:
    owner = asking.hub.registry.owner(request.nick)
    if owner is None:
        return asking.fail("no_such_nick", f"nobody here has ever been called {request.nick}")
    nick, key = owner
    present = [peer for peer in asking.hub.registry.entered(key) if skeleton(peer.nick) == skeleton(nick)]
    rooms = sorted({room for peer in present for room in peer.rooms})
    idle_s = min((int(asking.now - peer.said_at) for peer in present), default=0)
    presence, away = _presence_of(present)
    page, _ = _page(rooms, after="")
    asking.answer(Person(nick, fingerprint(key), presence, idle_s, away, page))


def _presence_of(present: list[Peer]) -> tuple[int, str]:
    """(presence, reason if away) of the person with these devices: not away while one of them is attended."""
    if not present:
        return ABSENT, ""
    return (AWAY, present[0].away) if all(peer.away for peer in present) else (HERE, "")


def _names(asking: Asking, request: ListMembers) -> None:
    room = asking.hub.rooms.get(request.room)
    members = sorted(room.roster.members) if room else []
    asking.answer(Page(*_page(members, request.after)))


def _rooms(asking: Asking, request: ListRooms) -> None:
    asking.answer(Page(*_page(asking.hub.known_rooms(), request.after)))


def _past(asking: Asking, request: GetHistory) -> None:
    if not asking.hub.may_read(asking.peer, request.log):
        return asking.fail("not_allowed", "you cannot read that")
    past = asking.hub.past(
        request.log, before=request.before, before_ms=request.before_ms, count=request.count
    )
    asking.answer(EntryList(_fitting(past)))


def _search(asking: Asking, request: Search) -> None:
    asking.answer(EntryList(_fitting(asking.hub.search(asking.peer, request))))


def _fitting(items: list[LogEntry]) -> list[LogEntry]:
    """The latest of these that fit one answer."""
    size, count = 0, 0
    for item in reversed(items):
        size += len(item.entry) + len(item.log) + 16
        if size > PAST_BYTES_MAX and count:
            break
        count += 1
    return items[len(items) - count :]


def _page(items: list[str], after: str) -> tuple[list[str], bool]:
    """As many of the sorted items behind `after` as fit a datagram, and whether there are more."""
    rest = [item for item in items if item > after]
    size, count = 0, 0
    for item in rest:
        size += len(item.encode()) + 3
        if size > PAGE_BYTES_MAX:
            break
        count += 1
    return rest[:count], count < len(rest)


@dataclass(frozen=True, slots=True)
class Handler:
    """How a request is carried out; one that `is_appending` need not wait for the appends asked before it.

    One that `is_query` changes nothing, and is answered out of turn while what is before it cannot be written.
    """

    handle: Callable[[Asking, Any], None]
    is_appending: bool = False
    is_query: bool = False


HANDLERS: dict[type[RequestBody], Handler] = {
    Say: Handler(_say, is_appending=True),
    Tell: Handler(_tell, is_appending=True),
    Part: Handler(_part),
    Rename: Handler(_rename),
    SetTopic: Handler(_set_topic),
    GetTopic: Handler(_topic_of, is_query=True),
    SetAway: Handler(_set_away),
    Whois: Handler(_whois, is_query=True),
    ListMembers: Handler(_names, is_query=True),
    ListRooms: Handler(_rooms, is_query=True),
    GetHistory: Handler(_past, is_query=True),
    Search: Handler(_search, is_query=True),
}
