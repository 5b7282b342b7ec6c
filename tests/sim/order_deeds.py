"""Acts of order in a swarm: by people who may, by people who may not, and by hostile members who try all of them.

The host gives the first person a role on the server, by the one way there is: a device with the host's key. What
excludes people from the whole server meets hostile members only: nobody honest is to be away when the faults stop.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING, Final

from tests.sim.hostile import HostileNode
from tests.sim.network import Address
from tests.sim.nodes import ClientNode
from udpchat.chat.ids import AUDIT_LOG, ROOM_PREFIX
from udpchat.chat.names import HOST_NICK
from udpchat.chat.permissions import ROOM_ROLES, SERVER_ROLES, Role
from udpchat.server.accounts import digest_of
from udpchat.session.noise import KeyPair, fingerprint
from udpchat.wire import frames, requests
from udpchat.wire.content import BAN, MUTE, Reason
from udpchat.wire.requests import RequestBody

if TYPE_CHECKING:
    from tests.sim.swarm import Swarm
    from tests.sim.world import World

HOST_ADDRESS: Final = Address("host", 1)
APPOINTS_EVERY_S: Final = 0.3
OWNER_SHARE: Final = 0.7  # of the acts are by who owns the server: most others are refused
DURATIONS_S: Final = (0, 0, 1, 2, 5)


class Host(HostileNode):
    """The device with the host's key: makes somebody the owner, until that is done, and leaves."""

    def __init__(self, world: World, random: Random, static: KeyPair, owner: str) -> None:
        self._owner, self._is_done = owner, False
        super().__init__(
            world, HOST_ADDRESS, random, nick=HOST_NICK, rooms=(), deeds=[lambda _: self.appoint()],
            interval_s=APPOINTS_EVERY_S, static=static,
        )  # fmt: skip

    def appoint(self) -> None:
        """Make somebody the owner."""
        if self.is_in:
            self.ask(requests.SetRole(None, self._owner, Role.OWNER))

    def _hear(self, now: float, frame: frames.Down) -> None:
        super()._hear(now, frame)
        if isinstance(frame, frames.Result) and isinstance(frame.body, requests.Done) and not self._is_done:
            self.leave()

    def leave(self) -> None:
        """Say goodbye, done or not."""
        self._is_done = True
        self.send(frames.Goodbye(Reason.QUIT))

    def wakes_at(self, now: float) -> float | None:
        """Never again, once it has left."""
        return None if self._is_done else super().wakes_at(now)


def keep_order(swarm: Swarm) -> None:
    """Somebody does something about order, for the others to bear."""
    people = [client for client in swarm.world.clients if client.is_running and not client.core.is_over]
    if people:
        owner = people[0] if swarm.random.random() < OWNER_SHARE else swarm.random.choice(people)
        request = draw_act(swarm, owner)
        swarm.tell(f"{owner.nick}: {request}")
        owner.do("ask", request)


def draw_act(swarm: Swarm, client: ClientNode) -> RequestBody:
    """An act of order, or a question about it."""
    random = swarm.random
    room = random.choice(client.core.model.rooms or swarm.rooms)
    nick = random.choice(swarm.world.clients).core.model.nick
    strangers = [node.nick for node in swarm.world.strangers if node is not swarm.appointer]
    stranger = random.choice(strangers) if strangers else nick
    for_s, reason = random.choice(DURATIONS_S), random.choice(("", "enough"))
    is_on: bool | None = random.choice((True, False, False, None))
    acts: tuple[RequestBody, ...] = (
        requests.SetRole(room, nick, random.choice(ROOM_ROLES)),
        requests.SetRole(None, nick, random.choice(SERVER_ROLES[:-1])),
        requests.SetModes(room, is_moderated=is_on, is_topic_locked=random.choice((True, False))),
        requests.SetModes(room, is_invite_only=is_on),
        requests.SetModes(room, slow_s=0 if swarm.hostile is not None else random.choice((0, 1))),
        requests.Invite(room, nick),
        requests.Kick(room, random.choice((nick, stranger)), reason),
        requests.Sanction(room, BAN, random.choice((nick, stranger)), for_s, reason),
        requests.Sanction(room, MUTE, random.choice((nick, stranger)), for_s, reason),
        requests.Sanction(None, MUTE, random.choice((nick, stranger)), random.choice(DURATIONS_S[2:]), reason),
        requests.Lift(room, random.choice((BAN, MUTE)), random.choice((nick, stranger))),
        requests.Lift(None, random.choice((BAN, MUTE)), random.choice((nick, stranger))),
        requests.Announce("tea is ready"),
        requests.ListSanctions(random.choice((None, room))),
        requests.GetHistory(AUDIT_LOG, None, None, 20),
    )
    if strangers:
        acts += against(stranger, for_s)
    return random.choice(acts)


