"""The account of this user, and its inbox: read marks, invitations, failed logins, on all devices (SPEC 6.10)."""

from __future__ import annotations

from udpchat.chat.ids import INBOX_PREFIX, inbox_log
from udpchat.client.read_marks import ReadMarks
from udpchat.client.stored import ClientState
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import ACCOUNTS_PER_RUN_MAX, KEY_BYTES


class Inbox:
    """`account`: the key that names the account. `log`: its inbox. `marks`: how far this user has read."""

    def __init__(self, own: bytes, saved: ClientState) -> None:
        """`own`: the key of this device, which names an account until the device joins another one."""
        self._own = own
        self.account = saved.account or own
        self.log = inbox_log(self.account)
        self._stored = {log: saved.recent[log] for log in saved.recent if log.startswith(INBOX_PREFIX)}
        self.marks = ReadMarks(entry for _, entry in self._stored.pop(self.log, ()))
        self._moves = 0

    @property
    def joined(self) -> bytes:
        """The account, if it is not named by the key of this device; else nothing."""
        return b"" if self.account == self._own else self.account

    def move(self, account: bytes) -> bool:
        """The server names the account of this device; empty: its own. False if that was known.

        BadDatagram if that is no key, or changed more often than a person logs in.
        """
        account = account or self._own
        if account == self.account:
            return False
        if len(account) != KEY_BYTES:
            raise BadDatagram(Drop.IMPOSSIBLE)
        self._moves += 1
        if self._moves > ACCOUNTS_PER_RUN_MAX:
            raise BadDatagram(Drop.RATE_LIMITED)
        self.account = account
        self.log = inbox_log(account)
        for _, entry in self._stored.pop(self.log, ()):
            self.marks.receive_stored(entry)
        return True
