"""The servers that answer on this LAN, once or as they come and go."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from udpchat.chat.phrase import Phrase
from udpchat.client.server_search import FoundServer
from udpchat.shell.net.discovery import look_now
from udpchat.shell.net.server_choice import description_of, url_of

LISTED_S: Final = 1.5  # of one search, which waits for all
PAUSE_S: Final = 2.0  # between two searches
MISSED_MAX: Final = 2  # searches that a server may miss before it is gone

Show = Callable[[FoundServer, bool], object]  # a server, and whether it is there


def show_servers(port: int, show: Show, *, watches: bool) -> bool:
    """Show each server that answers; whether there was one. `watches`: also what changes, until interrupted."""
    shown: dict[str, FoundServer] = {}
    missed: dict[str, int] = {}
    while True:
        found = {each.fingerprint: each for each in look_now(port, limit_s=LISTED_S, settling_s=LISTED_S)}
        for key, server in found.items():
            missed[key] = 0
            if _line(server) != _line(shown.get(key)):
                show(server, True)
                shown[key] = server
        if not watches:
            return bool(found)
        for key in set(shown) - set(found):
            missed[key] += 1
            if missed[key] > MISSED_MAX:
                show(shown.pop(key), False)
        time.sleep(PAUSE_S)


def _line(server: FoundServer | None) -> tuple[Any, ...]:
    """What is shown again if it changes."""
    return () if server is None else (server.name, server.people, server.address)


def phrase_of(server: FoundServer, *, is_there: bool) -> Phrase:
    """A server for people."""
    if not is_there:
        return Phrase("offer.gone", {"name": server.name, "url": url_of(server)})
    return Phrase("offer.found", description_of(server))


def as_object(server: FoundServer, *, is_there: bool) -> dict[str, Any]:
    """A server for programs."""
    return {
        "server": url_of(server),
        "name": server.name,
        "fingerprint": server.fingerprint,
        "people": server.people if is_there else 0,
        "ways": [way.name.lower() for way in server.ways] if is_there else [],
    }
