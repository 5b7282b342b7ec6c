"""Which messages from before the entry are shown, whatever was said about them, and what is kept back until then."""

from __future__ import annotations

from udpchat.chat.events import Notice, notice
from udpchat.client.shown_on_entry import KEPT_BYTES_MAX, EntryHistory, Told, looked_through
from udpchat.wire.content import REACTION, TEXT, Extra, Message

ROOM = "#lobby"


def said(kind: int = TEXT) -> Message:
    return Message(5, b"b" * 8, "bob", b"i" * 8, kind, "hi", None, Extra())


def entered(past: EntryHistory, *kinds: int, seen: int | None = None, size: int = 1) -> list[Told]:
    """What is told of a room with entries of these kinds, in all."""
    told = past.begin(ROOM, base=0, entered=len(kinds), seen=seen)
    for sequence, kind in enumerate(kinds, 1):
        told += past.pass_on(ROOM, sequence, said(kind), size)
    return [*told, *past.release(ROOM)]


def shown(past: EntryHistory, told: list[Told]) -> list[int]:
    return [each[0] for each in told if not isinstance(each, Notice) and each[0] > past.hidden(ROOM)]


def test_as_many_messages_are_shown_as_are_wanted_with_what_was_said_about_them() -> None:
    past = EntryHistory(2)
    told = entered(past, TEXT, TEXT, REACTION, TEXT, REACTION, REACTION)
    assert told[0] == notice("history", count=1, room="lobby") and len(told) == 7
    assert shown(past, told) == [2, 3, 4, 5, 6]


def test_nothing_is_told_before_all_is_here_and_then_all_in_order() -> None:
    past = EntryHistory(9)
    assert past.begin(ROOM, base=0, entered=3, seen=2) == []
    new = notice("new", count=1, log="lobby")
    assert [past.pass_on(ROOM, 2, entry, 1) for entry in (said(), new)] == [[], []] and past.kept_bytes == 1
    assert past.pass_on(ROOM, 4, said(), 1) == [(4, said())]
    assert past.release(ROOM) == [(2, said()), new] and past.kept_bytes == 0


def test_without_history_who_returns_is_told_at_once_how_many_there_are() -> None:
    assert EntryHistory(0).begin(ROOM, base=0, entered=5, seen=3) == [notice("history", count=2, room="lobby")]
    assert EntryHistory(0).begin(ROOM, base=0, entered=5, seen=None) == []
    assert EntryHistory(None).begin(ROOM, base=0, entered=5, seen=3) == []


def test_only_the_latest_entries_are_looked_through_and_kept_back() -> None:
    past, count = EntryHistory(3), looked_through(3)
    told = entered(past, *[TEXT] * 3, *[REACTION] * count)
    assert shown(past, told) == list(range(4, 4 + count))
    past = EntryHistory(3)
    told = entered(past, *[TEXT] * 9, size=KEPT_BYTES_MAX // 2)
    assert shown(past, told) == [8, 9] and past.kept_bytes == 0


def test_a_log_that_is_left_keeps_nothing_back() -> None:
    past = EntryHistory(3)
    past.begin(ROOM, base=0, entered=5, seen=None)
    past.pass_on(ROOM, 1, said(), 7)
    past.leave(ROOM)
    assert past.kept_bytes == 0 and past.release(ROOM) == [] and past.pass_on(ROOM, 2, said(), 1) == [(2, said())]
