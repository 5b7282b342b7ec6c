"""The members of a room: the changes in its roster, and the pages of `ListMembers` (SPEC 6.2). Pure.

A page is as of an entry of the roster: it is applied once that entry was received, and does not undo later ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from udpchat.chat.permissions import Role
from udpchat.sync.budget import Budget
from udpchat.wire.content import AwaySet, Entry, Joined, Left, Renamed, RoleSet
from udpchat.wire.limits import MEMBER_BYTES, MEMBERS_BYTES_MAX, PEERS_MAX
from udpchat.wire.requests import Member, MemberPage

CHANGES_MAX: Final = 1_024  # remembered, so that a page that was made before them does not undo them


class Members:
    """The members of one room. `is_complete`: those who came before this client are among them."""

    __slots__ = ("_budget", "_by_nick", "_changed", "_listed_to", "_pages", "_sequence", "is_complete")

    def __init__(self, sequence: int = 0, budget: Budget | None = None) -> None:
        """`sequence`: that of the roster's entry behind which the changes begin. `budget`: None: its own."""
        self._budget = budget or Budget(MEMBERS_BYTES_MAX)
        self.is_complete = False
        self._listed_to = ""  # pages have listed all nicks up to this one
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
            case Joined(nick, user, role=role):
                self._change(nick, Member(nick, user, None, role))
            case Left(nick):
                self._change(nick, None)
            case Renamed(old, nick, user):
                role = self.role(old)
                self._change(old, None)
                self._change(nick, self._by_nick.get(nick) or Member(nick, user, None, role))
            case AwaySet(nick, user, reason):
                self._change(nick, Member(nick, user, reason, self.role(nick)))
            case RoleSet(nick, role=role) if self.role(nick) <= Role.OPERATOR:  # else that on the server counts
                self._set_role(nick, role)
        for after, page in self._pages:
            if page.as_of <= sequence:
                self._budget.give(_charge_all(page))
                self._apply(after, page)
        self._pages = [waiting for waiting in self._pages if waiting[1].as_of > sequence]

    def role(self, nick: str) -> int:
        """The role of a member, as far as it is known: the higher of that in the room and that on the server."""
        member = self._by_nick.get(nick)
        return member.role if member is not None else 0

    def receive_server_role(self, nick: str, role: int) -> bool:
        """A user has another role on the server. True if a member has none any more: that in the room is to be asked
        for, as it is not known."""
        is_lost = role <= Role.OPERATOR < self.role(nick)
        if is_lost or role > Role.OPERATOR:
            self._set_role(nick, role)
        return is_lost

    def _set_role(self, nick: str, role: int) -> None:
        member = self._by_nick.get(nick)
        if member is not None:
            self._change(nick, Member(nick, member.user, member.away, role))

    def _change(self, nick: str, member: Member | None) -> None:
        self._changed.pop(nick, None)  # to be the last of the dict
        self._changed[nick] = self._sequence
        if len(self._changed) > CHANGES_MAX:
            del self._changed[next(iter(self._changed))]
        self._set(nick, member)

    def _set(self, nick: str, member: Member | None) -> None:
        former = self._by_nick.pop(nick, None)
        if former is not None:
            self._budget.give(_charge(former))
        if member is not None and len(self._by_nick) < PEERS_MAX and self._budget.has_room(_charge(member)):
            self._by_nick[nick] = member
            self._budget.take(_charge(member))

    def release(self) -> None:
        """Give back what it uses of the budget: it is not used any more."""
        for nick in list(self._by_nick):
            self._set(nick, None)
        self._budget.give(sum(_charge_all(page) for _, page in self._pages))
        self._pages.clear()

    # --- Lists ----------

    def receive_page(self, after: str, page: MemberPage) -> None:
        """A page of the members behind `after`."""
        if page.as_of > self._sequence:
            if self._budget.has_room(_charge_all(page)):
                self._budget.take(_charge_all(page))
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
        if after <= self._listed_to:  # else a page about one member, with others before it that no page has listed
            self.is_complete |= last is None
            self._listed_to = max(self._listed_to, last or "")


def _charge(member: Member) -> int:
    return MEMBER_BYTES + 4 * len(member.nick) + 4 * len(member.away or "")


def _charge_all(page: MemberPage) -> int:
    return sum(map(_charge, page.items))
