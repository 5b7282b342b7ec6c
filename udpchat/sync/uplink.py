"""The receiving half of "logs down": the replicas of one client, and what it acknowledges when (SPEC 5.1, 5.2).

`downlink` is the sending end. The client opens a replica for each log that it wants, passes in the frames and packets
that it receives, and drains the entries that come next in each log, and the acks that are due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from udpchat.sync.acks import AckSchedule
from udpchat.sync.packing import FRAME_BYTES_MAX
from udpchat.sync.replica import Replica, ReplicaBudgets
from udpchat.wire.fields import Value
from udpchat.wire.frames import Cursor, Entries, EntryFragment, Head, encode
from udpchat.wire.limits import ACK_LOGS_MAX, ACKS_AT_ONCE_MAX

GROUP_GAP_SHARE = 0.125  # of the ack delay: so long a gap that many may have waits at most, beside the hold


class Received(Value, frozen=True):
    """Entries `first`, `first + 1`, ... of a log, each returned once and in order."""

    log: str
    generation: int
    first: int
    entries: tuple[bytes, ...]


class Uplink:
    """Replicas by log, and the ack schedule of the present session. `random(n)` returns n random bytes."""

    __slots__ = ("_acks", "_awaited", "_changed", "_has_rest", "_random", "_received", "_replicas", "budgets")

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._acks = AckSchedule()
        self._replicas: dict[str, Replica] = {}
        self.budgets = ReplicaBudgets()
        self._changed: dict[str, bool] = {}  # logs to be named in an ack, oldest first: with what is held, or bare
        self._awaited: dict[str, None] = {}  # logs whose heads are to come in this session: named in every ack
        self._has_rest = False  # the last acks did not find room for all of `_changed`
        self._received: list[Received] = []

    # --- Replicas ----------

    def open(self, log: str, *, generation: int, sequence: int) -> Replica:
        """Hold a log after `sequence`: entries up to there are held or not wanted. Replaces an open replica."""
        self._release(log)
        replica = Replica(log, generation=generation, sequence=sequence, budgets=self.budgets)
        self._replicas[log] = replica
        self._changed[log] = True
        return replica

    def await_head(self, log: str) -> None:
        """Unless the log has a replica: the server is to send its head, or to report that it does not know it."""
        if log not in self._replicas:
            self._awaited.setdefault(log)
            self._changed.setdefault(log, False)

    def expect(self, now: float, log: str, sequence: int) -> None:
        """The log has an entry `sequence`, as a result reports: it is missing, or the head if there is no replica."""
        replica = self._replicas.get(log)
        if replica is None:
            self.await_head(log)
        else:
            replica.head = max(replica.head, sequence)
        self._acks.on_gap(now)

    def close(self, log: str) -> Replica | None:
        """Hold a log no longer; returns its replica."""
        self._changed.pop(log, None)
        self._awaited.pop(log, None)
        self._release(log)
        return self._replicas.pop(log, None)

    def _release(self, log: str) -> None:
        if log in self._replicas:
            self._replicas[log].release()

    def get(self, log: str) -> Replica | None:
        """The replica of a log, to be read only."""
        return self._replicas.get(log)

    def __contains__(self, log: str) -> bool:
        return log in self._replicas

    def __iter__(self) -> Iterator[Replica]:
        return iter(self._replicas.values())

    def __len__(self) -> int:
        return len(self._replicas)

    @property
    def has_gap(self) -> bool:
        """Whether entries are known to exist that are not here."""
        return any(replica.has_gap for replica in self._replicas.values())

    @property
    def missing(self) -> int:
        """How many entries are known to exist that are not here."""
        return sum(replica.head - replica.sequence for replica in self._replicas.values())

    @property
    def loss(self) -> float:
        """The share of the latest packets of this session that did not arrive, from 0 to 1."""
        return self._acks.loss

    # --- What the server sends ----------

    def receive_head(self, head: Head) -> bool:
        """How far a log reaches. False if no replica of its generation is open."""
        self._awaited.pop(head.log, None)
        replica = self._open_replica(head.log, head.generation)
        if replica is None:
            return False
        replica.on_head(head)
        self._take_in(replica)
        return True

    def receive_entries(self, now: float, frame: Entries | EntryFragment) -> bool:
        """Entries, or a fragment of one; False if they were not accepted: do not acknowledge their packet, so that they
        are sent again."""
        self._acknowledge(now, frame.ack_delay_ms / 1000)
        replica = self._open_replica(frame.log, frame.generation)
        if replica is None:
            return False
        if isinstance(frame, EntryFragment):
            is_taken = replica.on_fragment(frame)
        else:
            is_taken = replica.on_entries(frame.first, [bytes(entry) for entry in frame.entries])
        self._take_in(replica)
        return is_taken

    def on_shared(self, now: float, frame: Entries | EntryFragment) -> None:
        """Entries of a group packet are about to be received: no number in the session shows what was lost before it.
        So if they are not next, the gap is reported: at a random time, as many may have it."""
        replica = self._open_replica(frame.log, frame.generation)
        first = frame.first if isinstance(frame, Entries) else frame.sequence
        if replica is not None and first > replica.head + 1:
            self._on_shared_gap(now, frame.ack_delay_ms)

    def on_shared_head(self, now: float, head: Head, ack_delay_ms: int) -> None:
        """How far a log reaches, as it was sent to all members of a group: who lacks something reports it."""
        replica = self._open_replica(head.log, head.generation)
        if replica is not None and head.head > replica.sequence:
            replica.head = max(replica.head, head.head)
            self._on_shared_gap(now, ack_delay_ms)

    def _on_shared_gap(self, now: float, ack_delay_ms: int) -> None:
        self._acks.on_gap(now + GROUP_GAP_SHARE * ack_delay_ms / 1000 * self._share())

    def on_heads(self, now: float, ack_delay_s: float) -> None:
        """All of a `Heads` frame was received: report what is held of these logs, and the gaps of all."""
        if self.has_gap:
            self._acks.on_gap(now)
        self._acknowledge(now, ack_delay_s)

    def on_packet(self, now: float, counter: int) -> None:
        """All frames of a packet were taken."""
        self._acks.on_packet(now, counter)

    def on_session(self, now: float) -> None:
        """A fresh session: report every replica, again and again until the server sends the head of its log."""
        self._acks = AckSchedule()
        self._has_rest = False
        self._changed = dict.fromkeys(self._replicas, True)
        self._awaited.update(dict.fromkeys(self._replicas))
        for replica in self._replicas.values():
            replica.head = replica.sequence
        self._acks.on_entries(now, 0.0, 0.0)

    def _open_replica(self, log: str, generation: int) -> Replica | None:
        replica = self._replicas.get(log)
        return replica if replica is not None and replica.generation == generation else None

    def _take_in(self, replica: Replica) -> None:
        self._changed[replica.log] = True
        ready = replica.drain_entries()
        if ready:
            entries = tuple(entry for _, entry in ready)
            self._received.append(Received(replica.log, replica.generation, ready[0][0], entries))

    def _acknowledge(self, now: float, ack_delay_s: float) -> None:
        self._acks.on_entries(now, ack_delay_s, self._share())

    def _share(self) -> float:
        """Random, from 0 to 1."""
        return int.from_bytes(self._random(2), "big") / 0xFFFF

    def drain_received(self) -> list[Received]:
        """The entries that came next in their logs."""
        received, self._received = self._received, []
        return received

    # --- What is acknowledged ----------

    def next_timeout(self) -> float | None:
        """When an ack is due."""
        return self._acks.next_timeout()

    def drain_acks(self, now: float, *, is_sending: bool) -> list[bytes]:
        """The ack frames to be sent now: if one is due, or if one waits and a packet is sent anyway.

        They name the logs that changed since they were named last, those with a gap, and those whose heads are awaited;
        of more logs than find room in ACKS_AT_ONCE_MAX frames, the others follow in the next.
        """
        due = self._acks.next_timeout()
        if due is None or not (is_sending or now >= due):
            return []
        if not self._has_rest:
            for log in [log for log, replica in self._replicas.items() if replica.has_gap]:
                self._changed.setdefault(log, True)
            for log in self._awaited:
                self._changed.setdefault(log, False)
        has_gap = self.has_gap or bool(self._awaited)
        acks: list[bytes] = []
        while len(acks) < ACKS_AT_ONCE_MAX and (self._changed or not acks):
            named = list(islice(self._changed, ACK_LOGS_MAX))
            while True:
                frame = encode(self._acks.take(now, [self._cursor(log) for log in named], has_gap=has_gap))
                if len(frame) <= FRAME_BYTES_MAX or len(named) == 1:
                    break
                del named[len(named) // 2 :]
            acks.append(frame)
            for log in named:
                del self._changed[log]
        self._has_rest = bool(self._changed)
        if self._has_rest:
            self._acks.on_rest(now)
        return acks

    def _cursor(self, log: str) -> Cursor:
        """What is held of a log, if that is to be named; generation 0 only asks for its head."""
        replica = self._replicas.get(log) if self._changed[log] else None
        return Cursor(log, 0, 0, []) if replica is None else replica.cursor()
