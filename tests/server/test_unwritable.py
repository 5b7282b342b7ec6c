"""A server that cannot write (SPEC 7): refused loudly, read on, and nothing lost, doubled or out of order later."""

from __future__ import annotations

from random import Random

from tests.server.rig import Rig
from tests.sim.world import World
from udpchat.chat import events
from udpchat.chat.ids import conversation_log
from udpchat.chat.names import parse_nick
from udpchat.wire.content import Claim, TopicRecord
from udpchat.wire.requests import Done, Failed, Rename, Say, SetAway, SetTopic, Stored, Tell


def test_what_is_said_while_the_disk_is_full_stands_there_in_order_when_there_is_room_again() -> None:
    world = World(Random(1))
    alice, bob = world.add_clients(2)
    world.server.is_full = True
    for number in range(40):
        alice.say(f"a{number}")
        bob.say(f"b{number}")
    world.run(5)
    assert alice.sent() == bob.sent() == [] and len(alice.core.model.sending) == 40
    world.server.is_full = False
    world.settle(limit_s=10)
    texts = alice.texts()
    assert sorted(texts) == sorted([f"{who}{number}" for who in "ab" for number in range(40)])
    assert [text for text in texts if text[0] == "a"] == [f"a{number}" for number in range(40)]


def test_an_author_is_told_once_that_nothing_can_be_stored_and_again_when_it_happens_again() -> None:
    world = World(Random(2))
    (alice,) = world.add_clients(1)
    for count in (1, 2):
        world.server.is_full = True
        alice.say("hello")
        world.run(9)
        codes = [event.code for event in alice.events if isinstance(event, events.Error)]
        assert codes == ["unwritable"] * count
        world.server.is_full = False
        world.settle(limit_s=10)
    assert alice.texts() == ["hello", "hello"]


def test_reading_and_presence_go_on_while_nothing_can_be_stored() -> None:
    world = World(Random(3))
    alice, bob = world.add_clients(2)
    alice.say("before")
    world.settle()
    world.server.is_full = True
    alice.say("later")
    world.run(1)
    bob.kill()
    world.run(world.server.core.settings.expiry_s + 1)
    assert events.MemberLeft("lobby", bob.nick, "timed out") in alice.events
    bob.restart()
    world.run(1)
    assert bob.core.is_entered and alice.events[-1] == events.MemberJoined("lobby", bob.nick)


def test_an_author_whose_message_waits_for_room_is_answered_all_the_same() -> None:
    world = World(Random(5))
    alice, _ = world.add_clients(2)
    world.server.is_full = True
    alice.say("later")
    world.run(1)
    alice.do("names", "lobby")
    alice.do("whois", "peer1")
    world.run(5)
    assert [event for event in alice.events if isinstance(event, events.MemberList)]
    assert [event for event in alice.events if isinstance(event, events.Notice) and event.code == "whois"]
    world.server.is_full = False
    world.settle(limit_s=10)
    assert alice.texts() == ["later"]


def test_a_newcomer_whose_nick_cannot_be_written_down_gets_in_when_there_is_room() -> None:
    world = World(Random(4))
    world.server.is_full = True
    alice = world.add_client("alice")
    world.run(5)
    assert not alice.core.is_entered and not alice.core.is_over
    assert world.server.core.chat.commits.durable.claims.owner("alice") is None
    other = world.add_client("bob")
    world.server.is_full = False
    world.settle(limit_s=10)
    assert alice.core.is_entered and other.core.is_entered


def test_operator_and_author_are_told_once_that_things_can_be_stored_again() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    rig.server.drain_events()
    for _ in range(3):
        rig.ask(alice, Say("lobby", 0, "one"), counter=1)
        rig.refuse()
    assert rig.server.drain_events() == [events.LogUnwritable("the disk is full")]
    rig.ask(alice, Say("lobby", 0, "one"), counter=1)
    rig.write()
    rig.ask(alice, Say("lobby", 0, "two"), counter=2)
    rig.write()
    assert rig.server.drain_events() == [events.LogWritable()]


def test_an_author_is_told_when_what_waited_is_stored() -> None:
    world = World(Random(6))
    alice, _ = world.add_clients(2)
    world.server.is_full = True
    alice.say("later")
    world.run(3)
    alice.do("names", "lobby")  # is answered, and proves nothing
    world.run(3)
    codes = [event.code for event in alice.events if isinstance(event, events.Error | events.Notice)]
    assert codes.count("unwritable") == 1 and "writable" not in codes
    world.server.is_full = False
    world.settle(limit_s=10)
    alice.say("more")
    world.settle()
    codes = [event.code for event in alice.events if isinstance(event, events.Error | events.Notice)]
    assert codes.count("unwritable") == codes.count("writable") == 1


