"""What a client has of the logs it follows, and what their entries mean to a person (SPEC 5.1, 6.4).

Replicas yield each entry once and in order; here it becomes an event: a message of somebody, one's own confirmed, a
coming or going. What came is also what is to be written to the disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from udpchat.chat import events
from udpchat.chat.ids import CONVERSATION_PREFIX, ROOM_PREFIX, ROSTER_PREFIX, shown_log
from udpchat.chat.names import nick_key
from udpchat.chat.text import counted
from udpchat.client.stored import EntriesStored, ReplicaReset, Write
from udpchat.sync.replica import Replica
from udpchat.sync.uplink import Uplink
from udpchat.wire import bodies
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import Head, parse_entry_untrusted
from udpchat.wire.limits import CONVERSATIONS_PER_KEY_MAX, SEQUENCE_MAX

REGENERATED_ENTRIES_MAX = 1_000  # read again of a log that is not the one that was held
KINDS = ("text", "action")


@dataclass(slots=True)
class Said:
    """Something this client said that it has not seen in its log yet."""

    room: str  # `@nick` for a conversation
    text: str
    kind: int
    id: bytes
    line: int | None = None  # of this run's input


class Timeline:
    """The replicas of one client, by log."""

    def __init__(
        self,
        uplink: Uplink,
        *,
        history: int,
        saved: dict[str, tuple[int, int]],
        recent: dict[str, list[tuple[int, bytes]]] | None = None,
        shown_max: int | None = None,
    ) -> None:
        """`history`, `shown_max`: as `Profile` has them. Entries come from `uplink`; its replicas are opened here."""
        self.uplink = uplink
        self._history = history
        self._shown_max = shown_max
        self._hidden: dict[str, int] = {}  # log -> the sequence up to which its messages are kept, but not shown
        self._left: set[str] = set()  # logs that this run followed and dropped
        self._saved = saved
        self._recent = dict(recent or {})
        self._wanted: set[str] = set()
        self._said: dict[bytes, Said] = {}
        self._stored: dict[bytes, tuple[str, int]] = {}  # of what was said: where the server says it stands
        self._confirmed_ahead: set[bytes] = set()  # of what was said: reported though no replica got there
        self._known_as: dict[bytes, str] = {}
        self._conversations: dict[str, str] = {}  # key of the other's nick -> log
        self._events: list[events.ClientEvent] = []
        self._writes: list[Write] = []
        self._unkept: set[str] = set()  # logs of which a write failed
        self.user = b""
        self.ignored: dict[str, bytes] = {}  # key of a nick -> user, empty until known; what they say is not shown

    # --- What is followed ----------

    def want(self, room: str) -> None:
        """Entries of this room are welcome."""
        self._wanted.update((ROOM_PREFIX + room, ROSTER_PREFIX + room))

    def drop(self, room: str) -> bool:
        """This room is left; what was said there and is confirmed is reported now. False if it was not wanted."""
        was_wanted = ROOM_PREFIX + room in self._wanted
        for log in (ROOM_PREFIX + room, ROSTER_PREFIX + room):
            self._wanted.discard(log)
            replica = self.uplink.close(log)
            if replica is not None:
                self._saved[log] = (replica.generation, replica.sequence)
                self._left.add(log)
        self._confirm_passed(ROOM_PREFIX + room, SEQUENCE_MAX)
        return was_wanted

    def follows(self, room: str) -> bool:
        """Whether the server has said how far this room's log reaches."""
        return ROOM_PREFIX + room in self.uplink

    def awaits_shown(self) -> bool:
        """Whether entries are known to exist that are to be shown and are not here."""
        return any(replica.has_gap and replica.head > self._hidden.get(replica.log, 0) for replica in self.uplink)

    @property
    def missing(self) -> int:
        """How many entries are known to exist that are not here."""
        return self.uplink.missing

    # --- What the server sends ----------

    def on_head(self, head: Head) -> bool:
        """How far a log reaches; the first word of it makes a replica. False if it is a log that nobody wants."""
        log = head.log
        replica = self.uplink.get(log)
        if replica is None or replica.generation != head.generation:
            if not self._is_welcome(log):
                return False
            replica = self._open(head, replica)
        if head.base > replica.sequence and not log.startswith(ROSTER_PREFIX):
            self._skip(replica, head.base)
        passed = max(replica.sequence, head.base)
        self.uplink.receive_head(head)
        self._confirm_passed(log, passed)
        self.take_in()
        return True

    def _skip(self, replica: Replica, base: int) -> None:
        """What is no longer kept cannot be had: the replica goes on from where the log begins now."""
        if replica.sequence:
            gone = base - replica.sequence
            text = f"{counted(gone, 'message')} of {self._shown_log(replica.log)} {'is' if gone == 1 else 'are'} gone: "
            self._events.append(events.Notice("history_gone", f"{text}the server keeps only later ones"))
        self._writes.append(ReplicaReset(replica.log, replica.generation, base))

    def _is_welcome(self, log: str) -> bool:
        if log.startswith(CONVERSATION_PREFIX):
            return log in self.uplink or len(self.uplink) < 2 * CONVERSATIONS_PER_KEY_MAX
        return log in self._wanted

    def _open(self, head: Head, former: Replica | None) -> Replica:
        """A replica from where it is wanted: where it stood on the disk, or so much of the past as was asked for."""
        log = head.log
        saved = self._saved.get(log)
        if former is not None:
            saved = (former.generation, former.sequence)
        is_same = saved is not None and saved[0] == head.generation
        if former is None and log not in self._left:
            self._hide_earlier(head, saved[1] if saved is not None and is_same else None)
        elif not is_same:
            self._hidden.pop(log, None)  # it counted in the log of before
        if log.startswith(ROSTER_PREFIX):
            # If the server has not noticed that we were away, it goes on where we stood: it knows what is here.
            sequence = max(head.entered, saved[1]) if saved is not None and is_same else head.entered
        elif saved is not None and is_same:
            sequence = self._begin(head, saved[1])
            if former is None and head.entered > saved[1] >= self._hidden.get(log, 0):
                where = self._shown_log(log)
                self._events.append(events.Notice("new", f"{head.entered - saved[1]} new in {where} since last time"))
        elif saved is not None:
            text = f"the server has other messages of {self._shown_log(log)} than before: it was restored from a "
            text += "backup or lost the latest; what it has now is shown again"
            self._events.append(events.Notice("generation", text))
            self._confirm_passed(log, SEQUENCE_MAX)  # it was stored, in the log that is no more
            sequence = max(head.base, head.entered - max(self._history, REGENERATED_ENTRIES_MAX))
        elif log.startswith(CONVERSATION_PREFIX):
            sequence = head.base
        else:
            sequence = max(head.base, head.entered - self._history)
        replica = self.uplink.open(log, generation=head.generation, sequence=sequence)
        replica.entered = head.entered if former is None else sequence
        if not log.startswith(ROSTER_PREFIX) and (saved is None or saved != (head.generation, sequence)):
            self._writes.append(ReplicaReset(log, head.generation, sequence))
        return replica

    def _hide_earlier(self, head: Head, seen: int | None) -> None:
        """Of a room's messages before our entry, show the latest `shown_max` only. `seen`: held since an earlier run.

        A conversation is shown whole: what is in it was told to this person, and nobody else may show it.
        """
        if self._shown_max is None or not head.log.startswith(ROOM_PREFIX):
            return
        hidden = head.entered - self._shown_max
        count = hidden - max(head.base, seen or 0)  # of those that this person has not seen
        if hidden > 0:
            self._hidden[head.log] = hidden
        if count > 0 and (self._shown_max or seen is not None):  # who is new and wants no history is told of none
            text = f"{count:,} earlier messages in {head.log[1:]} are not shown: /history"
            self._events.append(events.Notice("history", text))

    def _begin(self, head: Head, sequence: int) -> int:
        """Tell what is to be seen again of a log that goes on behind `sequence`, or go back to where that begins."""
        recent = self._recent.pop(head.log, None)
        if recent is None:
            return sequence
        first = recent[0][0] if recent else sequence + 1
        if len(recent) < self._history and first > head.base + 1:
            return max(head.base, min(sequence, head.entered - self._history))
        for message in self.recall(bodies.LogEntry(head.log, *item) for item in recent):
            if (identity := bytes.fromhex(message.id)) in self._said:  # its answer was lost with the run before
                self._confirm(identity, message.seq, message.time_ms)
            elif message.seq > self._hidden.get(head.log, 0):
                self._events.append(message)
        return sequence

    def take_in(self) -> None:
        """What came next in its log: an event for the person, a write for the disk."""
        for received in self.uplink.drain_received():
            replica = self.uplink.get(received.log)
            assert replica is not None, "it is drained before its replica is closed"
            if not received.log.startswith(ROSTER_PREFIX):
                self._writes.append(EntriesStored(received.log, received.generation, received.first, received.entries))
            for sequence, entry in enumerate(received.entries, received.first):
                self._take_in(replica, sequence, entry)

    def _take_in(self, replica: Replica, sequence: int, entry: bytes) -> None:
        try:
            self._tell(replica, sequence, parse_entry_untrusted(entry))
        except BadDatagram:
            text = f"message {sequence} of {self._shown_log(replica.log)} cannot be read here; update this udpchat"
            self._events.append(events.Notice("unreadable", text))

    # --- What it means ----------

    def _tell(self, replica: Replica, sequence: int, entry: bodies.Entry) -> None:
        room = replica.log[1:]
        match entry:
            case bodies.Message():
                self._tell_message(replica, sequence, entry)
            case bodies.Joined(nick, user):
                self._known_as[user] = nick
                self._recognize(nick, user)
                if user != self.user:
                    self._events.append(events.MemberJoined(room, nick))
            case bodies.Left(nick, user, reason):
                if self._known_as.get(user) == nick:
                    del self._known_as[user]
                if user != self.user:
                    self._events.append(events.MemberLeft(room, nick, reason))
            case bodies.Renamed(old, nick, user):
                self._recognize(old, user)
                if self._known_as.get(user) != nick:  # once, though told in every room that is shared
                    self._known_as[user] = nick
                    self._events.append(events.MemberRenamed(old, nick))
            case bodies.TopicSet(topic, nick):
                self._events.append(events.TopicChanged(room, topic, nick))
            case bodies.Tombstone():
                pass

    def _tell_message(self, replica: Replica, sequence: int, message: bodies.Message) -> None:
        room = self._room_of(replica.log, message)  # also of what is not shown: its log is known from here on
        if message.id in self._said and message.author == self.user:
            return self._confirm(message.id, sequence, message.time_ms)
        if message.id in self._confirmed_ahead and message.author == self.user:
            return self._confirmed_ahead.discard(message.id)
        if self._is_ignored(message) or sequence <= self._hidden.get(replica.log, 0):
            return
        self._events.append(_shown(room, sequence, message, is_history=sequence <= replica.entered))

    def _room_of(self, log: str, message: bodies.Message) -> str:
        """What people call a log: the room, or `@` and the nick of the other one; whose log it is is remembered."""
        if not log.startswith(CONVERSATION_PREFIX):
            return log[1:]
        nick = message.to if message.author == self.user else message.nick
        self._conversations[nick_key(nick)] = log
        return "@" + nick

    def _shown_log(self, log: str) -> str:
        return shown_log(log, next((nick for nick, known in self._conversations.items() if known == log), ""))

    def recall(self, items: Iterable[bodies.LogEntry]) -> list[events.MessageReceived]:
        """Entries of the past, from the disk or the server, as messages; those of who is ignored are left out."""
        recalled = []
        for item in items:
            try:
                entry = parse_entry_untrusted(item.entry)
            except BadDatagram:
                continue
            if isinstance(entry, bodies.Message) and not self._is_ignored(entry):
                recalled.append(_shown(self._room_of(item.log, entry), item.sequence, entry, is_history=True))
        return recalled

    def head_of(self, log: str) -> int | None:
        """How far a log reaches, as far as is known; None if it is not followed."""
        replica = self.uplink.get(log)
        return None if replica is None else replica.head

    def cursor_of(self, log: str) -> int | None:
        """How far a log has been taken in; None if it is not followed."""
        replica = self.uplink.get(log)
        return None if replica is None else replica.sequence

    def log_of(self, target: str) -> str | None:
        """The log of a room, or of the conversation with `@nick` as far as there was one."""
        if target.startswith("@"):
            return self._conversations.get(nick_key(target[1:]))
        return ROOM_PREFIX + target

    def _is_ignored(self, message: bodies.Message) -> bool:
        """By the key behind the nick that was ignored, as soon as it is known: a new nick does not help it."""
        self._recognize(message.nick, message.author)
        return message.author in self.ignored.values()

    def _recognize(self, nick: str, user: bytes) -> None:
        """This nick is this person's."""
        if self.ignored.get(nick_key(nick)) == b"":
            self.ignored[nick_key(nick)] = user

    def ignore(self, nick: str) -> bool:
        """Show nothing that this person says; False if that is so already."""
        key = nick_key(nick)
        if key in self.ignored:
            return False
        self.ignored[key] = next((user for user, known in self._known_as.items() if nick_key(known) == key), b"")
        return True

    # --- What this client said ----------

    def on_said(self, said: Said) -> None:
        """It is on its way; its own entry in the log confirms it, in the order of the log."""
        self._said[said.id] = said

    def on_stored(self, identity: bytes, log: str, sequence: int) -> None:
        """The server says where it stands. Reported when the replica gets there, or at once if that is not coming."""
        if identity not in self._said:
            return
        replica = self.uplink.get(log)
        if self._is_welcome(log) if replica is None else replica.sequence < sequence:
            self._stored[identity] = (log, sequence)
        else:
            self._confirm_ahead(identity, sequence)

    def _confirm_ahead(self, identity: bytes, sequence: int) -> None:
        """No replica is to get there. Should one do so all the same, in another generation say, it was told already."""
        self._confirmed_ahead.add(identity)
        self._confirm(identity, sequence, 0)

    def _confirm_passed(self, log: str, sequence_max: int) -> None:
        """What stands where the replica did not look, or cannot any more, is confirmed all the same."""
        for identity, (stored_in, sequence) in list(self._stored.items()):
            if stored_in == log and sequence <= sequence_max:
                self._confirm_ahead(identity, sequence)

    def on_line(self, identity: bytes, line: int) -> None:
        """What an earlier run said is line `line` of this run's input."""
        if identity in self._said:
            self._said[identity].line = line

    def on_failed(self, identity: bytes) -> None:
        """It will never be in the log."""
        self._said.pop(identity, None)

    def _confirm(self, identity: bytes, sequence: int, time_ms: int) -> None:
        said = self._said.pop(identity)
        self._stored.pop(identity, None)
        self._events.append(
            events.MessageSent(said.room, sequence, identity.hex(), said.text, KINDS[said.kind], time_ms)
        )

    def unconfirmed(self) -> list[Said]:
        """What was said and not reported as sent, in order."""
        return list(self._said.values())

    # --- Out ----------

    def report(self, event: events.ClientEvent) -> None:
        """Something else for the person, in its place among the messages."""
        self._events.append(event)

    def drain_events(self) -> list[events.ClientEvent]:
        """What happened, in order."""
        drained, self._events = self._events, []
        return drained

    def drain_writes(self) -> list[Write]:
        """What is to be kept, in order."""
        drained, self._writes = self._writes, []
        kept: list[Write] = []
        for write in drained:
            if isinstance(write, ReplicaReset):
                self._unkept.discard(write.log)
            if not isinstance(write, EntriesStored) or write.log not in self._unkept:
                kept.append(write)
        return kept

    def on_unwritten(self, writes: Iterable[Write]) -> None:
        """These are not on the disk: their logs stay there as they are, without a hole, until a replica starts over."""
        self._unkept.update(write.log for write in writes if isinstance(write, EntriesStored | ReplicaReset))


def _shown(room: str, sequence: int, message: bodies.Message, *, is_history: bool) -> events.MessageReceived:
    return events.MessageReceived(
        room=room,
        seq=sequence,
        nick=message.nick,
        text=message.text,
        kind=KINDS[message.kind],
        time_ms=message.time_ms,
        id=message.id.hex(),
        history=is_history,
    )
