"""What the handlers of requests share: who asks, what they return, and pages of lists (SPEC 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from udpchat.chat.ids import room_log
from udpchat.chat.permissions import Action as Deed
from udpchat.chat.permissions import may
from udpchat.server.access import Refusal, Refused, is_hidden, why_not_read
from udpchat.server.chat import Chat
from udpchat.server.logins import Hashing
from udpchat.server.order import SERVER
from udpchat.server.proposals import Action
from udpchat.server.registry import Peer
from udpchat.server.state import State
from udpchat.sync.log import SearchQuery
from udpchat.wire import requests
from udpchat.wire.fields import Value
from udpchat.wire.frames import encode

PAGE_BYTES_MAX = 900
PAGE_ITEMS_MAX = 200

T = TypeVar("T")


class RequestContext(Value, frozen=True):
    """Who sends a request, and when."""

    now: float
    chat: Chat
    peer: Peer

    @property
    def state(self) -> State:
        """What is durable."""
        return self.chat.commits.durable

    @property
    def time_ms(self) -> int:
        """When, by the wall clock."""
        return self.chat.clock.time_ms(self.now)

    @property
    def is_host(self) -> bool:
        """Whether it is not a person with an account, but who runs the server."""
        return self.peer.author.key == self.chat.commits.durable.accounts.host

    def hides(self, room: str) -> bool:
        """Whether a room is not there, for this peer."""
        return is_hidden(self.state, room, self.peer.key)

    def why_not_read(self, log: str) -> Refusal | None:
        """Why this peer may not read a log; None: it may, or there is none for it."""
        author = self.peer.author
        return why_not_read(self.state, author.key, author.device, log, self.time_ms)


    def need(self, action: Deed, room: str = SERVER) -> None:
        """`Refused` if this peer may not do this in a room, or on the server."""
        if not may(action, self.state.role(self.peer.key, room, self.chat.rooms.opener(room))):
            raise Refused("not_allowed.role", action.value)

    def need_sight(self, room: str) -> None:
        """`Refused` if this peer may not read a room."""
        if (refusal := self.why_not_read(room_log(room))) is not None:
            raise Refused(refusal[0], *refusal[1])


Read = requests.GetHistory | SearchQuery
Outcome = requests.ResultBody | Action | Read | Hashing | requests.Operate


def page_of(items: Sequence[T]) -> list[T]:
    """The first of these that fit a datagram together, at most PAGE_ITEMS_MAX."""
    size, count = 0, 0
    for item in items[:PAGE_ITEMS_MAX]:
        size += len(encode(item))
        if size > PAGE_BYTES_MAX:
            break
        count += 1
    return list(items[:count])
