"""Open rooms and followed conversations: their members and streams (SPEC 6).

All of this is lost at a restart; `server.state` has the durable part.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from udpchat.chat.ids import LOBBY, ROOM_PREFIX, room_log
from udpchat.server.fanout import Fanout
from udpchat.server.quotas import HeldQuota, Places, Who
from udpchat.server.registry import Peer, Registry
from udpchat.server.roster import Roster
from udpchat.server.state import State
from udpchat.sync.cache_budget import MemoryBudget
from udpchat.sync.log import LogReader
from udpchat.sync.log_stream import LogStream
from udpchat.wire.content import Entry, Reason
from udpchat.wire.frames import FollowRefused, Head, Heads, encode
from udpchat.wire.limits import STREAM_BYTES_MAX


@dataclass(slots=True, eq=False)
class Room:
    """The stream of its messages, and its members. `opener`: the account that opened it, if nothing was said there."""

    name: str
    stream: LogStream
    roster: Roster
    opener: bytes = b""


class _Names:
    """Names in order: a page of them costs no more if there are many."""

    __slots__ = ("_names",)

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)

    def add(self, name: str) -> None:
        at = bisect_left(self._names, name)
        if self._names[at : at + 1] != [name]:
            insort(self._names, name)

    def remove(self, name: str) -> None:
        del self._names[bisect_left(self._names, name)]

    def after(self, name: str, count: int) -> list[str]:
        first = bisect_right(self._names, name)
        return self._names[first : first + count]


class Rooms:
    """The open rooms by name, and the streams of their logs and of followed conversations.

    `empty` is the quota of rooms in which nothing was ever said. `to_arm`: rooms that may have a timer to arm, in
    order.
    """

    def __init__(
        self,
        log: LogReader,
        durable: State,
        registry: Registry,
        fanout: Fanout,
        random: Callable[[int], bytes],
        *,
        empty: HeldQuota,
    ) -> None:
        self._log = log
        self._durable = durable
        self._registry = registry
        self._fanout = fanout
        self._random = random
        self._rooms: dict[str, Room] = {}
        self._names = _Names(name[1:] for name in log.logs() if name.startswith(ROOM_PREFIX))
        self._empty: Places[str] = Places(empty)
        self.memory = MemoryBudget(STREAM_BYTES_MAX)  # of streams and rosters
        self._streams: dict[str, LogStream] = {}
        self.to_arm: dict[Room, None] = {}
        self.everybody = Roster("", generation=self._new_generation())  # the roster of the server: it has no members

    def __len__(self) -> int:
        return len(self._rooms)

    def __contains__(self, name: str) -> bool:
        return name in self._rooms

    def __iter__(self) -> Iterator[Room]:
        return iter(self._rooms.values())

    def __getitem__(self, name: str) -> Room:
        return self._rooms[name]

    def get(self, name: str) -> Room | None:
        return self._rooms.get(name)

    def followers(self, name: str) -> int:
        """How many devices follow the log of a room; 0 if it is not open."""
        room = self._rooms.get(name)
        return 0 if room is None else room.stream.followers

    def names(self, after: str, count: int, *, is_hidden: Callable[[str], bool] = lambda room: False) -> list[str]:
        """Of the rooms that have members or have ever held a message, the first `count` behind `after`, in order;
        without those that are hidden."""
        found: list[str] = []
        while len(found) < count and (names := self._names.after(after, count)):
            after = names[-1]
            found += [name for name in names if not is_hidden(name)]
        return found[:count]

    def open(self, now: float, name: str, who: Who) -> Room | None:
        """The room of this name, opened if necessary; None if there are too many in which nothing was said."""
        room = self._rooms.get(name)
        if room is None and (name == LOBBY or self._is_said(name) or self._take_place(now, name, who)):
            roster = Roster(name, generation=self._new_generation(), memory=self.memory)
            is_new = name != LOBBY and not self._is_said(name) and self._durable.order.room(name) is None
            room = Room(name, self.stream(room_log(name)), roster, who.key if is_new else b"")
            self._rooms[name] = room
            self._names.add(name)
        return room

    def _new_generation(self) -> int:
        return int.from_bytes(self._random(6), "big") + 1

    def opener(self, name: str) -> bytes:
        """The account that opened a room in which nothing was said before; empty: none, or nobody knows."""
        room = self._rooms.get(name)
        return b"" if room is None else room.opener

    def _is_said(self, name: str) -> bool:
        """Whether something was ever said in this room, and is written."""
        return self._durable.head(room_log(name)) > 0

    def _take_place(self, now: float, name: str, who: Who) -> bool:
        """A place for a room in which nothing was said, of a room that is closed for it if there is none else."""
        surplus = self._empty.surplus_for(who, lambda room: True)
        if surplus is not None:
            refused = encode(FollowRefused(room_log(surplus), "too_many_rooms"))
            for peer in list(self._fanout.followers(self._rooms[surplus].roster.stream)):
                self.part(now, peer, surplus, Reason.PARTED)
                self._fanout.end(now, peer, room_log(surplus), refused)
        return self._empty.take(name, who)

    def _close(self, name: str) -> None:
        room = self._rooms.pop(name)
        room.roster.flush_at = None  # nobody is there to be told what changed last
        self.to_arm.pop(room, None)
        for kept in (room.roster, room.roster.stream):
            self.memory.on_gone(kept)
        self._empty.give_back(name)
        if not self._is_said(name):
            self._names.remove(name)

    # --- Streams ----------

    def stream(self, log: str) -> LogStream:
        """The stream of a room's or conversation's log, made if necessary."""
        stream = self._streams.get(log)
        if stream is None:
            stream = self._streams[log] = LogStream(
                log, self._log, head=self._durable.head(log), memory=self.memory
            )
        return stream

    def streams(self) -> Iterable[LogStream]:
        """The streams of rooms and conversations; those of rosters are not among them."""
        return self._streams.values()

    def extend(self, now: float, log: str, first: int, entries: list[bytes]) -> None:
        """A log has durably grown by entries from `first` on: send them to its followers."""
        if first == 1 and log.startswith(ROOM_PREFIX):
            self._empty.give_back(log[1:])
            self._names.add(log[1:])
        stream = self._streams.get(log)
        if stream is not None:
            new = entries[stream.head + 1 - first :]  # a stream that was opened meanwhile may have some of them
            self._fanout.extend(now, stream, new)

    def on_pruned(self, log: str) -> None:
        """Old entries were deleted: announce the new base to followers that do not have them."""
        stream = self._streams.get(log)
        if stream is not None:
            stream.base = self._log.extent(log).base
            self._fanout.announce(stream, stream.base)

    def on_replaced(self, log: str, sequence: int) -> None:
        """An entry was edited or removed: who does not have it yet is sent what the log has now."""
        stream = self._streams.get(log)
        if stream is not None:
            self._fanout.replace(stream, sequence)

    def report_unknown(self, peer: Peer, log: str) -> None:
        """A peer that has entered names a private log that it does not follow: to this server, it holds nothing."""
        head = Head(log, self._log.extent(log).generation, 0, 0, 0)
        self._fanout.send(peer, encode(Heads(0, [head])))

    def follow_private(self, now: float, log: str, key: bytes) -> None:
        """All entered devices of a person follow their conversation or inbox from now on."""
        for peer in self._registry.entered(key):
            if log not in peer.downlink.subscriptions:
                self._fanout.follow(now, peer, self.stream(log))

    # --- Members ----------

    def announce(self, now: float, name: str, entry: Entry) -> None:
        """Something was decided about a room, or, if that is empty, about the server: tell who is there."""
        if not name:
            self.everybody.announce(now, entry)
            self.everybody.flush(now, self._fanout)
        elif (room := self._rooms.get(name)) is not None:
            room.roster.announce(now, entry)
            self.to_arm[room] = None

    def entry(self, log: str, sequence: int) -> bytes | None:
        """One entry of a log; None if it does not hold it, durably. Raises `LogUnreadable`."""
        stream = self._streams.get(log)
        if stream is not None:
            return stream.entry(sequence)
        is_here = 0 < sequence <= self._durable.head(log)
        return next(iter(self._log.read(log, sequence, 1)), None) if is_here else None

    def present(self, name: str) -> list[Peer]:
        """The devices in a room."""
        room = self._rooms.get(name)
        return [] if room is None else list(self._fanout.followers(room.roster.stream))

    def join(self, now: float, peer: Peer, room: Room, *, is_back: bool = False) -> None:
        """A peer joins a room and follows its log and roster; joining again changes nothing.

        `is_back`: it was there before, in another session.
        """
        assert peer.nick is not None
        if room.name not in peer.rooms:
            peer.rooms.add(room.name)
            role = self._durable.role(peer.key, room.name, room.opener)
            room.roster.join(now, peer.nick, peer.author.user, away=peer.activity.away, is_back=is_back, role=role)
            self.to_arm[room] = None
        self._fanout.follow(now, peer, room.stream)
        self._fanout.follow(now, peer, room.roster.stream)

    def part(
        self, now: float, peer: Peer, name: str, reason: Reason, *, by: str | None = None, why: str = ""
    ) -> None:
        """A peer leaves a room; a room without members is closed. `by`: who removed it, `why`: their reason."""
        room = self._rooms.get(name)
        if room is None:
            return
        if name in peer.rooms:
            assert peer.nick is not None
            peer.rooms.discard(name)
            room.roster.leave(now, peer.nick, peer.author.user, reason, away=peer.activity.away, by=by, why=why)
            self.to_arm[room] = None
            self._unfollow(peer, room.roster.stream, reason)
            self._unfollow(peer, room.stream, reason)
        if not room.roster.members:
            self._close(name)

    def remove(self, now: float, peer: Peer, reason: Reason, *, by: str | None = None, why: str = "") -> None:
        """Remove a peer from its rooms, the logs it follows and the registry."""
        for name in sorted(peer.rooms):
            self.part(now, peer, name, reason, by=by, why=why)
        for subscription in list(peer.downlink.subscriptions.values()):
            self._unfollow(peer, subscription.stream, reason)
        self._registry.remove(peer)
        self._fanout.leave(peer)

    def _unfollow(self, peer: Peer, stream: LogStream, reason: Reason) -> None:
        """A peer stops following a log. A stream without followers is removed."""
        self._fanout.unfollow(peer, stream, reason)
        if not stream.followers:
            self._streams.pop(stream.log, None)
            self.memory.on_gone(stream)

    def rename(self, now: float, peer: Peer, nick: str) -> None:
        """Change the nick of an entered peer, in all its rooms."""
        old = peer.nick
        if old is None or old == nick:
            return
        peer.nick = nick
        for name in sorted(peer.rooms):
            room = self._rooms[name]
            room.roster.rename(now, old, nick, peer.author.user, away=peer.activity.away)
            self.to_arm[room] = None

    def set_away(self, now: float, peer: Peer, reason: str | None) -> None:
        """A device is away for this reason; None: it is here."""
        former, peer.activity.away = peer.activity.away, reason
        for name in sorted(peer.rooms):
            assert peer.nick is not None
            room = self._rooms[name]
            room.roster.set_away(now, peer.nick, former, reason)
            self.to_arm[room] = None

    def change_topic(self, now: float, name: str, topic: str, nick: str) -> None:
        """The topic of a room has durably changed: send it to the members."""
        room = self._rooms.get(name)
        if room is not None:
            room.roster.set_topic(now, topic, nick)
            self.to_arm[room] = None
