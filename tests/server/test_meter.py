"""The meter: how long a turn is, and whose balances its work is charged to."""

from __future__ import annotations

from tests.server.rig import Rig
from udpchat.server.credit import PACKET_US
from udpchat.server.meter import SHARED_BY, Meter
from udpchat.server.pace import TURN_US
from udpchat.server.registry import Peer


def turn(meter: Meter, *, is_waiting: bool = False) -> None:
    meter.begin_turn(0.0, TURN_US, members_wait=is_waiting, strangers_wait=is_waiting)


def used_us(peer: Peer) -> list[float]:
    return [balance.used_us for balance in peer.payer.balances]


def test_a_turn_is_over_when_its_work_is_done_and_so_much_of_what_is_done_later() -> None:
    rig = Rig()
    meter = Meter(rig.chat.ledger)
    alice = rig.stranger()
    turn(meter)
    meter.charge_peer(alice, TURN_US / 2, SHARED_BY * TURN_US / 2 - SHARED_BY)
    assert meter.left_us > 0.0
    meter.charge_stranger("10.9.9.9", 1.0)
    assert meter.left_us <= 0.0
    turn(meter)
    assert meter.left_us > 0.0


def test_the_accounts_are_charged_once_a_turn_is_full_or_somebody_waits() -> None:
    rig = Rig()
    meter = Meter(rig.chat.ledger)
    alice = rig.stranger()
    key_us, source_us = used_us(alice)
    meter.charge_peer(alice, 100.0, 60.0)
    turn(meter)
    assert used_us(alice) == [key_us, source_us]
    turn(meter, is_waiting=True)
    assert used_us(alice) == [key_us + 160.0, source_us + 160.0 / 8]
    meter.charge_packets(alice, int(TURN_US / PACKET_US))
    turn(meter)
    assert used_us(alice) == [key_us + 160.0 + TURN_US, source_us + (160.0 + TURN_US) / 8]


def test_strangers_have_accounts_of_their_own() -> None:
    rig = Rig()
    meter = Meter(rig.chat.ledger)
    alice = rig.stranger()
    before_us = used_us(alice)
    meter.charge_stranger(alice.session.path.address.host, TURN_US)
    turn(meter, is_waiting=True)
    assert used_us(alice) == before_us


def test_what_waited_with_strangers_is_charged_to_its_peer_too_and_is_part_of_their_share() -> None:
    rig = Rig()
    meter = Meter(rig.chat.ledger)
    alice = rig.stranger()
    before_us = used_us(alice)
    turn(meter, is_waiting=True)
    meter.charge_waited(alice, "10.9.9.9", TURN_US)
    assert meter.left_us == 0.0 and not meter.is_strangers_turn
    assert meter.strangers.open("10.9.9.9").used_us > meter.strangers.open("10.9.9.8").used_us
    turn(meter, is_waiting=True)
    assert used_us(alice) == [before_us[0] + TURN_US, before_us[1] + TURN_US / 8]


def test_strangers_have_their_turn_until_they_had_a_quarter_of_the_work() -> None:
    rig = Rig()
    meter = Meter(rig.chat.ledger)
    turn(meter, is_waiting=True)
    meter.charge_peer(rig.stranger(), 300.0)
    meter.charge_stranger("10.9.9.9", 99.0)
    assert meter.is_strangers_turn
    meter.charge_stranger("10.9.9.9", 1.0)
    assert not meter.is_strangers_turn
    turn(meter, is_waiting=True)
    assert not meter.is_strangers_turn
    turn(meter)
    meter.charge_peer(rig.stranger(), 1.0)
    assert meter.is_strangers_turn
