"""The intake: everything at once while there is time; then who used least is first, and no more waits than may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.server.rig import Rig
from udpchat.server import intake as module
from udpchat.server.backlog import Backlog
from udpchat.server.credit import CREDIT_US, FREE_US_PER_S, NEW_CREDIT_US
from udpchat.server.intake import Intake
from udpchat.server.meter import Meter
from udpchat.server.pace import LONG, SHORT, SHORT_S, TURN_US
from udpchat.server.registry import Peer
from udpchat.wire.errors import Drop
from udpchat.wire.limits import WAITING_DATAGRAMS_PER_FLOW_MAX, WRITE_AHEAD_BYTES_MAX
from udpchat.wire.packets import Address, Data

STRANGER = Address("10.0.0.99", 5)
COST_US = 70.0
A_TURN = int(TURN_US / COST_US)  # datagrams: more than a source has shares


class Desk:
    """An intake whose datagrams all cost the same; `served` are those that had their turn, in order."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.counters: Counter[str] = Counter()
        self.meter = Meter(self.rig.chat.ledger)
        chat = self.rig.chat
        self.backlog = Backlog(chat.commits, chat.fanout, chat.ledger)
        self.backlog.pace.on_little_used(0.0)  # turns are short
        self.intake = Intake(
            self.meter, chat.registry, self.backlog, self.counters
        )
        self.served: list[tuple[str, int]] = []
        self._now = 0.0

    def member(self, host: str | None = None) -> Peer:
        """A device that has entered."""
        peer = self.rig.stranger(host=host)
        peer.nick = f"member{peer.session.index}"
        return peer

    def turn(self, *datagrams: tuple[bytes, Address]) -> None:
        self._now += 1e-6
        self.intake.begin_turn(self._now)
        for served in self.intake.serve(datagrams):
            address, number = self.charge(served, COST_US)
            self.served.append((address.host, number))

    def charge(self, served: object, cost_us: float) -> tuple[Address, int]:
        """What was served costs so much; where it came from, and its number."""
        assert isinstance(served, tuple)
        data, address = served
        found = self.rig.chat.registry.find(int.from_bytes(data[1:5], "big"))
        if found is None:
            self.meter.charge_stranger(address.host, cost_us)
        elif self.intake.is_members(*found, address):
            self.meter.charge_peer(found[0], cost_us)
        else:
            self.meter.charge_waited(found[0], address.host, cost_us)
        return address, int.from_bytes(data[-2:], "big")

    def spend(self, peer: Peer) -> None:
        """A peer takes two turns, which its balances show in the next."""
        self.meter.charge_peer(peer, 2 * TURN_US)
        self.turn()

    def fill_log(self, size: int = WRITE_AHEAD_BYTES_MAX) -> None:
        """So much is to be written."""
        self.rig.chat.commits.pending_bytes = size

    def pause(self, pause_s: float) -> None:
        """Nothing comes for so long, and all who are here save credit."""
        self.turn()
        self._now += pause_s
        self.turn()

    def turns(self) -> None:
        """As many turns as it takes."""
        while len(self.intake):
            self.turn()

    def hosts(self) -> list[str]:
        return [host for host, _ in self.served]


def data_of(peer: Peer, number: int) -> tuple[bytes, Address]:
    sealed = bytes(30) + number.to_bytes(2, "big")
    return Data(peer.session.index, number, sealed).encode(), peer.session.path.address


def hello(number: int = 0, address: Address = STRANGER) -> tuple[bytes, Address]:
    return b"\x01" + bytes(30) + number.to_bytes(2, "big"), address


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield Desk()


def test_while_there_is_time_all_are_served_in_the_order_in_which_they_came(desk: Desk) -> None:
    alice, bob = desk.member(), desk.member()
    desk.turn(data_of(alice, 1), hello(2), data_of(bob, 3), data_of(alice, 4))
    assert [number for _, number in desk.served] == [1, 2, 3, 4]
    assert not len(desk.intake) and desk.intake.next_timeout() is None


def test_a_turn_ends_and_the_rest_waits_for_the_next(desk: Desk) -> None:
    alice = desk.member()
    desk.turn(*(data_of(alice, number) for number in range(2 * A_TURN + 1)))
    assert len(desk.served) == A_TURN and len(desk.intake) == A_TURN + 1
    assert desk.intake.next_timeout() is not None
    desk.turns()
    assert [number for _, number in desk.served] == list(range(2 * A_TURN + 1))


