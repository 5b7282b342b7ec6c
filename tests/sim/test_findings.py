"""What the swarm has found, each as a scenario of its own, so that it stays fixed whatever the seeds become."""

from __future__ import annotations

from random import Random

import pytest

from tests.sim.faults import Link
from tests.sim.network import Address
from tests.sim.nodes import ClientNode
from tests.sim.world import SERVER, World
from tests.storage.memory import MemoryLog
from udpchat.chat import events
from udpchat.chat.ids import roster_log
from udpchat.client.membership import Membership
from udpchat.sync.bbr import BbrController
from udpchat.ui.phrases import text_of
from udpchat.wire.content import Tombstone
from udpchat.wire.frames import Entries, EntryFragment, encode, raw
from udpchat.wire.limits import DATAGRAM_BYTES_MAX


@pytest.mark.parametrize("seed", range(20))
def test_what_the_pace_waits_for_comes(seed: int) -> None:
    """A credit of 1,199.999,999 bytes was not enough, and the wait for the rest too short for the clock: a livelock."""
    random = Random(seed)
    pace, now = BbrController(), random.uniform(1e3, 1e6)
    sent_at, now = now, now + random.uniform(0.01, 0.3)
    pace.on_delivered(now, random.randint(100, 1200), sent_at=sent_at, delivered_at_send=0, in_flight=0)
    for _ in range(20):
        pace.on_sent(random.randint(1000, 3000))
        pace.allowed_bytes(now, 0)
        due = pace.next_timeout(now, 0)
        assert due is not None
        now = max(now, due)
        assert pace.allowed_bytes(now, 0) >= DATAGRAM_BYTES_MAX


def test_what_was_confirmed_after_its_room_was_left_is_not_shown_again_when_it_is_joined_again() -> None:
    world = World(Random(1))
    alice, bob = world.add_clients(2)
    world.network.partition([SERVER], [alice.address], one_way=True)
    alice.say("on my way out")
    alice.do("part", "lobby")
    world.run(0.3)
    world.network.reconnect()
    world.run(2)
    assert [event.text for event in alice.sent()] == ["on my way out"]
    bob.say("are you there?")
    world.run(1)
    alice.do("join", "lobby")
    world.settle()
    assert alice.texts() == ["on my way out", "are you there?"]


def test_who_starts_again_is_not_still_in_the_rooms_of_the_run_before() -> None:
    world = World(Random(1))
    alice = world.add_client("alice", rooms=("lobby", "garden"))
    world.run(1)
    alice.kill()
    alice.rooms = ("lobby",)
    alice.restart()
    world.run(2)
    assert world.promises.is_presence_right()
    assert not any(isinstance(event, events.MemberLeft) and event.room == "garden" for event in alice.events)


def test_a_welcome_that_comes_late_does_not_undo_a_rename() -> None:
    """A round trip longer than the first resend of Enter makes two welcomes; the second is held back by the network."""
    world = World(Random(1), Link(delay_s=0.06))
    alice = world.add_client("alice")
    held: list[bytes] = []
    entered_at: list[float] = []

    def hold(now: float, source: Address, destination: Address, data: bytes) -> bool:
        if destination != alice.address or not any(peer.nick is not None for peer in world.server.core.chat.registry):
            return False
        entered_at.append(now)
        if now > entered_at[0]:
            held.append(data)
        return now > entered_at[0]

    world.network.drop_if.append(hold)
    world.run(0.6)
    assert alice.core.is_entered
    assert held
    world.network.drop_if.clear()
    alice.do("rename", "alicia")
    world.run(1)
    assert alice.core.model.nick == "alicia"
    for data in held:
        world.network.inject(world.now, SERVER, alice.address, data)
    world.run(1)
    assert alice.core.model.nick == "alicia"


