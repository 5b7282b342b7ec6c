"""What edits, redactions and reactions do in a store: the same in every one of them, of the server and of a client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.storage.entries import LOBBY, alter
from tests.storage.memory import MemoryClientStore, MemoryLog
from udpchat.chat.amendments import TAKEN_BACK
from udpchat.client.stored import EntriesStored, ReplicaReset
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.entry_words import message_of
from udpchat.storage.reading import Place, TableReader
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import ClientStore, Log
from udpchat.storage.tables import connect_reader
from udpchat.sync.log import Append, Extent, SearchQuery
from udpchat.wire.content import ACTION, EDIT, REACTION, REDACTION, TEXT, Extra, Message, Tombstone
from udpchat.wire.frames import encode, encode_message
from udpchat.wire.limits import REACTIONS_MAX, REACTIONS_PER_AUTHOR_MAX

HEART, STAR = "\u2665", "\u2605"
ALICE, BOB = b"alice---", b"bob-----"


@dataclass
class Shelf:
    """One log of a store, written entry by entry."""

    store: Log | ClientStore
    log: str = LOBBY
    head: int = 0
    ids: dict[int, bytes] = field(default_factory=dict)

    def add(self, *messages: Message) -> int:
        """Write these in one transaction; the sequence of the last."""
        entries = tuple(map(encode_message, messages))
        if isinstance(self.store, SqliteLog | MemoryLog):
            self.store.append([Append(self.log, self.head + at, entry, None) for at, entry in enumerate(entries, 1)])
        else:
            assert isinstance(self.store, SqliteClientStore | MemoryClientStore)
            generation = self.store.extent(self.log).generation or 7
            self.store.write([EntriesStored(self.log, generation, self.head + 1, entries)])
        self.head += len(entries)
        return self.head

    def prune(self, base: int) -> None:
        if isinstance(self.store, SqliteLog | MemoryLog):
            self.store.prune(self.log, base)
        else:
            assert isinstance(self.store, SqliteClientStore | MemoryClientStore)
            self.store.write([ReplicaReset(self.log, 7, base)])
            self.head = base

    def at(self, sequence: int) -> Message | Tombstone | None:
        (found,) = self.store.read(self.log, sequence, 1)
        return message_of(found if isinstance(found, bytes) else found[1])

    def text(self, sequence: int) -> str:
        message = self.at(sequence)
        assert isinstance(message, Message)
        return message.text

    def found(self, words: str) -> list[int]:
        return [hit.sequence for hit in self.store.search(SearchQuery(words))]

    def reactions(self, first: int, last: int) -> list[tuple[int, str, str]]:
        found = [(sequence, message_of(entry)) for sequence, entry in self.store.reactions(self.log, first, last)]
        return [(sequence, each.nick, each.text) for sequence, each in found if isinstance(each, Message)]


OPEN: dict[str, Callable[[Path], Log | ClientStore]] = {
    "server in memory": lambda path: MemoryLog(),
    "server": SqliteLog,
    "client in memory": lambda path: MemoryClientStore(),
    "client": SqliteClientStore,
}


@pytest.fixture(params=OPEN)
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    with closing(OPEN[request.param](tmp_path / "store.db")) as store:
        yield Shelf(store)


def said(text: str, number: int, author: bytes = ALICE, kind: int = TEXT, **fields: object) -> Message:
    nick = author.decode().rstrip("-")
    return Message(1_000 + number, author, nick, number.to_bytes(8, "big"), kind, text, **fields)


def about(
    kind: int, text: str, target: int, author: bytes = ALICE, *, id: int | None = None, data: bytes = b""
) -> Message:
    identity = (target if id is None else id).to_bytes(8, "big")
    return said(text, 900 + target, author, kind, extra=Extra(identity, data, target))


def test_an_edit_puts_the_new_text_in_the_place_of_the_message(shelf: Shelf) -> None:
    shelf.add(said("before", 1), said("the teh cat", 2), said("after", 3))
    edit = shelf.add(about(EDIT, "the cat", 2))
    assert shelf.at(2) == said("the cat", 2, extra=Extra(edited_by=edit))
    assert shelf.text(edit) == "the cat"
    assert shelf.found("teh") == [] and shelf.found("cat") == [2]
    assert shelf.found("before") == [1] and shelf.found("after") == [3]


def test_of_several_edits_the_last_counts_and_the_text_of_the_others_is_nowhere(shelf: Shelf) -> None:
    shelf.add(said("one", 1))
    first = shelf.add(about(EDIT, "two", 1))
    last = shelf.add(about(EDIT, "three", 1), about(EDIT, "four", 1))
    assert [shelf.text(sequence) for sequence in (1, first, last - 1, last)] == ["four", "", "", "four"]
    assert shelf.found("one") == shelf.found("two") == shelf.found("three") == [] and shelf.found("four") == [1]


def test_what_was_edited_already_is_not_changed_by_an_earlier_edit(shelf: Shelf) -> None:
    shelf.add(said("latest", 1, extra=Extra(edited_by=3)))
    shelf.add(about(EDIT, "earlier", 1), about(EDIT, "latest", 1))
    assert shelf.at(1) == said("latest", 1, extra=Extra(edited_by=3))
    assert (shelf.text(2), shelf.text(3)) == ("", "latest"), "the store of who got the message later is the same"
    assert (shelf.found("earlier"), shelf.found("latest")) == ([], [1])


def test_an_edited_reply_or_action_stays_one(shelf: Shelf) -> None:
    shelf.add(said("hello", 1), said("waves", 2, kind=ACTION, extra=Extra((1).to_bytes(8, "big"), b"", 1)))
    shelf.add(about(EDIT, "bows", 2))
    assert shelf.at(2) == said("bows", 2, kind=ACTION, extra=Extra((1).to_bytes(8, "big"), b"", 1, 3))


def test_a_redaction_leaves_the_place_and_no_word_of_it_not_even_in_its_edits(shelf: Shelf) -> None:
    shelf.add(said("the secret", 1))
    edit = shelf.add(about(EDIT, "the secret too", 1))
    shelf.add(about(REDACTION, "a slip", 1))
    assert shelf.at(1) == Tombstone(1_001, ALICE, "alice", (1).to_bytes(8, "big"))
    assert (shelf.text(edit), shelf.found("secret"), shelf.found("slip")) == ("", [], [])
    late = shelf.add(about(EDIT, "again", 1))
    assert isinstance(shelf.at(1), Tombstone) and shelf.text(late) == ""


@pytest.mark.parametrize(
    "amendment",
    [
        about(EDIT, "forged", 1, BOB),
        about(REDACTION, "forged", 1, BOB),
        about(EDIT, "forged", 1, id=5),
        about(REDACTION, "", 1, id=5),
        about(EDIT, "forged", 2),
        about(EDIT, "forged", 9),
        about(REDACTION, "", 9),
        said("forged", 9, kind=EDIT),
        said("forged", 9, kind=REDACTION),
        said("forged", 9, kind=EDIT, extra=Extra((1).to_bytes(8, "big"))),
        said("forged", 9, kind=EDIT, extra=Extra((1).to_bytes(8, "big"), b"", 2**53)),
    ],
)
def test_what_is_not_ones_own_or_not_there_is_not_changed_and_nothing_of_that_is_found(
    shelf: Shelf, amendment: Message
) -> None:
    shelf.add(said("mine", 1), said(HEART, 2, BOB, kind=REACTION, extra=Extra((1).to_bytes(8, "big"), b"", 1)))
    shelf.add(amendment)
    assert shelf.at(1) == said("mine", 1) and shelf.found("mine") == [1] and shelf.found("forged") == []
    assert shelf.text(2) == HEART
    shown = shelf.at(3)
    assert isinstance(shown, Message) and (shown.kind == REDACTION or shown.text == "")


def test_an_edit_of_a_message_that_is_pruned_keeps_no_text_of_it(shelf: Shelf) -> None:
    shelf.add(said("old", 1), said("new", 2))
    edit = shelf.add(about(EDIT, "still here", 1), about(EDIT, "newer", 2))
    if isinstance(shelf.store, MemoryClientStore | SqliteClientStore):
        return  # its replicas are cut off only as a whole
    shelf.prune(1)
    assert [shelf.text(sequence) for sequence in (2, edit - 1, edit)] == ["newer", "", "newer"]
    assert shelf.found("here") == [] and shelf.found("newer") == [2]


def test_reactions_are_read_with_the_messages_they_are_to(shelf: Shelf) -> None:
    shelf.add(said("one", 1), said("two", 2))
    shelf.add(about(REACTION, HEART, 2, BOB), about(REACTION, STAR, 1, BOB), about(REACTION, HEART, 1, ALICE))
    shelf.add(about(REACTION, HEART, 1, ALICE))
    assert shelf.reactions(1, 2) == [(3, "bob", HEART), (4, "bob", STAR), (5, "alice", HEART)]
    assert shelf.reactions(2, 2) == [(3, "bob", HEART)]
    assert shelf.reactions(3, 9) == shelf.reactions(2, 1) == []
    shelf.add(about(REACTION, STAR, 1, BOB, data=TAKEN_BACK), about(REACTION, STAR, 2, BOB, data=TAKEN_BACK))
    assert shelf.reactions(1, 1) == [(5, "alice", HEART)]
    shelf.add(about(REDACTION, "", 1))
    assert shelf.reactions(1, 2) == [(3, "bob", HEART)] and shelf.found(HEART) == []


def test_of_a_message_so_many_reactions_are_kept_and_only_of_what_is_an_emoji(shelf: Shelf) -> None:
    shelf.add(said("one", 1))
    shelf.add(about(REACTION, "no emoji", 1), about(REACTION, STAR, 1, id=5), about(REACTION, STAR, 1, data=b"?"))
    assert shelf.reactions(1, 1) == []
    users = [f"user{number:4}".encode() for number in range(REACTIONS_MAX)]
    shelf.add(*[about(REACTION, HEART, 1, user) for user in users])
    refused = shelf.add(about(REACTION, STAR, 1, ALICE))
    assert [sequence for sequence, _, _ in shelf.reactions(1, 1)] == list(range(5, refused))
    shelf.add(about(REACTION, HEART, 1, users[0], data=TAKEN_BACK), about(REACTION, STAR, 1, ALICE))
    assert shelf.reactions(1, 1)[-1] == (refused + 2, "alice", STAR)


def test_of_one_author_fewer_reactions_are_kept_so_that_others_have_their_places(shelf: Shelf) -> None:
    shelf.add(said("one", 1))
    emoji = [chr(0x1F600 + number) for number in range(REACTIONS_PER_AUTHOR_MAX + 3)]
    shelf.add(*[about(REACTION, each, 1, BOB) for each in emoji], about(REACTION, HEART, 1, ALICE))
    kept = shelf.reactions(1, 1)
    assert [text for _, nick, text in kept if nick == "bob"] == emoji[:REACTIONS_PER_AUTHOR_MAX]
    assert [text for _, nick, text in kept if nick == "alice"] == [HEART]


def test_reading_reactions_takes_no_longer_where_there_are_many_and_gives_those_to_the_last_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As found: 51,200 to 200 messages, from 32 keys, made each reading of that part of the history take 47 ms."""
    monkeypatch.setattr("udpchat.storage.reading.REACTIONS_READ_MAX", 5)
    path, steps = tmp_path / "log.db", list[int]()
    with closing(SqliteLog(path)) as log, closing(connect_reader(path)) as connection:
        shelf = Shelf(log)
        reader = TableReader(connection, {LOBBY: Place(1, Extent(1, 0, 10_000))})
        shelf.add(*[said(f"message {number}", number) for number in range(1, 41)])
        for count in (1, 20):
            shelf.add(*[
                about(REACTION, chr(0x1F600 + number % 5), target, f"user{count:2}{number // 5:2}".encode())
                for target in range(1, 41)
                for number in range(count)
            ])  # fmt: skip
            steps.append(0)
            connection.set_progress_handler(lambda: steps.append(steps.pop() + 1), 10)
            found = [message_of(entry) for _, entry in reader.reactions(LOBBY, 1, 40)]
            connection.set_progress_handler(None, 0)
            assert len(found) == 5
    few, many = steps
    assert many <= 2 * few
    assert {each.extra.sequence for each in found if isinstance(each, Message) and each.extra} == {40}


def test_an_operator_who_removes_a_message_removes_what_it_was_edited_to() -> None:
    log = MemoryLog()
    shelf = Shelf(log)
    shelf.add(said("one", 1), about(EDIT, "two", 1))
    log.redact(LOBBY, 1, encode(Tombstone(5)))
    assert shelf.text(2) == ""


def test_a_store_from_before_there_were_reactions_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SqliteLog(path)) as log:
        Shelf(log).add(said("one", 1))
    alter(path, "DROP TABLE reactions; PRAGMA user_version = 1")
    with closing(SqliteLog(path)) as log:
        shelf = Shelf(log, head=1)
        shelf.add(about(REACTION, HEART, 1, BOB))
        assert shelf.reactions(1, 1) == [(2, "bob", HEART)]


def test_nothing_of_a_removed_message_is_in_the_pages_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SqliteLog(path)) as log:
        shelf = Shelf(log)
        shelf.add(said("about swordfish", 1), said("other", 2))
        shelf.add(about(EDIT, "about marlin", 1))
        log.redact(LOBBY, 2, encode(Tombstone(5)))
        shelf.add(about(REDACTION, "", 1))
    stored = path.read_bytes()
    assert b"about swordfish" not in stored and b"about marlin" not in stored
