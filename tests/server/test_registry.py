"""The registry: sessions, peers and nicks, each bounded, and nothing left of who is gone."""

from __future__ import annotations

from random import Random

import pytest

from tests.server.rig import Rig
from tests.sim.world import SERVER, World
from udpchat.server import registry as module
from udpchat.server.quotas import Who
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import PathCheck, PathReply, Ping, encode, pack, parse_down_untrusted
from udpchat.wire.limits import PEERS_PER_KEY_MAX
from udpchat.wire.packets import Address

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
    assert one.balance is another.balance and other.balance is not one.balance


def test_only_devices_that_have_entered_count_as_here() -> None:
    rig = Rig()
    one = rig.device("alice", key=KEY)
    rig.stranger(key=KEY)
    assert rig.chat.registry.entered(KEY) == [one] and len(rig.chat.registry.peers_of(KEY)) == 2
    rig.leave(one)
    assert rig.chat.registry.entered(KEY) == [] and one.nick is None


def test_a_device_that_moves_is_charged_where_it_is_and_again_at_home_once_a_relay_is_found_out() -> None:
    world = World(Random(5))
    (alice,) = world.add_clients(1)
    (peer,) = world.server.core.chat.registry
    world.run(3)
    relay, home, balance = Address("relay", 1), alice.address, peer.balance
    to_relay: list[bytes] = []
    world.network.taps.append(lambda now, source, to, data: to_relay.append(data) if to == relay else None)
    ping = alice.session.seal(pack([encode(Ping(0))]))
    world.network.inject(world.now, relay, SERVER, ping)
    world.run(0.01)
    bodies = [alice.session.open_untrusted(world.now, data, SERVER) for data in to_relay]
    sent = [frame for body in bodies for frame in parse_down_untrusted(body)]
    [check] = [frame for frame in sent if isinstance(frame, PathCheck)]
    reply = alice.session.seal(pack([encode(PathReply(check.token))]))
    world.network.inject(world.now, relay, SERVER, reply)
    world.run(0.01)
    assert peer.payer.host == peer.session.path.address[0] == relay[0] and peer.payer.balance is balance
    world.network.inject(world.now, home, SERVER, ping)
    world.run(0.01)
    assert peer.payer.host == peer.session.path.address[0] == home[0]


def test_a_device_that_makes_a_session_elsewhere_is_charged_there() -> None:
    rig = Rig()
    peer, elsewhere = rig.stranger(key=KEY), rig.stranger(key=OTHER, host="10.9.9.9")
    session = elsewhere.session
    rig.chat.registry.remove(elsewhere)
    rig.chat.registry.change_session(peer, session)
    assert peer.payer.host == "10.9.9.9"