def test_who_used_least_is_served_first(desk: Desk) -> None:
    mallory, alice = desk.member(), desk.member()
    desk.turn(*(data_of(mallory, number) for number in range(3 * A_TURN)))
    desk.turn(data_of(alice, 1))
    assert desk.hosts()[A_TURN] == alice.session.path.address.host


def test_those_who_used_as_much_take_turns(desk: Desk) -> None:
    peers = [desk.member() for _ in range(3)]
    desk.turn(*(data_of(peer, number) for peer in peers for number in range(A_TURN)))
    desk.turns()
    shares = Counter(desk.hosts()[A_TURN : 3 * A_TURN])
    assert shares[peers[1].session.path.address.host] == shares[peers[2].session.path.address.host] == A_TURN


def test_the_keys_of_one_source_share_what_a_few_keys_may_use(desk: Desk) -> None:
    crowd = [desk.member(host="10.7.7.7") for _ in range(60)]
    alice = desk.member()
    of_crowd = [data_of(peer, at) for at in range(40) for peer in crowd]
    desk.turn(*of_crowd[: 20 * A_TURN])
    for number in range(8):
        desk.turn(data_of(alice, number), *of_crowd[20 * A_TURN + number : 20 * A_TURN + number + 1])
        assert desk.hosts().count(alice.session.path.address.host) == number + 1


def test_strangers_keep_their_share_though_each_item_of_members_is_worth_a_turn(desk: Desk) -> None:
    alice = desk.member()
    desk.turn(*(data_of(alice, number) for number in range(A_TURN + 100)), *(hello(number) for number in range(60)))
    strangers = 0
    for number in range(40):
        desk.intake.begin_turn(1.0 + number)
        [(address, _)] = [desk.charge(served, TURN_US) for served in desk.intake.serve([])]
        strangers += address == STRANGER
    assert strangers == 10


def test_who_has_yet_to_enter_shares_what_strangers_have_and_does_not_wait_for_all_members(desk: Desk) -> None:
    """As found: a newcomer has less credit than 1,500 members who were silent before, and waited 3 s for them all."""
    crowd = [desk.member() for _ in range(60)]
    desk.pause(10.0)
    newcomer, guesser = desk.rig.stranger(), desk.rig.stranger()
    desk.turn(*(data_of(peer, number) for number in range(3 * A_TURN) for peer in crowd), data_of(newcomer, 1))
    desk.turn()
    assert desk.hosts().count(newcomer.session.path.address.host) == 1
    desk.turn(*(data_of(guesser, number) for number in range(120)))
    desk.served.clear()
    for _ in range(20):
        desk.turn()
    assert desk.hosts().count(guesser.session.path.address.host) == pytest.approx(len(desk.served) / 4, abs=2)


def test_data_from_elsewhere_takes_no_more_than_the_share_of_strangers(desk: Desk) -> None:
    """As found: what was charged to its peer was no part of that share, and went before all that members sent."""
    alice, mallory = desk.member(), desk.member()
    desk.turn(*(data_of(alice, number) for number in range(2 * A_TURN)))
    wandering = [(data_of(mallory, number)[0], Address(f"10.3.{number}.1", 1)) for number in range(120)]
    desk.turn(*wandering, *(data_of(alice, number) for number in range(100)))
    desk.served.clear()
    for _ in range(8):
        desk.turn()
    assert desk.hosts().count(alice.session.path.address.host) == pytest.approx(len(desk.served) * 3 / 4, abs=2)


def test_more_than_may_wait_of_one_sender_is_counted_and_dropped_and_nobody_else_is(desk: Desk) -> None:
    alice, mallory = desk.member(), desk.member()
    desk.turn(*(data_of(mallory, number) for number in range(1_000)), data_of(alice, 1))
    assert desk.counters == {Drop.OVER_SHARE: 1_000 - A_TURN - WAITING_DATAGRAMS_PER_FLOW_MAX}
    desk.turn()
    assert alice.session.path.address.host in desk.hosts()


