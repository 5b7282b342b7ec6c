"""What entries mean to a user: messages, and what is done to them."""

from __future__ import annotations

from udpchat.client.entry_events import EntryEvents
from udpchat.client.followed import FollowedLogs
from udpchat.client.people import People
from udpchat.wire.content import Message
from udpchat.wire.frames import encode
from udpchat.wire.requests import LogEntry

ME, BOB, CAROL = b"m" * 8, b"b" * 8, b"c" * 8
ROOM, TALK = "#lobby", "@" + "7" * 20
NICKS = {ME: "me", BOB: "bob", CAROL: "carol"}


def teller() -> tuple[EntryEvents, People]:
    people = People(ME)
    return EntryEvents(people, FollowedLogs("~", ())), people


def message(text: str, author: bytes = BOB, *, to: str | None = None) -> Message:
    return Message(5, author, NICKS[author], text.encode().ljust(8)[:8], 0, text, to)


def test_the_past_is_recalled_without_who_is_ignored_and_without_what_cannot_be_read() -> None:
    told, people = teller()
    people.ignore("carol")
    items = [
        LogEntry(ROOM, 3, encode(message("three"))), LogEntry(ROOM, 4, encode(message("x", CAROL))),
        LogEntry(ROOM, 5, b"\xc1"),
        LogEntry(TALK, 1, encode(message("one", ME, to="bob"))),
    ]  # fmt: skip
    recalled = told.recall(items)
    assert [(each.room, each.seq, each.history) for each in recalled] == [("lobby", 3, True), ("@bob", 1, True)]
