"""What a client wants on its disk, and what it finds there when it starts (SPEC 7.3).

A request is written before it is first sent, and an entry before the cursor that claims to hold it is used again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2s

LABELS_MAX = 100_000  # kept in a store from one run to the next, and lines of one input with labels
DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Label:
    """What a script calls a request: line `line`, from 1, of its input `id`. The same label is the same request."""

    id: str
    line: int


@dataclass(frozen=True, slots=True)
class Labelled:
    """A request that has a label. `result`: its result, encoded; empty while it is not answered, or after a discard."""

    counter: int
    digest: bytes  # of its body
    result: bytes = b""


def digest_of(body: bytes) -> bytes:
    """DIGEST_BYTES that tell whether a request is the one that a label was given to."""
    return blake2s(body, digest_size=DIGEST_BYTES, person=b"label").digest()


@dataclass(frozen=True, slots=True)
class RequestAdded:
    """A request, under its counter, not answered yet."""

    counter: int
    body: bytes
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class RequestDone:
    """A request need not be kept: its result came, or it was discarded. `result` is kept with the label, if any."""

    counter: int
    result: bytes = b""


@dataclass(frozen=True, slots=True)
class EntriesStored:
    """The replica of a log grew by entries `first`, `first + 1`, ...: dense behind what it held."""

    log: str
    generation: int
    first: int
    entries: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ReplicaReset:
    """The replica of a log starts over: it holds nothing, and all up to `sequence` is not to be had or not wanted."""

    log: str
    generation: int
    sequence: int


@dataclass(frozen=True, slots=True)
class RoomsChanged:
    """The rooms that this client is in, in the order in which it entered them."""

    rooms: tuple[str, ...]


Write = RequestAdded | RequestDone | EntriesStored | ReplicaReset | RoomsChanged


@dataclass(frozen=True, slots=True)
class ClientState:
    """What was written: the instance, its counter, its unanswered requests, where each replica stands, and the rooms
    that the run before was in.

    `recent` has the latest (sequence, entry) of some logs, as many as are wanted on entry, or all that there are.
    `labels` has the requests of the one input that this run continues, by line; `labelled` the counters of all
    unanswered requests that have a label.
    """

    instance: bytes
    next_counter: int = 1
    unanswered: tuple[tuple[int, bytes], ...] = ()
    replicas: dict[str, tuple[int, int]] = field(default_factory=dict)  # log -> (generation, sequence)
    recent: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
    labels: dict[int, Labelled] = field(default_factory=dict)
    labelled: frozenset[int] = frozenset()
    rooms: tuple[str, ...] = ()
