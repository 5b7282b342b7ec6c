"""Who is charged for what a device uses: its key, which its person's devices share, and where it is (SPEC 6.7, 6.9)."""

from __future__ import annotations

from udpchat.server.credit import Account, Accounts
from udpchat.server.quotas import Who
from udpchat.session.rate_limit import source_of


class Payer:
    """A key at a numeric host, which it has proved: the source of a datagram may be forged. `accounts`: of both."""

    __slots__ = ("_book", "account", "accounts", "host", "who")

    def __init__(self, book: Accounts, key: bytes, host: str) -> None:
        source = source_of(host)
        self._book = book
        self.host = host
        self.who = Who(key, source)
        self.account = book.open(key)
        self.accounts: tuple[Account, Account] = self.account, book.open(source)

    def moved(self, host: str) -> Payer:
        """The same key at another host."""
        return Payer(self._book, self.who.key, host)
