"""Changes that are newer than what was read: which are kept, and what they make of a message."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.client.late_changes import CHANGES_MAX, CHARACTERS_MAX, REMOVALS_MAX, LateChanges

BOB = b"b" * 8
READ = events.MessageReceived("lobby", 3, "bob", "helo", "text", 5, "0a", True, author=BOB)


def edited(text: str, own_seq: int = 9) -> events.Edited:
    return events.Edited("lobby", 3, "0a", "bob", own_seq, 6, BOB, text)


def removed(sequence: int = 3) -> events.Redacted:
    return events.Redacted("lobby", sequence, "0a", "bob", 9, 6, BOB, "a slip")


def after(*happened: events.Amendment, read: events.MessageReceived = READ) -> events.MessageReceived:
    late = LateChanges()
    for event in happened:
        late.add(event)
    (now,) = late.applied([read], b"me")
    return now


def test_what_was_read_before_a_change_is_shown_after_it() -> None:
    assert after() == READ
    assert (after(edited("hello")).text, after(edited("hello")).edited) == ("hello", 9)
    gone = after(edited("hello"), removed())
    assert (gone.text, gone.kind, gone.edited) == ("", events.REMOVED, 0)


def test_a_change_that_what_was_read_has_already_is_not_made_again() -> None:
    late_text = events.MessageReceived("lobby", 3, "bob", "hello all", "text", 5, "0a", True, edited=10, author=BOB)
    assert after(edited("hello"), read=late_text) == late_text


def test_only_so_much_is_kept_and_edits_take_no_place_of_removals() -> None:
    many = [edited(f"{number}", number + 9) for number in range(CHANGES_MAX + 9)]
    assert after(removed(), *many).kind == events.REMOVED
    assert after(edited("first", 99), *[removed(4)] * (REMOVALS_MAX + 9)).text == "first"
    assert after(removed(), *[removed(4)] * REMOVALS_MAX) == READ
    assert after(edited("first", 99), *many).text == many[-1].text
    assert after(edited("first", 99), edited("x" * CHARACTERS_MAX, 98), edited("last", 97)).text == "last"
