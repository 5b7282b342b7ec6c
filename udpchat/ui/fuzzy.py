"""The room switcher: which conversations a few typed letters mean, the most likely first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from udpchat.wire.fields import Value

QUERY_CHARACTERS_MAX: Final = 32  # names have no more
NAME_CHARACTERS_MAX: Final = 64  # of a name, looked at


class Entry(Value, frozen=True):
    """A conversation to choose from, and how many of its messages are unread and mention this user."""

    name: str
    unread: int = 0
    mentions: int = 0


def ranked(query: str, entries: Iterable[Entry]) -> list[Entry]:
    """The entries whose names hold the letters of `query` in this order, the best first; all for a blank query.

    The best needs the fewest jumps: a letter that neither begins a word nor follows the letter before it is one. Among
    equals come those with mentions, then those with unread messages, then those where the match begins earlier, then
    the order of `entries`.
    """
    wanted = "".join(query.lstrip("#@ ").split()).lower()[:QUERY_CHARACTERS_MAX]
    found = []
    for entry in entries:
        match = _match(wanted, entry.name)
        if match is not None:
            jumps, first = match
            found.append(((jumps, not entry.mentions, not entry.unread, first), entry))
    return [entry for _, entry in sorted(found, key=lambda each: each[0])]


def _match(wanted: str, name: str) -> tuple[int, int] | None:
    """The fewest jumps with which `wanted` stands in a name, and where it begins then; None: it does not."""
    letters = [character.lower() for character in name[:NAME_CHARACTERS_MAX]]
    begins = [_begins_word(name, at) for at in range(len(letters))]
    ends = {-1: (0, 0)}  # for each place that the last letter so far may have: the jumps, and where the first stands
    for number, letter in enumerate(wanted):
        longer: dict[int, tuple[int, int]] = {}
        best = ends.get(-1)  # of all places before this one
        for at, character in enumerate(letters):
            if character == letter and best is not None:
                jumped = best[0] + (not begins[at]), best[1] if number else at
                longer[at] = min(jumped, ends.get(at - 1, jumped)) if at else jumped
            if at in ends and (best is None or ends[at] < best):
                best = ends[at]
        ends = longer
    return min(ends.values(), default=None)


def _begins_word(name: str, at: int) -> bool:
    """Whether a word of a name begins here: `dev-ops` and `devOps` have two, `#dev` has one."""
    before, here = name[at - 1 : at], name[at]
    return here.isalnum() and (not before.isalnum() or (here.isupper() and before.islower()))
