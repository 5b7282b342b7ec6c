"""The members of a room: the changes in its roster, and the pages of `ListMembers` (SPEC 6.2). Pure.

A page is as of an entry of the roster: it is applied once that entry was received, and does not undo later ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from udpchat.wire.content import AwaySet, Entry, Joined, Left, Renamed
from udpchat.wire.limits import PEERS_MAX
from udpchat.wire.requests import Member, MemberPage

CHANGES_MAX: Final = 4_096  # remembered, so that a page that was made before them does not undo them


class Members:
    """The members of one room. `is_complete`: those who came before this client are among them."""

    __slots__ = ("_by_nick", "_changed", "_pages", "_sequence", "is_complete")

    def __init__(self, sequence: int = 0) -> None:
        """`sequence`: that of the roster's entry behind which the changes begin."""
        self.is_complete = False
        self._by_nick: dict[str, Member] = {}
        self._sequence = sequence  # of the last entry that was received
        self._pages: list[tuple[str, MemberPage]] = []  # with their `after`; as of entries still to come
        self._changed: dict[str, int] = {}  # nick -> sequence of its last change; the latest CHANGES_MAX

    def __iter__(self) -> Iterator[Member]:
        return iter(sorted(self._by_nick.values(), key=lambda member: member.nick))

    def __len__(self) -> int:
        return len(self._by_nick)

    def get(self, nick: str) -> Member | None:
        return self._by_nick.get(nick)

    # --- Changes ----------

    def receive(self, sequence: int, entry: Entry) -> None:
        """The next entry of the roster."""
        self._sequence = sequence
        match entry:
            case Joined(nick, user):
                self._change(nick, Member(nick, user, None))
            case Left(nick):
                self._change(nick, None)
            case Renamed(old, nick, user):
                self._change(old, None)
                self._change(nick, self._by_nick.get(nick) or Member(nick, user, None))
            case AwaySet(nick, user, reason):
                self._change(nick, Member(nick, user, reason))
        for after, page in self._pages:
            if page.as_of <= sequence:
                self._apply(after, page)
        self._pages = [waiting for waiting in self._pages if waiting[1].as_of > sequence]

    def _change(self, nick: str, member: Member | None) -> None:
        self._changed.pop(nick, None)  # to be the last of the dict
        self._changed[nick] = self._sequence
        if len(self._changed) > CHANGES_MAX:
            del self._changed[next(iter(self._changed))]
        self._set(nick, member)

    def _set(self, nick: str, member: Member | None) -> None:
        if member is None:
            self._by_nick.pop(nick, None)
        elif nick in self._by_nick or len(self._by_nick) < PEERS_MAX:  # a server holds no more
            self._by_nick[nick] = member

    # --- Lists ----------

    def receive_page(self, after: str, page: MemberPage) -> None:
        """A page of the members behind `after`."""
        if page.as_of > self._sequence:
            self._pages.append((after, page))
        else:
            self._apply(after, page)

    def _apply(self, after: str, page: MemberPage) -> None:
        listed = {item.nick: item for item in page.items}
        last = page.items[-1].nick if page.more and page.items else None
        for nick in [*self._by_nick, *listed]:
            is_covered = nick > after and (last is None or nick <= last)
            if is_covered and self._changed.get(nick, 0) <= page.as_of:
                self._set(nick, listed.get(nick))
        if last is None:
            self.is_complete = True
