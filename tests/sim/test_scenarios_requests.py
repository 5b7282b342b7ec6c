"""Scenarios S26 to S28: requests whose answers are lost, that overtake each other, or that pretend to be another's."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.faults import JEPSEN
from tests.sim.network import Address
from tests.sim.nodes import ClientNode
from tests.sim.world import SERVER, World
from tests.storage.memory import MemoryClientStore
from udpchat.chat.events import HolderList
from udpchat.chat.ids import room_log
from udpchat.client.stored import RequestAdded, RequestDone
from udpchat.wire.content import Message
from udpchat.wire.errors import Drop
from udpchat.wire.frames import encode, parse_entry_untrusted
from udpchat.wire.limits import REQUESTS_IN_FLIGHT_MAX, SEQUENCE_MAX
from udpchat.wire.requests import ListHolders, Say


def log_of(world: World) -> list[str]:
    """What stands in the lobby's log."""
    log = room_log("lobby")
    entries = map(parse_entry_untrusted, world.server.log.read(log, 1, world.server.log.extent(log).head))
    return [entry.text for entry in entries if isinstance(entry, Message)]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_message_whose_answer_is_lost_stands_once_and_is_confirmed_where_it_stands(restarts: bool) -> None:
    """S26: the reply dropped 1 to 20 times, the client restarted between; appended once, the same seq returned."""
    for drops in range(1, 21):
        world = World(Random(drops))
        alice, bob = world.add_clients(2)
        bob.say("first")
        world.settle()
        world.network.drop_next(SERVER, alice.address, range(1, drops + 1))
        alice.say("precious")
        world.run(0.01)
        if restarts:
            alice.kill()
            world.run(0.05)
            alice.restart()
        world.run(5)
        world.settle()
        assert log_of(world) == ["first", "precious"]
        assert {event.seq for event in alice.sent()} == {2}
        assert bob.texts() == ["first", "precious"]


def deliver_in_order(world: World, client: ClientNode, order: list[int]) -> None:
    """Let the client say as many messages, each in its datagram, and these arrive in this order."""
    held: list[bytes] = []

    def hold(now: float, source: Address, destination: Address, data: bytes) -> bool:
        if destination == SERVER and source == client.address and len(held) < len(order):
            held.append(data)
            return True
        return False

    world.network.drop_if.append(hold)
    for number in range(len(order)):
        client.say(f"m {number}")
    assert len(held) == len(order)
    for place, number in enumerate(order):
        world.network.inject(world.now, client.address, SERVER, held[number], delay_s=0.0001 * (place + 1))


@pytest.mark.parametrize("count", [1, 2, 3, 8, REQUESTS_IN_FLIGHT_MAX])
def test_what_arrives_in_reverse_is_appended_in_the_order_of_its_author(count: int) -> None:
    """S27: 1 to 32 reversed."""
    world = World(Random(count))
    alice, bob = world.add_clients(2)
    world.run(1)
    deliver_in_order(world, alice, list(reversed(range(count))))
    world.settle()
    assert log_of(world) == bob.texts() == [f"m {number}" for number in range(count)]


@given(order=st.permutations(range(12)))
def test_in_whatever_order_they_arrive_they_are_appended_in_the_order_of_their_author(order: list[int]) -> None:
    """S27, any order."""
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    world.run(1)
    deliver_in_order(world, alice, order)
    world.settle()
    assert log_of(world) == [f"m {number}" for number in range(12)]


def test_whoever_takes_the_instance_of_another_does_not_get_its_counter() -> None:
    """S28: another key, the victim's instance, the highest counter there is. The victim's next message is appended."""
    world = World(Random(1))
    alice, mallory = world.add_clients(2)
    alice.say("mine")
    world.settle()
    mallory.kill()
    instance = alice.store.load().instance
    mallory.store = MemoryClientStore(random=lambda count: instance)
    mallory.store.write([RequestAdded(SEQUENCE_MAX - 1, b""), RequestDone(SEQUENCE_MAX - 1)])
    mallory.restart()
    world.run(2)
    mallory.say("forged")
    world.run(2)
    alice.say("still mine")
    world.run(2)
    assert [event.text for event in alice.sent()] == ["mine", "still mine"]
    assert log_of(world).count("still mine") == 1


def test_a_counter_beyond_all_numbers_is_malformed() -> None:
    """S28: counter 2^63, from a member with a real session."""
    world = World(Random(1))
    (mallory,) = world.add_clients(1)
    before = world.server.core.counters[Drop.MALFORMED]
    for counter in (0, SEQUENCE_MAX + 1, 2**63, 2**64 - 1):
        frame = encode((3, counter, max(counter, 1), Say("lobby", 0, "x")))
        mallory.inject(frame)
        world.run(0.1)
    assert world.server.core.counters[Drop.MALFORMED] == before + 4
    mallory.say("an honest one")
    world.settle()
    assert log_of(world) == ["an honest one"]


def holders_of(world: World, author: ClientNode, text: str) -> HolderList:
    """What an author is told about a message, which is said now."""
    author.say(text)
    world.run_until(lambda: author.texts()[-1:] == [text], limit_s=20)
    return holders_of_the_latest(world, author)


def holders_of_the_latest(world: World, author: ClientNode) -> HolderList:
    """What its author is told about the latest message."""
    sent, before = author.sent()[-1], len(author.of(HolderList))
    author.do("ask", ListHolders(room_log("lobby"), sent.seq, bytes.fromhex(sent.id)))
    world.run_until(lambda: len(author.of(HolderList)) > before, limit_s=20)
    answer = author.of(HolderList)[-1]
    assert isinstance(answer, HolderList) and answer.id == sent.id
    return answer


@pytest.mark.parametrize("seed", range(3))
def test_who_is_said_to_have_a_message_has_it_and_one_who_is_cut_off_is_not_said_to(seed: int) -> None:
    """At 20 % loss each question is answered, and no name is among those who have it too early."""
    world = World(Random(seed), JEPSEN)
    alice, *others = world.add_clients(5)
    nicks = {other.nick for other in others}
    world.settle(link=JEPSEN)
    world.network.partition([SERVER], [others[-1].address])
    for text in map(str, range(10)):
        answer = holders_of(world, alice, text)
        has_it = {other.nick for other in others if text in other.texts()}
        assert set(answer.holders) <= has_it and {*answer.holders, *answer.waiting} == nicks
        assert others[-1].nick in answer.waiting
    world.settle()
    world.run(1)  # the last acks are under way
    assert {*holders_of_the_latest(world, alice).holders} == nicks
