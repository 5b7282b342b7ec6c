"""Who is who: nicks by the key behind them, and whose messages are not shown (SPEC 6.1)."""

from __future__ import annotations

from udpchat.chat.names import nick_key
from udpchat.wire.content import Message


class People:
    """The people of the rooms that this client follows. `me` is the user id of this client's own key."""

    def __init__(self, me: bytes) -> None:
        self.me = me
        self._nicks: dict[bytes, str] = {}  # user -> the nick it goes by, of those in a room
        self._ignored: dict[str, bytes] = {}  # key of a nick -> user, empty until known

    def on_joined(self, nick: str, user: bytes) -> None:
        """A person came into a room."""
        self._nicks[user] = nick
        self._recognize(nick, user)

    def on_left(self, nick: str, user: bytes) -> None:
        """A person left a room."""
        if self._nicks.get(user) == nick:
            del self._nicks[user]

    def on_renamed(self, old: str, nick: str, user: bytes) -> bool:
        """A person goes by another nick; False if that is known already: every room that is shared reports it."""
        self._recognize(old, user)
        is_news = self._nicks.get(user) != nick
        self._nicks[user] = nick
        return is_news

    def _recognize(self, nick: str, user: bytes) -> None:
        """This nick is this person's."""
        if self._ignored.get(nick_key(nick)) == b"":
            self._ignored[nick_key(nick)] = user

    # --- Who is ignored ----------

    def is_ignored(self, message: Message) -> bool:
        """By the key behind the nick that was ignored, as soon as it is known: a new nick does not help its owner."""
        self._recognize(message.nick, message.author)
        return message.author in self._ignored.values()

    def ignore(self, nick: str) -> bool:
        """Show nothing that this person says; False if that is so already."""
        key = nick_key(nick)
        if key in self._ignored:
            return False
        self._ignored[key] = next((user for user, known in self._nicks.items() if nick_key(known) == key), b"")
        return True

    def unignore(self, nick: str) -> bool:
        """Show again what this person says; False if it was shown."""
        return self._ignored.pop(nick_key(nick), None) is not None

    def ignored(self) -> list[str]:
        """Nicks that are ignored, in order."""
        return sorted(self._ignored)
