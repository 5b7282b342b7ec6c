"""What a hostile member says about earlier messages: reactions, edits, removals and replies, of its own and of others.

Each function makes the next request of one kind of attack (`attack_kinds`). Who needs a message of its own says one
first, and goes on when the server has stored it.
"""

from __future__ import annotations

from measure.attack_member import Member
from udpchat.chat.amendments import TAKEN_BACK
from udpchat.chat.ids import LOBBY
from udpchat.wire.content import EDIT, REACTION, REDACTION, TEXT, Extra
from udpchat.wire.limits import FRAGMENT_BYTES
from udpchat.wire.requests import Say

OLDEST = Extra(bytes(8), b"", 1)  # the first message of a long talk in the lobby, which is somebody else's
WORKSHOP = "workshop"  # a room where nobody is: what is said there is work for the server alone
EMOJI_FIRST, EMOJI = 0x1F300, 0x300  # code points of the reactions
LONG_TEXT = "word " * ((FRAGMENT_BYTES - 200) // 5)  # as much as goes in one datagram


def _count(member: Member) -> int:
    count: int = member.state.get("amendments", 0)
    member.state["amendments"] = count + 1
    return count


def toggled(member: Member) -> Say:
    """A reaction to the message that all react to, and the same taken back."""
    about = Extra(OLDEST.refers_to, TAKEN_BACK if _count(member) % 2 else b"", OLDEST.sequence)
    return Say(LOBBY, REACTION, "\u2665", about)


def reacted(member: Member) -> Say:
    """One emoji after the other to the same message, joined ones too, and what is none."""
    count = _count(member)
    one, other = chr(EMOJI_FIRST + count % EMOJI), chr(EMOJI_FIRST + count * 7 % EMOJI)
    texts = (one, one + "\ufe0f", f"{one}\u200d{other}", f"{one}\u200d", one + other, "\u202e")
    return Say(LOBBY, REACTION, texts[count % len(texts)], OLDEST)


def edited(member: Member) -> Say:
    """Its own first message becomes long, and short again."""
    if member.first is None:
        return Say(WORKSHOP, TEXT, "first")
    count = _count(member)
    return Say(WORKSHOP, EDIT, f"{LONG_TEXT}{count}" if count % 2 else f"{count}", member.first)


def chained(member: Member) -> Say:
    """Edits of its latest edit, which is no message that can be edited."""
    latest = member.stored[-1] if member.stored else None
    return Say(LOBBY, TEXT if latest is None else EDIT, f"{_count(member)}", latest)


def forged(member: Member) -> Say:
    """An edit or a removal of what somebody else said."""
    return Say(LOBBY, EDIT if _count(member) % 2 else REDACTION, "not mine", OLDEST)


def removed(member: Member) -> Say:
    """Something is said, and what was stored before is removed: every other time a message, else a removal."""
    if _count(member) % 2 == 0 or not member.stored:
        return Say(WORKSHOP, TEXT, LONG_TEXT)
    return Say(WORKSHOP, REDACTION, "", member.stored.popleft())


def replied(member: Member) -> Say:
    """An answer to what does not exist: behind the head, at a number of something else, or nowhere."""
    sequences = (2**40, 1, 0)
    count = _count(member)
    about = Extra(member.chance.randbytes(8), b"", sequences[count % len(sequences)])
    return Say(LOBBY, TEXT, f"{count}", about)
