"""Timers: the earliest of several, and the wait before a repeated send.

A class with timers has `next_timeout() -> float | None`, when it has something to do, and `handle_timeout(now)`, which
does what is due. Times are seconds of a monotonic clock. The timers of this room (those of sync: `sync.timer_heap`):

    Hello, Finish resend    initiator    the server has not answered: send the same packet again, less and less often
    handshake restart       initiator    a Finish was not confirmed for FINISH_S_MAX: begin with a new key
    handshake expiry        responder    a handshake had no step for HANDSHAKE_LIFETIME_S: remove it
    bucket expiry           rate_limit   a host's token bucket is full again: remove it
    path challenge          path         a candidate address has not answered: send the challenge again
    path timeout            path         a candidate address has not answered in time: keep the address of before
"""

from __future__ import annotations

from typing import Final

_GROWTHS_MAX: Final = 64  # more make no difference, and could overflow a float


def earliest(*times: float | None) -> float | None:
    """The smallest of the times that are set; None if none is."""
    first = None
    for time in times:
        if time is not None and (first is None or time < first):
            first = time
    return first


def backoff_s(first_s: float, attempts: int, *, growth: float = 2.0, max_s: float) -> float:
    """How long to wait before a repeat: `first_s` grown `attempts` times, at most `max_s` (RFC 9002 section 6.2.1).

    `attempts` below 0 count as 0, so that a caller can subtract the repeats that it makes before it backs off.
    """
    return min(first_s * growth ** min(max(attempts, 0), _GROWTHS_MAX), max_s)