def test_what_the_run_before_asked_is_not_carried_out_after_the_next_has_entered() -> None:
    """The part waited at the server for a message that was lost, which the next run asks again, and the part not."""
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    world.network.drop_next(alice.address, SERVER, [1])
    alice.say("lost at first")
    alice.do("part", "lobby")
    world.run(0.0005)
    alice.kill()
    alice.restart()
    world.settle()
    world.run(1)
    assert alice.texts() == ["lost at first"]
    assert world.promises.is_presence_right()


def test_what_is_said_to_a_server_that_lost_its_log_is_told_once() -> None:
    world = World(Random(1))
    alice, bob = world.add_clients(2)
    for text in ("one", "two", "three"):
        alice.tell(bob.nick, text)
    world.settle()
    world.promises.on_log_lost()
    world.server.kill()
    world.server.restart(log=MemoryLog(random=world.random.randbytes))
    world.run(15)
    world.network.drop_next(SERVER, alice.address, [1])  # the answer comes again before the new log's head does
    alice.tell(bob.nick, "four")
    world.run(1)
    world.settle()
    assert alice.texts(f"@{bob.nick}") == ["one", "two", "three", "four"]
    assert bob.texts(f"@{alice.nick}")[-1] == "four"


def test_the_answer_to_an_earlier_rename_that_comes_late_does_not_undo_a_later_one() -> None:
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    held: list[bytes] = []

    def hold_first(now: float, source: Address, destination: Address, data: bytes) -> bool:
        if destination != alice.address or held:
            return False
        held.append(data)
        world.network.inject(now, SERVER, alice.address, data, delay_s=0.0014)
        return True

    world.run(1)
    world.network.drop_if.append(hold_first)
    alice.do("rename", "one")
    world.run(0.0003)
    alice.do("rename", "two")
    world.run(1)
    assert held
    assert alice.core.model.nick == "two"
    assert world.promises.is_presence_right()


@pytest.mark.parametrize("is_owned", [False, True], ids=["claimed by it", "owned before"])
def test_a_rename_that_a_restarted_server_answers_again_does_not_undo_a_later_one(is_owned: bool) -> None:
    """Its first answer was lost. The server has forgotten the later one, which left no entry if the nick was owned."""
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    for nick in ("one", "two", "three") if is_owned else ():
        alice.do("rename", nick)
        world.run(1)
    world.run(1)
    world.network.drop_next(SERVER, alice.address, [1])
    alice.do("rename", "one")
    world.run(0.000_3)
    alice.do("rename", "two")
    world.run_until(lambda: alice.core.model.nick == "two", limit_s=0.003)
    assert not alice.core.is_idle
    world.server.kill(keeps_batch=True)
    world.server.restart()
    world.settle()
    world.run(15)
    assert alice.core.model.nick == "two"
    assert world.promises.is_presence_right()


def test_what_was_stored_in_a_log_that_was_lost_does_not_stay_unconfirmed() -> None:
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    alice.say("one")
    world.settle()
    world.network.drop_if.append(lambda now, source, destination, data: source == SERVER and len(data) > 400)
    alice.say("x" * 500)
    world.run(0.1)
    assert len(alice.sent()) == 1
    world.promises.on_log_lost()
    world.server.kill()
    world.server.restart(log=MemoryLog(random=world.random.randbytes))
    world.settle()
    assert [event.seq for event in alice.sent()] == [1, 2]
    assert any(isinstance(event, events.Notice) and event.code == "generation" for event in alice.events)


def test_a_conversation_that_the_server_has_lost_is_told_to_be_lost_once_to_both() -> None:
    """The head of a log tells which generation it has; of a log that the server does not know it sends none unasked."""
    world = World(Random(1))
    alice, bob, carol = world.add_clients(3)
    alice.tell(bob.nick, "one")
    world.settle()
    world.run(1)
    world.network.drop_next(SERVER, alice.address, [1])  # with the result goes the head of the log
    alice.tell(carol.nick, "two")
    world.run_until(lambda: not alice.store.unanswered(), limit_s=0.02)  # the result comes again, the head not yet
    assert [said.text for said in alice.core.model.sending] == ["two"]
    carol.kill()
    lose_log(world)
    world.settle()
    assert [alice.texts(f"@{nick}") for nick in (bob.nick, carol.nick)] == [["one"], ["two"]]
    carol.restart()
    world.run(15)  # bob, who is silent, notices at his next heartbeat that the server is another
    assert [losses_of(client, "conversation") for client in (alice, bob, carol)] == [2, 1, 1]
    for client in (bob, carol):
        client.kill()
        client.restart()
    world.run(5)
    assert [losses_of(client, "conversation") for client in (alice, bob, carol)] == [2, 1, 1]
    bob.tell(alice.nick, "three")
    world.settle()
    assert alice.texts(f"@{bob.nick}") == ["one", "three"] and bob.texts(f"@{alice.nick}")[-1] == "three"


