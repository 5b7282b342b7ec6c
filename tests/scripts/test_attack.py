"""The part `attack` of scripts/bench: what hostile members send is what a server takes for a member's, and no more."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.scripts.loading import load
from tests.storage.memory import MemoryLog
from udpchat.server.core import ServerCore
from udpchat.server.history import read
from udpchat.session.noise import KeyPair
from udpchat.sync.log import Append
from udpchat.wire.content import REACTION, Message, Tombstone
from udpchat.wire.errors import Drop
from udpchat.wire.frames import encode, parse_entry_untrusted
from udpchat.wire.packets import Address

load("bench")

from measure import attack, attack_kinds, attack_member, attacker, honest  # noqa: E402  (found beside the scripts)

HERE = Address("127.66.0.1", 1)
STEPS = 30
DROPPED = {  # what a kind is dropped for: that is the point of it
    "elsewhere": {Drop.UNKNOWN_SESSION},
    "finishes": {Drop.BAD_HANDSHAKE},
    "junk": {Drop.BAD_SEAL},
    "replays": {Drop.REPLAYED},
    "unknown": {Drop.UNKNOWN_SESSION},
}
BOUNDED = {Drop.RATE_LIMITED, Drop.TABLE_FULL, Drop.UNEXPECTED}  # what is too much may be dropped


class Rig:
    """A server's core with a lobby that has been talked in, and one hostile member."""

    def __init__(self, kind: str) -> None:
        random = Random(1)
        self.now = 100.0
        self.log = MemoryLog(random=random.randbytes)
        said = [encode(Message(1 + at, bytes(8), "old", bytes(8), 0, "x" * 100)) for at in range(200)]
        self.log.append([Append("#lobby", at + 1, entry, None) for at, entry in enumerate(said)])
        self.server = ServerCore(static=KeyPair(random.randbytes(32)), log=self.log, random=random.randbytes)
        self.kind = attack_kinds.KINDS[kind]
        rooms = attack_kinds.rooms_of(self.kind.place, 0, "guest0")
        self.member = attack_member.Member(0, Address("", 0), key=random.randbytes(32), nick="guest0", rooms=rooms)
        self.sent: Counter[bytes] = Counter()  # by what leads the datagram

    def send(self, datagrams: list[bytes]) -> None:
        """Datagrams to the server, and its answers to the member."""
        self.server.receive(self.now, [(datagram, HERE) for datagram in datagrams])
        while batch := self.server.drain_writes():
            self.log.append(batch)
            self.server.persisted(self.now, len(batch))
        while queries := self.server.drain_queries():
            for query in queries:
                self.server.answered(self.now, query, read(self.log, query.read), 0.001)
        for datagram, _ in self.server.drain_transmits():
            self.member.receive(self.now, datagram)
        self.now += 0.01

    def enter(self) -> None:
        """The member is where its kind has it."""
        if self.kind.place in attack_kinds.OUTSIDE:
            return
        self.member.connect(self.now)
        for _ in range(STEPS):
            self.send(self.member.handshake_datagrams(self.now))
        assert self.member.is_in

    def attack(self) -> None:
        """Some datagrams of the kind."""
        for _ in range(STEPS):
            datagram = self.kind.datagram(self.member, self.now)
            if datagram is not None:
                self.sent[datagram[:1]] += 1
            self.send([datagram] if datagram is not None else [])


@pytest.mark.parametrize("kind", attack_kinds.KINDS)
def test_a_server_reads_what_each_kind_sends(kind: str) -> None:
    rig = Rig(kind)
    rig.enter()
    rig.attack()
    assert rig.sent.total() >= 2  # some wait for answers in between
    assert set(rig.server.counters) <= DROPPED.get(kind, set()) | BOUNDED
    for reason in DROPPED.get(kind, ()):
        assert rig.server.counters[reason] >= STEPS / 2


def test_a_member_asks_for_more_as_it_is_answered() -> None:
    rig = Rig("rooms")
    rig.enter()
    rig.attack()
    assert rig.member.answers > 2 * STEPS


def test_requests_behind_a_gap_are_held_and_never_carried_out() -> None:
    rig = Rig("withheld")
    rig.enter()
    for _ in range(10):
        rig.attack()
    (peer,) = rig.server.chat.registry
    assert len(peer.window) > 1
    assert not rig.member.answers


def test_a_flood_goes_on_whether_it_is_answered_or_not() -> None:
    rig = Rig("flood")
    rig.enter()
    rig.kind.datagram(rig.member, rig.now)  # lost
    rig.attack()
    assert rig.member.answers > STEPS
    assert rig.sent.total() == STEPS


def test_each_hello_with_one_cookie_is_a_handshake() -> None:
    rig = Rig("handshakes")
    rig.attack()
    assert rig.server.handshakes > STEPS / 2


