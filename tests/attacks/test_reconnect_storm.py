"""Row 12: whatever a server sends, or a watcher in its name, makes a client send only so much a second.

`TRIGGERS` lists everything that makes a client send, with the bound of what it sends in STORM_S seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from tests.attacks.watcher import Watcher
from tests.sim.world import World
from udpchat.session.session import Session
from udpchat.wire import frames
from udpchat.wire.content import Tombstone
from udpchat.wire.frames import encode, pack
from udpchat.wire.limits import (
    ACK_INTERVAL_S_MIN,
    HEARTBEAT_JITTER,
    HEARTBEAT_S_MIN,
    PATH_REPLIES_BURST,
    PATH_REPLIES_PER_S_MAX,
    PROTOCOL_VERSION,
    RECONNECT_S_MAX,
    SESSION_PACKETS_MAX,
    STRAY_PARTS_MAX,
)
from udpchat.wire.packets import Cookie, Hello, Kind, Reset, parse_packet_untrusted

STORM_S = 10
PER_S = 1_000  # packets of the attacker


class Attack:
    """A client that has come in, and what a server with the right keys, or a watcher, sends it."""

    def __init__(self, seed: int = 1) -> None:
        self.world = World(Random(seed))
        (self.client,) = self.world.add_clients(1)
        self.watcher = Watcher(self.world, delay_s=1e-5)  # time must go on
        self.number = 0

    @property
    def session(self) -> Session | None:
        """That of the server with this client, if there is one."""
        peers = self.world.server.core.chat.registry.peers_of(self.client.static.public)
        return peers[0].session if peers else None

    def send(self, *sent: frames.Down) -> None:
        """In the session, as the server would."""
        if (session := self.session) is not None:
            self.watcher.send_down(self.client.address, session.seal(pack([encode(frame) for frame in sent])))

    def run(self, strike: Callable[[Attack], None]) -> Counter[int]:
        """Strike PER_S times a second for STORM_S: how many datagrams of each kind the client has sent."""
        self.world.run(40)
        before = len(self.watcher.seen)
        for self.number in range(STORM_S * PER_S):
            strike(self)
            self.world.run(1 / PER_S)
        sent = self.watcher.seen[before:]
        return Counter(data[0] for source, _, data in sent if source == self.client.address)


def _goodbye(attack: Attack) -> None:
    attack.send(frames.Goodbye("stopping"))


def _refusal(attack: Attack) -> None:
    attack.send(frames.EnterRefused("too_fast", ()))


def _follow_refusal(attack: Attack) -> None:
    attack.send(frames.FollowRefused("#lobby", "too_fast"))


def _no_heartbeat(attack: Attack) -> None:
    attack.send(frames.Welcome("peer0", bytes(8), "", 0, 0))


def _path_checks(attack: Attack) -> None:
    attack.send(*(frames.PathCheck(attack.number.to_bytes(8, "big")) for _ in range(20)))


def _pongs(attack: Attack) -> None:
    attack.send(*(frames.Pong(number) for number in range(20)))


def _heads_of_rooms(attack: Attack) -> None:
    logs = (frames.Head(f"#r{attack.number}-{number}", 1, 0, 0, 0) for number in range(8))
    attack.send(frames.Heads(0, list(logs)))


def _heads_with_gaps(attack: Attack) -> None:
    attack.send(frames.Heads(0, [frames.Head("#lobby", 1, 0, attack.number, 0)]))


def _entries_with_gaps(attack: Attack) -> None:
    attack.send(frames.Entries("#lobby", 1, 2 * attack.number + 2, 0, [frames.raw(encode(Tombstone(1)))]))


def _unwritable(attack: Attack) -> None:
    attack.send(frames.Unwritable("full"))


def _old_counter(attack: Attack) -> None:
    if (session := attack.session) is not None:
        session.sent = max(session.sent, SESSION_PACKETS_MAX)
    attack.send(frames.Pong(0))


def _reset(attack: Attack) -> None:
    if (session := attack.client.view.session) is not None:
        attack.watcher.send_down(attack.client.address, Reset(session.peer_index).encode())


def _cookies(attack: Attack) -> None:
    hellos = attack.watcher.of(Kind.HELLO)
    if hellos:
        hello = parse_packet_untrusted(hellos[-1])
        assert isinstance(hello, Hello)
        cookie = Cookie(PROTOCOL_VERSION, hello.sender_index, attack.watcher.random.randbytes(20))
        attack.watcher.send_down(attack.client.address, cookie.encode())


def _reset_and_cookies(attack: Attack) -> None:
    _reset(attack)
    _cookies(attack)


def _replies(attack: Attack) -> None:
    _reset(attack)
    if hellos := attack.watcher.of(Kind.HELLO, source=attack.client.address):
        attack.watcher.answer_hello(attack.client.address, hellos[-1])


def _replay(attack: Attack) -> None:
    server = attack.world.server.address
    if data := attack.watcher.of(Kind.DATA, source=server):
        attack.watcher.send_down(attack.client.address, data[-1])


HELLOS_MAX = 24  # in STORM_S: twice for each handshake, of which three begin at once and some after 0.5, 1, 2, 4 s
QUIET = 8  # packets of Data in STORM_S that have another reason: acks, a heartbeat, requests that are repeated

TRIGGERS: dict[str, tuple[Callable[[Attack], None], int, int]] = {  # what, Hellos, packets of Data in STORM_S
    "Goodbye": (_goodbye, HELLOS_MAX, 2 * HELLOS_MAX),
    "EnterRefused": (_refusal, 0, QUIET),
    "FollowRefused": (_follow_refusal, 0, QUIET),
    "Welcome without a heartbeat": (_no_heartbeat, 0, QUIET),
    "PathCheck": (_path_checks, 0, PATH_REPLIES_BURST + int(STORM_S * PATH_REPLIES_PER_S_MAX) + QUIET),
    "Pong": (_pongs, 0, QUIET),
    "Heads of other rooms": (_heads_of_rooms, 0, STRAY_PARTS_MAX + int(STORM_S / ACK_INTERVAL_S_MIN) + QUIET),
    "Heads with gaps": (_heads_with_gaps, 0, int(STORM_S / ACK_INTERVAL_S_MIN) + QUIET),
    "Entries beyond a gap": (_entries_with_gaps, 0, int(STORM_S / ACK_INTERVAL_S_MIN) + QUIET),
    "Unwritable": (_unwritable, 0, QUIET),
    "a counter that makes the session old": (_old_counter, HELLOS_MAX, 2 * HELLOS_MAX),
    "Reset, forged": (_reset, HELLOS_MAX, HELLOS_MAX),
    "Cookie, forged": (_cookies, 0, QUIET),
    "Reset and Cookie, forged": (_reset_and_cookies, HELLOS_MAX, HELLOS_MAX),
    "HelloReply, forged": (_replies, HELLOS_MAX, HELLOS_MAX),
    "Data, replayed": (_replay, 0, QUIET),
}


@pytest.mark.parametrize("name", TRIGGERS)
def test_ten_thousand_of_them_make_a_client_send_no_more_than_this(name: str) -> None:
    strike, hellos_max, data_max = TRIGGERS[name]
    sent = Attack().run(strike)
    assert sent[Kind.HELLO] <= hellos_max, dict(sent)
    assert sent[Kind.FINISH] <= hellos_max and sent[Kind.DATA] <= data_max, dict(sent)


def test_a_heartbeat_of_no_time_is_taken_as_the_shortest() -> None:
    attack = Attack()
    _no_heartbeat(attack)
    attack.world.run(STORM_S)
    sent = len(attack.watcher.of(Kind.DATA, source=attack.client.address))
    assert STORM_S / HEARTBEAT_S_MIN <= sent <= STORM_S / (HEARTBEAT_S_MIN * (1 - HEARTBEAT_JITTER)) + QUIET


def test_a_server_that_ends_every_session_is_tried_less_and_less_often_and_found_when_it_is_well() -> None:
    attack = Attack()
    hellos = []
    for _ in range(5):
        begun = len(attack.watcher.of(Kind.HELLO))
        for _ in range(600):
            _goodbye(attack)
            attack.world.run(0.1)
        hellos.append(len(attack.watcher.of(Kind.HELLO)) - begun)
    assert hellos[0] <= 24 and max(hellos[1:]) <= 12, hellos
    attack.world.run_until(lambda: attack.client.core.is_entered, limit_s=RECONNECT_S_MAX + 5)
    attack.world.settle(limit_s=1)
