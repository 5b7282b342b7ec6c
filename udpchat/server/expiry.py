"""When a silent peer is gone, and when anything of a peer is due next (SPEC 6.3)."""

from __future__ import annotations

from typing import Final

from udpchat.server.admission import Settings
from udpchat.server.registry import Peer
from udpchat.session.timers import earliest
from udpchat.wire.limits import SESSION_AGE_S_MAX, SESSION_OVERLAP_S

ENTER_WITHIN_S: Final = 10.0  # a session that never enters is not kept for the full expiry
PAUSE_S: Final = 1.0  # this late, the server itself was not running


class Expiry:
    """A server that was itself stopped has heard nobody meanwhile: peers have their full time from when it goes on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ran_at = 0.0  # when the server last ran
        self._resumed_at = 0.0  # when it last ran again after a pause

    def on_run(self, now: float, due: float | None) -> None:
        """The server runs; `due` is when its timers wanted it to."""
        if due is not None and now - max(due, self._ran_at) > PAUSE_S:
            self._resumed_at = now
        self._ran_at = now

    def is_expired(self, now: float, peer: Peer) -> bool:
        """Whether a peer was silent for too long, or never made a fresh handshake."""
        return now >= self._expires_at(peer)

    def is_previous_over(self, now: float, peer: Peer) -> bool:
        """Whether the session before the present one has had its time."""
        return peer.previous is not None and now >= peer.session.born_s + SESSION_OVERLAP_S

    def _expires_at(self, peer: Peer) -> float:
        expiry_s = self._settings.expiry_s
        if peer.entering is not None:
            expiry_s = min(ENTER_WITHIN_S, expiry_s)
        return min(max(peer.heard_at, self._resumed_at) + expiry_s, peer.session.born_s + 2 * SESSION_AGE_S_MAX)

    def next_timeout(self, now: float, peer: Peer) -> float:
        """When the first of expiry, path check, probes and the end of the session before is due."""
        due = earliest(
            self._expires_at(peer),
            None if peer.previous is None else peer.session.born_s + SESSION_OVERLAP_S,
            peer.session.path.next_timeout(),
            peer.downlink.next_timeout(now),
        )
        assert due is not None  # every peer expires
        return due
