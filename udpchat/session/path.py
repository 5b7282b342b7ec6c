"""The address of a peer: the one that we send to, and the check of a new one before it is used (SPEC 3).

Theory of operation. A peer's address may change: another Wi-Fi, a NAT that lost its mapping. The source of the newest
authentic packet is the *candidate*. But the source of a packet is not sealed: anyone on the path can copy a packet and
change it, and to accept it at once would let an attacker direct our stream at a victim. So we send the candidate a
random token, sealed, within three times the bytes received from there, and change the address when the token comes back
from there (RFC 9000, sections 8.2, 9.3).

A relay that is faster than the true packet passes this check, since it forwards the token as well. But it cannot keep
the original from arriving from the true address, later and as a duplicate. A duplicate from the address that we use, or
have just left, with a counter from the candidate's time therefore suggests that the peer did not move: we keep or
restore that address, and refuse the other one. Duplicates older than the candidate show nothing.

Who sees packets can send such a duplicate of a peer that did move, under the address that it has left. So the refusal
ends when a packet from the refused address has had no duplicate from the address in use for a moment: of a relay's
packets each has one.

A peer that writes its packets as if from many addresses could have us send a challenge to each of them. So candidates
take tokens. Without one a packet is read as any other, and only the address stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from udpchat.session.rate_limit import Rate, TokenBucket
from udpchat.wire import limits
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.fields import Value
from udpchat.wire.packets import Address

CANDIDATES = Rate(limits.PATH_CANDIDATES_BURST, limits.PATH_CANDIDATES_PER_S)


class Challenge(Value, frozen=True):
    """To be sent to ``address``, sealed, in a datagram of at most PATH_CHECK_BYTES_MAX."""

    address: Address
    token: bytes


@dataclass(slots=True)
class _Candidate:
    address: Address
    counter: int  # of the packet that named it
    token: bytes
    gives_up_s: float
    check_s: float  # when the next challenge is due
    received_bytes: int = 0
    checks: int = 0  # challenges drained or due
    is_due: bool = False

    @property
    def may_check(self) -> bool:
        bytes_after = (self.checks + 1) * limits.PATH_CHECK_BYTES_MAX
        return self.checks < limits.PATH_CHECKS_MAX and bytes_after <= limits.AMPLIFICATION_MAX * self.received_bytes


class _Left(Value, frozen=True):
    """The address before this one, while a duplicate from it can still show that a relay caused the change."""

    address: Address
    counter: int
    until_s: float


@dataclass(slots=True)
class _Refused:
    address: Address
    counter: int = 0  # of the first packet from there that no duplicate from the address in use has followed
    alone_s: float | None = None  # when that packet came


class Path:
    """The proved ``address``, and at most one candidate. Without ``random`` it never changes, as a client's server.

    ``timeout_s`` is set by the caller, which measures the round trip: 3 x (srtt + 4 rttvar), 3 PTO in RFC 9002.
    """

    __slots__ = ("_candidate", "_left", "_random", "_refused", "_tokens", "address", "is_checking", "timeout_s")

    def __init__(self, address: Address, random: Callable[[int], bytes] | None = None) -> None:
        self.address = address
        self.timeout_s = limits.PATH_TIMEOUT_S
        self._random = random
        self._candidate: _Candidate | None = None
        self.is_checking = False  # whether there is a candidate; if not, packets from `address` need no `on_packet`
        self._left: _Left | None = None
        self._refused: _Refused | None = None
        self._tokens: TokenBucket | None = None  # from the first candidate on

    def on_packet(self, now: float, address: Address, *, counter: int, size: int, is_newest: bool) -> None:
        """A fresh authentic packet of ``size`` bytes came; ``is_newest`` if no counter before was higher."""
        candidate = self._candidate
        if address == self.address:
            if is_newest:
                self._end_check()  # the peer sends from here again
            return
        if candidate is None or candidate.address != address:
            if not is_newest or self._random is None or self._is_refused(now, address, counter):
                return
            if not self._take_token(now):
                return
            token = self._random(limits.PATH_TOKEN_BYTES)
            candidate = _Candidate(address, counter, token, gives_up_s=now + self.timeout_s, check_s=now)
            self._candidate, self.is_checking = candidate, True
        candidate.received_bytes += size
        self._check(now, candidate)

    def on_duplicate(self, now: float, address: Address, counter: int) -> None:
        """An authentic packet came again."""
        candidate, left, refused = self._candidate, self._left, self._refused
        if refused is not None and address == self.address and counter >= refused.counter:
            refused.alone_s = None
        if candidate is not None and address == self.address and counter >= candidate.counter:
            self._refused = _Refused(candidate.address)
            self._end_check()
        elif left is not None and address == left.address and counter >= left.counter and now < left.until_s:
            self._refused = _Refused(self.address)
            self.address = left.address
            self._left = None
            self._end_check()

    def on_reply_untrusted(self, now: float, address: Address, token: bytes) -> None:
        """A token came back from ``address``; raises BadDatagram(BAD_PATH) if it is not the candidate's."""
        candidate = self._candidate
        if candidate is None or address != candidate.address or token != candidate.token:
            raise BadDatagram(Drop.BAD_PATH)
        self._left = _Left(self.address, candidate.counter, now + limits.PATH_LEFT_S)
        self.address = address
        self._end_check()

    def handle_timeout(self, now: float) -> None:
        """Challenge the candidate again, or give it up: the address stays as it is."""
        candidate = self._candidate
        if candidate is None:
            return
        if now >= candidate.gives_up_s:
            self._end_check()
        else:
            self._check(now, candidate)

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` has something to do."""
        candidate = self._candidate
        if candidate is None:
            return None
        return min(candidate.check_s, candidate.gives_up_s) if candidate.may_check else candidate.gives_up_s

    def drain_challenges(self) -> list[Challenge]:
        """What to send now, each once."""
        candidate = self._candidate
        if candidate is None or not candidate.is_due:
            return []
        candidate.is_due = False
        return [Challenge(candidate.address, candidate.token)]

    def _end_check(self) -> None:
        self._candidate, self.is_checking = None, False

    def _check(self, now: float, candidate: _Candidate) -> None:
        if now >= candidate.check_s and candidate.may_check and not candidate.is_due:
            candidate.is_due = True
            candidate.checks += 1
            candidate.check_s = now + self.timeout_s / limits.PATH_CHECKS_MAX

    def _take_token(self, now: float) -> bool:
        if self._tokens is None:
            self._tokens = TokenBucket(now, CANDIDATES)
        return self._tokens.take(now)

    def _is_refused(self, now: float, address: Address, counter: int) -> bool:
        refused = self._refused
        if refused is None or refused.address != address:
            return False
        if refused.alone_s is None:
            refused.counter, refused.alone_s = counter, now
        return now < refused.alone_s + limits.PATH_ALONE_S
