"""Names of users and rooms: which are allowed, which are equal, and which look alike.

A nick has three forms. The displayed form is what `parse_nick` returns, in the case that its owner chose. The identity
is `nick_key`: nicks with the same key are one nick. The look is `skeleton`: the server gives a nick to only one client
key, and refuses nicks with the same skeleton to all others, so that no user can imitate another's nick.

Names are in NFKC, not NFC: a full-width or mathematical letter becomes the ordinary letter, so that each user who
reads a name can also type it. NFKC loses only presentation, which a name does not need.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from udpchat.chat.confusables import PROTOTYPES
from udpchat.chat.ids import ROOM_PREFIX, is_conversation
from udpchat.chat.phrase import Problem
from udpchat.wire.limits import NAME_BYTES_MAX, NICK_CHARACTERS_MAX, ROOM_CHARACTERS_MAX

ROOMS_PARSED: Final = 1_024  # names remembered with their room: every message names one
MARKS_IN_A_ROW_MAX: Final = 4  # UTS #39 section 5.4; allows Vietnamese, pointed Hebrew and Thai

_ASCII_PUNCTUATION: Final = frozenset("-_.+~^|'`{}")
# Used in names of Catalan, typeset English, Hebrew, Tibetan, Japanese: UAX #31 tables 3a and 3b.
_PUNCTUATION: Final = frozenset("\u00b7\u2019\u05f3\u05f4\u0f0b\u30fb")
_CATEGORIES: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Nl", "No"})
# Letters and marks by category, but invisible: fillers, inherent vowels, selectors, blanks.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0"
    "\U00013441\U00013442\U00016fe4\U000e0100-\U000e01ef]"
)
# Emoji by block. Symbols newer than this Python's Unicode are allowed too, so that all servers accept the same nicks.
_EMOJI: Final = re.compile("[\u231a\u231b\u23e9-\u23fa\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
_EMOJI_CATEGORIES: Final = frozenset({"So", "Sk", "Cn"})
_PRESENTATION: Final = re.compile("[\ufe0e\ufe0f]")  # text or emoji style: invisible, added by keyboards

# Nicks that look like the server or an operator. They are reserved. "all" is not, because Ali has the same skeleton.
RESERVED_NICKS: Final = frozenset({
    "admin", "administrator", "admins", "everyone", "mod", "moderator", "moderators", "mods", "operator", "operators",
    "owner", "root", "security", "server", "staff", "superuser", "support", "sysadmin", "sysop", "system", "udpchat",
})  # fmt: skip

HOST_NICK: Final = "operator"  # one of these, of the key in the data folder of the server (SPEC 6.10)

_TWO_FACED: Final = frozenset("\u03bd\u03c5")
_GREEK: Final = re.compile("[\u0370-\u03ff]")
_SOFT_DOT: Final = re.compile("([lj][\u0316-\u0333]*)\u0307")  # i or j with U+0307 still shows one dot


class BadName(Problem):
    """A name that is not allowed: `bad_nick` or `bad_room`, and the rule it breaks. The values are safe to print."""


def parse_nick(text: str) -> str:
    """Parse a nick: the result is in NFKC, keeps its case and has 1 to NICK_CHARACTERS_MAX characters.

    Raises `BadName`, also for a nick that looks like one of RESERVED_NICKS. Parsing the result again changes nothing.
    """
    nick = _normalized(text, "bad_nick")
    _check(nick, code="bad_nick", characters_max=NICK_CHARACTERS_MAX)
    if is_reserved(nick):
        raise BadName("bad_nick.reserved", nick=nick)
    return nick


@lru_cache(maxsize=ROOMS_PARSED)
def parse_room(text: str) -> str:
    """Parse a room name: the result has no `#`, is case-folded and has 1 to ROOM_CHARACTERS_MAX characters.

    Raises `BadName`. Two spellings of one room give the same name.
    """
    room = nick_key(_normalized(text, "bad_room").removeprefix("#"))
    _check(room, code="bad_room", characters_max=ROOM_CHARACTERS_MAX)
    return room


def is_nick(name: str) -> bool:
    """Whether this is a nick, spelled as `parse_nick` spells it."""
    try:
        return parse_nick(name) == name
    except BadName:
        return False


def is_room(name: str) -> bool:
    """Whether this is the name of a room, spelled as `parse_room` spells it."""
    try:
        return parse_room(name) == name
    except BadName:
        return False


def is_said_log(log: str) -> bool:
    """Whether this is the name of the log of a room or of a conversation."""
    return is_conversation(log) or (log.startswith(ROOM_PREFIX) and is_room(log[1:]))


def nick_key(nick: str) -> str:
    """The identity of a nick: the same for all its spellings (Unicode's compatibility caseless match, D146)."""
    if nick.isascii():
        return nick.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", nick).casefold())
    return unicodedata.normalize("NFKC", folded.casefold())


def skeleton(nick: str) -> str:
    """How a nick looks: equal for nicks that a reader cannot tell apart. Not for display.

    Based on UTS #39 section 4, for looks made of Latin letters, digits and marks, ignoring case: "alice", "AL1CE"
    and "alice" with a Cyrillic first letter share a skeleton; "josé" and "jose" do not. Look-alikes within other
    scripts are not detected. Because i = l = 1, Neil and Nell exclude each other.
    """
    if nick.isascii():
        look = nick.lower().translate(PROTOTYPES)
    else:
        look = unicodedata.normalize("NFD", nick_key(nick)).translate(PROTOTYPES)
        look = _SOFT_DOT.sub(r"\1", unicodedata.normalize("NFD", look))
    return look.replace("rn", "m").replace("vv", "w")


def is_reserved(nick: str) -> bool:
    """Whether a nick looks like one of RESERVED_NICKS, also with look-alikes, added punctuation or emoji.

    `admin`, `Adm1n`, `admin` with a Cyrillic first letter, `_admin_`, `a.d.m.i.n`; but not `admin2` or `badminton`.
    """
    bare = "".join(character for character in nick if character.isalnum())
    return not _RESERVED_LOOKS.isdisjoint({skeleton(nick), skeleton(bare)})


def _normalized(text: str, code: str) -> str:
    if len(text) > NAME_BYTES_MAX:  # checked before the costly normalization
        raise BadName(f"{code}.far_too_long")
    return unicodedata.normalize("NFKC", _PRESENTATION.sub("", text))


def _check(name: str, *, code: str, characters_max: int) -> None:
    """Raise `BadName` unless `name`, which is in NFKC, obeys every rule."""
    if not name:
        raise BadName(f"{code}.empty")
    if len(name) > characters_max:  # this also keeps it within NAME_BYTES_MAX bytes
        raise BadName(f"{code}.too_long", characters_max=characters_max)
    marks = 0
    for character in name:
        if not _is_allowed(character):
            raise _cannot_contain(code, character)
        marks = marks + 1 if unicodedata.category(character) == "Mn" else 0
        if marks > MARKS_IN_A_ROW_MAX:
            raise BadName(f"{code}.marks", marks_max=MARKS_IN_A_ROW_MAX)
    if unicodedata.category(name[0]).startswith("M"):
        raise BadName(f"{code}.first_mark")
    if name[0] == "-":
        raise BadName(f"{code}.first_hyphen")
    if not name.isascii() and _hides_a_greek_letter(name):
        raise BadName(f"{code}.greek")


def _is_allowed(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character in _ASCII_PUNCTUATION
    category = unicodedata.category(character)
    if category in _CATEGORIES:
        return not _INVISIBLE.match(character)
    return character in _PUNCTUATION or (category in _EMOJI_CATEGORIES and bool(_EMOJI.match(character)))


def _cannot_contain(code: str, character: str) -> BadName:
    """A forbidden character; unsafe and invisible ones as U+XXXX."""
    if character.isspace():
        return BadName(f"{code}.space")
    if character.isascii() and character.isprintable():
        return BadName(f"{code}.character", character=character)
    return BadName(f"{code}.codepoint", codepoint=f"U+{ord(character):04X}")


def _hides_a_greek_letter(name: str) -> bool:
    """Whether Greek nu or upsilon is mixed with other alphabets: `skeleton` knows only one of their Latin looks."""
    letters = [c for c in unicodedata.normalize("NFD", nick_key(name)) if c.isalpha()]
    return not _TWO_FACED.isdisjoint(letters) and not all(_GREEK.match(c) for c in letters)


_RESERVED_LOOKS: Final = frozenset(map(skeleton, RESERVED_NICKS))
