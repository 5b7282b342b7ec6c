"""A client's membership: the nick it enters with, the rooms it wants to be in, and its goodbye (SPEC 6.3).

Enter and Follow are sent until they are answered, and again in every session, so neither a restarted server nor a new
handshake needs earlier state. Goodbye is sent until it is answered, at most GOODBYES_MAX times.
"""

from __future__ import annotations

from dataclasses import dataclass

from udpchat.chat.ids import ROOM_PREFIX
from udpchat.chat.names import is_room
from udpchat.client.login import Login
from udpchat.session.timers import backoff_s, earliest
from udpchat.wire.content import Reason
from udpchat.wire.frames import Enter, Follow, Goodbye, Proof, encode
from udpchat.wire.limits import STRAY_PARTS_MAX

ENTER_RESEND_S = 0.05  # multiplied by ENTER_RESEND_GROWTH each time, up to ENTER_RESEND_S_MAX
ENTER_RESEND_GROWTH = 1.5
ENTER_RESEND_S_MAX = 1.0
GOODBYE_RESEND_S = 0.06
GOODBYES_MAX = 6


@dataclass(slots=True)
class RoomWish:
    """A room that this client wants to be in."""

    is_followed: bool = False  # whether the server has sent its head in this session
    was_followed: bool = False  # in this session or an earlier one
    is_returning: bool = False  # from the previous run; not requested in this one
    followed_at: int = -1  # the counter of the packet with the head by which `is_followed` was set
    line: int | None = None  # of the input that requested it
    heads_from: int = -1  # Heads in a packet of a smaller counter were sent before the last Part was done


class Membership:
    """What the client wants, and what the server has answered in the current session."""

    def __init__(self, nick: str, rooms: tuple[str, ...], agent: str, *, is_returning: bool = False) -> None:
        """`is_returning`: the rooms are those of the previous run."""
        self.nick = nick
        self._agent = agent
        self._rooms = {room: RoomWish(is_returning=is_returning) for room in rooms}
        self._strays: set[str] = set()  # logs of rooms that are not wanted, but that the server has us in
        self._strays_parted = 0  # in this session
        self.is_welcome = False
        self.is_leaving = False
        self.is_over = False
        self._due: float | None = None
        self._enters = 0  # sends since the session began or a room was added
        self._goodbye_due: float | None = None
        self._goodbyes = 0

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms wanted, in the order wanted."""
        return tuple(self._rooms)

    def wish(self, room: str) -> RoomWish:
        """The wish for a room; an empty one if it is not wanted."""
        return self._rooms.get(room, RoomWish())

    def awaits(self, room: str) -> bool:
        """Whether a Follow of this room is not answered yet in this session."""
        return room in self._rooms and not self._rooms[room].is_followed

    @property
    def is_complete(self) -> bool:
        """Whether the server has accepted our Enter and answered every Follow."""
        return self.is_welcome and all(wish.is_followed for wish in self._rooms.values())

    def renew(self, now: float) -> None:
        """A new session: Enter and all Follows are to be sent again."""
        self.is_welcome = False
        for wish in self._rooms.values():
            wish.is_followed = False
            wish.heads_from = wish.followed_at = -1
        self._strays.clear()
        self._strays_parted = 0
        self._due = now
        self._enters = 0

    def want(self, now: float, room: str, *, line: int | None = None) -> bool:
        """Add a room, requested by this line of the input; False if it is wanted already."""
        if room in self._rooms:
            self._rooms[room].is_returning = False
            return False
        self._rooms[room] = RoomWish(line=line)
        self._due = now
        self._enters = 0
        return True

    def drop(self, room: str) -> bool:
        """Remove a room; False if it was not wanted."""
        return self._rooms.pop(room, None) is not None

    def on_left(self, now: float, room: str, counter: int) -> bool:
        """The server reports, in the packet `counter`, that we left a room; True if we wanted that.

        If not, Follow is sent again, and Heads sent before that packet do not answer it.
        """
        self._strays.discard(ROOM_PREFIX + room)
        wish = self._rooms.get(room)
        if wish is None:
            return True
        wish.is_followed = wish.was_followed = False
        wish.heads_from = counter
        self._due = now
        return False

    def on_followed(self, room: str, counter: int) -> bool:
        """The server has sent the head of a room's log, in the packet `counter`.

        True if its Follow was unanswered until now.
        """
        wish = self._rooms.get(room)
        if wish is None or wish.is_followed or counter < wish.heads_from:
            return False
        wish.is_followed = wish.was_followed = True
        wish.followed_at = counter
        wish.line = None  # a later refusal does not answer this line
        return True

    def is_stray(self, log: str) -> bool:
        """Whether to send Part for an unwanted log: an earlier run was in its room. True once, until Part is done."""
        if log in self._strays or self._strays_parted >= STRAY_PARTS_MAX:
            return False
        if not log.startswith(ROOM_PREFIX) or not is_room(log[1:]):
            return False
        self._strays.add(log)
        self._strays_parted += 1
        return True

    def leave(self, now: float) -> None:
        """Send Goodbye until it is answered, at most GOODBYES_MAX times; without a Welcome, set `is_over` at once."""
        self.is_leaving = True
        if not self.is_welcome:
            self.is_over = True
        elif self._goodbye_due is None:
            self._goodbye_due = now

    def enter_again(self, now: float) -> None:
        """Send an Enter now: there is a proof."""
        self._due = now
        self._enters = 0

    def next_timeout(self) -> float | None:
        """When `drain_frames` is due."""
        return earliest(self._due, self._goodbye_due)

    def drain_frames(self, now: float, *, renamed_by: int = 0, login: Login | None = None) -> list[bytes]:
        """The frames that are due; `renamed_by`: the counter of the Rename that gave us our nick, for Enter.

        `login`: whether to enter now, and with which proof; None: at once, and without.
        """
        frames = []
        if self.is_leaving or (login is not None and login.is_asking):
            self._due = None
        elif self._due is not None and login is not None and login.is_waiting(now):
            self._due = login.waits_until
        elif self._due is not None and now >= self._due:
            frames = self._entering(now, renamed_by, login.proof if login is not None else None)
        if self._goodbye_due is not None and now >= self._goodbye_due:
            if self._goodbyes == GOODBYES_MAX:
                self.is_over = True
            else:
                self._goodbyes += 1
                self._goodbye_due = now + GOODBYE_RESEND_S
                frames.append(encode(Goodbye(Reason.QUIT)))
        return frames

    def _entering(self, now: float, renamed_by: int, proof: Proof | None) -> list[bytes]:
        awaited = [room for room, wish in self._rooms.items() if not wish.is_followed]
        if self.is_welcome and not awaited:
            self._due = None
            return []
        self._due = now + backoff_s(ENTER_RESEND_S, self._enters, growth=ENTER_RESEND_GROWTH, max_s=ENTER_RESEND_S_MAX)
        self._enters += 1
        entering = [] if self.is_welcome else [encode(Enter(self.nick, self._agent, renamed_by, proof))]
        return entering + [encode(Follow(ROOM_PREFIX + room, self._rooms[room].was_followed)) for room in awaited]
