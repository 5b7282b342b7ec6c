"""Why a datagram was dropped: each reason has a name and a counter; single datagrams are not logged."""

from __future__ import annotations

from enum import StrEnum


class Drop(StrEnum):
    """The reasons; the text is the name of the counter."""

    TRUNCATED = "truncated"  # shorter than its kind demands
    OVERSIZE = "oversize"  # longer than DATAGRAM_BYTES_MAX
    UNKNOWN_KIND = "unknown kind"
    BAD_COOKIE = "bad cookie"  # forged, expired, or made for another address
    RATE_LIMITED = "rate limited"  # the token bucket of a source or a peer is empty
    OVER_SHARE = "over share"  # more than may wait of one sender while the server has no time for it
    TABLE_FULL = "table full"  # half-open handshakes or peers at their limit
    UNKNOWN_SESSION = "unknown session"  # no session or handshake of that index
    BAD_HANDSHAKE = "bad handshake"  # a Noise message whose authentication fails
    FOREIGN_KEY = "foreign key"  # an authentic HelloReply under a key that is not approved
    BAD_SEAL = "bad seal"  # a Data packet whose authentication fails
    BAD_SIGNATURE = "bad signature"  # a group packet that a member sealed, and not the server
    UNKNOWN_GROUP = "unknown group"  # a group packet of a group or an epoch whose key is not here
    REPLAYED = "replayed"  # a counter received before, or below the window
    MALFORMED = "malformed"  # authentic, but not frames within their bounds
    IMPOSSIBLE = "impossible"  # frames within their bounds that no server sends which keeps to the protocol
    UNEXPECTED = "unexpected"  # a kind or frame that this end does not accept now
    NO_ROOM = "no room"  # a request that would wait, beyond the bytes that its sender may have held
    UNSENT_ACK = "unsent ack"  # acknowledges what was never sent
    BAD_PATH = "bad path"  # a PathReply that answers no open PathCheck


class BadDatagram(Exception):
    """A fault of the sender. Functions named ``*_untrusted`` raise this and nothing else."""

    def __init__(self, reason: Drop) -> None:
        super().__init__(reason.value)
        self.reason = reason
