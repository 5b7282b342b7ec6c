"""Many who come and go as one line: `bob, carol joined; dave left`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from udpchat.chat.events import MemberJoined, MemberLeft, MemberRenamed
from udpchat.chat.names import nick_key
from udpchat.chat.phrase import Phrase

NICKS_MAX: Final = 10  # named in each part; the others are counted

Movement = MemberJoined | MemberLeft | MemberRenamed


@dataclass(slots=True)
class _Person:
    """Somebody of the run: whether they were here before it, and what became of them in it."""

    first: str
    last: str
    was_here: bool
    is_here: bool
    has_left: bool = False


def fold(run: Iterable[Movement]) -> Phrase | None:
    """What a run of events of one room comes to, as one phrase: each person once; None if all is as before.

    Who joined and left came by; who left and joined came back; who joined and took another nick joined with that one.
    """
    people = _people(run)
    parts = [
        _part("joined", [each.last for each in people if not each.was_here and each.is_here]),
        _part("came_back", [each.last for each in people if each.was_here and each.is_here and each.has_left]),
        _part("left", [each.last for each in people if each.was_here and not each.is_here]),
        _part("came_by", [each.last for each in people if not each.was_here and not each.is_here]),
    ]
    renamed = [each for each in people if each.was_here and each.is_here and not each.has_left]
    renamed = [each for each in renamed if each.first != each.last]
    parts += [Phrase("renamed", {"old": each.first, "nick": each.last}) for each in renamed[:NICKS_MAX]]
    if len(renamed) > NICKS_MAX:
        parts.append(Phrase("fold.more_renamed", {"more": len(renamed) - NICKS_MAX}))
    said = [part for part in parts if part is not None]
    return Phrase("fold", {"parts": said}) if said else None


def _people(run: Iterable[Movement]) -> list[_Person]:
    """Those in the run, in the order in which they first stand in it."""
    people: list[_Person] = []
    now: dict[str, _Person] = {}  # by the nick that they have at this point

    def person(nick: str, *, was_here: bool) -> _Person:
        found = now.get(nick_key(nick))
        if found is None:
            found = now[nick_key(nick)] = _Person(nick, nick, was_here, was_here)
            people.append(found)
        return found

    for event in run:
        match event:
            case MemberJoined(nick=nick):
                person(nick, was_here=False).is_here = True
            case MemberLeft(nick=nick):
                leaving = person(nick, was_here=True)
                leaving.is_here, leaving.has_left = False, True
            case MemberRenamed(old, nick):
                renamed = person(old, was_here=True)
                del now[nick_key(old)]
                now[nick_key(nick)] = renamed
                renamed.last = nick
    return people


def _part(kind: str, nicks: list[str]) -> Phrase | None:
    more = len(nicks) - NICKS_MAX if len(nicks) > NICKS_MAX else 0
    return Phrase(f"fold.{kind}", {"nicks": nicks[:NICKS_MAX], "more": more}) if nicks else None