def test_a_result_of_a_server_that_has_lost_its_log_since_does_not_answer_what_is_asked_again() -> None:
    """Its sequence is of the former log: a message would wait for it for ever, and not be sent again."""
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    for number in range(5):
        alice.say(f"before {number}")
    world.settle()
    held: list[bytes] = []

    def hold(now: float, source: Address, destination: Address, data: bytes) -> bool:
        if source == SERVER and not world.server.is_dead:
            held.append(data)
        return source == SERVER

    world.network.drop_if.append(hold)
    alice.say("late")
    world.run(0.001)
    world.network.drop_if.clear()
    lose_log(world)
    world.run_until(lambda: not alice.core.is_entered, limit_s=5)
    world.network.drop_if.append(lambda now, source, destination, data: source != SERVER and alice.core.is_entered)
    world.run_until(lambda: alice.core.is_entered and bool(losses_of(alice, "lobby")), limit_s=1)
    for data in held:
        world.network.inject(world.now, SERVER, alice.address, data)
    world.run(0.01)
    world.network.drop_if.clear()
    world.settle()
    assert alice.texts()[-1] == "late" and world.server.log.extent("#lobby").head == 1


def lose_log(world: World) -> None:
    """The server's log is empty when it starts again."""
    world.promises.on_log_lost()
    world.server.kill()
    world.server.restart(log=MemoryLog(random=world.random.randbytes))


def losses_of(client: ClientNode, log: str) -> int:
    """How often it was told that such a log is another than before."""
    told = (event for event in client.events if isinstance(event, events.Notice) and event.code == "generation")
    return sum(log in text_of(notice) for notice in told)


def test_entries_that_nobody_wants_are_not_acknowledged() -> None:
    """Or the server, where a late Follow has put this client into a room, would believe that they are held."""
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    entries = Entries("#elsewhere", 1, 1, 0, [raw(encode(Tombstone(0)))])
    assert not alice.core.timeline.uplink.receive_entries(world.now, entries)
    assert not alice.core.timeline.uplink.receive_entries(world.now, EntryFragment("#elsewhere", 1, 1, 0, 0, 2, b"x"))


def test_a_room_that_was_left_is_left_again_should_a_late_follow_have_joined_it() -> None:
    attendance = Membership("alice", (), "")
    assert attendance.is_stray("#lobby")
    assert not attendance.is_stray("#lobby")
    attendance.on_left(0.0, "lobby", 1)
    assert attendance.is_stray("#lobby")
    assert not attendance.is_stray("@talk")


def test_a_replica_that_was_made_anew_gets_what_the_one_before_had() -> None:
    """In one session, as when a late copy of an earlier head opens a roster that was left and joined again."""
    world = World(Random(1))
    alice, *_ = world.add_clients(4)
    world.run(1)
    uplink, log = alice.core.timeline.uplink, roster_log("lobby")
    before = uplink.get(log)
    assert before is not None and before.head > 1
    replica = uplink.open(log, generation=before.generation, sequence=before.head - 1)
    replica.head = before.head
    uplink.on_heads(world.now, 0.0)
    world.run(2)
    assert not replica.has_gap