def test_when_as_many_wait_as_may_a_sender_without_any_still_has_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_DATAGRAMS_MAX", 10)
    desk = Desk()
    alice, mallory = desk.member(), desk.member()
    desk.turn(*(data_of(mallory, number) for number in range(A_TURN + 12)))
    assert len(desk.intake) == 10 and desk.counters == {Drop.OVER_SHARE: 2}
    desk.intake.begin_turn(0.0)
    desk.meter.charge_peer(mallory, TURN_US)
    assert list(desk.intake.serve([data_of(alice, 1)])) == [] and len(desk.intake) == 11


def test_no_more_senders_than_may_have_something_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """As found: of as many strangers as there are forged sources, one each."""
    monkeypatch.setattr(module, "WAITING_SENDERS_MAX", 20)
    desk = Desk()
    crowd = [hello(number, Address(f"10.1.{number}.1", 1)) for number in range(200)]
    desk.turn(*crowd)
    assert len(desk.intake) == 20 and desk.counters == {Drop.OVER_SHARE: 200 - A_TURN - 20}


def test_data_that_comes_from_elsewhere_waits_with_what_strangers_send(desk: Desk) -> None:
    alice, bob = desk.member(), desk.member()
    data, address = data_of(bob, 1)
    desk.turn(*(data_of(alice, number) for number in range(A_TURN)), (data, STRANGER), (data, address))
    desk.intake.begin_turn(1.0)
    first, second = desk.intake.serve([])
    assert (first, second) == ((data, STRANGER), (data, address)), "strangers have had nothing of their quarter yet"


def test_ready_requests_wait_once_a_peer_with_its_datagrams_and_who_used_least_is_first(desk: Desk) -> None:
    alice, bob = desk.member(), desk.member()
    desk.intake.begin_turn(0.0)
    desk.meter.charge_peer(alice, 2 * TURN_US)
    for peer in (alice, bob, alice):
        desk.intake.hold_ready(peer)
    assert list(desk.intake.serve([])) == [] and desk.intake.next_timeout() == 0.0
    desk.intake.begin_turn(1.0)
    assert list(desk.intake.serve([])) == [bob, alice]
    assert desk.intake.next_timeout() is None


def test_ready_requests_have_a_place_whatever_else_waits(desk: Desk) -> None:
    alice = desk.member()
    desk.turn(*(data_of(alice, number) for number in range(1_000)))
    desk.intake.hold_ready(alice)
    assert len(desk.intake) == WAITING_DATAGRAMS_PER_FLOW_MAX + 1


def test_ready_requests_that_wait_for_the_log_are_served_once_it_was_written(desk: Desk) -> None:
    alice, bob = desk.member(), desk.member()
    desk.spend(alice)
    desk.fill_log()
    for peer in (alice, bob, alice):
        desk.intake.hold_ready(peer)
    assert list(desk.intake.serve([])) == [] and desk.intake.next_timeout() is None
    assert len(list(desk.intake.serve([data_of(alice, 1)]))) == 1, "what is no request goes on"
    desk.fill_log(0)
    assert list(desk.intake.serve([])) == [bob, alice]


def test_of_ready_requests_only_those_that_there_is_room_for_are_taken(desk: Desk) -> None:
    """As found: with each write all who waited for it were taken and held again, 64 for 30 lines."""
    peers = [desk.member() for _ in range(10)]
    for peer in peers:
        desk.intake.hold_ready(peer)
    for number, taken in enumerate(desk.intake.serve([])):
        assert taken is peers[number]
        desk.fill_log(WRITE_AHEAD_BYTES_MAX if number == 2 else 0)
    assert number == 2 and len(desk.intake) == 7


def test_while_members_wait_several_turns_share_a_write(desk: Desk) -> None:
    alice = desk.member()
    desk.turn(data_of(alice, 0))
    assert desk.intake.may_write(), "nobody waits"
    desk.turn(*(data_of(alice, number) for number in range(A_TURN + 1)))
    for _ in range(SHORT.write_turns - 1):
        assert not desk.intake.may_write()
        desk.intake.begin_turn(0.0)
    assert desk.intake.may_write() and not desk.intake.may_write()
    desk.turns()
    assert desk.intake.may_write()


