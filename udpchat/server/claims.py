"""Which key owns which nick, and for how long: a claim that is never used again lapses (SPEC 6.1).

A claim says when its nick was used last; using it writes it anew, but not more often than need be. Until a nick was
used on another day it counts as tried only, and lapses soon: else one host could take all nicks over the years.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from typing import Final

from udpchat.chat.names import skeleton
from udpchat.wire.content import Claim
from udpchat.wire.limits import (
    NICK_REGULAR_AFTER_S,
    NICK_REGULAR_KEPT_S,
    NICK_RENEWED_AFTER_S,
    NICK_TRIED_KEPT_S,
    NICKS_MAX,
    NICKS_PER_KEY_MAX,
)

NOBODY: Final = b""  # the key of a claim that gives a nick back
GIVEN_BACK_MAX: Final = 2  # claims, for each new one: then those that lapse never pile up


def has_lapsed(claim: Claim, time_ms: int, regular_kept_s: float = NICK_REGULAR_KEPT_S) -> bool:
    """Whether another key may claim the nick. A claim without a time was written by an early version, and stays.

    `regular_kept_s`: how long one is kept that was used on more than a day.
    """
    kept_s = regular_kept_s if claim.is_regular else min(NICK_TRIED_KEPT_S, regular_kept_s)
    return claim.used_ms > 0 and time_ms > claim.used_ms + 1000 * kept_s


def renewed(claim: Claim, time_ms: int) -> Claim | None:
    """The claim to write as its nick is used; None if the one that there is serves."""
    after_s = NICK_RENEWED_AFTER_S if claim.is_regular else NICK_REGULAR_AFTER_S
    is_old = time_ms > claim.used_ms + 1000 * after_s
    return Claim(claim.nick, claim.key, time_ms, True) if is_old else None


class Claims:
    """The claims by nick. They may lie over others, as `State` does."""

    __slots__ = ("_by_look", "_changes", "_count", "_looks", "_nicks", "_tried", "_under", "regular_kept_s")

    def __init__(self, under: Claims | None = None) -> None:
        self._under = under
        self.regular_kept_s = NICK_REGULAR_KEPT_S  # as the operator has it
        self.clear()

    def clear(self) -> None:
        """Forget what was applied to these themselves."""
        self._by_look: dict[str, Claim] = {}  # by skeleton: nicks that look alike share one
        self._looks: dict[bytes, tuple[str, ...]] = {}  # by key; over others, some may be somebody else's by now
        self._changes: Counter[bytes] = Counter()  # over others: how many more a key has than below
        self._nicks: list[str] | None = None  # in order, once somebody wanted that
        self._count = 0
        self._tried: dict[str, None] = {}  # skeletons of nicks used on one day only, the oldest first

    def apply(self, claim: Claim) -> None:
        """A claim was written. Of two keys the first has the nick, unless its claim has lapsed or was given back."""
        look, held = skeleton(claim.nick), self.owner(claim.nick)
        if held is not None and claim.key not in (held.key, NOBODY) and not has_lapsed(held, claim.used_ms):
            return
        self._by_look[look] = claim
        self._tried.pop(look, None)
        if held is not None:
            self._take(held, look)
        if claim.key != NOBODY:
            self._give(claim, look)
            if not claim.is_regular:
                self._tried[look] = None
        elif self._under is None:
            del self._by_look[look]

    def _take(self, claim: Claim, look: str) -> None:
        """This claim is in force no longer."""
        self._count -= 1
        if self._under is not None:
            self._changes[claim.key] -= 1
            return
        if left := tuple(each for each in self._looks.get(claim.key, ()) if each != look):
            self._looks[claim.key] = left
        else:
            self._looks.pop(claim.key, None)
        if self._nicks is not None:
            del self._nicks[bisect_left(self._nicks, claim.nick)]

    def _give(self, claim: Claim, look: str) -> None:
        """This claim is in force."""
        self._count += 1
        self._looks[claim.key] = (*self._looks.get(claim.key, ()), look)
        if self._under is not None:
            self._changes[claim.key] += 1
        if self._nicks is not None:
            insort(self._nicks, claim.nick)

    def _find(self, look: str) -> Claim | None:
        claim = self._by_look.get(look)
        return self._under._find(look) if claim is None and self._under is not None else claim

    def owner(self, nick: str) -> Claim | None:
        """The claim of this nick, or of one that looks like it, also if it has lapsed; None if nobody has it."""
        claim = self._find(skeleton(nick))
        return None if claim is None or claim.key == NOBODY else claim

    def may_claim(self, key: bytes) -> bool:
        """Whether one more nick fits the limits of the server and of this key."""
        return len(self) < NICKS_MAX and self.count_of(key) < NICKS_PER_KEY_MAX

    def has_lapsed(self, claim: Claim, time_ms: int) -> bool:
        """Whether another key may claim the nick, as the operator has it."""
        return has_lapsed(claim, time_ms, self.regular_kept_s)

    def __len__(self) -> int:
        """How many nicks are owned."""
        return self._count + (len(self._under) if self._under is not None else 0)

    def count_of(self, key: bytes) -> int:
        """How many nicks a key owns."""
        if self._under is None:
            return len(self._looks.get(key, ()))
        return self._changes[key] + self._under.count_of(key)

    def nicks_of(self, key: bytes) -> list[str]:
        """The nicks that a key owns, the first that it claimed first."""
        found = {look: self._find(look) for look in self._looks_of(key)}
        return [claim.nick for claim in found.values() if claim is not None and claim.key == key]

    def _looks_of(self, key: bytes) -> tuple[str, ...]:
        own = self._looks.get(key, ())
        return own if self._under is None else (*self._under._looks_of(key), *own)

    def behind(self, nick: str, count: int) -> list[Claim]:
        """The first `count` claims of nicks behind this one, in order. Of a state that lies over no other.

        The first time, all are put in order, which takes a second for a million; later a change costs little.
        """
        assert self._under is None
        if self._nicks is None:
            self._nicks = sorted(claim.nick for claim in self._by_look.values())
        first = bisect_right(self._nicks, nick)
        return [self._by_look[skeleton(each)] for each in self._nicks[first : first + count]]

    def given_back(self, time_ms: int) -> list[Claim]:
        """The records that give back the oldest claims that have lapsed, GIVEN_BACK_MAX at most."""
        under = self if self._under is None else self._under
        found: list[Claim] = []
        for look in under._tried:
            claim = under._by_look[look]
            if len(found) == GIVEN_BACK_MAX or not self.has_lapsed(claim, time_ms):
                break
            if self._find(look) is claim:
                found.append(Claim(claim.nick, NOBODY, time_ms))
        return found
