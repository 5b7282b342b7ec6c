"""Who is in the rooms of this client, and whose messages are not shown (SPEC 6.1, 6.2)."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.chat.names import nick_key
from udpchat.chat.permissions import Role
from udpchat.client.compose import LAST_NICK
from udpchat.client.order_entry_events import roster_events
from udpchat.client.roster import CHANGES_MAX, Members
from udpchat.client.standings import Standings
from udpchat.sync.budget import Budget
from udpchat.wire.content import AwaySet, Entry, Joined, Left, Message, Reason, Renamed, RoleSet, Tombstone, TopicSet
from udpchat.wire.limits import MEMBERS_BYTES_MAX
from udpchat.wire.requests import MemberPage


class People:
    """The members of each room, and the ignored users.

    `me` is the user id of this client's account, `mine` has that of its own key too: what was said before it joined
    the account is this user's all the same. `nick`: this user's. `standings`: what holds for this user.
    """

    def __init__(self, me: bytes, own: bytes | None = None) -> None:
        """`own`: of the key of this device, if it is another."""
        self.me = me
        self.mine = frozenset((me, own or me))
        self.nick = ""
        self.standings = Standings()
        self._removals: list[events.MemberLeft] = []
        self._unknown: list[tuple[str, str]] = []
        self._rooms: dict[str, Members] = {}
        self._budget = Budget(MEMBERS_BYTES_MAX)
        self._resumed: set[str] = set()  # rooms that go on after the server began their roster anew: it was restarted
        self._left: dict[tuple[str, str], None] = {}  # (room, nick) of those who were reported as left; the latest
        self._ignored: dict[str, bytes] = {}  # `nick_key` -> user id, empty until known

    def identify(self, me: bytes) -> None:
        """This device is one of the account with this user id."""
        self.me = me
        self.mine |= {me}

    # --- Members ----------

    def open(self, room: str, sequence: int) -> None:
        """A roster is received from behind this sequence on: its members are not known yet."""
        if room in self._rooms:
            self._resumed.add(room)
        if room:
            self.standings.open(room)
        self._begin(room, sequence)

    def _begin(self, room: str, sequence: int) -> None:
        if room in self._rooms:
            self._rooms[room].release()
        self._rooms[room] = Members(sequence, self._budget)

    def skip(self, room: str, sequence: int) -> None:
        """The entries of a roster up to this sequence cannot be had: its members are not known any more."""
        self._begin(room, sequence)

    def close(self, room: str) -> None:
        """This client left a room."""
        if room in self._rooms:
            self._rooms.pop(room).release()
        self._resumed.discard(room)
        self.standings.close(room)

    def receive_page(self, room: str, after: str, page: MemberPage) -> None:
        """A page of the members of a room behind `after`; LAST_NICK: of none, to learn the modes."""
        self.standings.receive_page(room, page)
        if after != LAST_NICK:
            self.members(room).receive_page(after, page)

    def drain_unknown(self) -> list[tuple[str, str]]:
        """Rooms, and nicks in them, whose role is to be asked for; an empty nick: the modes and one's own role."""
        unknown, self._unknown = self._unknown, []
        return [*((room, "") for room in self.standings.drain_unknown()), *unknown]

    def drain_removals(self) -> list[events.MemberLeft]:
        """The rooms that this user was removed from."""
        removals, self._removals = self._removals, []
        return removals

    def roster(self, room: str) -> Members | None:
        """The members of a room: another object each time that they are to be asked for anew.

        None: its roster is not received yet, and a list would be lost.
        """
        return self._rooms.get(room)

    def members(self, room: str) -> Members:
        """The members of a room; none if this client is not in it."""
        known = self.roster(room)
        return Members() if known is None else known  # no `or`: those of whom none is known yet are false

    def receive(self, room: str, sequence: int, entry: Entry) -> list[events.ClientEvent]:
        """The next entry of the roster of a room, or, if that is empty, of the server; and the events it becomes."""
        is_me = isinstance(entry, RoleSet) and entry.user == self.me
        self.standings.receive(room, sequence, entry, nick=self.nick, is_me=is_me)
        if not room:
            return self._happened_on_server(entry)
        former_role = self._rooms[room].role(entry.nick) if isinstance(entry, RoleSet) else 0
        happened = self._happened(room, entry) or roster_events(room, entry, former_role=former_role)
        self._rooms[room].receive(sequence, entry)
        return happened

    def _happened_on_server(self, entry: Entry) -> list[events.ClientEvent]:
        if isinstance(entry, RoleSet):
            rooms = [room for room, each in self._rooms.items() if each.receive_server_role(entry.nick, entry.role)]
            self._unknown += [(room, entry.nick) for room in rooms]
        return roster_events("", entry, former_role=Role.OPERATOR)

    def _happened(self, room: str, entry: Entry) -> list[events.ClientEvent]:
        match entry:
            case Joined(nick, user, is_back):
                self._recognize(nick, user)
                return (
                    [events.MemberJoined(room, nick)] if user != self.me and self._is_news(room, nick, is_back) else []
                )
            case Left(nick, user, reason, by, why):
                self._left[room, nick] = None
                if len(self._left) > CHANGES_MAX:
                    del self._left[next(iter(self._left))]
                left = events.MemberLeft(room, nick, reason, by or "", why)
                if user != self.me:
                    return [left]
                if reason == Reason.KICKED:
                    self._removals.append(left)
            case Renamed(old, nick, user):
                self._recognize(old, user)
                return [] if self._is_in_a_room(nick, user) else [events.MemberRenamed(old, nick)]
            case AwaySet(nick, user, reason):
                return [events.MemberAway(room, nick, reason)] if user != self.me else []
            case TopicSet(topic, nick):
                return [events.TopicChanged(room, topic, nick)]
        return []

    def _is_news(self, room: str, nick: str, is_back: bool) -> bool:
        """Whether somebody who joined was not there all the time: after a restart of the server, all join again."""
        was_left = (room, nick) in self._left
        self._left.pop((room, nick), None)
        return was_left or not (is_back and room in self._resumed)

    def _is_in_a_room(self, nick: str, user: bytes) -> bool:
        """Whether a rename was reported by another room already."""
        found = (members.get(nick) for members in self._rooms.values())
        return any(member is not None and member.user == user for member in found)

    # --- Ignored users ----------

    def _recognize(self, nick: str, user: bytes) -> None:
        """If this nick is ignored and its user was unknown, ignore this user."""
        if self._ignored.get(nick_key(nick)) == b"":
            self._ignored[nick_key(nick)] = user

    def is_ignored(self, message: Message | Tombstone) -> bool:
        """Whether the author is ignored. A user whose id is known is ignored under every nick."""
        if message.nick is not None and message.author is not None:
            self._recognize(message.nick, message.author)
        return message.author in self._ignored.values()

    def ignore(self, nick: str) -> bool:
        """Ignore the user with this nick; False if the nick is ignored already."""
        key = nick_key(nick)
        if key in self._ignored:
            return False
        here = (member for members in self._rooms.values() for member in members if nick_key(member.nick) == key)
        self._ignored[key] = next((member.user for member in here), b"")
        return True

    def unignore(self, nick: str) -> bool:
        """Ignore this nick no longer; False if it was not ignored."""
        return self._ignored.pop(nick_key(nick), None) is not None

    def ignored(self) -> list[str]:
        """The ignored nicks as `nick_key` spells them, sorted."""
        return sorted(self._ignored)
