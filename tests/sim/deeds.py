"""What people do and what goes wrong in a swarm: each deed by its weight, in a table, as VOPR's faults are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from tests.sim.nodes import WALL_OFFSET_S, ClientNode
from tests.storage.memory import MemoryLog
from udpchat.chat.amendments import Reference
from udpchat.client import compose
from udpchat.client.model import Conversation
from udpchat.wire.limits import TEXT_BYTES_MAX
from udpchat.wire.packets import Address
from udpchat.wire.requests import RequestBody

if TYPE_CHECKING:
    from tests.sim.swarm import Swarm

SERVER = Address("server", 1)
ALIASES = ("red", "green", "blue", "white", "black", "grey")
LETTERS = "abcdefghij klmno\u00e9\u4e16\U0001f600"
LETTER_BYTES_MAX = 4
EMOJI = ("\u2764\ufe0f", "\U0001f44d", "\U0001f389")
MESSAGES_LOOKED_AT = 20  # to react to, to edit
DAY_S = 86_400.0
Deed = Callable[["Swarm"], None]


def do_something(swarm: Swarm, deeds: dict[Deed, int]) -> None:
    """One of these, by weight."""
    (deed,) = swarm.random.choices(list(deeds), list(deeds.values()))
    deed(swarm)


def _text(swarm: Swarm, client: ClientNode, characters_max: int) -> str:
    swarm.texts += 1
    random = swarm.random
    filling = "".join(random.choices(LETTERS, k=random.randint(0, characters_max)))
    return f"{client.nick} {swarm.texts} {filling}x"


def _person(swarm: Swarm) -> ClientNode | None:
    """Somebody who is there to type something."""
    people = [client for client in swarm.world.clients if client.is_running and not client.core.is_over]
    return swarm.random.choice(people) if people else None


# --- What people do ----------


def _say(swarm: Swarm, *, count_max: int = 1, characters_max: int = 40) -> None:
    client = _person(swarm)
    if client is None or not client.core.model.rooms:
        return
    for _ in range(swarm.random.randint(1, count_max)):
        text = _text(swarm, client, characters_max)
        room = swarm.random.choice(client.core.model.rooms)
        swarm.tell(f"{client.nick} says {len(text)} characters in {room}: {text[:12]!r}")
        client.say(text, room)


def _tell(swarm: Swarm) -> None:
    client = _person(swarm)
    if client is not None:
        nick = swarm.random.choice(swarm.world.clients).core.model.nick
        text = _text(swarm, client, 40)
        swarm.tell(f"{client.nick} tells {nick} {text[:12]!r}")
        client.tell(nick, text)


def _amend(swarm: Swarm) -> None:
    """Do something about a message that is on the screen; now and then what only its author may."""
    client, random = _person(swarm), swarm.random
    known = [] if client is None else [each for each in client.core.model.conversations() if each.items]
    if client is None or not known:
        return
    conversation = random.choice(known)
    item = random.choice(conversation.items[-MESSAGES_LOOKED_AT:])
    name, about = conversation.name, Reference(item.sequence, bytes.fromhex(item.id))
    request: RequestBody
    verb = random.choice(("reply", "react", "react", "take back", "edit", "edit", "redact"))
    if verb in ("edit", "redact") and not item.is_own and random.random() < 0.9:
        verb = "react"
    if verb == "reply":
        request = compose.reply(name, _text(swarm, client, 40), about)
    elif verb == "edit":
        request = compose.edit(name, _text(swarm, client, 40), about)
    elif verb == "redact":
        request = compose.redact(name, random.choice(("", "a slip")), about)
    else:
        request = compose.react(name, random.choice(EMOJI), about, added=verb == "react")
    swarm.tell(f"{client.nick}: {verb} {item.sequence} in {name}")
    client.do("ask", request)


def _read(swarm: Swarm) -> None:
    client = _person(swarm)
    if client is not None:
        name = swarm.random.choice(client.core.model.conversations() or [Conversation("lobby")]).name
        verb = swarm.random.choice(("mark_read", "notify_typing"))
        swarm.tell(f"{client.nick}: {verb} {name}")
        client.do(verb, name)


def _join(swarm: Swarm) -> None:
    client = _person(swarm)
    if client is not None:
        room = swarm.random.choice(swarm.rooms)
        swarm.tell(f"{client.nick} joins {room}")
        client.do("join", room)


def _part(swarm: Swarm) -> None:
    client = _person(swarm)
    if client is not None and client.core.model.rooms:
        room = swarm.random.choice(client.core.model.rooms)
        swarm.tell(f"{client.nick} parts from {room}")
        client.do("part", room)


def _rename(swarm: Swarm) -> None:
    client = _person(swarm)
    if client is not None:
        aliases = [f"{client.address[0]}{number}" for number in (1, 2)]
        if not swarm.plan.loses_log:  # or a nick might go to somebody else, and its owner be refused for good
            aliases += [client.nick, *ALIASES]
        nick = swarm.random.choice(aliases)
        swarm.tell(f"{client.nick} renames itself {nick}")
        client.do("rename", nick)


def _ask(swarm: Swarm) -> None:
    client = _person(swarm)
    if client is None or not client.core.model.rooms:
        return
    room = swarm.random.choice(client.core.model.rooms)
    nick = swarm.random.choice(swarm.world.clients).nick
    text = _text(swarm, client, 10)
    verbs = (
        ("whois", nick), ("names", room), ("list_rooms",), ("set_away", text), ("set_away", None),
        ("ask_topic", room), ("set_topic", room, text),
    )  # fmt: skip
    verb, *arguments = swarm.random.choice(verbs)
    swarm.tell(f"{client.nick}: {verb} {arguments}")
    client.do(verb, *arguments)


def _quit(swarm: Swarm) -> None:
    client = _person(swarm)
    if client is not None:
        swarm.tell(f"{client.nick} quits")
        client.do("quit")
        swarm.later(swarm.random.uniform(0.0, 5.0), partial(_start_again, swarm, client))


def _start_again(swarm: Swarm, client: ClientNode) -> None:
    swarm.tell(f"{client.nick} starts again, for the {client.runs}. time")
    client.restart()


# --- What goes wrong ----------


def _duration_s(random: Random) -> float:
    return random.choice((random.uniform(0.0, 0.5), random.uniform(0.0, 5.0), random.uniform(0.0, 40.0)))


def _partition(swarm: Swarm) -> None:
    random, network = swarm.random, swarm.world.network
    cut = [client.address for client in swarm.world.clients if random.random() < 0.5]
    duration_s = _duration_s(random)
    side, other = random.choice((([SERVER], cut), (cut, [SERVER])))
    one_way = random.random() < 0.5
    swarm.tell(f"a partition for {duration_s:.3f} s, {'from' if one_way else 'between'} {side} and {other}")
    swarm.cut(duration_s, partial(network.partition, side, other, one_way=one_way))


def _blackhole(swarm: Swarm) -> None:
    random, network = swarm.random, swarm.world.network
    address = random.choice([SERVER, *(client.address for client in swarm.world.clients)])
    sends, receives = random.choice(((True, True), (True, False), (False, True)))
    duration_s = _duration_s(random)
    swarm.tell(f"{address} is a blackhole for {duration_s:.3f} s, sends {sends}, receives {receives}")
    swarm.cut(duration_s, partial(network.blackhole, address, sends=sends, receives=receives))


def _rebind(swarm: Swarm) -> None:
    random = swarm.random
    client = random.choice(swarm.world.clients)
    swarm.addresses += 1
    address = Address(random.choice((client.address.host, f"net{swarm.addresses}")), 1000 + swarm.addresses)
    swarm.tell(f"{client.nick} moves to {address}")
    old_works_s = random.choice((0.0, 0.0, 2.0))
    swarm.world.network.rebind(swarm.world.now, client.address, address, old_works_s=old_works_s)


def _relink(swarm: Swarm) -> None:
    random = swarm.random
    client = random.choice(swarm.world.clients)
    link, one_way = swarm.draw_link(), random.random() < 0.5
    a, b = (client.address, SERVER) if random.random() < 0.5 else (SERVER, client.address)
    swarm.tell(f"{client.nick} has {'from' if one_way else 'between'} {a} and {b} {link}")
    swarm.world.network.set_link(a, b, link, one_way=one_way)


def _pause(swarm: Swarm) -> None:
    node = swarm.random.choice(swarm.world.nodes)
    duration_s = _duration_s(swarm.random)
    swarm.tell(f"{node.address[0]} is paused for {duration_s:.3f} s")
    node.pause()
    swarm.later(duration_s, node.resume)


def _kill_client(swarm: Swarm) -> None:
    client = _person(swarm)
    if client is not None:
        swarm.tell(f"{client.nick} is killed")
        client.kill()
        swarm.later(_duration_s(swarm.random), partial(_start_again, swarm, client))


def _kill_server(swarm: Swarm) -> None:
    random, server = swarm.random, swarm.world.server
    if server.is_dead:
        return
    keeps_batch = random.random() < 0.2
    swarm.tell(f"the server is killed, {'with' if keeps_batch else 'without'} what it was writing")
    server.kill(keeps_batch=keeps_batch)
    swarm.later(random.choice((0.1, random.uniform(0.0, 5.0), random.uniform(0.0, 40.0))), partial(_restart, swarm))


def _restart(swarm: Swarm) -> None:
    random, world = swarm.random, swarm.world
    log = None
    if random.random() < swarm.plan.loses_log:
        world.promises.on_log_lost()
        log = MemoryLog(random=random.randbytes)
    swarm.tell(f"the server starts again{', with an empty log' if log else ''}")
    world.server.restart(log=log)


def _fill_disk(swarm: Swarm) -> None:
    server = swarm.world.server

    def end() -> None:
        server.is_full = False

    swarm.tell("the server's disk is full")
    server.is_full = True
    swarm.later(_duration_s(swarm.random), end)


def _slow_disk(swarm: Swarm) -> None:
    swarm.world.server.write_s = swarm.random.uniform(0.0, swarm.plan.write_s_max)
    swarm.tell(f"a write takes {swarm.world.server.write_s:.4f} s")


def _wall_clock(swarm: Swarm) -> None:
    swarm.tell("the server's wall clock jumps")
    swarm.world.server.core.set_wall_clock(WALL_OFFSET_S + swarm.random.uniform(-DAY_S, DAY_S))


ACTIONS: dict[Deed, int] = {
    _say: 60,
    partial(_say, count_max=40): 5,
    partial(_say, count_max=2, characters_max=(TEXT_BYTES_MAX - 100) // LETTER_BYTES_MAX): 3,
    _tell: 12,
    _amend: 25,
    _read: 6,
    _join: 4,
    _part: 3,
    _rename: 2,
    _ask: 4,
    _quit: 1,
}
FAULTS: dict[Deed, int] = {
    _partition: 6,
    _blackhole: 3,
    _rebind: 4,
    _relink: 4,
    _pause: 5,
    _kill_client: 4,
    _kill_server: 3,
    _fill_disk: 1,
    _slow_disk: 2,
    _wall_clock: 1,
}
