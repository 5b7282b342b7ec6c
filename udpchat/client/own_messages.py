"""This client's messages, from the request until each is reported as sent, once (SPEC 6.4)."""

from __future__ import annotations

from dataclasses import dataclass

from udpchat.chat.events import MessageSent, kind_name


@dataclass(slots=True)
class Said:
    """A message of this client that is not confirmed yet."""

    room: str  # `@nick` for a conversation
    text: str
    kind: int
    id: bytes
    line: int | None = None  # of this run's input


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

    def confirm(self, identity: bytes, sequence: int, time_ms: int) -> MessageSent:
        """The message's entry has come."""
        said = self._said.pop(identity)
        self._stored.pop(identity, None)
        return MessageSent(said.room, sequence, identity.hex(), said.text, kind_name(said.kind), time_ms)

    def confirm_ahead(self, identity: bytes, sequence: int) -> MessageSent:
        """No replica is expected to reach the entry. If one does, `take_confirmed_ahead` recognizes the message."""
        self._confirmed_ahead.add(identity)
        return self.confirm(identity, sequence, 0)

    def confirm_passed(self, log: str, sequence_max: int) -> list[MessageSent]:
        """The log's replica has passed `sequence_max`: confirm messages whose entries it has skipped or cannot get."""
        passed = [
            (identity, stored.sequence)
            for identity, stored in self._stored.items()
            if stored.log == log and stored.until <= sequence_max
        ]
        return [self.confirm_ahead(identity, sequence) for identity, sequence in passed]

    def take_confirmed_ahead(self, identity: bytes) -> bool:
        """Whether this message was confirmed before its entry, which has come now; True once."""
        if identity not in self._confirmed_ahead:
            return False
        self._confirmed_ahead.discard(identity)
        return True
