"""What frames and requests cost the server, beside the prices that it charges for them."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from measure.tables import Table, median
from udpchat.chat.amendments import TAKEN_BACK
from udpchat.chat.ids import message_id
from udpchat.server.core import ServerCore
from udpchat.server.quotas import SpentQuota
from udpchat.server.registry import Peer
from udpchat.session.noise import KeyPair, Keys
from udpchat.session.path import Path as SessionPath
from udpchat.session.rate_limit import Rate
from udpchat.session.session import Session
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import Durability
from udpchat.sync.fragments import split
from udpchat.wire import requests
from udpchat.wire.content import EDIT, REACTION, REDACTION, Extra, Reason
from udpchat.wire.frames import (
    Ack,
    AckedPackets,
    Cursor,
    Enter,
    Follow,
    Introduction,
    Ping,
    RequestFragment,
    Up,
    encode,
    encode_request,
    pack,
)
from udpchat.wire.limits import FRAGMENT_BYTES, INSTANCE_BYTES, KEY_BYTES, REACTIONS_MAX, TEXT_BYTES_MAX
from udpchat.wire.packets import Address

ROOM = "lobby"
MEMBERS = 20
MESSAGES = 300  # in the room before
UNLIMITED = Rate(1e12, 1e12)
REPEATS, QUICK_REPEATS = 600, 60
REST_S = 0.25  # until as many devices may be reached as one message reaches
BETWEEN_ACKS = 2  # measured requests: of the longest messages, who is three behind is sent no more at once
WARM_UP = 20
WIDE = (0.5, 2.0)  # of the median ratio: outside, a price is wrong

FrameMaker = Callable[[int], Up | requests.RequestBody]


@dataclass
class Member:
    """A peer of the server, the client's side of its session, and its next request."""

    peer: Peer
    session: Session
    counter: int = 0

    def datagrams(self, made: Up | requests.RequestBody) -> list[bytes]:
        """Sealed packets with one frame or request; one, unless the request goes as fragments."""
        return [self.session.seal(pack([frame])) for frame in self._frames(made)]

    def _frames(self, made: Up | requests.RequestBody) -> list[bytes]:
        if isinstance(made, Up):
            return [encode(made)]
        self.counter += 1
        body, counter = encode(made), self.counter
        if len(body) <= FRAGMENT_BYTES:
            return [encode_request(counter, counter, body)]
        parts = split(body)
        return [
            encode(RequestFragment(counter, counter, index, len(parts), data)) for index, data in enumerate(parts)
        ]