def test_what_was_taken_in_but_not_shown_before_the_end_is_shown_by_the_next_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is shown before all rooms have answered; so nothing is held on the disk either: it would be skipped."""
    world = World(Random(1))
    alice, bob = world.add_clients(2)
    alice.kill()
    bob.say("while you were away")
    world.run(1)
    with monkeypatch.context() as patch:
        patch.setattr(Membership, "is_complete", False)  # a room never answers
        alice.restart()
        world.run(2)
    assert not alice.messages()
    alice.kill()
    alice.restart()
    world.settle()
    assert alice.texts() == ["while you were away"]


def test_a_follow_that_was_overtaken_by_a_part_joins_nothing() -> None:
    """And its answer came before that of the part, which was lost: the server had us in a room, and we did not know."""
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    held: list[bytes] = []

    def hold_first(now: float, source: Address, destination: Address, data: bytes) -> bool:
        if destination != SERVER or held:
            return False
        held.append(data)
        return True

    world.run(1)
    world.network.drop_if.append(hold_first)
    alice.do("join", "garden")
    world.run(0.0001)
    world.network.drop_next(SERVER, alice.address, [1])
    alice.do("part", "garden")
    world.run(0.0003)
    world.network.inject(world.now, alice.address, SERVER, held[0])
    world.run(2)
    assert world.promises.is_presence_right()


@pytest.mark.parametrize("drops", [[1, 3], [1, 3, 4], [1, 3, 4, 5, 6]])
def test_a_probe_is_not_put_off_for_ever_by_acks_of_the_gap_it_is_to_fill(drops: list[int]) -> None:
    """A receiver that saw packets come a second late; its acks of an open gap came each half second, and each anew."""
    world = World(Random(1))
    alice, bob = world.add_clients(2)
    world.run(1)
    held: list[bytes] = []

    def hold_first(now: float, source: Address, destination: Address, data: bytes) -> bool:
        is_held = not held and destination == alice.address
        held.extend([data] * is_held)
        return is_held

    world.network.drop_if.append(hold_first)
    bob.say("a second late")
    bob.say("in time")
    world.run(1)
    world.network.inject(world.now, SERVER, alice.address, held[0])
    world.run(0.1)
    world.network.drop_next(SERVER, alice.address, drops)
    bob.say("lost, and again")
    world.run(0.002)
    bob.say("came")
    world.run_until(lambda: len(alice.messages()) == 4, limit_s=4 + 2 * len(drops))


def test_a_client_that_stood_still_with_a_question_open_is_not_patient_ever_after() -> None:
    """The answer had waited for it for 25 s, which it took for the round trip, and 70 s for the time to ask again."""
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    world.run(1)
    alice.say("just before")
    alice.pause()
    world.run(25)
    alice.resume()
    world.settle()
    world.network.drop_next(alice.address, SERVER, [1])
    alice.say("just after")
    assert world.run_until(world.is_settled, limit_s=3) <= 0.5


def test_a_client_that_stood_still_in_its_first_handshake_enters_soon_after_it_goes_on() -> None:
    """Seed 700791: the cookie had waited for it for 33 s, which it took for the round trip; it sent nothing for 43 s.

    The server does not take a cookie of that age, and the client waits with the next one until its resend is due.
    """
    world = World(Random(1))
    alice = world.add_client("alice")
    alice.pause()
    world.run(33)
    alice.resume()
    assert world.run_until(world.is_settled, limit_s=60) <= 0.5


def test_a_client_that_stood_still_with_its_first_question_open_is_not_patient_ever_after() -> None:
    """As the handshake lost packets, nothing had measured the path before."""
    world = World(Random(1))
    alice = world.add_client("alice")
    world.network.drop_next(SERVER, alice.address, [1, 3, 8])  # the cookie, the first Data, the first result
    world.run(1)
    assert alice.is_in and alice.core.model.connection.round_trip_s is None
    alice.say("just before")
    alice.pause()
    world.run(25)
    alice.resume()
    world.settle()
    world.network.drop_next(alice.address, SERVER, [1])
    alice.say("just after")
    assert world.run_until(world.is_settled, limit_s=10) <= 0.5
