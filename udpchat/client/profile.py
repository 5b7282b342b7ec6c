"""Who a client is, and what it wants of a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from udpchat.session.noise import KeyPair


@dataclass(frozen=True, slots=True)
class Profile:
    """Who this client is and what it wants; `check_server` yields why a server's key is not approved, or nothing.

    `history`: how many earlier messages of each room to fetch where nothing of it is held. `shown_max`: how many of
    them, and of what was missed since an earlier run, to show at most; None: all.
    `is_returning`: the rooms are those of the run before, and were not asked for now.
    """

    static: KeyPair
    nick: str
    rooms: tuple[str, ...]
    server: str
    check_server: Callable[[bytes], str]
    history: int = 0
    agent: str = ""
    shown_max: int | None = None
    is_returning: bool = False
