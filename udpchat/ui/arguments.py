"""What may follow a command's name: parsed once, or refused with a reason for the person who typed it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Final

from udpchat.chat.durations import parse_duration
from udpchat.chat.names import parse_nick, parse_room
from udpchat.chat.nearest import WORD_CHARACTERS_MAX, nearest
from udpchat.chat.permissions import SERVER_ROLES
from udpchat.chat.phrase import Problem
from udpchat.client.history import MESSAGES_MAX
from udpchat.wire.fields import Value

HISTORY_MESSAGES: Final = 50  # if no number is given
NUMBER_DIGITS_MAX: Final = 9
SERVER_MARK: Final = "--server"  # as first word: what follows is done on the whole server
FOR: Final = "for"  # before a duration
SWITCHES: Final = ("moderated", "invite_only", "topic_locked")  # modes that are on or off
TIMES: Final = ("slow", "kept")  # modes that are a time
ORDER_WORDS: Final = {  # what may stand for the words of usages, for completion
    "MODE": (*(f"{sign}{name}" for name in SWITCHES for sign in "+-"), *(f"{name}=" for name in TIMES)),
    "WHOM": ("strangers", "contacts"),
    "DURATION": ("10m", "1h", "1d", "7d"),
    "ROLE": tuple(role.name.lower() for role in reversed(SERVER_ROLES)),
}
NO_TIME: Final = ("-", "0", "off")

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


# --- Order ----------


def number_of(rest: str, number_max: int, otherwise: int) -> int:
    """The one number, from 1 to `number_max`, or `otherwise` if there is none. Raises `Problem`, `WrongUsage`."""
    if not rest.strip():
        return otherwise
    word = only_word(rest)
    if not word.isascii() or not word.isdecimal():
        raise WrongUsage
    if len(word) > NUMBER_DIGITS_MAX or not 1 <= int(word) <= number_max:
        raise Problem("bad_number", number_max=number_max)
    return int(word)


def scope_of(rest: str) -> tuple[bool, str]:
    """Whether SERVER_MARK is the first word, and what follows it."""
    words = rest.split(maxsplit=1)
    if words[:1] != [SERVER_MARK]:
        return False, rest
    return True, words[1] if len(words) == 2 else ""


def subject_of(word: str) -> str:
    """Who is banned or muted: a nick, a device (`#` and its fingerprint), an address or a network. Raises `BadName`."""
    if word.startswith("#"):
        return word.lower()
    try:
        return str(ip_network(word, strict=False)) if "/" in word else str(ip_network(word).network_address)
    except ValueError:
        return nick_of(word)


class SanctionTerms(Value, frozen=True):
    """Who is banned or muted, for how many seconds (0: for good), and why (maybe empty)."""

    subject: str
    for_s: int
    reason: str


def sanction_of(rest: str) -> SanctionTerms:
    """What `NICK [for DURATION] [REASON]` stands for. Raises `Problem`, `WrongUsage`."""
    word, rest = first_word(rest)
    words = rest.split(maxsplit=2)
    if not words or words[0].lower() != FOR:
        return SanctionTerms(subject_of(word), 0, rest.strip())
    if len(words) == 1:
        raise WrongUsage
    return SanctionTerms(subject_of(word), parse_duration(words[1]), words[2].strip() if len(words) == 3 else "")


def mode_changes_of(words: list[str]) -> dict[str, bool | int]:
    """What `+moderated -invite_only slow=30 kept=30d` stands for, by the fields of `Modes`; of a mode named twice the
    last. Raises `Problem`."""
    found: dict[str, bool | int] = {}
    for word in words:
        name, equals, value = word.lower().replace("invite-only", "invite_only").partition("=")
        name = name.replace("topic-locked", "topic_locked")
        switch = name[1:]
        if not equals and name[:1] in ("+", "-") and switch in SWITCHES:
            found[f"is_{switch}"] = name[0] == "+"
        elif equals and name in TIMES:
            found[f"{name}_s"] = _mode_time(value)
        elif not equals and name[:1] == "-" and switch in TIMES:
            found[f"{switch}_s"] = 0
        else:
            known = [f"{sign}{each}" for each in SWITCHES for sign in "+-"] + [f"{each}=" for each in TIMES]
            near = nearest(f"{name}{equals}"[:WORD_CHARACTERS_MAX], known)
            raise Problem("bad_mode", word=word, near=near)
    return found


def _mode_time(text: str) -> int:
    """Seconds, as a number or a duration; 0 for NO_TIME. Raises `Problem`."""
    if text in NO_TIME:
        return 0
    return parse_duration(f"{text}s" if text.isascii() and text.isdecimal() else text)


def is_mode_change(word: str) -> bool:
    """Whether a word of `/mode` is a change, or meant to be one; else it is a room."""
    return not word.startswith("#") and (word[:1] in ("+", "-") or "=" in word)