class Room:
    """A server's core with a room of MEMBERS, without a network: what one of them sends is handed to it."""

    def __init__(self, folder: Path) -> None:
        self._log = SqliteLog(folder / "log.sqlite", durability=Durability.MEMORY)
        self._core = ServerCore(static=KeyPair(os.urandom(KEY_BYTES)), log=self._log, random=os.urandom)
        quotas = self._core.chat.quotas
        quotas.written_bytes = quotas.topics = quotas.conversations = quotas.reach = SpentQuota(UNLIMITED, UNLIMITED)
        self._now = 1.0
        self.members = [self._member(number) for number in range(MEMBERS)]
        for number in range(MESSAGES):
            self._give(self.members[number % MEMBERS], requests.Say(ROOM, 0, f"message {number} of the room"))

    def _member(self, number: int) -> Member:
        key, address = os.urandom(KEY_BYTES), Address(f"10.0.{number // 250}.{number % 250 + 1}", 4_000)
        up, down = os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)
        at_server = Session(
            self._now, index=number, peer_index=number, remote_static=key,
            keys=Keys(send=down, receive=up, handshake_hash=bytes(32)), path=SessionPath(address, os.urandom),
        )  # fmt: skip
        at_client = Session(
            self._now, index=number, peer_index=number, remote_static=key,
            keys=Keys(send=up, receive=down, handshake_hash=bytes(32)), path=SessionPath(address),
        )  # fmt: skip
        chat = self._core.chat
        peer = chat.recalled_peer(self._now, at_server, Introduction(os.urandom(INSTANCE_BYTES)))
        chat.registry.add(peer)
        member = Member(peer, at_client)
        self._give(member, Enter(f"member{number}", "bench"))
        self._give(member, Follow("#" + ROOM))
        return member

    def _give(self, member: Member, made: Up | requests.RequestBody) -> float:
        """Hand over a frame or request, and do all that follows from it; the seconds of the processor that took.

        Without sealing it. Neither who else uses the machine nor the disk counts.
        """
        datagrams = [(datagram, member.session.path.address) for datagram in member.datagrams(made)]
        self._now += 0.001
        begin_s = time.thread_time()
        self._core.receive(self._now, datagrams)
        self._drain()
        while member.peer.window.held:  # it did not fit the turn
            self._now += 0.001
            self._core.handle_timeout(self._now)
            self._drain()
        return time.thread_time() - begin_s

    def _drain(self) -> None:
        core = self._core
        while writes := core.drain_writes():
            self._log.append(writes)
            core.persisted(self._now, len(writes))
        core.drain_transmits()
        core.drain_events()

    def _rest(self) -> None:
        """Nothing happens for a while, and all that waits is done: what is measured next is alone."""
        self._now += REST_S
        while (due := self._core.next_timeout()) is not None and due <= self._now:
            self._core.handle_timeout(self._now)
            self._drain()

    def say(self, texts: Iterable[str]) -> list[Extra]:
        """The member that is measured says these; what names each message."""
        member, said = self.members[0], []
        for text in texts:
            self._give(member, requests.Say(ROOM, 0, text))
            head = member.peer.downlink.subscriptions["#" + ROOM].stream.head
            said.append(Extra(message_id(member.peer.author.instance, member.counter), b"", head))
        return said

    def leave(self, name: str) -> None:
        """The member that is measured leaves a room, if it is there, at no price."""
        self._core.chat.rooms.part(self._now, self.members[0].peer, name, Reason.PARTED)

    def react(self, about: Extra, count: int) -> None:
        """The others react to a message, until it has so many reactions, as far as one may."""
        for number in range(count):
            member = self.members[1 + number % (MEMBERS - 1)]
            self._give(member, requests.Say(ROOM, REACTION, chr(0x1F600 + number // (MEMBERS - 1)), about))

    def _catch_up(self) -> None:
        """The other members acknowledge all: nothing more is sent at once to who is behind."""
        for member in self.members[1:]:
            self._acknowledge(member)

    def _acknowledge(self, member: Member) -> None:
        streams = [subscription.stream for subscription in member.peer.downlink.subscriptions.values()]
        cursors = [Cursor(stream.log, stream.generation, stream.head, []) for stream in streams]
        self._give(member, Ack(AckedPackets(member.peer.session.sent - 1, 2**64 - 1, 0, 0), cursors))

    def close(self) -> None:
        self._log.close()

    def measure(self, make: FrameMaker, repeats: int) -> tuple[float, float]:
        """(measured, charged): microseconds of what this makes, sent so often.

        The median of the first, and the mean of the second, which is charged in sums.
        """
        member = self.members[0]
        self._acknowledge(member)
        for at in range(WARM_UP):
            self._give(member, make(at))
        balance, taken, charged_us = member.peer.balance, [], 0.0
        gc.collect()
        for at in range(repeats):
            balance.used_us = used_us = self._core.chat.ledger.clock_us
            self._rest()
            if at % BETWEEN_ACKS == 0:
                self._catch_up()  # which may charge for the former
            taken.append(1e6 * self._give(member, make(at)))
            charged_us += balance.used_us - used_us
        return median(taken), charged_us / repeats


def _new_room(room: Room, at: int) -> Follow:
    """A room that does not exist; the one of before is left."""
    room.leave(f"new{at - 1}")
    return Follow(f"#new{at}")


def _ack(room: Room, ranges: int, at: int) -> Ack:
    sent = room.members[0].peer.session.sent
    head = room.members[0].peer.downlink.subscriptions["#" + ROOM].stream.head
    held = [(3 * number + 2, 3 * number + 2) for number in range(ranges)]
    return Ack(AckedPackets(sent - 1, 0, 0, 0), [Cursor("#" + ROOM, 1, 0 if ranges else head, held)])


# --- What is about an earlier message ----------


def _list_holders(room: Room, at: int) -> requests.ListHolders:
    """The same message; its rate, which is far below what is measured, begins anew each time."""
    peer = room.members[0].peer
    peer.activity.notices = None
    return requests.ListHolders("#" + ROOM, 1, message_id(peer.author.instance, 1))


def _long_text(at: int) -> str:
    """As long as a text may be, of words that no other has."""
    words = [f"{at * 2_000 + number:07d}" for number in range(TEXT_BYTES_MAX // 8)]
    return " ".join(words)


def _edits(room: Room) -> FrameMaker:
    """A message becomes as long as may be, and short again."""
    (about,) = room.say([_long_text(0)])
    return lambda at: requests.Say(ROOM, EDIT, _long_text(at) if at % 2 else f"short {at}", about)


def _redactions(room: Room, count: int) -> FrameMaker:
    """Each of another message, as long as may be."""
    said = iter(room.say(map(_long_text, range(count))))
    return lambda at: requests.Say(ROOM, REDACTION, "", next(said))


def _reactions(room: Room) -> FrameMaker:
    """Added and taken back in turn, on a message to which all others have reacted."""
    (about,) = room.say(["a message that many like"])
    room.react(about, REACTIONS_MAX)
    taken_back = Extra(about.refers_to, TAKEN_BACK, about.sequence)
    return lambda at: requests.Say(ROOM, REACTION, "\u2665", taken_back if at % 2 else about)


def _kinds(room: Room, repeats: int) -> dict[str, FrameMaker]:
    """Every frame and request that costs more than a look at it; of edits and redactions, which all count as if a text
    as long as may be was there before, the dearest.
    """
    log = "#" + ROOM
    return {
        "Ping": lambda at: Ping(at),
        "Ack": partial(_ack, room, 0),
        "Ack, 32 ranges": partial(_ack, room, 32),
        "Follow, a new room": partial(_new_room, room),
        f"Say to {MEMBERS}": lambda at: requests.Say(ROOM, 0, f"message {at} of somebody to measure"),
        f"Say to {MEMBERS}, long": lambda at: requests.Say(ROOM, 0, _long_text(at)),
        "Tell": lambda at: requests.Tell("member1", 0, f"message {at} to one other"),
        "Tell, long": lambda at: requests.Tell("member1", 0, _long_text(at)),
        "Edit, long": _edits(room),
        "Redaction, long": _redactions(room, repeats + WARM_UP),
        "Reaction": _reactions(room),
        "SetAway": lambda at: requests.SetAway("lunch" if at % 2 else None),
        "SetTopic": lambda at: requests.SetTopic(ROOM, f"topic {at}"),
        "GetTopic": lambda at: requests.GetTopic(ROOM),
        "Whois": lambda at: requests.Whois("member1"),
        "ListMembers": lambda at: requests.ListMembers(ROOM, ""),
        "ListRooms": lambda at: requests.ListRooms(""),
        "ListHolders": partial(_list_holders, room),
        "GetHistory": lambda at: requests.GetHistory(log, None, None, 50),
    }


def measure(*, quick: bool) -> list[Table]:
    """The part `prices`."""
    repeats = QUICK_REPEATS if quick else REPEATS
    with tempfile.TemporaryDirectory(prefix="udpchat-bench-", ignore_cleanup_errors=True) as folder:
        room = Room(Path(folder))
        rows = [(name, *room.measure(make, repeats)) for name, make in _kinds(room, repeats).items()]
        room.close()
    usual = median([measured / charged for _, measured, charged in rows])
    table = Table("prices: microseconds of a frame or request", ("what", "measured", "price", "ratio", "of the usual"))
    for name, measured, charged in rows:
        table.add(name, measured, charged, measured / charged, measured / charged / usual)
    wrong = [name for name, measured, charged in rows if not WIDE[0] <= measured / charged / usual <= WIDE[1]]
    table.notes.append(
        f"A room of {MEMBERS}, the log in memory; medians of {repeats:,}, and means of the prices, which are charged in"
        " sums. Prices are right if all ratios are alike;"
        f" {'all are within half and twice the usual one' if not wrong else 'not so: ' + ', '.join(wrong)}."
    )
    return [table]
