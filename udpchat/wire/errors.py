"""Why a datagram was dropped: every reason has a name, is counted, and is never logged packet by packet."""

from __future__ import annotations

from enum import StrEnum


class Drop(StrEnum):
    """The named reasons; the text is the key of the counter."""

    TRUNCATED = "truncated"  # shorter than its kind demands
    OVERSIZE = "oversize"  # longer than DATAGRAM_BYTES_MAX
    UNKNOWN_KIND = "unknown kind"
    BAD_COOKIE = "bad cookie"  # forged, stale, or minted for another address
    RATE_LIMITED = "rate limited"  # a bucket of a source or a peer is empty
    TABLE_FULL = "table full"  # half-open handshakes or peers at their limit
    UNKNOWN_SESSION = "unknown session"  # no session or handshake of that index
    BAD_HANDSHAKE = "bad handshake"  # a Noise message that does not authenticate
    BAD_SEAL = "bad seal"  # a Data packet that does not authenticate
    REPLAYED = "replayed"  # counter seen before, or left of the window
    MALFORMED = "malformed"  # authentic, but not frames within their limits
    UNEXPECTED = "unexpected"  # a kind or frame that this end does not take now
    UNSENT_ACK = "unsent ack"  # acknowledges what was never sent
    BAD_PATH = "bad path"  # a path reply that answers no open check


class BadDatagram(Exception):
    """A peer's fault. Functions named ``*_untrusted`` may raise this and nothing else."""

    def __init__(self, reason: Drop) -> None:
        super().__init__(reason.value)
        self.reason = reason
