"""What a hostile member can send: a table of kinds, each with how its next datagram is made.

Another kind is one more line of the table. Its datagrams are well formed unless it says otherwise: nothing here breaks
a rule that the server could end a session for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from measure import attack_amendments as amendments
from measure.attack_member import AGENT, Member, filled, full
from udpchat.sync.fragments import split
from udpchat.wire import frames, packets, requests
from udpchat.wire.frames import encode, encode_request, pack
from udpchat.wire.limits import (
    ACK_RANGES_MAX,
    DATAGRAM_BYTES_MAX,
    FINISHES_MAX,
    FRAMES_MAX,
    PROBE_ID_BYTES,
    PROTOCOL_VERSION,
    REQUESTS_IN_FLIGHT_MAX,
    TEXT_BYTES_MAX,
    TOPIC_BYTES_MAX,
)
from udpchat.wire.packets import DATA_HEADER, NO_COOKIE, Data

LOBBY = "lobby"
LOBBY_LOG = "#" + LOBBY
MARKET = "market"  # another room with a long talk, where nobody honest is
LOBBY_MEMBERS_MAX = 100  # who are in the lobby: each line costs as much as there are, honest or not
OLD_NICKS = 2_000  # claimed long ago, whom anybody can tell something
SEARCHED = ("alder birch cedar clover elm fern fir hazel holly ivy larch maple oak pine poplar willow").split()
"""Of each four of these, a message of a long talk has three: a search for all reads all messages and finds none."""

Datagram = Callable[[Member, float], bytes | None]


class Place(Enum):
    """Where the members are that send this."""

    NOWHERE = "in no room"
    OWN = "each in a room of its own"
    LOBBY = "in the lobby with everybody else, and from a number on in the market"
    OUTSIDE = "without a session"
    ELSEWHERE = "beside the server: nobody reads what they send"


OUTSIDE = (Place.OUTSIDE, Place.ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Kind:
    """`what` is sent. `listens`: it needs answers to go on.

    `wanders`: each datagram leaves from the next of the adversary's sockets, whoever it is of.
    """

    what: str
    datagram: Datagram
    place: Place = Place.NOWHERE
    listens: bool = True
    wanders: bool = False


def old_nick(number: int) -> str:
    """The nick of somebody who was here once."""
    return f"old{number}"


def rooms_of(place: Place, number: int, nick: str) -> tuple[str, ...]:
    """The rooms where the member with this number and nick is."""
    match place:
        case Place.OWN:
            return (f"own-{nick}",)
        case Place.LOBBY:
            return (LOBBY if number < LOBBY_MEMBERS_MAX else MARKET,)
        case _:
            return ()


def _log_of(member: Member) -> str:
    """The log of the one room where a member is."""
    return "#" + member.rooms[0]


def _head_of(member: Member) -> frames.Head:
    """How far that log reached when it was last told."""
    return member.heads[_log_of(member)]


# --- What most are made of ----------


def _asking(body: Callable[[Member], object]) -> Datagram:
    """Packets full of requests, as many under way as a server holds."""

    def datagram(member: Member, now: float) -> bytes | None:
        packed = member.ask(now, lambda: encode(body(member)))
        return member.seal(packed) if packed else None

    return datagram


def _flooding(body: object) -> Datagram:
    """Packets full of this request, whether those before are answered or not."""
    encoded = encode(body)
    return lambda member, now: member.seal(member.flood(now, encoded))


def _constant(body: Callable[[Member], bytes]) -> Datagram:
    """The same frames each time."""

    def datagram(member: Member, now: float) -> bytes:
        packed = member.state.get("body")
        if packed is None:
            packed = member.state["body"] = body(member)
        return member.seal(packed)

    return datagram


def _acking(body: Callable[[Member, frames.Head], bytes]) -> Datagram:
    """Acks of what came last; made anew when something more has come."""

    def datagram(member: Member, now: float) -> bytes | None:
        head = _head_of(member)
        if member.state.get("largest") != member.largest:
            member.state.update(largest=member.largest, body=body(member, head))
        return member.seal(member.state["body"])

    return datagram


def _streamed(bodies: Callable[[Member, float], Iterator[bytes]]) -> Datagram:
    """Packets of a sequence, which is begun again at its end."""

    def datagram(member: Member, now: float) -> bytes | None:
        for _ in range(2):
            stream = member.state.get("stream")
            body = next(stream, None) if stream is not None else None
            if body is not None:
                return member.seal(body)
            member.state["stream"] = bodies(member, now)
        return None

    return datagram


def _count(member: Member) -> int:
    """0, 1, 2, ..."""
    count: int = member.state.get("count", 0)
    member.state["count"] = count + 1
    return count


def _fresh(member: Member) -> str:
    """A name that nobody has used."""
    return f"{member.nick}-{_count(member)}"


def _words(member: Member, size: int) -> str:
    """A text of words that nobody has said."""
    words = member.chance.randbytes(size * 4 // 9).hex()
    return " ".join(words[at : at + 8] for at in range(0, len(words), 8))[:size]


# --- Acks ----------


def _packets(counter: int) -> frames.AckedPackets | None:
    return frames.AckedPackets(counter, 0, 0, 0) if counter >= 0 else None


def _cursor(head: frames.Head, sequence: int, ranges: list[tuple[int, int]] | None = None) -> frames.Cursor:
    return frames.Cursor(head.log, head.generation, sequence, ranges or [])


def _many_acks(member: Member, head: frames.Head) -> bytes:
    acks = [frames.Ack(_packets(member.largest), [_cursor(head, head.base)])]
    acks += [frames.Ack(_packets(max(member.largest - 1 - back, 0)), []) for back in range(FRAMES_MAX - 1)]
    return filled(encode(ack) for ack in acks if ack.packets or ack.cursors)


def _ack_of_newest(member: Member, head: frames.Head) -> bytes:
    return pack([encode(frames.Ack(_packets(member.largest), [_cursor(head, head.base)]))])


def _ack_with_gaps(member: Member, head: frames.Head) -> bytes:
    first = member.chance.randrange(head.base + 1, max(head.head - 4 * ACK_RANGES_MAX, head.base + 2))
    ranges = [(first + 2 * at, first + 2 * at) for at in range(1, ACK_RANGES_MAX + 1) if first + 2 * at <= head.head]
    return full(encode(frames.Ack(_packets(member.largest), [_cursor(head, head.base, ranges)])))


def _back_and_forth(member: Member, now: float) -> bytes:
    head = _head_of(member)
    cursor = _cursor(head, head.base if _count(member) % 2 else head.head)
    return member.seal(pack([encode(frames.Ack(_packets(member.largest), [cursor]))]))


# --- Places and names ----------


def _follow_and_part(member: Member, now: float) -> bytes | None:
    """Be in new rooms all the time, and leave those of before: nobody may be in more than 64."""
    left = member.state.get("rooms", [])
    counters = member.counters(now)
    if not counters:
        return None
    member.state["rooms"] = joined = [_fresh(member) for _ in counters][:24]
    parts = [
        encode_request(counter, counters.start, encode(requests.Part(room)))
        for counter, room in zip(counters, left, strict=False)
    ]
    return member.seal(filled([*parts, *(encode(frames.Follow("#" + room)) for room in joined)]))


def _in_and_out(member: Member, now: float) -> bytes | None:
    """Join a room and leave it."""
    counters = member.counters(now)
    if not counters:
        return None
    follow, part = encode(frames.Follow(_log_of(member))), encode(requests.Part(member.rooms[0]))
    both = [frame for counter in counters for frame in (encode_request(counter, counters.start, part), follow)]
    return member.seal(filled(both))


def _new_device(member: Member, now: float) -> bytes | None:
    """A handshake, a nick; and again, under another key where the adversary has many."""
    queue: list[bytes] = member.state.setdefault("queue", [])
    if member.is_in or not (member.is_connecting or member.session):
        member.nick = f"{member.nick.partition('-')[0]}-{_count(member)}"
        if member.state.get("has_keys"):
            member.change_key()
        member.connect(now)
    queue += member.handshake_datagrams(now)
    return queue.pop(0) if queue else None


def _guessing(*, is_code: bool) -> Datagram:
    """Sessions that never enter, with packets full of Enters, each with a wrong password or code of somebody else."""

    def enter(member: Member) -> bytes:
        number = _count(member) + 1
        proof = frames.Proof(is_code, f"guess {number}", number)
        return encode(frames.Enter(old_nick(member.chance.randrange(OLD_NICKS)), AGENT, 0, proof))

    def datagram(member: Member, now: float) -> bytes | None:
        queue: list[bytes] = member.state.setdefault("queue", [])
        if member.largest >= 0:  # the server has its Finish
            return member.seal(filled(enter(member) for _ in range(FRAMES_MAX)))
        if member.session is None and not member.is_connecting:
            member.nick = "operator"  # which it may not enter under
            member.connect(now)
        queue += member.handshake_datagrams(now)
        return queue.pop(0) if queue else None

    return datagram


def _bad_finishes(member: Member, now: float) -> bytes | None:
    """Handshakes whose end is right but for its last byte, so that the server computes all of it; 16 for each."""
    queue: list[bytes] = member.state.setdefault("queue", [])
    if not queue and member.session is None:
        if not member.is_connecting:
            member.connect(now)
        queue += member.handshake_datagrams(now)
    elif not queue:
        finishes = [datagram for datagram in member.handshake_datagrams(now) if datagram[0] == packets.Kind.FINISH]
        queue += [finish[:-1] + bytes([finish[-1] ^ 1]) for finish in finishes] * FINISHES_MAX
        member.connect(now)
    return queue.pop(0) if queue else None


# --- Room for what was sent ----------


def _fragments(counter: int, first_open: int, body: bytes) -> Iterator[bytes]:
    parts = split(body)
    for index, data in enumerate(parts):
        yield pack([encode(frames.RequestFragment(counter, first_open, index, len(parts), data))])


def _long_messages(member: Member, now: float) -> Iterator[bytes]:
    counters = member.counters(now)
    for counter in counters:
        body = encode(requests.Say("long", 0, _words(member, TEXT_BYTES_MAX)))
        yield from _fragments(counter, counters.start, body)


def _withheld(member: Member, now: float) -> Iterator[bytes]:
    """All of a window but the first, as long as may be; and of the last three all but a fragment."""
    body = encode(requests.Say("long", 0, "x" * TEXT_BYTES_MAX))
    for counter in range(2, REQUESTS_IN_FLIGHT_MAX + 1):
        whole = list(_fragments(counter, 1, body))
        yield from whole[: -1 if counter > REQUESTS_IN_FLIGHT_MAX - 3 else None]


# --- Packets ----------


def _probe(member: Member, now: float) -> bytes:
    return packets.Probe(PROTOCOL_VERSION, member.chance.randbytes(PROBE_ID_BYTES), 0).encode()


def _hello_without_cookie(member: Member, now: float) -> bytes:
    member.cookie = NO_COOKIE
    return member.hello()


def _junk(member: Member, now: float) -> bytes:
    assert member.session is not None
    return Data(
        member.session.peer_index, 2**40 + _count(member), bytes(DATAGRAM_BYTES_MAX - DATA_HEADER.size)
    ).encode()


def _replay(member: Member, now: float) -> bytes:
    sealed = member.state.get("sealed")
    if sealed is None:
        sealed = member.state["sealed"] = member.seal(full(encode(frames.Ping(1))))
    return bytes(sealed)


def _unknown_session(member: Member, now: float) -> bytes:
    return Data(member.chance.getrandbits(32), 0, bytes(DATAGRAM_BYTES_MAX - DATA_HEADER.size)).encode()


def _answered_again(member: Member, now: float) -> bytes | None:
    """One request with a long answer; once it is answered, the same 64 times a datagram."""
    request = encode(requests.GetHistory(LOBBY_LOG, None, None, 200))
    if not member.answers:
        is_first = _count(member) % 64 == 0  # the answer is awaited
        return member.seal(pack([encode_request(1, 1, request)])) if is_first else None
    return _constant(lambda member: full(encode_request(1, 1, request)))(member, now)


def _one_of_the_lists(member: Member) -> object:
    lists = (
        requests.ListRooms(""),
        requests.ListMembers(LOBBY, ""),
        requests.Whois(old_nick(_count(member) % OLD_NICKS)),
    )
    return member.chance.choice(lists)


def _notices(member: Member) -> bytes:
    log = _log_of(member)
    return filled([encode(frames.Typing(log)), encode(frames.GetReceipt(log, 1))] * (FRAMES_MAX // 2))


def _mixed(member: Member, now: float) -> bytes | None:
    """One of the other kinds for each member, the same all the time."""
    kind = member.state.get("kind")
    if kind is None:
        can_be = [kind for kind in KINDS.values() if kind.place not in OUTSIDE and kind.datagram is not _mixed]
        kind = member.state["kind"] = member.chance.choice(can_be)
    return kind.datagram(member, now)


SEARCH = requests.Search(" ".join(SEARCHED), None, None, 0)

KINDS: dict[str, Kind] = {
    "elsewhere": Kind("as much, to nobody: what it costs that the adversary runs", _unknown_session, Place.ELSEWHERE),
    "search": Kind("searches for 16 words", _asking(lambda member: SEARCH)),
    "flood": Kind("the same, answered or not", _flooding(SEARCH), listens=False),
    "acks": Kind("64 acks a datagram, each of one packet", _acking(_many_acks), Place.LOBBY),
    "losses": Kind("acks of the newest packet only: all before is lost", _acking(_ack_of_newest), Place.LOBBY),
    "gaps": Kind("acks with 32 ranges, every other entry", _acking(_ack_with_gaps), Place.LOBBY),
    "rewinds": Kind("cursors that go back", _back_and_forth, Place.LOBBY),
    "follows": Kind("new rooms by Follow", _follow_and_part),
    "rooms": Kind("new rooms by Say", _asking(lambda member: requests.Say(_fresh(member), 0, "x"))),
    "peers": Kind("devices, keys and nicks, one after the other", _new_device, Place.OUTSIDE),
    "tells": Kind(
        "a word to everybody", _asking(lambda member: requests.Tell(old_nick(_count(member) % OLD_NICKS), 0, "x"))
    ),
    "long": Kind("messages of 16 KiB", _streamed(_long_messages)),
    "topics": Kind(
        "topics", _asking(lambda member: requests.SetTopic(member.rooms[0], _words(member, TOPIC_BYTES_MAX))),
        Place.OWN,
    ),
    "withheld": Kind("requests behind a gap, with 16 KiB each", _streamed(_withheld)),
    "handshakes": Kind("handshakes with a good cookie", lambda member, now: member.hello(), Place.OUTSIDE),
    "finishes": Kind("handshakes that fail in their last byte", _bad_finishes, Place.OUTSIDE),
    "hellos": Kind("Hellos without a cookie", _hello_without_cookie, Place.OUTSIDE, listens=False),
    "probes": Kind("searches for servers, each under another id", _probe, Place.OUTSIDE, listens=False),
    "pings": Kind("64 Pings a datagram", _constant(lambda member: full(encode(frames.Ping(1)))), listens=False),
    "enters": Kind(
        "64 Enters a datagram", _constant(lambda member: full(encode(frames.Enter(member.nick, AGENT)))),
        listens=False,
    ),
    "logins": Kind("wrong passwords for other nicks", _guessing(is_code=False), Place.OUTSIDE),
    "codes": Kind("wrong codes for other nicks", _guessing(is_code=True), Place.OUTSIDE),
    "passwords": Kind(
        "other passwords of its own", _asking(lambda member: requests.SetPassword(f"password {_count(member)}"))
    ),
    "lists": Kind("rooms, members, persons", _asking(_one_of_the_lists)),
    "history": Kind(
        "200 earlier messages",
        _asking(lambda member: requests.GetHistory(LOBBY_LOG, member.chance.randrange(1, 20_000), None, 200)),
    ),
    "repeats": Kind("an answered request of 12 KiB, 64 a datagram", _answered_again),
    "malformed": Kind("requests that cannot be read", _asking(lambda member: [99])),
    "renames": Kind(
        "other nicks", _asking(lambda member: requests.Rename(f"{member.nick}-{_count(member) % 7}")),
        Place.LOBBY,
    ),
    "aways": Kind(
        "away and back", _asking(lambda member: requests.SetAway("x" if _count(member) % 2 else None)),
        Place.LOBBY,
    ),
    "churn": Kind("in and out of a room", _in_and_out, Place.LOBBY),
    "talk": Kind("lines", _asking(lambda member: requests.Say(member.rooms[0], 0, "spam")), Place.LOBBY),
    "toggles": Kind("a reaction, and it taken back, all to one message", _asking(amendments.toggled)),
    "emoji": Kind("other reactions to one message, and what is none", _asking(amendments.reacted)),
    "edits": Kind("edits of its oldest message, long and short", _asking(amendments.edited)),
    "chains": Kind("edits of edits", _asking(amendments.chained)),
    "forgeries": Kind("edits and removals of what others said", _asking(amendments.forged)),
    "removals": Kind("something said, and removed", _asking(amendments.removed)),
    "replies": Kind("answers to what does not exist", _asking(amendments.replied)),
    "typing": Kind("Typing and GetReceipt, 64 a datagram", _constant(_notices), Place.LOBBY, listens=False),
    "marks": Kind(
        "read marks",
        _asking(lambda member: requests.MarkRead(_log_of(member), _head_of(member).generation, _count(member))),
        Place.LOBBY,
    ),
    "paths": Kind(
        "each datagram from another address", _constant(lambda member: pack([encode(frames.Ping(1))])),
        listens=False, wanders=True,
    ),
    "junk": Kind("a known index and a bad seal", _junk, listens=False),
    "replays": Kind("the same datagram again", _replay, listens=False),
    "unknown": Kind("sessions that do not exist", _unknown_session, Place.OUTSIDE, listens=False),
    "mixed": Kind("each member another of these", _mixed, Place.LOBBY),
}  # fmt: skip
