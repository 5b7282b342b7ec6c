"""Messages about an earlier message of their log: what a reaction, an edit or a redaction does to it (SPEC 4.5, 7.5).

The stores of server and client apply these rules as they write, and what a client shows follows them too, so that all
who have the same entries have the same messages.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from udpchat.chat.emoji_text import is_emoji
from udpchat.wire.content import ACTION, EDIT, REACTION, REDACTION, TEXT, Extra, Message, Tombstone

AMENDING: Final = frozenset({REACTION, EDIT, REDACTION})
BY_RIGHT: Final = b"!"  # the data of a redaction of somebody else's message: only the server sets it (SPEC 6.11)
TAKEN_BACK: Final = b"-"  # the data of a reaction that takes back an earlier one; of others it is empty


class Reference(NamedTuple):
    """An earlier message of the same log."""

    sequence: int
    id: bytes


def reference_of(message: Message, sequence: int) -> Reference | None:
    """What the message at `sequence` is about; None if it names no earlier message."""
    extra = message.extra
    if extra is None or extra.refers_to is None or not 0 < extra.sequence < sequence:
        return None
    return Reference(extra.sequence, extra.refers_to)


def edited_by(message: Message) -> int:
    """The sequence of the edit that the text of a message is of; 0: it was not edited."""
    return message.extra.edited_by if message.extra is not None else 0


def is_about(message: Message, target: Message) -> bool:
    """Whether a message that names the place of `target` means that one, and can: not what is itself about another."""
    return message.extra is not None and message.extra.refers_to == target.id and target.kind not in AMENDING


def amended(target: Message, amendment: Message, sequence: int) -> Message | Tombstone | None:
    """What stands in the place of `target` after the edit or redaction at `sequence`; None: it has no effect."""
    if not is_about(amendment, target) or (target.author != amendment.author and not is_by_right(amendment)):
        return None
    if amendment.kind == REDACTION:
        return Tombstone(target.time_ms, target.author, target.nick, target.id)
    is_edit = amendment.kind == EDIT and amendment.text and target.kind in (TEXT, ACTION)
    if not is_edit or sequence <= edited_by(target):
        return None
    extra = target.extra or Extra()
    return _with(target, amendment.text, Extra(extra.refers_to, b"", extra.sequence, sequence))


def is_by_right(amendment: Message) -> bool:
    """Whether this removes a message of somebody else, as its author may where it is."""
    return amendment.kind == REDACTION and amendment.extra is not None and amendment.extra.data == BY_RIGHT


def emptied(edit: Message) -> Message:
    """An edit that has no effect any more: it changes nothing, and neither its text nor its data is kept."""
    extra = edit.extra or Extra()
    return _with(edit, "", Extra(extra.refers_to, b"", extra.sequence))


def is_added(reaction: Message) -> bool | None:
    """Whether a message adds its text as a reaction; False: it takes it back. None: it is no reaction."""
    data = reaction.extra.data if reaction.extra is not None else b""
    if reaction.kind != REACTION or not is_emoji(reaction.text) or data not in (b"", TAKEN_BACK):
        return None
    return data != TAKEN_BACK


def _with(message: Message, text: str, extra: Extra | None) -> Message:
    return Message(
        message.time_ms, message.author, message.nick, message.id, message.kind, text, message.to, extra
    )
