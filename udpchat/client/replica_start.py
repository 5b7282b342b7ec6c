"""Where the replica of a log begins, and which of its earlier messages are shown (SPEC 5.1, 6.4)."""

from __future__ import annotations

from udpchat.chat.ids import CONVERSATION_PREFIX, INBOX_PREFIX, PRIVATE_PREFIXES, ROOM_PREFIX, ROSTER_PREFIX
from udpchat.client.profile import Profile
from udpchat.client.shown_on_entry import EntryHistory, Told, looked_through
from udpchat.client.stored import ClientState
from udpchat.sync.replica import Replica
from udpchat.wire.fields import Value
from udpchat.wire.frames import Head

REGENERATED_ENTRIES_MAX = 1_000  # read again of a log of a new generation; more if `history` is more

Stood = tuple[int, int]
"""The generation and the sequence up to which a log is held."""


class Start(Value, frozen=True):
    """A replica begins after `sequence`.

    `is_regenerated`: the log's generation is not the one that was held. `recent`: entries to show again. `new`: how
    many entries came since then, to be reported if there are any.
    """

    sequence: int
    is_regenerated: bool = False
    recent: tuple[tuple[int, bytes], ...] = ()
    new: int = 0


class ReplicaStarts:
    """What was held of each log when this run began or last left it, and how much history is wanted."""

    def __init__(self, profile: Profile, saved: ClientState) -> None:
        self._profile = profile
        self._saved = dict(saved.replicas)
        self._recent = dict(saved.recent)
        self._left: set[str] = set()  # logs that this run followed and left
        self.past = EntryHistory(profile.shown_max)
        self._wanted = profile.history if profile.shown_max is None else looked_through(profile.history)  # entries

    def private(self) -> list[str]:
        """The private logs of which entries were held."""
        return [log for log, (_, sequence) in self._saved.items() if sequence and log.startswith(PRIVATE_PREFIXES)]

    def generation_of(self, log: str) -> int | None:
        """The generation that was held of a log; None if nothing was."""
        return self._saved[log][0] if log in self._saved else None

    def is_held(self, log: str, stood: Stood, former: Replica | None) -> bool:
        """Whether a log is held at exactly this generation and sequence."""
        return (self._saved.get(log) if former is None else (former.generation, former.sequence)) == stood

    def was_left(self, log: str) -> bool:
        """Whether this run followed the log, and left it."""
        return log in self._left

    def is_change(self, head: Head, replica: Replica | None) -> bool:
        """Whether a head begins its log anew, or cuts it off."""
        if replica is None:
            return self.was_left(head.log)
        is_cut = head.base > replica.sequence and not head.log.startswith(ROSTER_PREFIX)
        return is_cut or replica.generation != head.generation

    def leave(self, replica: Replica) -> None:
        """A log is no longer followed; this run may follow it again."""
        self._saved[replica.log] = (replica.generation, replica.sequence)
        self._left.add(replica.log)
        self.past.leave(replica.log)

    def start(self, head: Head, former: Replica | None) -> Start:
        """Where the replica of a log begins; `former` is the one of another generation that it replaces."""
        log = head.log
        stood = self._saved.get(log) if former is None else (former.generation, former.sequence)
        held = stood[1] if stood is not None and stood[0] == head.generation else None
        if held is None and (former is not None or log in self._left):
            self.past.forget(log)  # its sequences belong to the former log
        if log.startswith(ROSTER_PREFIX):
            # If the server did not notice that we were away, it sends only entries above those it knows we hold.
            return Start(head.entered if held is None else max(head.entered, held))
        if log.startswith(INBOX_PREFIX):
            return Start(head.base if held is None else held)
        if held is not None:
            sequence, recent = self._go_on(head, held)
            new = head.entered - held if former is None and held >= self.past.hidden(log) else 0
            return Start(sequence, recent=recent, new=new)
        if stood is not None:
            earliest = head.entered - max(self._profile.history, REGENERATED_ENTRIES_MAX)
            return Start(max(head.base, earliest), is_regenerated=True)
        if log.startswith(CONVERSATION_PREFIX):
            return Start(head.base)
        return Start(max(head.base, head.entered - self._wanted))

    def _go_on(self, head: Head, sequence: int) -> tuple[int, tuple[tuple[int, bytes], ...]]:
        """After the held entries, with those to show again; or earlier, if fewer are held than wanted."""
        recent = self._recent.pop(head.log, None)
        if recent is None:
            return sequence, ()
        first = recent[0][0] if recent else sequence + 1
        if len(recent) < self._wanted and first > head.base + 1:
            return max(head.base, min(sequence, head.entered - self._wanted)), ()
        return sequence, tuple(recent)

    def hide_earlier(self, head: Head) -> list[Told]:
        """Of a room's messages from before our entry, show only the latest: what is to be told of that now.

        A conversation is shown whole: its messages were sent to this user, and only its two users can read it.
        """
        log = head.log
        if not log.startswith(ROOM_PREFIX) or log in self._left:
            return []
        generation, seen = self._saved.get(log, (0, None))
        is_known = generation == head.generation
        return self.past.begin(log, base=head.base, entered=head.entered, seen=seen if is_known else None)
