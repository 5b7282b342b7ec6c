"""Decides whether a server's key is approved: by the fingerprint asked for, by the one known, or at first contact."""

from __future__ import annotations

from collections.abc import Callable

from udpchat.chat.phrase import Phrase
from udpchat.session.noise import fingerprint
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.data_folder import DataUnusable, KnownServers


class Pinning:
    """Checks the keys of the server at one address. `say` prints one line for the person.

    `has_moved`: it was known at another address by the fingerprint that it must have, so that whatever was known of
    this address was another server.
    """

    def __init__(
        self,
        known: KnownServers,
        server: ServerAddress,
        say: Callable[[Phrase], object],
        *,
        has_moved: bool = False,
    ) -> None:
        self._known = known
        self._server = server
        self._say = say
        self._has_moved = has_moved
        self._approved: bytes | None = None

    def is_first_contact(self) -> bool:
        """Whether neither the person nor an earlier contact names a key for this server."""
        try:
            return not self._server.fingerprint and self._known.fingerprint(self._server.name) is None
        except DataUnusable:
            return False  # `check` reports it

    def check(self, public: bytes) -> Phrase | None:
        """None if this key is approved, else why not, and what to do. At first contact the key is pinned."""
        if public == self._approved:
            return None
        shown, name, wanted = fingerprint(public), self._server.name, self._server.fingerprint
        try:
            pinned = self._known.fingerprint(name)
        except DataUnusable as error:
            return Phrase("server_key.unread", {"reason": error.phrase})
        if wanted and wanted != shown:
            return Phrase("server_key.other", {"server": name, "wanted": wanted, "shown": shown})
        if pinned is not None and pinned != shown and not self._has_moved:
            values = {"server": name, "known": pinned, "shown": shown, "path": self._known.path}
            return Phrase("server_key.changed", values)
        if pinned != shown:
            self._pin(name, shown)
        self._approved = public
        return None

    def _pin(self, name: str, shown: str) -> None:
        if not self._has_moved:
            self._say(Phrase("pinned", {"server": name, "shown": shown}))
        try:
            self._known.pin(name, shown)
        except DataUnusable as error:
            self._say(Phrase("pinned.not", {"reason": error.phrase}))
