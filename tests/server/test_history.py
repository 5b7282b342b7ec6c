"""The past, from the server's log: bounded by place, time and what fits an answer, and read by who may read it."""

from __future__ import annotations

from tests.server.rig import Rig
from tests.storage.memory import MemoryLog
from udpchat.chat.ids import conversation_log
from udpchat.server.access import may_read
from udpchat.server.history import read, search_of
from udpchat.sync.log import Append, ReadInterrupted, SearchHit, SearchQuery
from udpchat.wire.content import EDIT, REACTION, Extra, Message
from udpchat.wire.frames import encode, encode_message
from udpchat.wire.limits import (
    FRAGMENT_BYTES,
    FRAGMENTS_MAX,
    PAST_BYTES_MAX,
    PAST_ENTRIES_MAX,
    PAST_REACTIONS_BYTES_MAX,
    ROOM_CHARACTERS_MAX,
    TEXT_BYTES_MAX,
)
from udpchat.wire.requests import EntryList, Failed, GetHistory, Say, Search, Tell


def test_the_last_before_a_sequence_and_a_time_as_many_as_asked_for() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    for number in range(6):
        rig.server.set_wall_clock(1_000.0 + number - rig.now)
        rig.ask(alice, Say("lobby", 0, str(number)))
        rig.write()

    def sequences(before: int | None, before_ms: int | None, count: int) -> list[int]:
        return rig.sequences(alice, GetHistory("#lobby", before, before_ms, count))

    assert sequences(None, None, 3) == [4, 5, 6] and sequences(4, None, 2) == [2, 3] and sequences(1, None, 9) == []
    assert sequences(None, 1_002_000, 9) == [1, 2] and sequences(2, 1_002_000, 9) == [1]


def test_an_answer_holds_the_latest_that_fit_and_at_least_one() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    for _ in range(5):
        rig.ask(alice, Say("lobby", 0, "x" * 5_000))
    rig.ask(alice, Say("lobby", 0, "x" * (PAST_BYTES_MAX + 100)))
    rig.write()
    assert rig.sequences(alice, GetHistory("#lobby", None, None, 9)) == [6]
    assert rig.sequences(alice, GetHistory("#lobby", 6, None, 9)) == [4, 5]


def test_history_comes_with_the_present_reactions_to_it() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    about = Extra(bytes(8), b"", 2)
    for request in (Say("lobby", 0, "one"), Say("lobby", 0, "two")):
        rig.ask(alice, request)
    rig.write()
    message = rig.entry("#lobby", 2)
    assert isinstance(message, Message)
    about = Extra(message.id, b"", 2)
    for text, data in (("\u2665", b""), ("\u2605", b""), ("\u2605", b"-")):
        rig.ask(alice, Say("lobby", REACTION, text, Extra(message.id, data, 2)))
    rig.ask(alice, Say("lobby", EDIT, "three", about))
    rig.write()
    answer = rig.past(alice, GetHistory("#lobby", 3, None, 9))
    assert [item.sequence for item in answer.items] == [1, 2]
    assert [item.sequence for item in answer.reactions] == [3]
    assert not rig.past(alice, GetHistory("#lobby", 2, None, 9)).reactions


def test_an_answer_holds_so_many_reactions_and_of_more_the_latest() -> None:
    log = MemoryLog()
    log.append([Append("#lobby", at, said(str(at), at), None) for at in (1, 2)])
    reactions = [said("\u2665", at, REACTION, Extra(bytes([2 if at > 150 else 1] * 8), b"", 2 if at > 150 else 1))
                 for at in range(3, 253)]  # fmt: skip
    log.append([Append("#lobby", at, entry, None) for at, entry in enumerate(reactions, 3)])
    answer = read(log, GetHistory("#lobby", 3, None, 9))
    assert isinstance(answer, EntryList) and 20 < len(answer.reactions) < 200
    assert sum(len(item.entry) for item in answer.reactions) < PAST_REACTIONS_BYTES_MAX
    assert [item.sequence for item in answer.reactions][-1] == 252


def test_a_long_message_leaves_its_reactions_what_an_answer_can_still_carry() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    rig.ask(alice, Say("lobby", 0, "x" * TEXT_BYTES_MAX))
    rig.write()
    message = rig.entry("#lobby", 1)
    assert isinstance(message, Message)
    for number in range(60):
        rig.ask(rig.device(f"peer{number}", "lobby"), Say("lobby", REACTION, "\u2665", Extra(message.id, b"", 1)))
        rig.write()
        rig.now += 0.01
    answer = rig.past(alice, GetHistory("#lobby", 2, None, 1))
    assert [item.sequence for item in answer.items] == [1] and 1 < len(answer.reactions) < 60
    assert answer.reactions[-1].sequence == 61 and len(encode(answer)) <= FRAGMENT_BYTES * FRAGMENTS_MAX


