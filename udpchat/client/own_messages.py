"""This client's messages, from the request until each is reported as sent, once (SPEC 6.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from udpchat.chat.amendments import AMENDING, edited_by, is_by_right
from udpchat.chat.events import Amendment, ClientEvent, MessageSent, Redacted, error, kind_name
from udpchat.chat.ids import message_id
from udpchat.client.entry_events import confirmation_of, reply_of
from udpchat.wire.content import Extra, Message


@dataclass(slots=True)
class Said:
    """A message of this client that is not confirmed yet."""

    room: str  # `@nick` for a conversation
    text: str
    kind: int
    id: bytes
    line: int | None = None  # of this run's input
    extra: Extra | None = None

    @property
    def is_message(self) -> bool:
        """Whether it is a message of its own, and not about another."""
        return self.kind not in AMENDING

    @property
    def summary(self) -> str:
        """What it says, for a list of what is not confirmed."""
        return self.text if self.is_message else f"({kind_name(self.kind)}) {self.text}".rstrip()

    def sent(self, sequence: int, time_ms: int) -> MessageSent:
        """The event that this message is in the log at this sequence."""
        kind, reply = kind_name(self.kind), reply_of(self.extra)
        return MessageSent(self.room, sequence, self.id.hex(), self.text, kind, time_ms, reply=reply)

    def confirmed(self, sequence: int, time_ms: int) -> MessageSent | Amendment:
        """The same, also of what is about another message; that has no nick and no author yet."""
        if self.is_message:
            return self.sent(sequence, time_ms)
        message = Message(time_ms, b"", "", self.id, self.kind, self.text, None, self.extra)
        return confirmation_of(self.room, sequence, message)


@dataclass(slots=True)
class _Stored:
    """A message that is in a log. When a replica has passed `until` without its entry, the entry will not come."""

    log: str
    sequence: int
    until: int


class OwnMessages:
    """Messages by id. Each is confirmed by its entry in the log, or by its `Stored` if no replica will reach it."""

    def __init__(self) -> None:
        self._said: dict[bytes, Said] = {}
        self._stored: dict[bytes, _Stored] = {}  # by id, as the server reported it
        self._confirmed_ahead: set[bytes] = set()  # reported before a replica reached the entry

    def add(self, said: Said) -> None:
        self._said[said.id] = said

    def __contains__(self, identity: bytes) -> bool:
        """Whether this message is not confirmed yet."""
        return identity in self._said

    def unconfirmed(self) -> list[Said]:
        """Messages that are not confirmed yet, in order."""
        return list(self._said.values())

    def on_line(self, identity: bytes, line: int) -> None:
        """A message of an earlier run is line `line` of this run's input."""
        if identity in self._said:
            self._said[identity].line = line

    def renumber(self, instance: bytes, counters: Mapping[int, int]) -> None:
        """Requests that were never sent have other counters, former -> new one, and so their messages other ids."""
        identities = {message_id(instance, former): message_id(instance, counters[former]) for former in counters}
        for said in self._said.values():
            said.id = identities.get(said.id, said.id)
        self._said = {said.id: said for said in self._said.values()}

    def on_failed(self, identity: bytes) -> None:
        """The message was refused, or was never sent: it will not be in the log."""
        self._said.pop(identity, None)

    def on_stored(self, identity: bytes, log: str, sequence: int) -> None:
        """The server reports the message's place in its log; a replica will reach it."""
        self._stored[identity] = _Stored(log, sequence, until=sequence)

    def has_stored(self, log: str) -> bool:
        """Whether a message is in this log, as the server reported, whose entry has not come."""
        return any(stored.log == log for stored in self._stored.values())

    def on_regenerated(self, log: str, head: int) -> None:
        """A log has another generation, which reaches to `head`: our messages stand in it elsewhere, or are lost."""
        for stored in self._stored.values():
            if stored.log == log:
                stored.until = head

    def receive(self, entry: Message, sequence: int) -> tuple[list[ClientEvent], bool]:
        """An entry of this user has come: the events, and whether they are all that is to be told of it."""
        said = self._said.get(entry.id)
        if said is None:
            return [], self._take_confirmed_ahead(entry.id)
        if not said.is_message or edited_by(entry) or (entry.kind, entry.text) == (said.kind, said.text):
            confirmed = self._confirm(entry.id, sequence, entry.time_ms)
            if isinstance(confirmed, Redacted):
                confirmed = confirmed.changed(is_by_right=is_by_right(entry))
            return [confirmed], True
        del self._said[entry.id]  # a process with a copy of the store gave this id to another message: ours is not said
        self._stored.pop(entry.id, None)
        return [error("id_taken", line=said.line, message=said.text)], False

    def _confirm(self, identity: bytes, sequence: int, time_ms: int) -> ClientEvent:
        """The message's entry has come."""
        said = self._said.pop(identity)
        self._stored.pop(identity, None)
        return said.confirmed(sequence, time_ms)

    def confirm_ahead(self, identity: bytes, sequence: int, *, is_passed: bool) -> ClientEvent:
        """No replica is expected to reach the entry, or one has passed it.

        If a replica does reach it, `receive` recognizes the message.
        """
        self._confirmed_ahead.add(identity)
        confirmed = self._confirm(identity, sequence, 0)
        return confirmed.changed(is_passed=is_passed) if isinstance(confirmed, MessageSent) else confirmed

    def confirm_passed(self, log: str, sequence_max: int) -> list[ClientEvent]:
        """The log's replica has passed `sequence_max`: confirm messages whose entries it has skipped or cannot get."""
        passed = [
            (identity, stored.sequence)
            for identity, stored in self._stored.items()
            if stored.log == log and stored.until <= sequence_max
        ]
        return [self.confirm_ahead(identity, sequence, is_passed=True) for identity, sequence in passed]

    def _take_confirmed_ahead(self, identity: bytes) -> bool:
        """Whether this message was confirmed before its entry, which has come now; True once."""
        if identity not in self._confirmed_ahead:
            return False
        self._confirmed_ahead.discard(identity)
        return True