def test_as_much_as_may_be_settled_is_written_at_once_and_turns_are_counted_anew(desk: Desk) -> None:
    alice = desk.member()
    desk.turn(data_of(alice, 0))
    desk.intake.may_write()
    desk.turn(*(data_of(alice, number) for number in range(2 * A_TURN)))
    for _ in range(SHORT.write_turns - 1):
        desk.intake.begin_turn(0.0)
    desk.fill_log()
    assert desk.intake.may_write()
    desk.fill_log(0)
    assert not desk.intake.may_write()


def test_of_members_who_have_used_as_much_nobody_hurries_a_write(desk: Desk) -> None:
    """As found: after a pause all had credit, and each turn was written on its own: twice the work."""
    alice, bob = desk.member(), desk.member()
    desk.pause(1.0)
    desk.turn(data_of(alice, 0))
    desk.intake.may_write()
    desk.turn(*(data_of(peer, number) for number in range(A_TURN) for peer in (alice, bob)))
    for peer in (alice, bob):
        desk.intake.proposers[peer] = None
    assert not desk.intake.may_write()


def test_what_is_written_for_who_has_used_less_than_all_who_wait_does_not_wait(desk: Desk) -> None:
    alice, mallory = desk.member(), desk.member()
    desk.meter.charge_peer(mallory, NEW_CREDIT_US / 2)
    desk.turn()
    desk.intake.may_write()
    desk.turn(*(data_of(mallory, number) for number in range(3 * A_TURN)))
    for peer in (alice, mallory):
        desk.intake.proposers[peer] = None
    assert not desk.intake.may_write(), "not so much less"
    desk.meter.charge_peer(mallory, NEW_CREDIT_US)
    desk.turn()
    for peer in (alice, mallory):
        desk.intake.proposers[peer] = None
    assert desk.intake.may_write() and not desk.intake.may_write()


def test_who_becomes_ready_goes_before_nobody_who_waits(desk: Desk) -> None:
    alice, bob = desk.member(), desk.member()
    assert desk.intake.line_up([alice, bob]) == [alice, bob]
    desk.spend(alice)
    desk.intake.hold_ready(bob)
    assert desk.intake.line_up([alice]) == []
    assert list(desk.intake.serve([])) == [bob, alice]


def test_who_uses_little_and_writes_makes_turns_short_for_all(desk: Desk) -> None:
    alice, mallory = desk.member(), desk.member()
    desk.pause(SHORT_S)
    assert desk.backlog.pace.turns is LONG
    desk.meter.charge_peer(mallory, 2 * NEW_CREDIT_US)
    desk.turn()
    desk.turn(*(data_of(mallory, number) for number in range(int(LONG.turn_us / COST_US) + 2)))
    desk.intake.proposers[alice] = None
    assert desk.intake.may_write() and desk.backlog.pace.turns is LONG, "of this turn"
    desk.turn()
    assert desk.backlog.pace.turns is SHORT


def test_who_was_silent_for_longest_has_no_more_credit_than_there_can_be_and_leaves_turns_long(desk: Desk) -> None:
    """As found: in a room of 100 turns stayed short, so that a message cost three times as much, because the balance of
    who had said nothing for a while was not up to date.
    """
    alice, bob = desk.member(), desk.member()
    desk.pause(3 * CREDIT_US / FREE_US_PER_S)
    assert desk.backlog.pace.turns is LONG
    desk.turn(*(data_of(bob, number) for number in range(int(LONG.turn_us / COST_US) + 2)))
    desk.intake.proposers[alice] = None
    desk.intake.may_write()
    desk.turn()
    assert desk.backlog.pace.turns is LONG


def test_who_uses_much_but_less_than_the_others_leaves_turns_long(desk: Desk) -> None:
    alice, mallory = desk.member(), desk.member()
    desk.pause(SHORT_S)
    desk.meter.charge_peer(alice, CREDIT_US)
    desk.meter.charge_peer(mallory, CREDIT_US + 2 * NEW_CREDIT_US)
    desk.turn()
    desk.turn(*(data_of(mallory, number) for number in range(int(LONG.turn_us / COST_US) + 2)))
    desk.intake.proposers[alice] = None
    assert desk.intake.may_write(), "it does not wait for those who have used more"
    desk.turn()
    assert desk.backlog.pace.turns is LONG
