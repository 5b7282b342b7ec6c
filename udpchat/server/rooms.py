"""The state of a chat: who is here, which rooms and conversations there are, and what is being written (SPEC 6, 7).

What is asked becomes an append; once the log says it is durable, its result and its fan-out happen together, or, if it
could not be written, neither. Nothing here knows of packets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from udpchat.chat.ids import (
    DIRECTORY_LOG,
    ROOM_PREFIX,
    conversation_log,
    room_log,
)
from udpchat.server.registry import Peer, Registry
from udpchat.server.replay import REFUSED_BEFORE, logged_answers, logged_nicks
from udpchat.server.roster import Roster
from udpchat.sync.log import Append, RequestId, ServerLog
from udpchat.sync.log_stream import LogStream
from udpchat.sync.requests import ANSWERS_RECALLED_MAX, RequestWindow
from udpchat.wire.bodies import Claim, Conversation, LogEntry, Reason, Search, TopicRecord
from udpchat.wire.frames import encode, parse_record
from udpchat.wire.limits import (
    CONVERSATIONS_PER_KEY_MAX,
    PAST_ENTRIES_MAX,
    ROOMS_MAX,
)

_READ_RECORDS = 1024


@dataclass(frozen=True, slots=True)
class _Pending:
    """An append under way, and what happens when it is durable or could not be written."""

    append: Append
    peer: Peer
    on_durable: Callable[[float], None]
    on_rejected: Callable[[], None]


@dataclass(slots=True, eq=False)
class Room:
    """What is said in it, and who is in it."""

    name: str
    stream: LogStream
    roster: Roster


class Hub:
    """Everything that the handlers of requests act upon."""

    def __init__(self, log: ServerLog, random: Callable[[int], bytes]) -> None:
        self.registry = Registry()
        self.rooms: dict[str, Room] = {}
        self.wall_offset_s = 0.0  # wall clock minus monotonic clock, as the driver last saw it
        # Dicts, not sets: the order of what is sent must not depend on where objects lie in memory.
        self.to_flush: dict[Peer, None] = {}  # peers that have or may have something to be sent
        self.to_arm: dict[Room | LogStream, None] = {}  # rooms whose presence changed, and logs that grew
        self._log = log
        self._random = random
        self._streams: dict[str, LogStream] = {}  # of rooms and conversations that have been used
        self._tails: dict[str, int] = {}  # the last sequence given out, where it is ahead of what is durable
        self._pending: deque[_Pending] = deque()
        self._undrained: list[Append] = []
        self._topics: dict[str, tuple[str, str]] = {}
        self._conversations: dict[bytes, dict[str, bytes]] = {}  # key -> log -> the other key
        self._claiming: set[str] = set()  # nicks whose claims are being written
        self.unwritable = ""  # why the log does not take entries at the moment, if it does not
        self._load_directory()

    def _load_directory(self) -> None:
        """What must be known before anyone speaks: who owns which nick, topics, conversations."""
        extent = self._log.extent(DIRECTORY_LOG)
        first = extent.base + 1
        while first <= extent.head:
            records = self._log.read(DIRECTORY_LOG, first, _READ_RECORDS)
            for entry in records:
                match parse_record(entry):
                    case Claim(nick, key):
                        self.registry.claim(nick, key)
                    case TopicRecord(room, topic, nick):
                        self._topics[room] = (topic, nick)
                    case Conversation(log, keys):
                        self._converse(log, *keys)
            first += len(records)

    def number(self) -> int:
        """A random number for a generation."""
        return int.from_bytes(self._random(6), "big") + 1

    # --- Rooms and conversations ----------

    def stream(self, log: str) -> LogStream:
        """The log of a room or conversation."""
        stream = self._streams.get(log)
        if stream is None:
            stream = self._streams[log] = LogStream(log, self._log)
        return stream

    def streams(self) -> Iterable[LogStream]:
        """All logs that somebody may follow."""
        return self._streams.values()

    def open_room(self, name: str) -> Room | None:
        """The room of that name; made if there is none, unless there are too many."""
        room = self.rooms.get(name)
        if room is None and len(self.rooms) < ROOMS_MAX:
            roster = Roster(name, generation=self.number())
            room = self.rooms[name] = Room(name, self.stream(room_log(name)), roster)
        return room

    def close_if_empty(self, room: Room) -> None:
        """A room without members is forgotten; what was said in it stays in its log."""
        if not room.roster.members and not room.stream.subscriptions and self._tails.get(room.stream.log) is None:
            del self.rooms[room.name]
            del self._streams[room.stream.log]

    def _close_log_if_empty(self, log: str) -> None:
        """Who is not in a room may speak there, and keeps it open only until that is written."""
        room = self.rooms.get(log[1:]) if log.startswith(ROOM_PREFIX) else None
        if room is not None:
            self.close_if_empty(room)

    def known_rooms(self) -> list[str]:
        """Rooms with members, or with something said in them, in order."""
        written = {log[1:] for log in self._log.logs() if log.startswith(ROOM_PREFIX)}
        return sorted(written | self.rooms.keys())

    def topic(self, room: str) -> tuple[str, str]:
        """(topic, who set it), both empty if there is none."""
        return self._topics.get(room, ("", ""))

    def set_topic(self, now: float, room: str, topic: str, nick: str) -> None:
        """The topic, written down already, is another; tell the room."""
        self._topics[room] = (topic, nick)
        if room in self.rooms:
            self.rooms[room].roster.set_topic(now, topic, nick)
            self.to_arm[self.rooms[room]] = None

    def join(self, now: float, peer: Peer, room: Room) -> None:
        """A peer is in a room and follows it from here on; saying so again changes nothing."""
        if room.name not in peer.rooms:
            peer.rooms.add(room.name)
            room.roster.join(now, peer.nick, peer.user)
            self.to_arm[room] = None
        peer.downlink.follow(now, room.stream)
        peer.downlink.follow(now, room.roster.stream)
        self.to_flush[peer] = None

    def part(self, now: float, peer: Peer, room: Room, reason: Reason) -> None:
        """A peer is in a room no longer."""
        if room.name in peer.rooms:
            peer.rooms.discard(room.name)
            room.roster.leave(now, peer.nick, peer.user, reason)
            self.to_arm[room] = None
        peer.downlink.unfollow(room.stream.log)
        peer.downlink.unfollow(room.roster.stream.log)
        self.close_if_empty(room)

    def remove(self, now: float, peer: Peer, reason: Reason) -> None:
        """A peer is gone: from its rooms, from all logs it follows, from the registry."""
        for name in sorted(peer.rooms):
            self.part(now, peer, self.rooms[name], reason)
        for log in list(peer.downlink.subscriptions):
            peer.downlink.unfollow(log)
        self.registry.remove(peer)
        self.to_flush.pop(peer, None)

    def _converse(self, log: str, one: bytes, other: bytes) -> None:
        self._conversations.setdefault(one, {})[log] = other
        self._conversations.setdefault(other, {})[log] = one

    def conversations(self, key: bytes) -> list[str]:
        """The logs of what this key and others have told each other."""
        return list(self._conversations.get(key, ()))

    def open_conversation(self, peer: Peer, other: bytes) -> LogStream | None:
        """The log of what two keys tell each other, followed by all their devices; None if either has too many."""
        log = conversation_log(peer.key, other)
        if log not in self._conversations.get(peer.key, ()):
            if any(len(self._conversations.get(key, ())) >= CONVERSATIONS_PER_KEY_MAX for key in (peer.key, other)):
                return None
            self._converse(log, peer.key, other)
            self.append(
                peer,
                DIRECTORY_LOG,
                encode(Conversation(log, (peer.key, other))),
                on_rejected=lambda: self._end_conversation(log, peer.key, other),
            )
        return self.stream(log)

    def _end_conversation(self, log: str, one: bytes, other: bytes) -> None:
        self._conversations[one].pop(log, None)
        self._conversations[other].pop(log, None)

    def follow_conversation(self, now: float, log: str, key: bytes) -> None:
        """All devices of a person that are here follow a conversation."""
        for peer in self.registry.peers_of(key):
            if peer.has_entered and log not in peer.downlink.subscriptions:
                peer.downlink.follow(now, self.stream(log))
                self.to_flush[peer] = None

    def on_pruned(self, log: str) -> None:
        """Entries of a log are no longer kept: who has not got them is told where it begins."""
        stream = self._streams.get(log)
        if stream is not None:
            stream.base = self._log.extent(log).base
            for subscription in stream.subscriptions:
                if subscription.sequence < stream.base:
                    subscription.subscriber.announce(subscription)
                    self.to_flush[subscription.subscriber.owner] = None

    # --- The past ----------

    def may_read(self, peer: Peer, log: str) -> bool:
        """Rooms are open to all who are here; a conversation to the two who have it."""
        return log.startswith(ROOM_PREFIX) or log in self._conversations.get(peer.key, ())

    def past(self, log: str, *, before: int, before_ms: int, count: int) -> list[LogEntry]:
        """The last `count` entries before a sequence and a time."""
        extent = self._log.extent(log)
        last = min(extent.head, before - 1) if before else extent.head
        if before_ms:
            last = min(last, self._log.since(log, before_ms) - 1)
        first = max(extent.base + 1, last - count + 1)
        entries = self._log.read(log, first, last - first + 1) if first <= last else []
        return [LogEntry(log, first + at, entry) for at, entry in enumerate(entries)]

    def search(self, peer: Peer, asked: Search) -> list[LogEntry]:
        """The latest messages with all the words that this peer may read."""
        found = self._log.search(
            asked.words,
            nick=asked.nick or None,
            log=asked.log or None,
            since_ms=asked.since_ms,
            limit=PAST_ENTRIES_MAX,
        )
        return [LogEntry(hit.log, hit.sequence, hit.entry) for hit in found if self.may_read(peer, hit.log)]

    # --- Nicks ----------

    def claim(
        self, peer: Peer, nick: str, then: Callable[[float], None], *, counter: int | None = None
    ) -> None:
        """Have a free nick written down as belonging to the peer's key; nobody else gets it meanwhile.

        Or one that is just being written down for another device of that key: it stands when the first claim does.
        """
        is_free = self.registry.owner(nick) is None

        def on_durable(now: float, sequence: int) -> None:
            if is_free:
                self._claiming.discard(nick)
            then(now)

        def on_rejected() -> None:
            if is_free:
                self._claiming.discard(nick)
                self.registry.unclaim(nick)

        if is_free:
            self.registry.claim(nick, peer.key)
            self._claiming.add(nick)
        entry = encode(Claim(nick, peer.key))
        self.append(peer, DIRECTORY_LOG, entry, counter=counter, on_durable=on_durable, on_rejected=on_rejected)

    def is_claiming(self, nick: str) -> bool:
        """Whether this nick was claimed, but not durably yet."""
        return nick in self._claiming

    def rename(self, now: float, peer: Peer, nick: str) -> None:
        """The peer is known by another nick of its own, in all its rooms."""
        old = peer.nick
        if peer not in self.registry or old == nick:
            return
        peer.nick = nick
        for name in sorted(peer.rooms):
            self.rooms[name].roster.rename(now, old, nick, peer.user)
            self.to_arm[self.rooms[name]] = None

    # --- Writing ----------

    def append(
        self,
        peer: Peer,
        log: str,
        entry: bytes,
        *,
        counter: int | None = None,
        on_durable: Callable[[float, int], None] = lambda now, sequence: None,
        on_rejected: Callable[[], None] = lambda: None,
    ) -> None:
        """Have an entry written behind all others of its log; `counter` is the request of the peer that asks for it."""
        sequence = self._tails.get(log) or self._durable_head(log)
        self._tails[log] = sequence = sequence + 1
        append = Append(log, sequence, entry, None if counter is None else RequestId(peer.author, counter))
        self._pending.append(_Pending(append, peer, lambda now: on_durable(now, sequence), on_rejected))
        self._undrained.append(append)

    def _durable_head(self, log: str) -> int:
        stream = self._streams.get(log)
        return self._log.extent(log).head if stream is None else stream.head

    def drain_writes(self) -> list[Append]:
        """What is to be written as one batch, to be answered by `persisted` or `rejected`."""
        appends, self._undrained = self._undrained, []
        return appends

    def persisted(self, now: float, count: int) -> None:
        """The `count` oldest appends that were drained are durable: answer who asked, then fan them out."""
        self.unwritable = ""
        batch = [self._pending.popleft() for _ in range(count)]
        grown: dict[str, list[bytes]] = {}
        for pending in batch:
            log = pending.append.log
            grown.setdefault(log, []).append(pending.append.entry)
            if self._tails.get(log) == pending.append.sequence:
                del self._tails[log]
        for pending in batch:
            pending.on_durable(now)
            if pending.append.origin is not None:
                self._touch(pending.peer)
        for log, entries in grown.items():
            if log != DIRECTORY_LOG:
                self.extend(now, self.stream(log), entries)
                self._close_log_if_empty(log)

    def extend(self, now: float, stream: LogStream, entries: list[bytes]) -> None:
        """A log has grown: push it to its followers."""
        stream.extend(now, entries)
        self.to_arm[stream] = None
        self.touch_subscribers(stream)

    def touch_subscribers(self, stream: LogStream) -> None:
        """All who follow a log may have something to be sent."""
        self.to_flush.update(dict.fromkeys([subscription.subscriber.owner for subscription in stream.subscriptions]))

    def rejected(self, reason: str) -> None:
        """Nothing that is under way was written: as if it had not been asked. Reading and presence go on."""
        self.unwritable = reason
        pending, self._pending = self._pending, deque()
        self._undrained.clear()
        self._tails.clear()
        for dropped_pending in reversed(pending):
            dropped_pending.on_rejected()
            if dropped_pending.append.origin is not None:
                dropped_pending.peer.window.rewind(dropped_pending.append.origin.counter)
            self._touch(dropped_pending.peer)
        for log in dict.fromkeys(dropped_pending.append.log for dropped_pending in pending):
            self._close_log_if_empty(log)

    def _touch(self, peer: Peer) -> None:
        """A peer may have something to be sent, if it is still here."""
        if peer in self.registry:
            self.to_flush[peer] = None

    def window_of(self, author: bytes) -> RequestWindow:
        """The request window of an author who comes back: what was carried out is answered the same, not done again.

        While something of the author's is still being written, that is the window it was asked in. Else it is as the
        log remembers it, which knows only requests that were written: of the last, the others may be asked again.
        """
        for pending in self._pending:
            if pending.peer.author == author:
                return pending.peer.window
        answers = logged_answers(self._log, author)
        window = RequestWindow(max(max(answers) - ANSWERS_RECALLED_MAX, 0) if answers else 0)
        for counter, answer in answers.items():
            if counter > window.executed:
                window.remember(counter, answer)
        return window

    def nicks_of(self, author: bytes) -> dict[int, str]:
        """The nicks that an author who comes back has claimed, by request: it may not know of the last."""
        return logged_nicks(self._log, author)

    def recall_answers(self, peer: Peer) -> None:
        """An author who begins anew may have lost answers that it once had: what was carried out is answered again.

        A client keeps its requests more carefully than their answers. What is not in the log was refused.
        """
        forgotten = peer.window.forgotten()
        answers = logged_answers(self._log, peer.author) if forgotten else {}
        for counter in forgotten:
            peer.window.remember(counter, answers.get(counter, REFUSED_BEFORE))