def test_who_is_sent_away_comes_again() -> None:
    rig = Rig("pings")
    rig.enter()
    rig.server.stop(rig.now)
    for datagram, _ in rig.server.drain_transmits():
        rig.member.receive(rig.now, datagram)
    assert not rig.member.is_in
    assert rig.member.is_connecting


# --- What is selected, and what holds ----------


def test_all_kinds_of_all_adversaries_are_meant_unless_some_are_named() -> None:
    assert len(attack.selected([], quick=False)) == len(attack.ADVERSARIES) * len(attack_kinds.KINDS)
    named = attack.selected(["host", "search", "acks"], quick=False)
    assert [(adversary.name, kind) for adversary, kind in named] == [("host", "search"), ("host", "acks")]
    with pytest.raises(ValueError, match="no such attack: noise"):
        attack.selected(["noise"], quick=False)


def found(**changed: object) -> attack.Found:
    quiet, attacked = honest.Heard([0.002] * 20, []), honest.Heard([0.008] * 20, [0.5])
    values = {
        "members": 8, "quiet": quiet, "attacked": attacked, "sent": attacker.Sent(300, 0.01, 0.001),
        "memory_mib": 1.0, "disk_mib": 1.0, "stop_s": 0.1, "budgets": attack.Budgets(2.0, 2.0),
    }  # fmt: skip
    return attack.Found(**(values | changed))


def test_what_is_within_all_bounds_holds() -> None:
    assert found().faults() == []
    assert found().cells()[-1] == "yes"
    assert len(found().cells()) + 1 == len(attack.COLUMNS)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"attacked": honest.Heard([0.002] * 15 + [0.0091] * 5, [])}, "p95"),
        ({"attacked": honest.Heard([0.002], [0.1, 2.1])}, "newcomers"),
        ({"attacked": honest.Heard([0.002], [], disconnected=1)}, "lost"),
        ({"memory_mib": 2.1}, "memory"),
        ({"disk_mib": 2.1}, "disk"),
        ({"stop_s": 2.1}, "stop"),
        ({"is_alive": False}, "died"),
    ],
)
def test_what_is_beyond_a_bound_is_named(changed: dict[str, object], fault: str) -> None:
    assert found(**changed).faults() == [fault]


def test_the_disk_that_is_allowed_grows_with_keys_up_to_the_share_of_a_source() -> None:
    person, host, sources = attack.ADVERSARIES.values()
    allowed = [attack.budgets_of(adversary, 0, 1.0).disk_mib for adversary in (person, host, sources)]
    assert allowed[0] < allowed[1] < allowed[2]
    four = attacker.Adversary("four", "4 keys", members=4, keys=4, hosts=1)
    assert attack.budgets_of(four, 0, 1.0).disk_mib == allowed[1]


def test_no_two_hostile_sources_have_one_address() -> None:
    hosts = {attacker.hostile_host(number) for number in range(1_500)}
    assert len(hosts) == (1_500 if attacker.HAS_MANY_HOSTS else 1)
    assert all(host.startswith("127.") for host in hosts)


# --- What is about earlier messages ----------


def of_kind(kind: str, room: str = "lobby") -> list[Message | Tombstone]:
    """What a room holds after an attack of this kind; the lobby, behind what was said before."""
    rig = Rig(kind)
    rig.enter()
    rig.attack()
    entries = rig.log.read("#" + room, 1, rig.log.extent("#" + room).head)
    parsed = [parse_entry_untrusted(entry) for entry in entries]
    return [entry for entry in parsed if isinstance(entry, Message | Tombstone)]


def test_the_attacks_with_edits_and_removals_change_messages_of_their_own_only() -> None:
    for kind in ("edits", "chains", "forgeries", "removals"):
        room = "workshop" if kind in ("edits", "removals") else "lobby"
        old, new = (entries := of_kind(kind, room))[: (first := 200 if room == "lobby" else 0)], entries[first:]
        assert all(isinstance(entry, Message) and entry.extra is None for entry in old)
        assert any(isinstance(entry, Tombstone) for entry in new) == (kind == "removals")
        changed = [entry for entry in new if isinstance(entry, Message) and entry.extra and entry.extra.edited_by]
        assert bool(changed) == (kind in ("edits", "chains"))
        assert len(changed) <= len([entry for entry in new if isinstance(entry, Message) and not entry.kind])


def test_the_attacks_with_reactions_and_replies_are_stored_as_far_as_they_are_well_formed() -> None:
    for kind in ("toggles", "emoji"):
        new = of_kind(kind)[200:]
        assert len(new) > STEPS and {entry.kind for entry in new if isinstance(entry, Message)} == {REACTION}
    assert len(of_kind("replies")) > 200 + STEPS
