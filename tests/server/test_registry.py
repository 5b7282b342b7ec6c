"""The registry: sessions, peers and nicks, each bounded, and nothing left of who is gone."""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from udpchat.server import registry as module
from udpchat.server.quotas import Who
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import PEERS_PER_KEY_MAX

KEY, OTHER = b"k" * 32, b"o" * 32


def test_there_are_so_many_peers_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.limits, "PEERS_MAX", 2)
    rig = Rig()
    rig.stranger()
    rig.stranger()
    with pytest.raises(BadDatagram) as caught:
        rig.stranger()
    assert caught.value.reason is Drop.TABLE_FULL and len(rig.chat.registry) == 2


def test_one_device_too_many_displaces_the_one_heard_least_recently() -> None:
    rig = Rig()
    peers = [rig.stranger(key=KEY) for _ in range(PEERS_PER_KEY_MAX - 1)]
    assert rig.chat.registry.surplus_for(Who(KEY, "")) is None
    peers.append(rig.stranger(key=KEY))
    for number, peer in enumerate(peers):
        peer.session.heard_s = rig.now + (number - 3) % len(peers)
    assert rig.chat.registry.surplus_for(Who(KEY, "")) is peers[3]
    assert rig.chat.registry.surplus_for(Who(OTHER, "")) is None


def test_a_peer_is_found_by_both_its_sessions_for_a_while_and_by_neither_when_it_is_gone() -> None:
    rig = Rig()
    registry = rig.chat.registry
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
    assert registry.find_client(peer.author.client_id) is None and list(registry) == [other]


def test_the_devices_of_a_person_share_an_account() -> None:
    rig = Rig()
    one, another, other = rig.stranger(key=KEY), rig.stranger(key=KEY), rig.stranger(key=OTHER)
    assert one.account is another.account and other.account is not one.account


def test_only_devices_that_have_entered_count_as_here() -> None:
    rig = Rig()
    one = rig.device("alice", key=KEY)
    rig.stranger(key=KEY)
    assert rig.chat.registry.entered(KEY) == [one] and len(rig.chat.registry.peers_of(KEY)) == 2
    rig.leave(one)
    assert rig.chat.registry.entered(KEY) == [] and one.nick is None
