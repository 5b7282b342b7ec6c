"""Queries: which is next, which are refused, and that each request is answered once, whatever happens meanwhile."""

from __future__ import annotations

from random import Random

import pytest

from tests.server.rig import Rig
from tests.sim.world import World
from tests.storage.memory import MemoryLog
from udpchat.chat import events
from udpchat.server.history import read
from udpchat.server.queries import Queries, Query
from udpchat.server.registry import Peer
from udpchat.storage.store_interfaces import StoreFailed
from udpchat.sync.log import LogUnreadable, SearchHit, SearchQuery
from udpchat.wire.limits import QUERIES_MAX, QUERIES_SHARE_OF_FREE
from udpchat.wire.requests import Done, EntryList, Failed, GetHistory, ResultBody, Say, Search, SetAway, Stored

HISTORY = GetHistory("#lobby", None, None, 9)


def query_of(key: str, counter: int, source: str = "") -> Query:
    return Query(key.encode(), counter, key.encode(), source or f"host of {key}", HISTORY)


def order_of(queries: Queries, took_s: float = 0.1) -> list[str]:
    """The keys, in the order in which their queries are carried out."""
    order = []
    while (query := queries.take_next(lambda query: True)) is not None:
        assert queries.take_next(lambda query: True) is None, "one at a time"
        order.append(query.key.decode())
        queries.on_answered(query, took_s)
    return order


def test_persons_take_turns_and_the_one_at_a_host_of_its_own_a_little_before() -> None:
    queries = Queries()
    for counter in range(3):
        queries.add(query_of("a", counter, "one"))
    for key in ("b", "c"):
        queries.add(query_of(key, 1, "one"))
    for counter in range(3):
        queries.add(query_of("d", counter, "two"))
    assert order_of(queries) == ["a", "d", "b", "c", "a", "d", "a", "d"]
    assert len(queries) == 0


def test_a_host_waits_for_as_long_as_its_queries_took() -> None:
    queries = Queries()
    for counter in range(6):
        queries.add(query_of("slow", counter))
        queries.add(query_of("swift", counter))
    order = []
    while (query := queries.take_next(lambda query: True)) is not None:
        order.append(query.key.decode())
        queries.on_answered(query, 1.0 if query.key == b"slow" else 0.25)
    assert order == ["slow", *["swift"] * 4, "slow", *["swift"] * 2, *["slow"] * 4]


def test_the_same_query_waits_once() -> None:
    queries = Queries()
    assert queries.add(query_of("a", 1)) and queries.add(query_of("a", 1)) and len(queries) == 1
    running = queries.take_next(lambda query: True)
    assert running is not None and queries.add(query_of("a", 1)) and len(queries) == 1
    queries.on_answered(running, 0.0)
    assert len(queries) == 0 and queries.add(query_of("a", 1)) and len(queries) == 1


def test_what_nobody_waits_for_any_more_is_skipped() -> None:
    queries = Queries()
    for key in ("gone", "here"):
        queries.add(query_of(key, 1))
        queries.add(query_of(key, 2))
    found = [queries.take_next(lambda query: query.key == b"here")]
    assert found == [query_of("here", 1)] and len(queries) == 2


def test_more_than_a_share_of_the_free_places_is_refused() -> None:
    queries = Queries()
    taken = sum(queries.add(query_of("a", counter)) for counter in range(QUERIES_MAX))
    assert taken == len(queries) and abs(taken - QUERIES_MAX * QUERIES_SHARE_OF_FREE / (1 + QUERIES_SHARE_OF_FREE)) <= 1
    assert queries.add(query_of("b", 1))


# --- In the core ----------


def held(rig: Rig, *requests: Search | GetHistory | Say | SetAway) -> tuple[Peer, list[int]]:
    """A device in the lobby that has sent these, while no query is carried out."""
    peer = rig.device("alice", "lobby")
    rig.holds_queries = True
    return peer, [rig.ask(peer, request) for request in requests]


def results(rig: Rig, peer: Peer, counters: list[int]) -> list[ResultBody | None]:
    return [rig.result(peer, counter) for counter in counters]


def test_nothing_waits_for_a_query_and_a_query_for_what_is_written_before_it() -> None:
    rig = Rig()
    peer, counters = held(rig, HISTORY, HISTORY, Say("lobby", 0, "hello"), HISTORY, SetAway("lunch"))
    assert len(rig.chat.queries) == 2
    rig.write()
    assert results(rig, peer, counters) == [None, None, Stored("#lobby", 1), None, Done()]
    assert len(rig.chat.queries) == 3
    rig.holds_queries = False
    rig.read()
    assert all(isinstance(rig.result(peer, counters[at]), EntryList) for at in (0, 1, 3))


def test_a_request_that_is_repeated_while_its_query_runs_is_answered_once() -> None:
    rig = Rig()
    peer, (counter,) = held(rig, HISTORY)
    query = rig.next_query()
    assert query is not None
    rig.ask(peer, HISTORY, counter=counter)
    assert rig.next_query() is None and len(rig.chat.queries) == 1
    rig.answer(query)
    assert isinstance(rig.result(peer, counter), EntryList) and rig.next_query() is None


