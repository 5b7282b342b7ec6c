"""What a client wants on its disk, and what it finds there when it starts (SPEC 7.3).

A request is written before it is first sent, and an entry before the cursor that claims to hold it is used again.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, under its counter, not answered yet."""

    counter: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of a request came; it need not be kept."""

    counter: int


@dataclass(frozen=True, slots=True)
class Held:
    """The replica of a log grew by entries `first`, `first + 1`, ...: dense behind what it held."""

    log: str
    generation: int
    first: int
    entries: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Rebased:
    """The replica of a log starts over: it holds nothing, and all up to `sequence` is not to be had or not wanted."""

    log: str
    generation: int
    sequence: int


Write = Asked | Answered | Held | Rebased


@dataclass(frozen=True, slots=True)
class Saved:
    """What was written: the instance, its counter, its unanswered requests, and where each replica stands.

    `recent` has the latest (sequence, entry) of some logs, as many as are wanted on entry, or all that there are.
    """

    instance: bytes
    next_counter: int = 1
    unanswered: tuple[tuple[int, bytes], ...] = ()
    replicas: dict[str, tuple[int, int]] = field(default_factory=dict)  # log -> (generation, sequence)
    recent: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
