"""Which messages call the person back to the terminal, and what the terminal is sent for that. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import Enum
from typing import Final

from udpchat.chat.text import mentions, printable
from udpchat.client.model import Item
from udpchat.ui.phrases import sentence
from udpchat.wire.fields import Value

INTERVAL_S: Final = 1.0  # at most one alert in this time: a flood rings once a second
TITLE_CHARACTERS_MAX: Final = 60
BODY_CHARACTERS_MAX: Final = 200


class Level(Enum):
    """Which messages of a conversation call. Those of a private one all count as mentions."""

    NONE = "none"
    MENTION = "mention"
    ALL = "all"


class Signal(Enum):
    """A way to call."""

    BELL = "the terminal's bell"
    OSC9 = "a notification by the terminal: iTerm2, Windows Terminal, kitty, WezTerm"
    OSC777 = "a notification by the terminal: urxvt, foot, Ghostty, VTE"
    DESKTOP = "a notification by the desktop: whoever drives the interface shows title and body"


class Event(Enum):
    """Why a message calls, as a program is told that is run for it."""

    PRIVATE = "private"
    MENTION = "mention"
    MESSAGE = "message"


class Alert(Value, frozen=True):
    """What a notification says: one line each, safe for a terminal. `room`: that of the message, or `@nick`."""

    title: str
    body: str
    event: Event
    room: str
    nick: str


class Attention:
    """Decides which messages call, at most one each INTERVAL_S."""

    def __init__(self) -> None:
        self._silent_until_s = float("-inf")

    def alert(
        self, now: float, conversation: str, item: Item, *, level: Level, words: Iterable[str] = (), is_watched: bool
    ) -> Alert | None:
        """What to say about a message that has just come; None: nothing.

        `conversation`: a room's name or `@nick`. `words`: which count as mentions beside the nick. `is_watched`: the
        person sees the conversation now, because it is open and the terminal has the focus.
        """
        if is_watched or now < self._silent_until_s or not is_called_for(item, level, words):
            return None
        self._silent_until_s = now + INTERVAL_S
        title, event = item.nick, Event.PRIVATE
        if not conversation.startswith("@"):
            title = sentence("alert.room", nick=item.nick, room=conversation)
            event = Event.MENTION if is_highlight(item, words) else Event.MESSAGE
        title, room, nick = (_cut(text, TITLE_CHARACTERS_MAX) for text in (title, conversation, item.nick))
        return Alert(title, _cut(item.text, BODY_CHARACTERS_MAX), event, room, nick)


def is_highlight(item: Item, words: Iterable[str] = ()) -> bool:
    """Whether a message of somebody else mentions this user or one of the words, or is to this user alone."""
    return not item.is_own and (item.is_mention or any(mentions(item.text, word) for word in words))


def is_called_for(item: Item, level: Level, words: Iterable[str] = ()) -> bool:
    """Whether a message calls at this level."""
    if item.is_own or level is Level.NONE:
        return False
    return level is Level.ALL or is_highlight(item, words)


def terminal_text(alert: Alert, signals: Collection[Signal]) -> str:
    """What to write to the terminal for an alert; empty if none of the signals is of the terminal."""
    title = alert.title.replace(";", ",")  # which ends a field there
    texts = {
        Signal.BELL: "\a",
        Signal.OSC9: f"\x1b]9;{title}: {alert.body}\a",
        Signal.OSC777: f"\x1b]777;notify;{title};{alert.body}\a",
    }
    return "".join(text for signal, text in texts.items() if signal in signals)


def variables(alert: Alert) -> dict[str, str]:
    """The environment of a program that is run for an alert; none of these is a setting of a client."""
    told = {"EVENT": alert.event.value, "EVENT_ROOM": alert.room, "EVENT_NICK": alert.nick, "EVENT_TEXT": alert.body}
    return {f"UDPCHAT_{name}": text for name, text in told.items()}


def _cut(text: str, characters_max: int) -> str:
    shown = printable(text[: 2 * characters_max])  # more is not shown: invisible characters take no room
    return shown if len(shown) <= characters_max else f"{shown[: characters_max - 1]}\u2026"
