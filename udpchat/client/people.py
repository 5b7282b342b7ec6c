"""Users and their nicks, by user id, and the users whose messages are not shown (SPEC 6.1)."""

from __future__ import annotations

from udpchat.chat.names import nick_key
from udpchat.wire.content import Message


class People:
    """The users in the rooms that this client follows. `me` is the user id of this client's own key."""

    def __init__(self, me: bytes) -> None:
        self.me = me
        self._nicks: dict[bytes, str] = {}  # user -> current nick, until the user leaves a room
        self._ignored: dict[str, bytes] = {}  # `nick_key` -> user id, empty until known

    def on_joined(self, nick: str, user: bytes) -> None:
        """A user joined a room."""
        self._nicks[user] = nick
        self._recognize(nick, user)

    def on_left(self, nick: str, user: bytes) -> None:
        """A user left a room."""
        if self._nicks.get(user) == nick:
            del self._nicks[user]

    def on_renamed(self, old: str, nick: str, user: bytes) -> bool:
        """A user changed nick; False if that is known already, since each shared room reports it."""
        self._recognize(old, user)
        is_news = self._nicks.get(user) != nick
        self._nicks[user] = nick
        return is_news

    def _recognize(self, nick: str, user: bytes) -> None:
        """If this nick is ignored and its user was unknown, ignore this user."""
        if self._ignored.get(nick_key(nick)) == b"":
            self._ignored[nick_key(nick)] = user

    # --- Ignored users ----------

    def is_ignored(self, message: Message) -> bool:
        """Whether the author is ignored. A user whose id is known is ignored under every nick."""
        self._recognize(message.nick, message.author)
        return message.author in self._ignored.values()

    def ignore(self, nick: str) -> bool:
        """Ignore the user with this nick; False if the nick is ignored already."""
        key = nick_key(nick)
        if key in self._ignored:
            return False
        self._ignored[key] = next((user for user, known in self._nicks.items() if nick_key(known) == key), b"")
        return True

    def unignore(self, nick: str) -> bool:
        """Ignore this nick no longer; False if it was not ignored."""
        return self._ignored.pop(nick_key(nick), None) is not None

    def ignored(self) -> list[str]:
        """The ignored nicks as `nick_key` spells them, sorted."""
        return sorted(self._ignored)
