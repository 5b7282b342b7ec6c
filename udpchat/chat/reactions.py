"""The reactions to a message: who has reacted with which emoji (SPEC 4.5)."""

from __future__ import annotations

from udpchat.wire.fields import Value
from udpchat.wire.limits import REACTIONS_MAX, REACTIONS_PER_AUTHOR_MAX


class Reaction(Value, frozen=True):
    """Of a message: one emoji, and who reacted with it, in the order in which they did. `users`: their user ids."""

    emoji: str
    nicks: tuple[str, ...]
    is_own: bool  # this user is among them
    users: tuple[bytes, ...] = ()


def reacted(
    reactions: tuple[Reaction, ...], emoji: str, nick: str, user: bytes, *, added: bool, is_own: bool
) -> tuple[Reaction, ...]:
    """The reactions after a user added one or took it back. Beyond the limits none is added: SPEC 7.5."""
    found = next((each for each in reactions if each.emoji == emoji), Reaction(emoji, (), False))
    is_full = sum(len(each.users) for each in reactions) >= REACTIONS_MAX
    is_full = is_full or sum(user in each.users for each in reactions) >= REACTIONS_PER_AUTHOR_MAX
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
