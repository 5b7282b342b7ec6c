"""The requests that a user can make; LocalError if a text is beyond its limit (SPEC 4.3)."""

from __future__ import annotations

from udpchat.chat.phrase import Problem
from udpchat.chat.text import clean_text, fits
from udpchat.wire import requests
from udpchat.wire.limits import AWAY_BYTES_MAX, TEXT_BYTES_MAX, TOPIC_BYTES_MAX


class LocalError(Problem):
    """The user's request cannot be carried out."""


def say(room: str, text: str, *, is_action: bool = False) -> requests.Say:
    """A message to a room. LocalError if it is empty or too long."""
    return requests.Say(room, int(is_action), _message(text))


def tell(nick: str, text: str, *, is_action: bool = False) -> requests.Tell:
    """A private message to one user. LocalError if it is empty or too long."""
    return requests.Tell(nick, int(is_action), _message(text))


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
