"""What this client said, from its request until it is reported as sent: once, in the order of its log (SPEC 6.4)."""

from __future__ import annotations

from dataclasses import dataclass

from udpchat.chat.events import MessageSent, kind_name


@dataclass(slots=True)
class Said:
    """Something this client said that it has not seen in its log yet."""

    room: str  # `@nick` for a conversation
    text: str
    kind: int
    id: bytes
    line: int | None = None  # of this run's input


class OwnMessages:
    """Messages by id. Each is confirmed by its own entry in the log, or by the server's word where no replica gets."""

    def __init__(self) -> None:
        self._said: dict[bytes, Said] = {}
        self._stored: dict[bytes, tuple[str, int]] = {}  # where the server says that it stands
        self._confirmed_ahead: set[bytes] = set()  # reported though no replica got there

    def add(self, said: Said) -> None:
        """It is on its way."""
        self._said[said.id] = said

    def __contains__(self, identity: bytes) -> bool:
        """Whether this message is not confirmed yet."""
        return identity in self._said

    def unconfirmed(self) -> list[Said]:
        """What was said and not reported as sent, in order."""
        return list(self._said.values())

    def on_line(self, identity: bytes, line: int) -> None:
        """What an earlier run said is line `line` of this run's input."""
        if identity in self._said:
            self._said[identity].line = line

    def on_failed(self, identity: bytes) -> None:
        """It will never be in the log."""
        self._said.pop(identity, None)

    def on_stored(self, identity: bytes, log: str, sequence: int) -> None:
        """The server says where it stands; a replica will get there."""
        self._stored[identity] = (log, sequence)

    def confirm(self, identity: bytes, sequence: int, time_ms: int) -> MessageSent:
        """Its entry is here."""
        said = self._said.pop(identity)
        self._stored.pop(identity, None)
        return MessageSent(said.room, sequence, identity.hex(), said.text, kind_name(said.kind), time_ms)

    def confirm_ahead(self, identity: bytes, sequence: int) -> MessageSent:
        """No replica is to get there. Should one do so all the same, `take_confirmed_ahead` knows it."""
        self._confirmed_ahead.add(identity)
        return self.confirm(identity, sequence, 0)

    def confirm_passed(self, log: str, sequence_max: int) -> list[MessageSent]:
        """What stands where the replica of a log did not look, or cannot any more, is confirmed all the same."""
        passed = [
            (identity, sequence)
            for identity, (stored_in, sequence) in self._stored.items()
            if stored_in == log and sequence <= sequence_max
        ]
        return [self.confirm_ahead(identity, sequence) for identity, sequence in passed]

    def take_confirmed_ahead(self, identity: bytes) -> bool:
        """Whether this message was confirmed ahead of its entry, which is here now."""
        if identity not in self._confirmed_ahead:
            return False
        self._confirmed_ahead.discard(identity)
        return True
