"""Failed attempts to log in: how long the next one waits, and what the owner of an account is told (SPEC 6.10).

Each failure of an account, and of a source, makes the next attempt of it wait twice as long, up to a minute: a password
is guessed at no more than a thousand times a day from however many addresses. The first few cost nothing, as people
mistype. What is not an account waits as one does, so that nobody learns from it which nicks have one.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from udpchat.wire.content import LoginsFailed
from udpchat.wire.fields import Value
from udpchat.wire.limits import (
    LOGIN_DELAY_S,
    LOGIN_DELAY_S_MAX,
    LOGIN_FAILURES_FREE,
    LOGIN_FAILURES_FREE_OF_SOURCE,
    LOGIN_FORGOTTEN_S,
    LOGINS_TRACKED_MAX,
    SEQUENCE_MAX,
)

_DOUBLINGS_MAX: Final = 16  # far more than reach LOGIN_DELAY_S_MAX


class _Failures(Value, frozen=True):
    """So many in a row; the last one at this time, and when the next attempt is free."""

    count: int
    last_s: float
    free_at_s: float


class _Delays:
    """The failures of whom an attempt is counted for; of too many, the one that failed longest ago is forgotten."""

    __slots__ = ("_failures", "_free")

    def __init__(self, free: int) -> None:
        """`free`: so many failures make nobody wait."""
        self._free = free
        self._failures: dict[Hashable, _Failures] = {}

    def __len__(self) -> int:
        return len(self._failures)

    def wait_s(self, now: float, whom: Hashable) -> float:
        """How long until the next attempt; 0.0: none."""
        failures = self._failures.get(whom)
        return 0.0 if failures is None else max(failures.free_at_s - now, 0.0)

    def add(self, now: float, whom: Hashable) -> None:
        """An attempt failed."""
        former = self._failures.pop(whom, None)
        count = 1 if former is None or now - former.last_s > LOGIN_FORGOTTEN_S else former.count + 1
        doublings = min(count - self._free - 1, _DOUBLINGS_MAX)
        delay_s = min(LOGIN_DELAY_S * 2**doublings, LOGIN_DELAY_S_MAX) if doublings >= 0 else 0.0
        if len(self._failures) >= LOGINS_TRACKED_MAX:
            del self._failures[next(iter(self._failures))]
        self._failures[whom] = _Failures(count, now, now + delay_s)

    def forget(self, whom: Hashable) -> None:
        """An attempt succeeded."""
        self._failures.pop(whom, None)


class Attempts:
    """What failed, by the account that was meant, or the look of a nick that has none, and by source."""

    __slots__ = ("_accounts", "_missed", "_sources")

    def __init__(self) -> None:
        self._accounts = _Delays(LOGIN_FAILURES_FREE)
        self._sources = _Delays(LOGIN_FAILURES_FREE_OF_SOURCE)
        self._missed: dict[bytes, LoginsFailed] = {}  # what owners were not told yet

    def __len__(self) -> int:
        """How many accounts and sources are remembered."""
        return len(self._accounts) + len(self._sources) + len(self._missed)

    def wait_s(self, now: float, subject: Hashable, source: str) -> float:
        """How long until this source may try again to use this account; None: any."""
        return max(self._accounts.wait_s(now, subject), self._sources.wait_s(now, source))

    def on_wrong(self, now: float, subject: Hashable, source: str) -> None:
        """A password was wrong."""
        self._accounts.add(now, subject)
        self._sources.add(now, source)

    def on_wrong_code(self, now: float, source: str) -> None:
        """A code was not valid."""
        self._sources.add(now, source)

    def on_right(self, subject: Hashable) -> None:
        """A password was right: what failed before was probably the same person."""
        self._accounts.forget(subject)

    # --- For the owner ----------

    def miss(self, account: bytes, failed: LoginsFailed) -> None:
        """The owner of this account is to be told of these failures."""
        former = self._missed.pop(account, None)
        if former is not None:
            count = min(former.count + failed.count, SEQUENCE_MAX)
            first_ms, last_ms = min(former.first_ms, failed.first_ms), max(former.last_ms, failed.last_ms)
            failed = LoginsFailed(count, first_ms, last_ms)
        elif len(self._missed) >= LOGINS_TRACKED_MAX:
            del self._missed[next(iter(self._missed))]
        self._missed[account] = failed

    def drain_missed(self, count_max: int) -> list[tuple[bytes, LoginsFailed]]:
        """The accounts whose owners were not told, at most so many, of the latest failures; they are forgotten here."""
        missed, self._missed = list(self._missed.items())[-count_max:], {}
        return missed

    def missed(self, account: bytes) -> LoginsFailed | None:
        """What the owner was not told yet."""
        return self._missed.get(account)

    def on_told(self, account: bytes, count: int) -> None:
        """The owner was told of so many."""
        missed = self._missed.get(account)
        if missed is not None and missed.count > count:
            self._missed[account] = LoginsFailed(missed.count - count, missed.last_ms, missed.last_ms)
        else:
            self._missed.pop(account, None)
