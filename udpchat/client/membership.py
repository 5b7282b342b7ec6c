"""A client's attendance: the nick it enters with, the rooms it wants to be in, and taking leave (SPEC 6.3).

All three are said again until they are answered, and said anew in every session: what the server has forgotten, a
restart, a fresh handshake, costs nothing but the saying.
"""

from __future__ import annotations

from udpchat.chat.ids import ROOM_PREFIX
from udpchat.wire.bodies import Reason
from udpchat.wire.frames import Enter, Follow, Goodbye, encode
from udpchat.wire.limits import ROOMS_PER_PEER_MAX

ENTER_RESEND_S = 0.05  # grows by half up to ENTER_RESEND_S_MAX
ENTER_RESEND_S_MAX = 1.0
GOODBYE_RESEND_S = 0.06
GOODBYES_MAX = 6


class Membership:
    """What is wanted, and what the server has answered in the session of the moment."""

    def __init__(self, nick: str, rooms: tuple[str, ...], agent: str) -> None:
        self.nick = nick
        self._agent = agent
        self._followed: dict[str, bool] = dict.fromkeys(rooms, False)
        self._strays: set[str] = set()  # logs of rooms not wanted, that the server has us in
        self.is_welcome = False
        self.is_leaving = False
        self.is_over = False
        self._due: float | None = None
        self._wait_s = ENTER_RESEND_S
        self._goodbye_due: float | None = None
        self._goodbyes = 0

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms wanted, in the order wanted."""
        return tuple(self._followed)

    @property
    def is_complete(self) -> bool:
        """Whether the server has let us in, to all rooms."""
        return self.is_welcome and all(self._followed.values())

    def renew(self, now: float) -> None:
        """Another session: everything is to be said again."""
        self.is_welcome = False
        self._followed = dict.fromkeys(self._followed, False)
        self._strays.clear()
        self._due = now
        self._wait_s = ENTER_RESEND_S

    def want(self, now: float, room: str) -> bool:
        """Be in a room; False if that is wanted already."""
        if room in self._followed:
            return False
        self._followed[room] = False
        self._due = now
        self._wait_s = ENTER_RESEND_S
        return True

    def drop(self, room: str) -> bool:
        """Want a room no longer; False if it was not wanted."""
        return self._followed.pop(room, None) is not None

    def on_left(self, now: float, room: str) -> bool:
        """The server says we have left a room; True if that is wanted, else it is asked for again."""
        self._strays.discard(ROOM_PREFIX + room)
        if room not in self._followed:
            return True
        self._followed[room] = False
        self._due = now
        return False

    def on_followed(self, room: str) -> bool:
        """The server says how far a room's log reaches; True if that had been awaited."""
        if self._followed.get(room, True):
            return False
        self._followed[room] = True
        return True

    def is_stray(self, log: str) -> bool:
        """Whether we are to part from this room: an earlier run was in it, this one does not want it. True once."""
        if not log.startswith(ROOM_PREFIX) or log in self._strays or len(self._strays) >= ROOMS_PER_PEER_MAX:
            return False
        self._strays.add(log)
        return True

    def leave(self, now: float) -> None:
        """Say goodbye, until it is answered or has been said often enough."""
        self.is_leaving = True
        if not self.is_welcome:
            self.is_over = True
        elif self._goodbye_due is None:
            self._goodbye_due = now

    def next_timeout(self) -> float | None:
        """When `drain_frames` has something to say."""
        due = [due for due in (self._due, self._goodbye_due) if due is not None]
        return min(due, default=None)

    def drain_frames(self, now: float) -> list[bytes]:
        """What is to be said now."""
        frames = []
        if self.is_leaving:
            self._due = None
        elif self._due is not None and now >= self._due:
            frames = self._entering(now)
        if self._goodbye_due is not None and now >= self._goodbye_due:
            if self._goodbyes == GOODBYES_MAX:
                self.is_over = True
            else:
                self._goodbyes += 1
                self._goodbye_due = now + GOODBYE_RESEND_S
                frames.append(encode(Goodbye(Reason.QUIT)))
        return frames

    def _entering(self, now: float) -> list[bytes]:
        awaited = [room for room, is_followed in self._followed.items() if not is_followed]
        if self.is_welcome and not awaited:
            self._due = None
            return []
        self._due = now + self._wait_s
        self._wait_s = min(1.5 * self._wait_s, ENTER_RESEND_S_MAX)
        entering = [] if self.is_welcome else [encode(Enter(self.nick, self._agent))]
        return entering + [encode(Follow(ROOM_PREFIX + room)) for room in awaited]
