"""Who is charged for what a device uses: its key, which its person's devices share, and where it is (SPEC 6.7, 6.9)."""

from __future__ import annotations

from udpchat.server.credit import Balance, Ledger
from udpchat.server.quotas import SpentQuota, Who
from udpchat.session.rate_limit import source_of
from udpchat.wire.limits import WRITE_BLOCK_BYTES


class Payer:
    """A key at a numeric host, which it has proved: the source of a datagram may be forged. `balances`: of both."""

    __slots__ = ("_ledger", "_prepaid_bytes", "_written_bytes", "balance", "balances", "host", "who")

    def __init__(self, ledger: Ledger, key: bytes, host: str) -> None:
        source = source_of(host)
        self._ledger = ledger
        self._prepaid_bytes = 0  # taken of the rate of writing, and not written yet
        self._written_bytes = 0
        self.host = host
        self.who = Who(key, source)
        self.balance = ledger.open(key)
        self.balances: tuple[Balance, Balance] = self.balance, ledger.open(source)

    def write(self, now: float, quota: SpentQuota, size: int) -> bool:
        """Take so much of the rate of writing; False if that is more than is left.

        Up to WRITE_BLOCK_BYTES are taken in advance, so that most of what is written costs no counting; but no more
        than was written before, as many devices at one source may have one line each.
        """
        short_bytes = size - self._prepaid_bytes
        if short_bytes > 0:
            taken_bytes = max(short_bytes, min(self._written_bytes, WRITE_BLOCK_BYTES))
            if not quota.take(now, self.who, taken_bytes):
                taken_bytes = short_bytes
                if not quota.take(now, self.who, taken_bytes):
                    return False
            self._prepaid_bytes += taken_bytes
        self._prepaid_bytes -= size
        self._written_bytes += size
        return True

    def moved(self, host: str) -> Payer:
        """The same key at another host."""
        return Payer(self._ledger, self.who.key, host)

    def changed(self, key: bytes) -> Payer:
        """Another key at the same host."""
        return Payer(self._ledger, key, self.host)
