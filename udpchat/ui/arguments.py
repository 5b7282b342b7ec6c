"""What may follow a command's name: parsed once, or refused with a reason for the person who typed it. Pure."""

from __future__ import annotations

from udpchat.chat.names import BadName, parse_nick, parse_room
from udpchat.chat.text import fits


class Refusal(Exception):
    """What was typed is not done; `code` for programs, `text` for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class WrongUsage(Exception):
    """Too little or too much follows a command's name: the person is to be shown how it is written."""


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
    """The nick that a word stands for, written as people do: `bob`, `@bob`, `bob:`. Raises `Refusal`."""
    try:
        return parse_nick(word.removeprefix("@").rstrip(":,"))
    except BadName as error:
        raise Refusal("bad_nick", error.reason) from error


def room_of(word: str) -> str:
    """The room that a word stands for: `dev` or `#dev`. Raises `Refusal`."""
    try:
        return parse_room(word)
    except BadName as error:
        raise Refusal("bad_room", error.reason) from error


def target_of(word: str, *, bare_is_room: bool = False) -> str:
    """A room's name, or `@nick`: `#dev` is a room, `@bob` a person, a bare word a person too unless `bare_is_room`.

    Raises `Refusal`.
    """
    if word.startswith("#") or (bare_is_room and not word.startswith("@")):
        return room_of(word)
    return "@" + nick_of(word)


def bounded(text: str, bytes_max: int, noun: str) -> str:
    """`text` itself. Raises `Refusal`, which names its size and the limit, if it has more than `bytes_max` in UTF-8."""
    if fits(text, bytes_max):
        return text
    size = len(text.encode("utf-8", "surrogatepass"))
    raise Refusal("too_long", f"not sent: a {noun} has at most {bytes_max} bytes, this one {size}")
