"""The rules of what a message does to an earlier one. tests/storage/test_amendments.py has the stores."""

from __future__ import annotations

from udpchat.chat.amendments import TAKEN_BACK, Reference, amended, edited_by, emptied, is_about, is_added, reference_of
from udpchat.wire.content import EDIT, REACTION, REDACTION, TEXT, Extra, Message, Tombstone

ID, OTHER = b"id------", b"other---"
TARGET = Message(1, b"alice---", "alice", ID, TEXT, "helo")
HEART = "\u2665"


REFERENCE = Extra(ID, b"", 3)


def about(kind: int, text: str = "hello", extra: Extra | None = REFERENCE) -> Message:
    return Message(2, b"alice---", "ally", b"about---", kind, text, None, extra)


def test_a_reference_names_an_earlier_message() -> None:
    assert reference_of(about(EDIT), 4) == Reference(3, ID)
    assert (
        reference_of(about(EDIT), 3) is reference_of(TARGET, 9) is reference_of(about(EDIT, extra=Extra(ID)), 9) is None
    )


def test_an_edit_changes_the_text_and_nothing_of_the_envelope() -> None:
    edited = amended(TARGET, about(EDIT), 4)
    assert isinstance(edited, Message) and edited_by(edited) == 4
    assert (edited.text, edited.nick, edited.time_ms, edited.id) == ("hello", "alice", 1, ID)
    assert amended(edited, about(EDIT), 4) is None


def test_an_emptied_edit_has_no_effect_no_text_and_no_data() -> None:
    empty = emptied(about(EDIT, extra=Extra(ID, b"data", 3)))
    assert (empty.text, empty.id, empty.extra) == ("", b"about---", Extra(ID, b"", 3))
    assert amended(TARGET, empty, 4) is None and emptied(about(EDIT, extra=None)).extra == Extra()


def test_a_redaction_leaves_who_said_it_and_when() -> None:
    assert amended(TARGET, about(REDACTION), 4) == Tombstone(1, b"alice---", "alice", ID)


def test_nothing_else_changes_a_message() -> None:
    assert amended(TARGET, about(REACTION, HEART), 4) is amended(TARGET, about(TEXT), 4) is None
    assert amended(TARGET, about(EDIT, extra=Extra(OTHER, b"", 3)), 4) is None
    assert not is_about(about(REDACTION), about(EDIT)) and is_about(about(REDACTION), TARGET)


def test_a_reaction_is_added_or_taken_back() -> None:
    assert is_added(about(REACTION, HEART)) is True
    assert is_added(about(REACTION, HEART, Extra(ID, TAKEN_BACK, 3))) is False
    assert is_added(about(REACTION, HEART, Extra(ID, b"x", 3))) is is_added(about(REACTION)) is is_added(TARGET) is None
