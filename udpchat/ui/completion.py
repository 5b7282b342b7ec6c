"""Tab: what a half typed word may become. Pure: a completion is a value, which the next Tab is given again.

A nick (`alice: ` at the beginning of a line), a `/command` and the nick, room or setting that its usage asks for, a
`#room`, an `@nick`, a `:shortcode:`. Tab and Shift+Tab go around through all that fit; typing ends that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from udpchat.chat.names import nick_key
from udpchat.client.model import Item
from udpchat.ui.arguments import FOR, SERVER_MARK
from udpchat.ui.emoji import matching
from udpchat.ui.prompt import Command
from udpchat.wire.fields import Value, field

CANDIDATES_MAX: Final = 100
SIGNS: Final = ("+", "-")  # with which a mode begins, and a room seldom
EMOJI_CHARACTERS_MIN: Final = 1  # behind the colon: a bare one is mostly a colon


class KnownNames(Value, frozen=True):
    """What can be named.

    `nicks` as `speakers_first` gives them, `rooms` without #. `words`: what may stand for a word of a usage,
    by that word (`LEVEL`), or by it and the word typed before it (`theme VALUE`).
    """

    nicks: Sequence[str]
    rooms: Sequence[str]
    commands: Sequence[Command]
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Completion(Value, frozen=True):
    """A line with the cursor in it, of which one word was completed: to the candidate number `at`."""

    before: str
    after: str
    candidates: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        return self.before + self.candidates[self.at] + self.after

    @property
    def cursor(self) -> int:
        return len(self.before) + len(self.candidates[self.at])


def complete(
    text: str, cursor: int, known: KnownNames, former: Completion | None = None, *, backwards: bool = False
) -> Completion | None:
    """What Tab, or Shift+Tab if `backwards`, makes of a line; None: nothing fits.

    `former`: what the Tab before returned. If the line is still as it was then, it is the next candidate's turn.
    """
    step = -1 if backwards else 1
    if former is not None and (former.text, former.cursor) == (text, cursor):
        return former.changed(at=(former.at + step) % len(former.candidates))
    start = max(text.rfind(blank, 0, cursor) for blank in " \t\n") + 1
    before, word, after = text[:start], text[start:cursor], text[cursor:]
    found = tuple(dict.fromkeys(_candidates(before, word, known)))[:CANDIDATES_MAX]
    if not found:
        return None
    if after[:1].isspace():
        found = tuple(candidate.rstrip() for candidate in found)
    return Completion(before, after, found, len(found) - 1 if backwards else 0)


def speakers_first(items: Iterable[Item], members: Iterable[str], me: str) -> tuple[str, ...]:
    """The nicks that one may mean in a conversation: who spoke last comes first, then all others; never oneself."""
    spoke = [item.nick for item in items][::-1]
    by_key = {nick_key(nick): nick for nick in reversed([*spoke, *members])}  # the spelling of the latest message
    order = dict.fromkeys(nick_key(nick) for nick in [*spoke, *members])
    return tuple(by_key[key] for key in order if key != nick_key(me))


# --- What fits ----------


def _candidates(before: str, word: str, known: KnownNames) -> list[str]:
    typed = before.split()
    if not typed and word.startswith("/"):
        return _ended(_names_of(known.commands, "/"), word, " ")
    if typed and typed[0].startswith("/") and (asked := _asked(typed, word, known)) is not None:
        return asked
    return _in_text(word, known, is_first=not typed or before.endswith("\n"))


def _in_text(word: str, known: KnownNames, *, is_first: bool) -> list[str]:
    if word.startswith("#"):
        return _ended((f"#{room}" for room in known.rooms), word, " ")
    if word.startswith("@"):
        return _ended((f"@{nick}" for nick in known.nicks), word, " ")
    head, colon, name = word.rpartition(":")
    if colon and len(name) >= EMOJI_CHARACTERS_MIN and not head[-1:].isalnum():
        return [f"{head}:{shortcode}:" for shortcode in matching(name, CANDIDATES_MAX)]
    return _ended(known.nicks, word, ": " if is_first else " ") if word or is_first else []


def _asked(typed: Sequence[str], word: str, known: KnownNames) -> list[str] | None:
    """What the usage of a command asks for at this place; None: text, or there is no such command."""
    name = typed[0][1:].lower()
    usage = next((each.usage for each in known.commands if name in (each.name, *each.aliases)), "")
    wanted = [each.strip("[]") for each in usage.split()]
    if wanted[:1] == [SERVER_MARK] and typed[1:2] != [SERVER_MARK] and not word.startswith("-"):
        del wanted[0]
    if wanted[-1:] == ["..."]:  # the word before it may be repeated
        wanted[-1:] = [wanted[-2]] * len(typed)
    at = wanted.index(FOR) + 1 if FOR in wanted else len(typed)
    if at < len(typed) and typed[at].lower() != FOR:
        return None  # a reason, in which everything is text
    key, colon, value = word.partition(":")
    for each in wanted if colon else ():  # from:NICK stands anywhere
        if each.startswith(f"{key.lower()}:"):
            names = _sought(each.partition(":")[2], typed, value, known)
            return [f"{key}:{found}" for found in _ended(names or (), value, " ")]
    names = _sought(wanted[len(typed) - 1], typed, word, known) if len(typed) <= len(wanted) else None
    return None if names is None else _ended(names, word, " ")


def _sought(placeholder: str, typed: Sequence[str], word: str, known: KnownNames) -> Iterable[str] | None:
    """What may stand for a word of a usage, written as `word` is; None: free text."""
    mark = word[:1] if word[:1] in ("#", "@", "/") else ""
    match placeholder:
        case "NICK" if mark == "#":  # /msg takes either
            return [f"#{room}" for room in known.rooms]
        case "NICK":
            return [f"{mark}{nick}" for nick in known.nicks]
        case "ROOM" if word[:1] in SIGNS:
            return known.words.get("MODE")
        case "ROOM" if mark == "@":
            return [f"@{nick}" for nick in known.nicks]
        case "ROOM":
            return [f"{mark}{room}" for room in known.rooms]
        case "#ROOM":
            return [f"#{room}" for room in known.rooms] if mark == "#" else []
        case "COMMAND":
            return _names_of(known.commands, mark)
        case _ if placeholder in (SERVER_MARK, FOR):
            return [placeholder]
    return known.words.get(f"{typed[-1].lower()} {placeholder}", known.words.get(placeholder))


def _names_of(commands: Iterable[Command], mark: str) -> list[str]:
    """The names of commands, then their other names."""
    listed = list(commands)
    aliases = (alias for command in listed for alias in command.aliases)
    return [f"{mark}{name}" for name in [*(command.name for command in listed), *aliases]]


def _ended(names: Iterable[str], word: str, end: str) -> list[str]:
    """The names that begin with a word, in any letter case, with what stands behind each."""
    key = nick_key(word)
    return [name + end for name in names if nick_key(name).startswith(key)]
