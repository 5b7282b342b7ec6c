"""What frames and requests cost the server, beside the prices that it charges for them."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from measure.tables import Table, median
from udpchat.chat.ids import message_id
from udpchat.server.core import ServerCore
from udpchat.server.quotas import SpentQuota
from udpchat.server.registry import Peer
from udpchat.session.noise import KeyPair, Keys
from udpchat.session.path import Path as SessionPath
from udpchat.session.rate_limit import Rate
from udpchat.session.session import Session
from udpchat.storage.protocol import Durability
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.wire import requests
from udpchat.wire.content import EDIT, Extra
from udpchat.wire.frames import (
    Ack,
    AckedPackets,
    Cursor,
    Enter,
    Follow,
    Introduction,
    Ping,
    Up,
    encode,
    encode_request,
    pack,
)
from udpchat.wire.limits import INSTANCE_BYTES, KEY_BYTES
from udpchat.wire.packets import Address

ROOM = "lobby"
MEMBERS = 20
MESSAGES = 300  # in the room before
UNLIMITED = Rate(1e12, 1e12)
REPEATS, QUICK_REPEATS = 1_500, 200
WARM_UP = 20
WIDE = (0.5, 2.0)  # of the median ratio: outside, a price is wrong

FrameMaker = Callable[[int], Up | requests.RequestBody]


@dataclass
class Member:
    """A peer of the server, the client's side of its session, and its next request."""

    peer: Peer
    session: Session
    counter: int = 0

    def datagram(self, made: Up | requests.RequestBody) -> bytes:
        """A sealed packet with one frame or request."""
        if not isinstance(made, Up):
            self.counter += 1
            return self.session.seal(pack([encode_request(self.counter, self.counter, encode(made))]))
        return self.session.seal(pack([encode(made)]))


class Room:
    """A server's core with a room of MEMBERS, without a network: what one of them sends is handed to it."""

    def __init__(self, folder: Path) -> None:
        self._log = SqliteLog(folder / "log.sqlite", durability=Durability.MEMORY)
        self._core = ServerCore(static=KeyPair(os.urandom(KEY_BYTES)), log=self._log, random=os.urandom)
        quotas = self._core.chat.quotas
        quotas.written_bytes = quotas.topics = quotas.conversations = SpentQuota(UNLIMITED, UNLIMITED)
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
        peer = self._core.chat.add_peer(self._now, at_server, Introduction(os.urandom(INSTANCE_BYTES)))
        member = Member(peer, at_client)
        self._give(member, Enter(f"member{number}", "bench"))
        self._give(member, Follow("#" + ROOM))
        return member

    def _give(self, member: Member, made: Up | requests.RequestBody) -> float:
        """Hand over a datagram, and do all that follows from it; the seconds that took, without sealing it."""
        datagram = member.datagram(made)
        self._now += 0.001
        begin_s = time.perf_counter()
        core = self._core
        core.receive(self._now, [(datagram, member.session.path.address)])
        while writes := core.drain_writes():
            self._log.append(writes)
            core.persisted(self._now, len(writes))
        core.drain_transmits()
        core.drain_events()
        return time.perf_counter() - begin_s

    def close(self) -> None:
        self._log.close()

    def measure(self, make: FrameMaker, repeats: int) -> tuple[float, float]:
        """(measured, charged): microseconds of what this makes, sent so often.

        The median of the first, and the mean of the second, which is charged in sums.
        """
        member = self.members[0]
        for at in range(WARM_UP):
            self._give(member, make(at))
        account, taken, charged_us = member.peer.account, [], 0.0
        gc.collect()
        for at in range(repeats):
            account.used_us = used_us = self._core.chat.accounts.clock_us
            taken.append(1e6 * self._give(member, make(at)))
            charged_us += account.used_us - used_us
        return median(taken), charged_us / repeats


def _ack(room: Room, ranges: int, at: int) -> Ack:
    sent = room.members[0].peer.session.sent
    head = room.members[0].peer.downlink.subscriptions["#" + ROOM].stream.head
    held = [(3 * number + 2, 3 * number + 2) for number in range(ranges)]
    return Ack(AckedPackets(sent - 1, 0, 0, 0), [Cursor("#" + ROOM, 1, 0 if ranges else head, held)])


def _edit(room: Room, at: int) -> requests.Say:
    """An edit of the first message in the room, which is the first request of who is measured."""
    about = Extra(message_id(room.members[0].peer.author.instance, 1), b"", 1)
    return requests.Say(ROOM, EDIT, f"message {at} of somebody, as it is meant", about)


def _list_holders(room: Room, at: int) -> requests.ListHolders:
    """The same message; its rate, which is far below what is measured, begins anew each time."""
    peer = room.members[0].peer
    peer.activity.notices = None
    return requests.ListHolders("#" + ROOM, 1, message_id(peer.author.instance, 1))


def _kinds(room: Room) -> dict[str, FrameMaker]:
    """Every frame and request that costs more than a look at it."""
    log = "#" + ROOM
    return {
        "Ping": lambda at: Ping(at),
        "Ack": partial(_ack, room, 0),
        "Ack, 32 ranges": partial(_ack, room, 32),
        "Follow": lambda at: Follow(log),
        f"Say to {MEMBERS}": lambda at: requests.Say(ROOM, 0, f"message {at} of somebody to measure"),
        "Edit": partial(_edit, room),
        "Tell": lambda at: requests.Tell("member1", 0, f"message {at} to one other"),
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
        rows = [(name, *room.measure(make, repeats)) for name, make in _kinds(room).items()]
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
