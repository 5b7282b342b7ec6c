"""What a client writes to its disk, and what it reads there when it starts (SPEC 7.3).

A request is written before it is first sent, unless the disk fails. An entry is written no later than the cursor that
includes it, so that a later run never acknowledges an entry that it does not hold.
"""

from __future__ import annotations

from hashlib import blake2s

from udpchat.wire.fields import Value, field

LABELS_MAX = 100_000  # in a store, and lines with labels in one input
DIGEST_BYTES = 16


class Label(Value, frozen=True):
    """A script's name for a request: line `line`, from 1, of its input `id`. The same label is the same request."""

    id: str
    line: int


class Labelled(Value, frozen=True):
    """A request that has a label. `result`: its result, encoded; empty before it is answered, or if discarded."""

    counter: int
    digest: bytes  # of its body
    result: bytes = b""


def digest_of(body: bytes) -> bytes:
    """DIGEST_BYTES that identify the request that a label was given to."""
    return blake2s(body, digest_size=DIGEST_BYTES, person=b"label").digest()


class RequestAdded(Value, frozen=True):
    """A new request, by its counter."""

    counter: int
    body: bytes
    label: Label | None = None


class RequestRenumbered(Value, frozen=True):
    """A request that was never sent has another counter, since another process has used its former one."""

    former: int
    counter: int


class RequestDone(Value, frozen=True):
    """A request need not be kept: its result came, or it was given up. `result` is kept with the label, if any."""

    counter: int
    result: bytes = b""


class EntriesStored(Value, frozen=True):
    """The replica of a log grew by entries `first`, `first + 1`, ...: directly after those it held."""

    log: str
    generation: int
    first: int
    entries: tuple[bytes, ...]


class ReplicaReset(Value, frozen=True):
    """The replica of a log starts over: it holds nothing; entries up to `sequence` are gone or not wanted."""

    log: str
    generation: int
    sequence: int


class RoomsChanged(Value, frozen=True):
    """The rooms that this client is in or wants to be in, in the order in which it requested them."""

    rooms: tuple[str, ...]


class AccountKnown(Value, frozen=True):
    """The account that this device belongs to, by its key; empty: one that is named by the key of this device."""

    account: bytes


Write = RequestAdded | RequestRenumbered | RequestDone | EntriesStored | ReplicaReset | RoomsChanged | AccountKnown


class ClientState(Value, frozen=True):
    """What was stored: the instance, its counter, its unanswered requests, the place of each replica, the rooms of the
    previous run, and the account (as of `AccountKnown`).

    `recent` has the latest (sequence, entry) of some logs: as many as are wanted on entry, or all if there are fewer.
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
    account: bytes = b""