# --- Bit by bit ----------


def test_a_request_that_failed_at_once_behind_one_that_could_not_be_written_does_not_lose_it() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    first = rig.ask(alice, Say("lobby", 0, "one"))
    bad = rig.ask(alice, Say("no such room", 0, "two"))
    third = rig.ask(alice, Say("lobby", 0, "three"))
    assert isinstance(rig.result(alice, bad), Failed)
    rig.refuse()
    for counter, request in ((third, Say("lobby", 0, "three")), (first, Say("lobby", 0, "one"))):
        rig.ask(alice, request, counter=counter)
    rig.write()
    assert rig.texts("#lobby") == ["one", "three"]
    assert rig.result(alice, first) == Stored("#lobby", 1) and rig.result(alice, third) == Stored("#lobby", 2)


def test_what_changes_something_waits_for_what_could_not_be_written_before_it() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    said = rig.ask(alice, Say("lobby", 0, "one"))
    away = rig.ask(alice, SetAway("lunch"))
    rig.refuse()
    assert rig.result(alice, away) is None
    rig.ask(alice, Say("lobby", 0, "one"), counter=said)
    assert rig.result(alice, away) is None
    rig.write()
    assert rig.result(alice, away) == Done()


def test_a_nick_whose_claim_could_not_be_written_is_free_for_another() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "lobby"), rig.device("bob", "lobby")
    asked = rig.ask(alice, Rename("carol"))
    wanted = rig.ask(bob, Rename("Carol"))  # decided once it is known whether the first claim was written
    assert rig.result(bob, wanted) is None
    rig.refuse()
    assert rig.result(alice, asked) is None and rig.result(bob, wanted) is None and alice.nick == "alice"
    rig.ask(bob, Rename("Carol"), counter=wanted)
    rig.write()
    assert rig.result(bob, wanted) == Done() and bob.nick == "Carol"
    rig.ask(alice, Rename("carol"), counter=asked)
    assert isinstance(rig.result(alice, asked), Failed)


def test_a_second_device_does_not_go_by_a_nick_before_it_is_durably_its_own() -> None:
    rig = Rig()
    one = rig.device("alice", "lobby")
    two = rig.device("alice", "lobby", key=one.key)
    first, second = rig.ask(one, Rename("carol")), rig.ask(two, Rename("Carol"))
    third = rig.stranger(key=one.key)
    rig.enter(third, "CAROL")
    assert (one.nick, two.nick, third.nick) == ("alice", "alice", None)
    rig.refuse()
    assert rig.chat.commits.durable.claims.owner("carol") is None and (one.nick, two.nick) == ("alice", "alice")
    rig.ask(two, Rename("Carol"), counter=second)
    rig.ask(one, Rename("carol"), counter=first)
    rig.write()
    assert (one.nick, two.nick) == ("carol", "Carol")
    again = Rig(rig.log)
    assert again.chat.commits.durable.claims.owner(parse_nick("carol")) == Claim("Carol", one.key, 100_000)


def test_a_conversation_that_could_not_be_opened_is_opened_when_it_is_asked_for_again() -> None:
    rig = Rig()
    alice, bob = rig.device("alice"), rig.device("bob")
    log = conversation_log(alice.key, bob.key)
    told = rig.ask(alice, Tell("bob", 0, "psst"))
    rig.refuse()
    assert rig.chat.commits.durable.conversations(bob.key) == {} and rig.texts(log) == []
    rig.ask(alice, Tell("bob", 0, "psst"), counter=told)
    rig.write()
    assert rig.chat.commits.durable.conversations(bob.key) == {log: alice.key} and rig.texts(log) == ["psst"]
    assert Rig(rig.log).chat.commits.durable.conversations(alice.key) == {log: bob.key}


def test_a_topic_that_could_not_be_written_is_not_told() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    asked = rig.ask(alice, SetTopic("lobby", "tea"))
    rig.refuse()
    assert rig.chat.commits.durable.topic("lobby") is None
    rig.ask(alice, SetTopic("lobby", "tea"), counter=asked)
    rig.write()
    assert (
        rig.chat.commits.durable.topic("lobby") == TopicRecord("lobby", "tea", "alice")
        and rig.result(alice, asked) == Done()
    )


def test_a_room_in_which_only_strangers_speak_is_not_opened_whether_written_or_not() -> None:
    rig = Rig()
    alice = rig.device("alice")
    rig.ask(alice, Say("attic", 0, "hello"))
    rig.refuse()
    assert "attic" not in rig.chat.rooms
    rig.ask(alice, Say("cellar", 0, "hello"), counter=1)
    rig.write()
    assert "cellar" not in rig.chat.rooms and rig.chat.rooms.names("", 99) == ["cellar"]
