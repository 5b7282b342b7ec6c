"""When a silent peer expires, and when the next timer of a peer is due (SPEC 6.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from udpchat.server.admission import Settings
from udpchat.server.registry import Peer
from udpchat.wire.limits import SESSION_AGE_S_MAX, SESSION_OVERLAP_S

ENTER_WITHIN_S: Final = 10.0  # after its first handshake a peer has entered, or is gone
PAUSE_S: Final = 1.0  # a run later than this means that the server was suspended


class Expiry:
    """After the server was suspended, every peer gets its full expiry again, as it could not be heard."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ran_at = 0.0  # when the server last ran
        self._resumed_at = 0.0  # when it last ran again after a pause

    def on_run(self, now: float, next_timeout: Callable[[], float | None]) -> None:
        """The server runs; `next_timeout` returns when its next timer was due, if there is one."""
        if now - self._ran_at > PAUSE_S:
            due = next_timeout()
            if due is not None and now - due > PAUSE_S:
                self._resumed_at = now
        self._ran_at = now

    def is_expired(self, now: float, peer: Peer) -> bool:
        """Whether a peer was silent for too long, or used one session for too long."""
        return now >= self._expires_at(peer)

    def is_previous_over(self, now: float, peer: Peer) -> bool:
        """Whether the overlap with the previous session is over."""
        return peer.previous is not None and now >= peer.session.born_s + SESSION_OVERLAP_S

    def _expires_at(self, peer: Peer) -> float:
        expiry_s = self._settings.expiry_s
        if peer.entering is not None:
            return max(peer.entering.since, self._resumed_at) + min(ENTER_WITHIN_S, expiry_s)
        return min(max(peer.heard_at, self._resumed_at) + expiry_s, peer.session.born_s + 2 * SESSION_AGE_S_MAX)

    def next_timeout(self, peer: Peer, downlink_due: float | None) -> float:
        """The earliest of expiry, end of the previous session, path check, and what is due in the downlink."""
        due = self._expires_at(peer)
        if downlink_due is not None and downlink_due < due:
            due = downlink_due
        if peer.previous is None and not peer.session.path.is_checking:
            return due  # the hot path
        overlap_due = due if peer.previous is None else peer.session.born_s + SESSION_OVERLAP_S
        path_due = peer.session.path.next_timeout()
        return min(due, overlap_due, due if path_due is None else path_due)
