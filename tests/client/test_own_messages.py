"""One's own messages: each confirmed once, by its entry or where no entry is to come."""

from __future__ import annotations

from udpchat.chat.events import Edited, MessageSent, Quote, Reacted, Redacted, error
from udpchat.client.own_messages import OwnMessages, Said
from udpchat.wire.content import EDIT, REACTION, REDACTION, Extra, Message

ONE, TWO = b"1" * 8, b"2" * 8


def own() -> OwnMessages:
    made = OwnMessages()
    made.add(Said("lobby", "one", 0, ONE))
    made.add(Said("lobby", "two", 1, TWO))
    return made


def entry(identity: bytes, text: str, kind: int = 0, extra: Extra | None = None) -> Message:
    return Message(99, b"u" * 8, "alice", identity, kind, text, None, extra)


def test_what_was_said_is_unconfirmed_until_its_entry_is_here() -> None:
    messages = own()
    assert [said.text for said in messages.unconfirmed()] == ["one", "two"] and ONE in messages
    sent = MessageSent("lobby", 7, TWO.hex(), "two", "action", 99)
    assert messages.receive(entry(TWO, "two", 1), 7) == ([sent], True)
    assert [said.text for said in messages.unconfirmed()] == ["one"] and TWO not in messages


def test_what_stands_behind_what_a_replica_looked_at_is_confirmed_all_the_same_and_its_entry_is_known() -> None:
    messages = own()
    messages.on_stored(ONE, "#lobby", 3)
    messages.on_stored(TWO, "#lobby", 8)
    assert messages.confirm_passed("#den", 99) == []
    assert messages.confirm_passed("#lobby", 5) == [
        MessageSent("lobby", 3, ONE.hex(), "one", "text", 0, is_passed=True)
    ]
    assert messages.receive(entry(ONE, "one"), 3) == ([], True)
    assert messages.receive(entry(ONE, "one"), 3) == ([], False) and TWO in messages


def test_an_entry_of_the_same_id_with_another_text_is_another_message() -> None:
    messages = own()
    messages.on_line(ONE, 4)
    messages.on_stored(ONE, "#lobby", 3)
    assert messages.receive(entry(ONE, "other"), 3) == ([error("id_taken", line=4, message="one")], False)
    assert messages.receive(entry(TWO, "two", 0), 4) == ([error("id_taken", message="two")], False)
    assert messages.unconfirmed() == [] and messages.confirm_passed("#lobby", 99) == []


def test_an_entry_that_was_edited_meanwhile_confirms_its_message() -> None:
    messages = own()
    edited = entry(ONE, "other", extra=Extra(edited_by=9))
    assert messages.receive(edited, 3) == ([MessageSent("lobby", 3, ONE.hex(), "one", "text", 99)], True)


def test_what_is_about_another_message_is_confirmed_as_that_wherever_the_server_says_that_it_is() -> None:
    messages = OwnMessages()
    for identity, kind, text in ((ONE, EDIT, "new"), (TWO, REACTION, "\u2665"), (b"3" * 8, REDACTION, "")):
        messages.add(Said("lobby", text, kind, identity, extra=Extra(b"0" * 8, b"-" if kind == REACTION else b"", 5)))
    assert [said.summary for said in messages.unconfirmed()] == ["(edit) new", "(reaction) \u2665", "(redaction)"]
    assert not any(said.is_message for said in messages.unconfirmed())
    whole = ("lobby", 5, (b"0" * 8).hex(), "")
    assert messages.receive(entry(ONE, "new", EDIT), 9) == (
        [Edited(*whole, 9, 99, b"", "new", is_confirmation=True)],
        True,
    )
    assert messages.confirm_ahead(TWO, 2, is_passed=False) == Reacted(
        *whole, 2, 0, b"", "\u2665", False, is_confirmation=True
    )
    messages.on_stored(b"3" * 8, "#lobby", 4)
    assert messages.confirm_passed("#lobby", 4) == [Redacted(*whole, 4, 0, b"", "", is_confirmation=True)]


def test_a_reply_says_what_it_answers() -> None:
    said = Said("lobby", "yes", 0, ONE, extra=Extra(b"0" * 8, b"", 5))
    assert said.sent(9, 1).reply == Quote((b"0" * 8).hex(), "", "") and said.summary == "yes"


def test_what_failed_is_not_waited_for_and_a_line_may_be_known_later() -> None:
    messages = own()
    messages.on_line(ONE, 4)
    messages.on_line(b"?" * 8, 5)
    messages.on_failed(TWO)
    messages.on_failed(TWO)
    assert [(said.text, said.line) for said in messages.unconfirmed()] == [("one", 4)]