def test_an_answer_fits_however_many_bytes_the_name_of_its_room_has() -> None:
    log, room = MemoryLog(), "#" + "\U00020000" * ROOM_CHARACTERS_MAX
    log.append([Append(room, at, said("x", 1), None) for at in range(1, PAST_ENTRIES_MAX + 1)])
    log.append([Append(room, PAST_ENTRIES_MAX + 1, said("x" * TEXT_BYTES_MAX, 1), None)])
    for before in (PAST_ENTRIES_MAX + 1, None):
        answer = read(log, GetHistory(room, before, None, PAST_ENTRIES_MAX))
        assert isinstance(answer, EntryList) and answer.items
        assert len(encode(answer)) <= FRAGMENT_BYTES * FRAGMENTS_MAX


def said(text: str, number: int, kind: int = 0, extra: Extra | None = None) -> bytes:
    identity = bytes([number] * 8)
    return encode_message(Message(1, identity, "alice", identity, kind, text, None, extra))


def test_a_conversation_is_read_and_found_by_the_two_who_have_it() -> None:
    rig = Rig()
    alice, bob, carol = rig.device("alice"), rig.device("bob"), rig.device("carol", "lobby")
    rig.ask(alice, Tell("bob", 0, "secret word"))
    rig.ask(carol, Say("lobby", 0, "open word"))
    rig.write()
    log = conversation_log(alice.key, bob.key)
    durable = rig.chat.commits.durable
    assert [may_read(durable, peer.key, peer.key, log, 1) for peer in (alice, bob, carol)] == [True, True, False]
    for peer, logs in ((bob, {log, "#lobby"}), (carol, {"#lobby"})):
        assert {item.log for item in rig.found(peer, Search("word", None, None, 0))} == logs


def test_what_others_say_in_private_takes_no_place_among_what_is_found() -> None:
    rig = Rig()
    alice, bob, carol = rig.device("alice"), rig.device("bob"), rig.device("carol", "lobby")
    rig.ask(carol, Say("lobby", 0, "an open word"))
    for number in range(PAST_ENTRIES_MAX + 1):
        rig.ask(alice, Tell("bob", 0, f"a secret word {number}"))
        rig.write()
    assert [item.log for item in rig.found(carol, Search("word", None, None, 0))] == ["#lobby"]
    assert {item.log for item in rig.found(bob, Search("word", None, None, 0))} == {
        conversation_log(alice.key, bob.key)
    }


def test_a_search_names_what_its_person_may_read_and_of_a_room_nothing_else() -> None:
    rig = Rig()
    alice, bob, carol = rig.device("alice"), rig.device("bob"), rig.device("carol")
    rig.ask(alice, Tell("bob", 0, "hi"))
    rig.ask(alice, Tell("carol", 0, "hi"))
    rig.write()
    durable, of_bob = rig.chat.commits.durable, conversation_log(alice.key, bob.key)

    def conversations(key: bytes, log: str | None) -> set[str]:
        return set(search_of(durable, key, key, 1, Search("x", None, log, 0)).conversations or ())

    assert conversations(alice.key, None) == {of_bob, conversation_log(alice.key, carol.key)}
    assert conversations(bob.key, None) == {of_bob} == conversations(alice.key, of_bob)
    assert conversations(alice.key, "#lobby") == set() == conversations(carol.key, of_bob)


def test_a_read_that_found_nothing_before_it_was_interrupted_says_so() -> None:
    class Slow(MemoryLog):
        def search(self, query: SearchQuery) -> list[SearchHit]:
            raise ReadInterrupted

    assert read(Slow(), SearchQuery("word")) == Failed("too_slow")


def test_messages_are_answered_without_reactions_that_there_was_no_time_to_read() -> None:
    class Slow(MemoryLog):
        def reactions(self, log: str, first: int, last: int) -> list[tuple[int, bytes]]:
            raise ReadInterrupted

    log = Slow()
    log.append([Append("#lobby", 1, said("one", 1), None)])
    answer = read(log, GetHistory("#lobby", None, None, 9))
    assert isinstance(answer, EntryList) and [item.sequence for item in answer.items] == [1] and not answer.reactions
