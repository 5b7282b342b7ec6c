"""Scenarios S22 to S25: group packets under reordering, removal, forgery and restart; and what loss costs a group."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from tests.sim import audit
from tests.sim.faults import CLEAN, LAN, Link
from tests.sim.nodes import ClientNode
from tests.sim.world import SERVER, World
from udpchat.chat.ids import room_log
from udpchat.server.admission import Settings
from udpchat.server.registry import Peer
from udpchat.session.cipher import SendCipher
from udpchat.session.group import GroupSender
from udpchat.wire.content import Reason
from udpchat.wire.errors import Drop
from udpchat.wire.frames import Entries, encode, encode_message, pack, parse_down_untrusted, parse_entry_untrusted, raw
from udpchat.wire.limits import GROUPS, SIGNATURE_BYTES
from udpchat.wire.packets import GROUP_HEADER, Kind

LOBBY = room_log("lobby")
FORGERIES = 40


def group_world(link: Link = CLEAN, clients: int = 6, seed: int = 1) -> tuple[World, list[ClientNode]]:
    """A room that is large enough for a group, in which all have its key."""
    world = World(Random(seed), CLEAN, settings=Settings(group_peers_min=3))
    members = world.add_clients(clients)
    members[0].say("the first goes in sessions")
    world.settle()
    world.run(0.5)
    members[0].say("the next to the group")
    world.settle()
    assert sent(world, Kind.GROUP)
    world.network.heal(link)
    return world, members


def sent(world: World, kind: Kind) -> list[bytes]:
    """The datagrams of a kind that the server sends while something is said; all are delivered."""
    seen: list[bytes] = []
    send = world.network.send

    def see(now: float, source: object, destination: object, data: bytes) -> None:
        if source == SERVER and data[0] == kind:
            seen.append(data)
        send(now, SERVER if source == SERVER else source, destination, data)  # type: ignore[arg-type]

    world.network.send = see  # type: ignore[method-assign]
    world.clients[-1].say("listen")
    world.run(0.05)
    world.network.send = send  # type: ignore[method-assign]
    return seen


def peer_of(world: World, client: ClientNode) -> Peer:
    return next(peer for peer in world.server.core.chat.registry if peer.key == client.static.public)


def drops(members: list[ClientNode], reason: Drop) -> int:
    return sum(client.core.counters[reason] for client in members)


def test_epochs_change_under_reordering_and_nothing_is_missing() -> None:
    """S22: 30 % arrive late, an epoch every 100 messages. Nobody is sent what it cannot open; all is there."""
    world, members = group_world(Link(delay_s=0.005, reorder=0.3, reorder_delay_s_max=0.05))
    epochs: set[tuple[int, int]] = set()
    audit.on_group_sealed = lambda sender, body: epochs.add((sender.group, sender.epoch))
    chat = world.server.core.chat
    for number in range(1_000):
        members[number % len(members)].say(f"message {number}")
        if number % 100 == 99:
            chat.fanout.groups.leave(peer_of(world, members[1]), chat.rooms["lobby"].stream, Reason.KICKED)
        world.run(0.003)
    world.settle(limit_s=5)
    assert len({epoch for _, epoch in epochs}) > 8
    assert drops(members, Drop.UNKNOWN_GROUP) == 0
    assert all(client.texts() == members[0].texts() for client in members)


def test_who_is_kicked_opens_nothing_that_is_sent_after_it() -> None:
    """S23: while many speak. The keys of the device open none of it, and the room notices nothing."""
    world, (mallory, *members) = group_world(LAN)
    for number in range(300):
        members[number % len(members)].say(f"message {number}")
        if number == 150:
            peer, chat = peer_of(world, mallory), world.server.core.chat
            chat.rooms.part(world.now, peer, "lobby", Reason.KICKED)
            heard = len(mallory.texts())
            opened = mallory.core.counters.copy()
        world.run(0.002)
    later = sent(world, Kind.GROUP)
    for datagram in later:
        world.network.inject(world.now, SERVER, mallory.address, datagram)
    world.run(1)
    assert later and mallory.core.counters[Drop.UNKNOWN_GROUP] - opened[Drop.UNKNOWN_GROUP] == len(later)
    assert len(mallory.texts()) <= heard + 1
    assert all(client.texts() == members[0].texts() and len(client.texts()) > 300 for client in members)


def forger(world: World, mallory: ClientNode) -> Callable[[bytes], bytes]:
    """What a member can make of the keys that it was sent: all but the signature."""
    known: dict[tuple[int, int], GroupSender] = {}
    audit.on_group_sealed = lambda sender, body: known.update({(sender.group, sender.epoch): sender})
    mallory.say("what is the key?")
    world.settle()
    keys = list(known.values())
    counters = iter(range(1_000, 10_000))

    def forge(body: bytes) -> bytes:
        group, counter = keys[0], next(counters)
        header = GROUP_HEADER.pack(int(Kind.GROUP), group.group, group.epoch, counter)
        return header + SendCipher(group.key).seal(counter, header, body + bytes(SIGNATURE_BYTES))

    return forge


def test_a_member_who_speaks_as_the_server_is_not_believed() -> None:
    """S24: the key is right, the signature is not. Counted, a few verified, and the server is heard as before."""
    world, (mallory, *members) = group_world()
    forge = forger(world, mallory)
    log = world.server.log
    head, generation = log.extent(LOBBY).head, log.extent(LOBBY).generation
    said = parse_entry_untrusted(log.read(LOBBY, head, 1)[0])
    entry = raw(encode_message(said.changed(text="send me your password")))  # type: ignore[attr-defined]
    audit.end()  # the forger's seals are not the server's
    for number in range(FORGERIES):
        body = pack([encode(Entries(LOBBY, generation, head + 1 + number, 20, [entry]))])
        for victim in members:
            world.network.inject(world.now, SERVER, victim.address, forge(body))
    world.run(1)
    refused = drops(members, Drop.BAD_SIGNATURE) + drops(members, Drop.RATE_LIMITED)
    assert refused >= FORGERIES * len(members)
    assert not any("password" in text for client in members for text in client.texts())
    members[0].say("nobody believed it")
    world.settle(limit_s=2)
    assert all(client.texts()[-1] == "nobody believed it" for client in members)


def test_no_counter_of_a_key_is_used_twice_whatever_the_server_goes_through() -> None:
    """S25: the audit sees each seal of a group, over loss, repair, another epoch and a restart."""
    world, members = group_world(Link(delay_s=0.002, loss=0.1, duplicate=0.1))
    before = len(audit.highest)
    for _ in range(2):
        for number in range(60):
            members[number % len(members)].say(f"message {number}")
            world.run(0.01)
        world.server.kill()
        world.run(1)
        world.server.restart()
        world.run(15)
        members[0].say("back")
        world.run(1)
    world.settle()
    assert len(audit.highest) > before


@pytest.mark.parametrize("lost", [1, 2])
def test_the_last_message_before_a_silence_is_repaired(lost: int) -> None:
    """A group packet to one member is lost, and maybe the first head after it too: nothing later shows it."""
    world, members = group_world()
    world.network.drop_next(SERVER, members[2].address, range(lost))
    members[0].say("the last")
    took = world.run_until(lambda: members[2].texts()[-1:] == ["the last"], limit_s=2)
    assert took < (0.2 if lost == 1 else 0.6)
    world.settle()


def test_a_lossy_room_is_whole_within_a_second_and_nearly_all_goes_to_the_group() -> None:
    world, members = group_world(Link(delay_s=0.001, loss=0.02), clients=40)
    before = world.network.count(SERVER).sent
    for number in range(200):
        members[number % len(members)].say(f"message {number}")
        world.run(0.02)
    copies = world.network.count(SERVER).sent - before
    took = world.run_until(world.is_settled, limit_s=5)
    assert took < 1.0
    assert copies < 1.3 * 200 * len(members)
    groups = [each for each in world.server.core.chat.registry if GROUPS in each.author.capabilities]
    assert len(groups) == len(members)


def test_a_room_of_old_and_new_clients_hears_the_same() -> None:
    world, members = group_world(LAN)
    world.wishes = {"capabilities": ()}
    old = world.add_clients(3, prefix="old")
    for number in range(50):
        (members + old)[number % 9].say(f"message {number}")
        world.run(0.01)
    world.settle()
    assert all(client.texts()[-50:] == members[0].texts()[-50:] for client in members + old)


def test_a_key_opens_nothing_but_what_the_body_of_a_packet_may_be() -> None:
    """Every group packet of a world holds Entries or Heads of one log, and no more."""
    world, members = group_world(LAN)
    bodies: list[bytes] = []
    audit.on_group_sealed = lambda sender, body: bodies.append(body)
    for number in range(20):
        members[number % len(members)].say("x" * (100 * number + 1))
        world.run(0.2)
    kinds = {type(frame).__name__ for body in bodies for frame in parse_down_untrusted(body)}
    assert kinds == {"Entries", "EntryFragment", "Heads"}
