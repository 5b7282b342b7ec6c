"""What may follow a command's name: parsed once, or refused with a reason for the person who typed it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from udpchat.chat.names import parse_nick, parse_room
from udpchat.chat.phrase import Problem
from udpchat.client.history import MESSAGES_MAX
from udpchat.wire.fields import Value

HISTORY_MESSAGES: Final = 50  # if no number is given
NUMBER_DIGITS_MAX: Final = 9

ParseTime = Callable[[str], int | None]  # a time as people write it -> ms since 1970; None if it is none


class WrongUsage(Exception):
    """Too little or too much follows a command's name: the person is shown how to write the command."""


def some_text(rest: str) -> str:
    """All of it, as it is. Raises `WrongUsage` if there is nothing to see in it."""
    if not rest.strip():
        raise WrongUsage
    return rest


def nothing(rest: str) -> None:
    """Raises `WrongUsage` unless `rest` is blank."""
    if rest.strip():
        raise WrongUsage


def only_word(rest: str) -> str:
    """The one word. Raises `WrongUsage` if there are none or several."""
    words = rest.split()
    if len(words) != 1:
        raise WrongUsage
    return words[0]


def first_word(rest: str) -> tuple[str, str]:
    """The first word and all behind it, which may be empty. Raises `WrongUsage` if there is none."""
    words = rest.split(maxsplit=1)
    if not words:
        raise WrongUsage
    return words[0], words[1] if len(words) == 2 else ""


def nick_of(word: str) -> str:
    """The nick that a word stands for, written as people do: `bob`, `@bob`, `bob:`. Raises `BadName`."""
    return parse_nick(word.removeprefix("@").rstrip(":,"))


def target_of(word: str, *, bare_is_room: bool = False) -> str:
    """A room's name, or `@nick`: `#dev` is a room, `@bob` a person, a bare word a person too unless `bare_is_room`.

    Raises `BadName`.
    """
    if word.startswith("#") or (bare_is_room and not word.startswith("@")):
        return parse_room(word)
    return "@" + nick_of(word)


def time_of(text: str, parse_time: ParseTime | None) -> int:
    """Milliseconds since 1970, at least 1, for a time as people write it. Raises `Problem`."""
    time_ms = parse_time(text.strip()) if parse_time is not None else None
    if time_ms is None:
        raise Problem("bad_time", text=text)
    return max(time_ms, 1)


def span_of(rest: str, parse_time: ParseTime | None) -> tuple[int, int]:
    """The latest how many messages `[N] [before TIME]` stands for, and before when, in ms since 1970; 0: up to now.

    Raises `Problem`, `WrongUsage`.
    """
    words = rest.split(maxsplit=1)
    count = HISTORY_MESSAGES
    if words and words[0].isascii() and words[0].isdecimal():
        if len(words[0]) > NUMBER_DIGITS_MAX or not 1 <= int(words[0]) <= MESSAGES_MAX:
            raise Problem("bad_number", number_max=MESSAGES_MAX)
        count = int(words[0])
        words = words[1].split(maxsplit=1) if len(words) == 2 else []
    if not words:
        return count, 0
    if words[0].lower() != "before" or len(words) != 2:
        raise WrongUsage
    return count, time_of(words[1], parse_time)


class SearchTerms(Value, frozen=True):
    """Which messages a search is for; an empty field and the time 0 do not restrict it."""

    words: tuple[str, ...]
    nick: str
    target: str  # a room's name or `@nick`
    since_ms: int


def search_terms_of(rest: str, parse_time: ParseTime | None) -> SearchTerms:
    """The terms that `WORDS [from:NICK] [in:ROOM] [since:DATE]` stands for. Raises `Problem`, `WrongUsage`."""
    words: list[str] = []
    nick, target, since_ms = "", "", 0
    for word in rest.split():
        key, colon, value = word.partition(":")
        match key.lower() if colon else "":
            case "from":
                nick = nick_of(value)
            case "in":
                target = target_of(value, bare_is_room=True)
            case "since":
                since_ms = time_of(value, parse_time)
            case _:
                words.append(word)
    if not words and not nick:
        raise WrongUsage
    return SearchTerms(tuple(words), nick, target, since_ms)