def test_a_failed_write_leaves_a_query_behind_it_as_it_was() -> None:
    rig = Rig()
    peer, counters = held(rig, HISTORY, Say("lobby", 0, "hello"))
    rig.refuse()
    later = rig.ask(peer, HISTORY)  # out of turn, as nothing can be written
    assert [rig.ask(peer, Say("lobby", 0, "hello"), counter=counters[1])]
    rig.refuse()
    first = rig.next_query()
    assert first is not None and first.counter == counters[0]
    rig.answer(first)
    second = rig.next_query()
    assert second is not None and second.counter == later
    rig.answer(second)
    assert all(isinstance(rig.result(peer, counter), EntryList) for counter in (counters[0], later))
    rig.ask(peer, Say("lobby", 0, "hello"), counter=counters[1])
    rig.write()
    assert rig.result(peer, counters[1]) == Stored("#lobby", 1) and rig.next_query() is None
    assert not peer.window.held and peer.window.waiting == 0


def test_who_returns_gets_the_answer_of_the_query_that_still_runs() -> None:
    rig = Rig()
    peer, (counter,) = held(rig, HISTORY)
    query = rig.next_query()
    assert query is not None
    rig.leave(peer)
    again = rig.device("alice", "lobby", key=peer.key, instance=peer.author.instance)
    rig.ask(again, HISTORY, counter=counter)
    rig.answer(query)
    assert isinstance(rig.result(again, counter), EntryList) and rig.next_query() is None


def test_what_its_client_left_or_abandoned_is_neither_read_nor_answered() -> None:
    rig = Rig()
    peer, (counter, *_) = held(rig, HISTORY)
    other = rig.device("bob")
    left = rig.ask(other, HISTORY)
    rig.leave(other)
    peer.window.receive(counter + 2_000, counter + 2_000, SetAway("lunch"))  # a later run of this client
    rig.chat.fanout.to_flush[peer] = None
    rig.settle()
    assert rig.result(peer, counter + 2_000) == Done()
    assert rig.next_query() is None and len(rig.chat.queries) == 0
    assert rig.result(peer, counter) is None and rig.result(other, left) is None


def test_an_answer_that_comes_after_its_client_left_changes_nothing() -> None:
    rig = Rig()
    peer, _ = held(rig, HISTORY)
    query = rig.next_query()
    assert query is not None
    rig.leave(peer)
    rig.answer(query)
    assert rig.server.drain_transmits() == [] and rig.next_query() is None


def test_what_is_more_than_may_wait_is_refused_in_a_word() -> None:
    rig = Rig()
    peer, _ = held(rig)
    for number in range(QUERIES_MAX):
        rig.chat.queries.add(query_of("another", number, source="10.0.0.9"))
        rig.chat.queries.add(Query(b"x", number, peer.key, "10.0.0.9", HISTORY))
    assert rig.result(peer, rig.ask(peer, HISTORY)) == Failed("too_fast")


def test_damage_found_by_a_query_is_reported_to_the_operator_and_the_client() -> None:
    class Damaged(MemoryLog):
        def search(self, query: SearchQuery) -> list[SearchHit]:
            raise StoreFailed("entry 5 of lobby is damaged")

    rig = Rig(Damaged())
    peer, (counter,) = held(rig, Search("word", None, None, 0))
    query = rig.next_query()
    assert query is not None
    rig.server.answered(rig.now, query, StoreFailed("entry 5 of lobby is damaged"), 0.0)
    assert rig.result(peer, counter) == Failed("unreadable")
    assert events.LogDamaged("entry 5 of lobby is damaged") in rig.server.drain_events()


def test_damaged_reactions_are_reported_and_their_messages_answered() -> None:
    class Damaged(MemoryLog):
        def reactions(self, log: str, first: int, last: int) -> list[tuple[int, bytes]]:
            raise StoreFailed("entry 5 of lobby is damaged")

    rig = Rig(Damaged())
    rig.ask(rig.device("bob", "lobby"), Say("lobby", 0, "hello"))
    rig.write()
    peer, (counter,) = held(rig, HISTORY)
    query = rig.next_query()
    assert query is not None
    with pytest.raises(LogUnreadable) as caught:
        read(rig.log, query.read)
    rig.server.answered(rig.now, query, caught.value, 0.0)
    answer = rig.result(peer, counter)
    assert isinstance(answer, EntryList) and [item.sequence for item in answer.items] == [1]
    assert events.LogDamaged("entry 5 of lobby is damaged") in rig.server.drain_events()


def test_clients_get_their_history_while_each_query_takes_a_second() -> None:
    world = World(Random(7))
    alice, bob = world.add_clients(2)
    alice.say("before")
    world.settle()
    world.server.read_s = 1.0
    for client in (alice, bob):
        client.core.ask(world.now, HISTORY)
        client.core.ask(world.now, Search("before", None, None, 0))
        world.drain(client)
    bob.say("meanwhile")
    world.run(0.5)
    assert "meanwhile" in alice.texts()
    world.run(5)
    assert len(world.server.core.chat.queries) == 0
    world.settle()
