"""Expiry: who is silent for too long is gone, and a server that stood still blames nobody for it."""

from __future__ import annotations

from tests.server.rig import Rig
from udpchat.server.admission import Settings
from udpchat.server.expiry import ENTER_WITHIN_S, PAUSE_S, Expiry
from udpchat.server.registry import Peer
from udpchat.wire.limits import SESSION_AGE_S_MAX, SESSION_OVERLAP_S

SETTINGS = Settings(heartbeat_s=10.0, expiry_s=30.0)


def entered() -> tuple[Rig, Peer]:
    rig = Rig(settings=SETTINGS)
    return rig, rig.device("alice")


def test_a_silent_peer_is_gone_after_the_expiry_and_not_before() -> None:
    rig, peer = entered()
    expiry = Expiry(SETTINGS)
    assert expiry.next_timeout(peer, None) == rig.now + 30.0
    assert not expiry.is_expired(rig.now + 29.9, peer) and expiry.is_expired(rig.now + 30.0, peer)
    peer.session.heard_s = rig.now + 10.0
    assert not expiry.is_expired(rig.now + 30.0, peer)


def test_a_session_that_does_not_enter_has_less_time() -> None:
    rig = Rig(settings=SETTINGS)
    peer = rig.stranger()
    assert Expiry(SETTINGS).next_timeout(peer, None) == rig.now + ENTER_WITHIN_S


def test_a_server_that_stood_still_counts_from_when_it_ran_again() -> None:
    rig, peer = entered()
    expiry = Expiry(SETTINGS)
    expiry.on_run(rig.now, lambda: None)
    expiry.on_run(rig.now + 100.0, lambda: rig.now + 1.0)  # its timers wanted it much earlier
    assert not expiry.is_expired(rig.now + 100.0, peer) and expiry.is_expired(rig.now + 130.0, peer)


def test_a_server_that_was_a_little_late_stood_not_still() -> None:
    rig, peer = entered()
    expiry = Expiry(SETTINGS)
    expiry.on_run(rig.now + 29.5, lambda: rig.now + 29.5)
    expiry.on_run(rig.now + 30.0, lambda: rig.now + 30.0 - PAUSE_S)
    assert expiry.is_expired(rig.now + 30.0, peer)


def test_a_peer_that_never_makes_a_fresh_handshake_is_gone_though_it_speaks() -> None:
    _, peer = entered()
    peer.session.heard_s = end = peer.session.born_s + 2 * SESSION_AGE_S_MAX
    assert Expiry(SETTINGS).is_expired(end, peer)


def test_the_session_before_has_its_time() -> None:
    rig, peer = entered()
    expiry = Expiry(SETTINGS)
    assert not expiry.is_previous_over(rig.now + 99, peer)
    peer.previous = peer.session
    assert expiry.next_timeout(peer, None) == peer.session.born_s + SESSION_OVERLAP_S
    assert expiry.is_previous_over(peer.session.born_s + SESSION_OVERLAP_S, peer)