def against(nick: str, for_s: int) -> tuple[RequestBody, ...]:
    """What ends the sessions of a hostile member."""
    return requests.Sanction(None, BAN, nick, for_s, "hostile"), requests.Kick(None, nick, "hostile")


# --- Of hostile members ----------


def _room_of(node: HostileNode) -> str:
    room: str = node.random.choice(node.known.values["room"])
    return room


def _nick_of(node: HostileNode) -> str:
    nicks = [client.nick for client in node.world.clients] + [each.nick for each in node.world.strangers]
    return node.random.choice(nicks)


def _subject_of(node: HostileNode) -> str:
    device = node.random.choice(node.world.clients).static.public
    return node.random.choice((_nick_of(node), "#" + fingerprint(device), "", "#", "nobody"))


def _give_orders(node: HostileNode) -> None:
    """All that there is, anywhere: what it may not do, and what it may in rooms that it opened."""
    own = node.random.randbytes(4).hex()
    node.send(frames.Follow(ROOM_PREFIX + own))
    node.known.add("room", own)
    node.known.add("log", ROOM_PREFIX + own)
    room, where = _room_of(node), node.random.choice((None, _room_of(node), own))
    kind, flag = node.random.choice((BAN, MUTE)), partial(node.random.choice, (True, False, None))
    acts: tuple[RequestBody, ...] = (
        requests.SetRole(where, _nick_of(node), node.random.randrange(8)),
        requests.SetModes(room, flag(), flag(), flag(), node.random.choice((None, 0, 5)), None),
        requests.Invite(room, _nick_of(node)),
        requests.Kick(where, _nick_of(node), "mine"),
        requests.Sanction(where, kind, _subject_of(node), node.random.choice(DURATIONS_S), "mine"),
        requests.Lift(where, kind, _subject_of(node)),
        requests.Announce("hear, hear"),
    )
    node.ask(*node.random.choices(acts, k=node.random.randint(1, 20)))


def _spy(node: HostileNode) -> None:
    """Everything that tells something of a room, a person or the server."""
    room = _room_of(node)
    log = ROOM_PREFIX + room
    questions: tuple[RequestBody, ...] = (
        requests.GetHistory(log, None, None, 200),
        requests.Search("x", None, node.random.choice((None, log)), 0),
        requests.ListRooms(""),
        requests.ListMembers(room, ""),
        requests.GetTopic(room),
        requests.Whois(_nick_of(node)),
        requests.ListHolders(log, 1, bytes(8)),
        requests.ListSanctions(node.random.choice((None, room))),
        requests.GetHistory(AUDIT_LOG, None, None, 200),
        requests.ListPeers(),
        requests.ListAccounts(),
        requests.ListDevices(_nick_of(node)),
        requests.GetSelf(),
        requests.Operate(requests.STATUS),
    )
    node.send(frames.Follow(log), frames.Typing(log), frames.GetReceipt(log, 1))
    node.ask(*node.random.choices(questions, k=node.random.randint(1, 20)))


def _log_in(node: HostileNode) -> None:
    """As somebody else, with passwords and codes that it guesses; and make codes, passwords and devices its own."""
    secret = node.random.choice(("correct horse", "0" * 16, node.random.randbytes(5).hex()))
    guess = frames.Proof(node.random.random() < 0.5, secret, node.random.randint(1, 9))
    node.send(frames.Enter(_nick_of(node), "hostile", 0, guess))
    tries: tuple[RequestBody, ...] = (
        requests.SetPassword(secret),
        requests.AddCode(digest_of(secret), node.random.randrange(3), node.random.choice((None, _nick_of(node)))),
        requests.RevokeDevice(fingerprint(node.static.public)[: node.random.randint(1, 32)]),
        requests.RemoveAccount(_nick_of(node), node.random.random() < 0.5),
        requests.AcceptFrom(node.random.random() < 0.5),
        requests.ListAccounts(),
    )
    node.ask(*node.random.choices(tries, k=node.random.randint(1, 8)))


ORDER_DEEDS = {"gives orders": _give_orders, "spies": _spy, "logs in": _log_in}
