"""Any bytes at all to either end (scenarios S37, S41): service and tables stay as they were, drops are counted."""

from __future__ import annotations

from random import Random

from tests.sim.network import Address
from tests.sim.nodes import ClientNode
from tests.sim.world import SERVER, World
from udpchat.wire import packets
from udpchat.wire.limits import DATAGRAM_BYTES_MAX, HANDSHAKE_LIFETIME_S
from udpchat.wire.packets import Kind

DATAGRAMS = 100_000  # as the issue asks for
BATCH = 500
STRANGERS = [packets.Address(f"10.66.0.{number}", number) for number in range(40)]


def chatting(seed: int) -> tuple[World, list[ClientNode], list[tuple[Address, bytes]]]:
    """Four people who have chatted, and all that was sent meanwhile: to whom, and what."""
    world = World(Random(seed))
    recorded: list[tuple[Address, bytes]] = []
    world.network.taps.append(lambda now, source, destination, data: recorded.append((destination, data)))
    hosts = [packets.Address(f"10.66.1.{number}", 1) for number in range(4)]  # a ProbeReply names the host of a Probe
    clients = [world.add_client(f"peer{number}", address=host) for number, host in enumerate(hosts)]
    for number in range(20):
        for client in clients:
            client.say(f"{client.nick} says {number} " + "x" * 30 * number)
            client.tell(clients[0].nick, f"psst {number}")
        world.run(0.1)
    world.settle()
    world.network.taps.clear()
    return world, clients, recorded


def bent(random: Random, data: bytes) -> bytes:
    """A datagram as it was, cut off, lengthened, with bits flipped, with the head of one and the tail of noise."""
    match random.randrange(6):
        case 0:
            return data
        case 1:
            return data[: random.randrange(len(data) + 1)]
        case 2:
            return data + random.randbytes(random.randint(1, 400))
        case 3:
            changed = bytearray(data)
            for _ in range(random.randint(1, 8)):
                changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
            return bytes(changed)
        case 4:
            head = random.randint(1, 16)
            return data[:head] + random.randbytes(max(len(data) - head, 0))
    kind = bytes((random.choice([*Kind, random.randrange(256)]),))
    return kind + random.randbytes(random.choice((0, 1, 12, 28, 63, DATAGRAM_BYTES_MAX - 1, DATAGRAM_BYTES_MAX, 3000)))


def sizes(world: World) -> dict[str, int]:
    """How large every table is that a datagram could make grow, at the server and its clients."""
    core = world.server.core
    found = {
        "handshakes": core.handshakes,
        "peers": len(core.chat.registry),
        "sessions": sum(1 + (peer.previous is not None) for peer in core.chat.registry),
        "rooms": len(core.chat.rooms),
        "streams": len(list(core.chat.rooms.streams())),
        "to_flush": len(core.chat.fanout.to_flush),
        "log": sum(world.server.log.extent(log).head for log in world.server.log.logs()),
    }
    for peer in core.chat.registry:
        found[f"{peer.nick} feeds"] = len(peer.downlink.subscriptions)
        found[f"{peer.nick} in flight"] = peer.downlink.loss_detection.bytes_in_flight
        found[f"{peer.nick} ranges"] = sum(
            len(subscription.acked) + len(subscription.backlog) for subscription in peer.downlink.subscriptions.values()
        )
        found[f"{peer.nick} held"] = len(peer.window)
    for client in world.clients:
        uplink = client.core.timeline.uplink
        found[f"{client.nick} replicas"] = len(uplink)
        found[f"{client.nick} ahead"] = sum(replica.held for replica in uplink)
        found[f"{client.nick} events"] = len(client.events)
        found[f"{client.nick} missing"] = uplink.missing
    return found


def test_a_hundred_thousand_hostile_datagrams_leave_service_and_tables_as_they_were() -> None:
    """Random, recorded, truncated, bent; from strangers, from members' addresses and as if from the server."""
    world, clients, recorded = chatting(1)
    random = Random(2)
    world.run(40)
    before = sizes(world)
    sources = [*STRANGERS, *(client.address for client in clients)]
    sent = 0
    while sent < DATAGRAMS:
        for _ in range(BATCH):
            destination, data = random.choice(recorded)
            if random.random() < 0.1:
                destination = random.choice([SERVER, *(client.address for client in clients)])
            source = SERVER if destination != SERVER and random.random() < 0.8 else random.choice(sources)
            world.network.inject(world.now, source, destination, bent(random, data), delay_s=random.random() * 0.05)
            sent += 1
        world.run(0.05)
    drops = dict(world.server.core.counters)
    assert sum(drops.values()) > DATAGRAMS / 4
    world.run(HANDSHAKE_LIFETIME_S + 40)
    assert sizes(world) == before
    for client in clients:
        client.say(f"{client.nick} is still here")
    took = world.settle(limit_s=5)
    assert took < 0.1
    assert len(set(clients[0].texts())) == len(clients[0].texts()) == 84


def test_members_who_send_garbage_in_their_own_sessions_harm_only_themselves() -> None:
    """Authentic packets with anything inside: dropped as malformed, or the end of who sent them."""
    world, clients, _ = chatting(3)
    random = Random(4)
    mallory = clients[3]
    plaintexts = [b"", b"\x90", b"\x91\xc0", b"\xdc\xff\xff", b"\x91" * 1000, b"\x91\x95\x03\x01\x01\x92"]
    for number in range(10_000):
        session = mallory.core.session
        if session is None:
            world.run(1)
            continue
        body = random.choice(plaintexts) + random.randbytes(random.randrange(60))
        if number % 3 == 0:
            tag = random.randrange(12)
            body = bytes((0x91, 0x90 | random.randint(1, 6), tag)) + random.randbytes(random.randrange(40))
        world.network.send(world.now, mallory.address, SERVER, session.seal(body))
        if number % 100 == 0:
            world.run(0.01)
    world.run(60)
    for client in clients[:3]:
        client.say(f"{client.nick} is still here")
    assert world.settle(limit_s=20) < 5
    world.promises.check_tables()
    assert len(set(clients[0].texts())) == len(clients[0].texts()) == 83
