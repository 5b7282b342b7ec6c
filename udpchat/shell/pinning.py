"""Decides whether a server's key is approved: by the fingerprint asked for, by the one known, or at first contact."""

from __future__ import annotations

from collections.abc import Callable

from udpchat.session.noise import fingerprint
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.data_folder import DataUnusable, KnownServers


class Pinning:
    """Checks the keys of the server at one address. `say` prints one line for the person."""

    def __init__(self, known: KnownServers, server: ServerAddress, say: Callable[[str], object]) -> None:
        self._known = known
        self._server = server
        self._say = say
        self._approved: bytes | None = None

    def check(self, public: bytes) -> str:
        """Empty if this key is approved, else one line: why not, and what to do. At first contact the key is pinned."""
        if public == self._approved:
            return ""
        shown, name, wanted = fingerprint(public), self._server.name, self._server.fingerprint
        try:
            pinned = self._known.fingerprint(name)
        except DataUnusable as error:
            return str(error)
        if wanted and wanted != shown:
            return (
                f"the server at {name} is not the one you asked for: you want {wanted}, it shows {shown}; "
                f"ask whoever runs it for its address, and trust it only if they name this fingerprint"
            )
        if pinned is not None and pinned != shown:
            return (
                f"the key of the server at {name} has CHANGED: known {pinned}, shown now {shown}; somebody may be "
                f"listening in. Ask whoever runs it; if the new one is right, remove the line of {name} in "
                f"{self._known.path} and connect again"
            )
        if pinned is None:
            self._pin(name, shown)
        self._approved = public
        return ""

    def _pin(self, name: str, shown: str) -> None:
        self._say(f"first contact with the server at {name}: its fingerprint is {shown}")
        try:
            self._known.pin(name, shown)
        except DataUnusable as error:
            self._say(f"it is not remembered for next time: {error}")
