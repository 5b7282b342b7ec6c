"""A client's identity, and what it wants from a server."""

from __future__ import annotations

from collections.abc import Callable

from udpchat.chat.phrase import Phrase
from udpchat.session.noise import KeyPair
from udpchat.wire.fields import Value


class Profile(Value, frozen=True):
    """Identity and wishes; `check_server` returns why a server's key is not approved, or None if it is.

    `is_first_contact`: whether no key is known for this server, so that the first that is checked will be approved.
    `history`: how many earlier messages of each room to fetch if fewer are held; entries, if `shown_max` is None.
    `shown_max`: how many of them, and of those missed since an earlier run, to show at most; None: all.
    `is_returning`: the rooms are those of the previous run; the user has not requested them in this one.
    """

    static: KeyPair
    nick: str
    rooms: tuple[str, ...]
    server: str
    check_server: Callable[[bytes], Phrase | None]
    history: int = 0
    agent: str = ""
    shown_max: int | None = None
    is_returning: bool = False
    capabilities: tuple[int, ...] = ()  # what the interface can show (SPEC 8)
    wants_receipts: bool = False  # how many users have one's own messages
    is_first_contact: Callable[[], bool] = lambda: False
