"""The registry: sessions, peers and nicks, each bounded, and nothing left of who is gone."""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from udpchat.server import registry as module
from udpchat.server.registry import Registry
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import NICKS_PER_KEY_MAX, PEERS_PER_KEY_MAX, REQUESTS_BURST, REQUESTS_PER_S_MAX

KEY, OTHER = b"k" * 32, b"o" * 32


def test_a_nick_and_all_that_look_like_it_belong_to_the_key_that_claimed_it() -> None:
    registry = Registry()
    registry.claim("Alice", KEY)
    assert registry.owner("alice") == registry.owner("AL1CE") == registry.owner("\u0430lice") == ("Alice", KEY)
    registry.claim("alice", OTHER)
    assert registry.owner("alice") == ("Alice", KEY)
    assert registry.owner("bob") is None


def test_a_claim_said_twice_counts_once() -> None:
    registry = Registry()
    for _ in range(NICKS_PER_KEY_MAX):
        registry.claim("alice", KEY)
    assert registry.may_claim("bob", KEY)


def test_a_key_holds_so_many_nicks_and_gets_one_back_that_could_not_be_written() -> None:
    registry = Registry()
    for number in range(NICKS_PER_KEY_MAX):
        assert registry.may_claim(f"nick{number}", KEY)
        registry.claim(f"nick{number}", KEY)
    assert not registry.may_claim("more", KEY) and registry.may_claim("more", OTHER)
    registry.unclaim("nick3")
    assert registry.may_claim("more", KEY) and registry.owner("nick3") is None


def test_there_are_so_many_nicks_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NICKS_MAX", 2)
    registry = Registry()
    registry.claim("alice", KEY)
    registry.claim("bob", OTHER)
    assert not registry.may_claim("carol", b"c" * 32)


def test_there_are_so_many_peers_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PEERS_MAX", 2)
    rig = Rig()
    rig.stranger()
    rig.stranger()
    with pytest.raises(BadDatagram) as caught:
        rig.stranger()
    assert caught.value.reason is Drop.TABLE_FULL and len(rig.hub.registry) == 2


def test_one_device_too_many_displaces_the_one_heard_least_recently() -> None:
    rig = Rig()
    peers = [rig.stranger(key=KEY) for _ in range(PEERS_PER_KEY_MAX - 1)]
    assert rig.hub.registry.surplus_of(KEY) is None
    peers.append(rig.stranger(key=KEY))
    for number, peer in enumerate(peers):
        peer.session.heard_s = rig.now + (number - 3) % len(peers)
    assert rig.hub.registry.surplus_of(KEY) is peers[3]
    assert rig.hub.registry.surplus_of(OTHER) is None


def test_a_peer_is_found_by_both_its_sessions_for_a_while_and_by_neither_when_it_is_gone() -> None:
    rig = Rig()
    registry = rig.hub.registry
    peer, other = rig.stranger(key=KEY), rig.stranger()
    first, fresh = peer.session, rig.stranger(key=KEY).session
    stray = registry.find(fresh.index)
    assert stray is not None
    registry.remove(stray[0])
    registry.change_session(peer, fresh)
    assert registry.find(first.index) == (peer, first) and registry.find(fresh.index) == (peer, fresh)
    assert not registry.is_index_free(first.index)
    registry.end_previous(peer)
    registry.end_previous(peer)
    assert registry.find(first.index) is None and peer in registry
    registry.remove(peer)
    assert registry.find(fresh.index) is None and peer not in registry and registry.peers_of(KEY) == []
    assert registry.find_client(peer.author) is None and list(registry) == [other]


def test_a_peer_asks_no_faster_than_anyone_may() -> None:
    peer = Rig().stranger()
    for _ in range(int(REQUESTS_BURST)):
        peer.take_allowance(100.0)
    with pytest.raises(BadDatagram) as caught:
        peer.take_allowance(100.0)
    assert caught.value.reason is Drop.RATE_LIMITED
    for _ in range(10):
        peer.take_allowance(100.0 + 10.5 / REQUESTS_PER_S_MAX)
    with pytest.raises(BadDatagram):
        peer.take_allowance(100.0 + 10.5 / REQUESTS_PER_S_MAX)


def test_only_devices_that_have_entered_count_as_here() -> None:
    rig = Rig()
    one = rig.device("alice", key=KEY)
    rig.stranger(key=KEY)
    assert rig.hub.registry.entered(KEY) == [one] and len(rig.hub.registry.peers_of(KEY)) == 2
    rig.leave(one)
    assert rig.hub.registry.entered(KEY) == [] and not one.has_entered
