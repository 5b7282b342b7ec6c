"""The requests that a user can make; LocalError if a text is beyond its limit (SPEC 4.3)."""

from __future__ import annotations

from udpchat.chat.amendments import TAKEN_BACK, Reference
from udpchat.chat.emoji_text import is_emoji
from udpchat.chat.phrase import Problem
from udpchat.chat.text import clean_text, fits
from udpchat.wire import requests
from udpchat.wire.content import EDIT, REACTION, REDACTION, TEXT, Extra
from udpchat.wire.limits import AWAY_BYTES_MAX, TEXT_BYTES_MAX, TOPIC_BYTES_MAX


class LocalError(Problem):
    """The user's request cannot be carried out."""


def say(room: str, text: str, *, is_action: bool = False) -> requests.Say:
    """A message to a room. LocalError if it is empty or too long."""
    return requests.Say(room, int(is_action), _message(text))


def tell(nick: str, text: str, *, is_action: bool = False) -> requests.Tell:
    """A private message to one user. LocalError if it is empty or too long."""
    return requests.Tell(nick, int(is_action), _message(text))


def reply(target: str, text: str, about: Reference) -> requests.Say | requests.Tell:
    """A message to a room or `@nick` that answers another one there. LocalError if it is empty or too long."""
    return _to(target, TEXT, _message(text), Extra(about.id, b"", about.sequence))


def react(target: str, emoji: str, about: Reference, *, added: bool) -> requests.Say | requests.Tell:
    """React to a message, or take that back. LocalError if it is no emoji."""
    if not is_emoji(emoji):
        raise LocalError("bad_reaction")
    return _to(target, REACTION, emoji, Extra(about.id, b"" if added else TAKEN_BACK, about.sequence))


def edit(target: str, text: str, about: Reference) -> requests.Say | requests.Tell:
    """Give an own message another text. LocalError if it is empty or too long."""
    return _to(target, EDIT, _message(text), Extra(about.id, b"", about.sequence))


def redact(target: str, reason: str, about: Reference) -> requests.Say | requests.Tell:
    """Remove an own message, for a reason that may be empty. LocalError if that is too long."""
    return _to(target, REDACTION, _bounded(reason, TEXT_BYTES_MAX, "message"), Extra(about.id, b"", about.sequence))


def _to(target: str, kind: int, text: str, extra: Extra) -> requests.Say | requests.Tell:
    if target.startswith("@"):
        return requests.Tell(target[1:], kind, text, extra)
    return requests.Say(target, kind, text, extra)


def rename(nick: str) -> requests.Rename:
    """Change the nick."""
    return requests.Rename(nick)


def set_away(reason: str) -> requests.SetAway:
    """Set this device away with a reason; empty: it is back. LocalError if it is too long."""
    return requests.SetAway(_bounded(reason, AWAY_BYTES_MAX, "reason") or None)


def whois(nick: str) -> requests.Whois:
    """A description of the user who owns a nick."""
    return requests.Whois(nick)


def list_members(room: str) -> requests.ListMembers:
    """The members of a room, from the first page on."""
    return requests.ListMembers(room, "")


def list_holders(log: str, about: Reference) -> requests.ListHolders:
    """Who has this message of the user, in this log."""
    return requests.ListHolders(log, about.sequence, about.id)


def list_rooms() -> requests.ListRooms:
    """The rooms of the server, from the first page on."""
    return requests.ListRooms("")


def get_topic(room: str) -> requests.GetTopic:
    """The topic of a room."""
    return requests.GetTopic(room)


def set_topic(room: str, topic: str) -> requests.SetTopic:
    """Set the topic of a room; empty: remove it. LocalError if it is too long."""
    return requests.SetTopic(room, _bounded(topic, TOPIC_BYTES_MAX, "topic"))


def _message(text: str) -> str:
    cleaned = clean_text(text)
    if cleaned is None:
        raise LocalError("empty.here")
    return _bounded(cleaned, TEXT_BYTES_MAX, "message")


def _bounded(text: str, bytes_max: int, what: str) -> str:
    """Return the text. LocalError if it has more than `bytes_max` bytes in UTF-8."""
    if fits(text, bytes_max):
        return text
    size = len(text.encode("utf-8", "surrogatepass"))
    raise LocalError("too_long.here", what=what, bytes_max=bytes_max, bytes=size)
