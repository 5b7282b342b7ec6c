"""Passwords to be verified or hashed, off the loop: which one is next, and how many may wait (SPEC 6.10).

Each takes some 25 ms and 19 MiB, so one is computed at a time. The source that has used least is next; one attempt for
an account, and DERIVATIONS_PER_SOURCE_MAX of a source, wait at most. A nick without an account or without a password
costs the same as one with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Final

from udpchat.server.credit import Ledger
from udpchat.server.fair_queue import FairQueue
from udpchat.wire.fields import Value
from udpchat.wire.limits import (
    DERIVATIONS_MAX,
    DERIVATIONS_PER_SOURCE_MAX,
    PASSWORD_MEMORY_KIB,
    PASSWORD_PASSES,
)

DERIVATION_S_MIN: Final = 0.001  # what each is charged at least
_NO_HASH: Final = "A" * 43  # 32 zero bytes: of no password that anybody finds
NOBODYS_PASSWORD: Final = f"$argon2id$v=19$m={PASSWORD_MEMORY_KIB},t={PASSWORD_PASSES},p=1${'A' * 22}${_NO_HASH}"


class Derivation(Value, frozen=True):
    """What is to be computed of a password: whether it is that of `phc` (a PHC string), or, if that is empty, its own.

    `counter` is that of a SetPassword, or 0: of an Enter under `nick`. `subject` is what an attempt is counted for,
    `account` whose password `phc` is; empty: nobody's.
    """

    client_id: bytes
    counter: int
    source: str
    nick: str
    subject: Hashable
    account: bytes
    password: str
    phc: str

    def __repr__(self) -> str:
        return f"Derivation({self.nick!r}, counter={self.counter})"  # never the password

    @property
    def id(self) -> tuple[bytes, int]:
        """The request that waits for it."""
        return self.client_id, self.counter


class Derived(Value, frozen=True):
    """Whether the password was right; or, where it was to be hashed, its PHC string."""

    is_right: bool = False
    phc: str = ""


class Derivations:
    """Those that wait, and the one that is computed."""

    __slots__ = ("_counts", "_ids", "_ledger", "_running", "_subjects", "_waiting")

    def __init__(self) -> None:
        self._ledger = Ledger()  # of the time that they took, by source
        self._waiting: FairQueue[Derivation] = FairQueue(self._ledger)
        self._ids: set[tuple[bytes, int]] = set()  # of those that wait, and of the one that is computed
        self._subjects: set[Hashable] = set()  # likewise
        self._counts: Counter[str] = Counter()  # likewise, by source
        self._running: Derivation | None = None

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, derivation: Derivation) -> bool:
        """Take one, unless that of the same request is here already; False if too many wait."""
        source = derivation.source
        if derivation.id in self._ids:
            return True
        if derivation.subject in self._subjects or len(self._ids) >= DERIVATIONS_MAX:
            return False
        if self._counts[source] >= DERIVATIONS_PER_SOURCE_MAX:
            return False
        self._ids.add(derivation.id)
        self._subjects.add(derivation.subject)
        self._counts[source] += 1
        self._waiting.add((self._ledger.open(source),), derivation)
        return True

    def take_next(self, is_wanted: Callable[[Derivation], bool]) -> Derivation | None:
        """Begin with the next that its client still waits for; None if there is none, or one is computed."""
        while self._running is None and self._waiting.size:
            derivation = self._waiting.take()
            if is_wanted(derivation):
                self._running = derivation
                return derivation
            self._forget(derivation)
        return None

    def on_derived(self, derivation: Derivation, took_s: float) -> None:
        """The one that was computed is done, and took so long."""
        assert derivation is self._running
        self._running = None
        self._forget(derivation)
        self._ledger.charge(1e6 * max(took_s, DERIVATION_S_MIN), self._ledger.open(derivation.source))

    def _forget(self, derivation: Derivation) -> None:
        self._ids.discard(derivation.id)
        self._subjects.discard(derivation.subject)
        self._counts[derivation.source] -= 1
        if not self._counts[derivation.source]:
            del self._counts[derivation.source]
