"""The logs that a client follows, and the events that their entries become (SPEC 5.1, 6.4).

Replicas yield each entry once and in order. Here it becomes an event: a message of another user, our own confirmed, a
Joined or Left. Entries of rooms and conversations, but not of rosters, are also written to the disk.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TypeGuard

from udpchat.chat import events
from udpchat.chat.ids import (
    CONVERSATION_PREFIX,
    PRIVATE_PREFIXES,
    ROOM_PREFIX,
    ROSTER_PREFIX,
)
from udpchat.client.entry_events import EntryEvents
from udpchat.client.followed import FollowedLogs
from udpchat.client.inbox import Inbox
from udpchat.client.journal import ReplicaWrites, queued_bytes
from udpchat.client.order_entry_events import inbox_events
from udpchat.client.own_messages import OwnMessages
from udpchat.client.people import People
from udpchat.client.profile import Profile
from udpchat.client.replica_start import ReplicaStarts, Start
from udpchat.client.shown_on_entry import Told
from udpchat.client.stored import ClientState, EntriesStored, ReplicaReset
from udpchat.session.noise import user_id
from udpchat.sync.replica import Replica
from udpchat.sync.uplink import Uplink
from udpchat.wire import content
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import Head, parse_entry_untrusted
from udpchat.wire.limits import QUEUED_BYTES_MAX, SEQUENCE_MAX


class Timeline:
    """The events and the writes of one client. `uplink` holds its replicas; this class opens and closes them."""

    def __init__(self, uplink: Uplink, *, profile: Profile, saved: ClientState) -> None:
        self.uplink = uplink
        self.inbox = Inbox(profile.static.public, saved)
        self.people = People(user_id(self.inbox.account), user_id(profile.static.public))
        self.own = OwnMessages()
        self.logs = FollowedLogs(self.inbox.log, saved.replicas)
        self.marks = self.inbox.marks
        self.told = EntryEvents(self.people, self.logs)
        self._starts = ReplicaStarts(profile, saved)
        self._events: list[events.ClientEvent] = []
        self._queued_bytes = 0  # of entries whose events were not drained yet
        self.writes = ReplicaWrites()

    def identify(self, account: bytes) -> bool:
        """The server names this user's account, as `Inbox.move` has it: what it says is this user's from here on."""
        if not self.inbox.move(account):
            return False
        self._close(self.logs.inbox)
        self.logs.inbox = self.inbox.log
        self.people.identify(user_id(self.inbox.account))
        return True

    # --- What is followed ----------

    def want(self, room: str) -> None:
        """Accept the logs of this room."""
        self.logs.want(room)

    def drop(self, room: str) -> bool:
        """We left this room; our messages stored there are reported as sent now. False if it was not wanted."""
        was_wanted = self.logs.drop(room)
        self.people.close(room)
        for log in (ROOM_PREFIX + room, ROSTER_PREFIX + room):
            self._close(log)
        self._events += self.own.confirm_passed(ROOM_PREFIX + room, SEQUENCE_MAX)
        return was_wanted

    def await_private(self) -> None:
        """We have entered: the server sends the heads of the private logs that it knows; ask for the others."""
        for log in self._starts.private():
            self.uplink.await_head(log)

    def follows(self, room: str) -> bool:
        """Whether this room's log has a replica, which the first head opens."""
        return ROOM_PREFIX + room in self.uplink

    def awaits_shown(self) -> bool:
        """Whether entries that are to be shown are known to exist, but have not come."""
        return any(replica.has_gap and replica.head > self._starts.past.hidden(replica.log) for replica in self.uplink)

    # --- What the server sends ----------

    def is_change(self, head: Head) -> bool:
        """Whether this head begins its log anew, or cuts it off: each is a write, and a notice for the user."""
        return self.logs.is_welcome(head.log) and self._starts.is_change(head, self.uplink.get(head.log))

    def on_head(self, head: Head) -> bool:
        """How far a log reaches; its first head opens a replica. False if the log is not wanted."""
        log = head.log
        replica = self.uplink.get(log)
        if replica is None or replica.generation != head.generation:
            if not self.logs.is_welcome(log):
                return False
            self.logs.on_opened(log)
            replica = self._open(head, replica)
        if head.base > replica.sequence:
            self._skip(replica, head.base)
        passed = max(replica.sequence, head.base)
        self.uplink.receive_head(head)
        if passed >= replica.entered:
            self._tell_past(log, self._starts.past.release(log))
        self._events += self.own.confirm_passed(log, passed)
        self.take_in()
        if not replica.head and log.startswith(PRIVATE_PREFIXES):  # the server does not know this log
            self._close(log)
        return True

    def _close(self, log: str) -> None:
        replica = self.uplink.close(log)
        if replica is not None:
            self._starts.leave(replica)

    def _skip(self, replica: Replica, base: int) -> None:
        """The server no longer keeps entries up to `base`: the replica is to continue there."""
        if replica.log.startswith(ROSTER_PREFIX):
            return self.people.skip(replica.log[1:], base)
        if replica.sequence and replica.log != self.logs.inbox:
            gone = events.notice("history_gone", count=base - replica.sequence, log=self._target_of(replica.log))
            self._events.append(gone)
        self.writes.add(ReplicaReset(replica.log, replica.generation, base))

    def _open(self, head: Head, former: Replica | None) -> Replica:
        """Open a replica: at its place on the disk, or as far back as history is wanted."""
        log = head.log
        if former is None:
            self._tell_past(log, self._starts.hide_earlier(head))
        start = self._starts.start(head, former)
        is_lost = not head.head and self.own.has_stored(log) and log.startswith(CONVERSATION_PREFIX)
        if start.is_regenerated or is_lost:
            self.own.on_regenerated(log, head.head)
            self._events = [
                event for event in self._events if not (_is_message(event) and self.log_of(event.room) == log)
            ]  # not shown yet
            self._events.append(events.notice("generation", log=self._target_of(log)))
            if (room := self.room_of(log)) is not None:
                self._events.append(events.HistoryReplaced(room))
        self._show_again(log, start)
        stands = (head.generation, start.sequence)
        if not log.startswith(ROSTER_PREFIX) and not self._starts.is_held(log, stands, former):
            self.writes.add(ReplicaReset(log, *stands))
        replica = self.uplink.open(log, generation=head.generation, sequence=start.sequence)
        replica.entered = head.entered if former is None else start.sequence
        if log.startswith(ROSTER_PREFIX):
            self.people.open(log[1:], start.sequence)
        return replica

    def _show_again(self, log: str, start: Start) -> None:
        for sequence, encoded in start.recent:
            with suppress(BadDatagram):
                entry = parse_entry_untrusted(encoded)
                if isinstance(entry, content.Message | content.Tombstone):
                    self._tell_past(log, self._starts.past.pass_on(log, sequence, entry, queued_bytes(encoded)))
        if start.new > 0:
            new = events.notice("new", count=start.new, log=self._target_of(log))
            self._tell_past(log, self._starts.past.pass_on(log, start.sequence, new))

    def _tell_past(self, log: str, told: list[Told]) -> None:
        for each in told:
            if isinstance(each, events.Notice):
                self._events.append(each)
            else:
                self._tell_said(log, *each, is_history=True)

    @property
    def is_full(self) -> bool:
        """Whether so many entries wait to be shown or written that no more are to be received."""
        return self._queued_bytes + self._starts.past.kept_bytes + self.writes.waiting_bytes > QUEUED_BYTES_MAX

    def take_in(self) -> None:
        """The entries that came next in their logs become events, and writes unless they are of a roster."""
        for received in self.uplink.drain_received():
            replica = self.uplink.get(received.log)
            assert replica is not None, "it is drained before its replica is closed"
            if not received.log.startswith(ROSTER_PREFIX):
                self.writes.add(EntriesStored(received.log, received.generation, received.first, received.entries))
            for sequence, entry in enumerate(received.entries, received.first):
                self._queued_bytes += queued_bytes(entry)
                self._take_in(replica, sequence, entry)
            last = received.first + len(received.entries) - 1
            self._events += self.own.confirm_passed(received.log, last)  # removed, unreadable or lost

    def _take_in(self, replica: Replica, sequence: int, entry: bytes) -> None:
        try:
            parsed = parse_entry_untrusted(entry)
            if sequence <= replica.entered and isinstance(parsed, content.Message | content.Tombstone):
                size = queued_bytes(entry)
                self._tell_past(replica.log, self._starts.past.pass_on(replica.log, sequence, parsed, size))
            else:
                self._tell(replica, sequence, parsed)
        except BadDatagram:
            if not self.logs.note_unreadable(replica.log):
                return
            unreadable = events.notice("unreadable.entry", sequence=sequence, log=self._target_of(replica.log))
            self._events.append(unreadable)
        finally:
            if sequence == replica.entered:
                self._tell_past(replica.log, self._starts.past.release(replica.log))

    # --- What it means ----------

    def _tell(self, replica: Replica, sequence: int, entry: content.Entry) -> None:
        if replica.log.startswith(ROSTER_PREFIX):
            self._events += self.people.receive(replica.log[1:], sequence, entry)
        elif isinstance(entry, content.Message | content.Tombstone):
            self._tell_said(replica.log, sequence, entry, is_history=sequence <= replica.entered)
        elif isinstance(entry, content.ReadMark):
            room = self.room_of(entry.log) if self.marks.receive(entry) else None
            if room is not None and self.read_up_to(room) == entry.sequence:
                self._events.append(events.ReadMarked(room, entry.sequence))
        elif replica.log == self.logs.inbox:
            self._events += inbox_events(entry)

    def _tell_said(self, log: str, sequence: int, entry: content.Entry, *, is_history: bool) -> None:
        if isinstance(entry, content.Message) and entry.author in self.people.mine:
            self.told.room_of(log, entry)  # it remembers the log
            told, is_all = self.own.receive(entry, sequence)  # perhaps the previous run did not get its result
            self._events += told
            if is_all:
                return
        is_shown = sequence > self._starts.past.hidden(log)
        self._events += self.told.tell(log, sequence, entry, is_shown=is_shown, is_history=is_history)

    def room_of(self, log: str) -> str | None:
        """The user's name for a log, if it is known."""
        return self.logs.room_of(log)

    def _target_of(self, log: str) -> str:
        """The room of a log, or `@` and the nick of the other person, if it is known."""
        return self.room_of(log) or ("@" if log.startswith(CONVERSATION_PREFIX) else log[1:])

    def head_of(self, log: str) -> int | None:
        """The highest known sequence of a log; None if it is not followed."""
        replica = self.uplink.get(log)
        return None if replica is None else replica.head

    def log_of(self, target: str) -> str | None:
        """The log of a room, or of the conversation with `@nick`; None if no such conversation is known."""
        return self.logs.log_of(target)

    def read_up_to(self, target: str) -> int | None:
        """Up to which sequence a room or the conversation with `@nick` is marked as read; None: it never was."""
        log = self.log_of(target)
        generation = None if log is None else self._generation_of(log)
        return None if log is None or generation is None else self.marks.get(log, generation)

    def mark_read(self, now: float, target: str, sequence: int) -> None:
        log = self.log_of(target)
        if log is not None and (generation := self._generation_of(log)) is not None:
            self.marks.set(now, content.ReadMark(log, generation, sequence))

    def _generation_of(self, log: str) -> int | None:
        replica = self.uplink.get(log)
        return self._starts.generation_of(log) if replica is None else replica.generation

    # --- This client's messages ----------

    def on_stored(self, now: float, identity: bytes, log: str, sequence: int) -> None:
        """The server has stored our message: report it when the replica reaches it, or at once if none will."""
        if identity not in self.own:
            return
        replica = self.uplink.get(log)
        if self.logs.is_welcome(log) if replica is None else replica.sequence < sequence:
            self.own.on_stored(identity, log, sequence)
            self.uplink.expect(now, log, sequence)
        else:
            self._events.append(self.own.confirm_ahead(identity, sequence, is_passed=replica is not None))

    # --- Out ----------

    def report(self, event: events.ClientEvent) -> None:
        """Add another event, in its place among the messages."""
        self._events.append(event)

    def drain_events(self) -> list[events.ClientEvent]:
        drained, self._events = self._events, []
        self._queued_bytes = 0
        return drained


def _is_message(event: events.ClientEvent) -> TypeGuard[events.MessageReceived]:
    """Whether it is in a log, and may be another there once that begins anew."""
    is_said = isinstance(event, events.MessageReceived | events.MessageRemoved | events.Amendment)
    return is_said and not (isinstance(event, events.Amendment) and event.is_confirmation)
