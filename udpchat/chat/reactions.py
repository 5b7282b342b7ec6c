"""Reactions to a message: which texts may be one, and who has reacted with which (SPEC 4.5)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from udpchat.wire.limits import REACTION_CHARACTERS_MAX, REACTIONS_MAX

_KEYCAP: Final = "\u20e3"
_KEYCAP_BASES: Final = frozenset("0123456789#*")
_SYMBOLS: Final = frozenset("\u203c\u2049\u2139\u3030")  # emoji of another category than most
_SYMBOL_CATEGORIES: Final = frozenset({"So", "Sm"})
_TAGS: Final = range(0xE0020, 0xE0080)  # spell the region of a flag
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_JOINING: Final = frozenset("\u200d\ufe0e\ufe0f")


@dataclass(frozen=True, slots=True)
class Reaction:
    """Of a message: one emoji, and who reacted with it, in the order in which they did. `users`: their user ids."""

    emoji: str
    nicks: tuple[str, ...]
    is_own: bool  # this user is among them
    users: tuple[bytes, ...] = ()


def is_reaction(text: str) -> bool:
    """Whether a text is as an emoji is: at most REACTION_CHARACTERS_MAX symbols, and what joins or varies them."""
    if not text or len(text) > REACTION_CHARACTERS_MAX:
        return False
    is_keycap = _KEYCAP in text
    symbols = [character for character in text if _is_symbol(character) or (is_keycap and character in _KEYCAP_BASES)]
    return bool(symbols) and all(character in symbols or _is_joining(character) for character in text)


def _is_symbol(character: str) -> bool:
    is_listed = unicodedata.category(character) in _SYMBOL_CATEGORIES or character in _SYMBOLS
    return is_listed and not character.isascii()


def _is_joining(character: str) -> bool:
    return character in _JOINING or character == _KEYCAP or ord(character) in _TAGS or ord(character) in _SKIN_TONES


def reacted(
    reactions: tuple[Reaction, ...], emoji: str, nick: str, user: bytes, *, added: bool, is_own: bool
) -> tuple[Reaction, ...]:
    """The reactions after a user added one or took it back. Beyond REACTIONS_MAX, none is added."""
    found = next((each for each in reactions if each.emoji == emoji), Reaction(emoji, (), False))
    is_full = sum(len(each.users) for each in reactions) >= REACTIONS_MAX
    if added == (user in found.users) or (added and is_full):
        return reactions
    who = dict(zip(found.users, found.nicks, strict=True))
    if added:
        who[user] = nick
    else:
        del who[user]
    changed = Reaction(emoji, tuple(who.values()), added if is_own else found.is_own, tuple(who))
    if found not in reactions:
        return (*reactions, changed)
    return tuple(changed if each is found else each for each in reactions if each is not found or who)
