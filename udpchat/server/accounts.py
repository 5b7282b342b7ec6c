"""Accounts: which devices may use one, how another proves that it may, and its role on the server (SPEC 6.10).

An account is named by the key of its first device. One without a record has that device, no password and no role, so
most people need none. `settle` decides; this is what was decided.
"""

from __future__ import annotations

from udpchat.chat.codes import digest_of as digest_of
from udpchat.chat.permissions import Role
from udpchat.server.layered import Layered
from udpchat.wire.content import AccountRecord, CodeRecord, Device


class Accounts:
    """The accounts that have a record, and the one-time codes. They may lie over others, as `State` does."""

    __slots__ = ("_codes", "_of_device", "_ranked", "_records", "host")

    def __init__(self, under: Accounts | None = None) -> None:
        self._records: Layered[bytes, AccountRecord] = Layered(under._records if under is not None else None)
        self._of_device: Layered[bytes, bytes] = Layered(under._of_device if under is not None else None)
        self._codes: Layered[bytes, CodeRecord] = Layered(under._codes if under is not None else None)
        self._ranked: Layered[bytes, int] = Layered(None if under is None else under._ranked)
        self.host: bytes = under.host if under is not None else b""  # the key in the data folder, whose role is HOST

    def clear(self) -> None:
        """Forget what was applied to these themselves."""
        for layer in (self._records, self._of_device, self._codes, self._ranked):
            layer.clear()

    def __len__(self) -> int:
        """How many records are in force."""
        return len(self._records) + len(self._codes)

    def apply(self, record: AccountRecord | CodeRecord) -> None:
        """A record was written."""
        if isinstance(record, CodeRecord):
            return self._codes.put(record.digest, None if record.is_used else record)
        former = self._records.get(record.account)
        for device in former.devices if former else ():
            if self._of_device.get(device.key) == record.account:
                self._of_device.put(device.key, None)
        for device in record.devices:
            # One that was revoked may have proved that it may use another account: it stays with that one.
            if not device.revoked_ms or device.key not in self._of_device:
                self._of_device.put(device.key, record.account)
        self._records.put(record.account, record)
        self._ranked.put(record.account, record.role or None)

    def __contains__(self, account: bytes) -> bool:
        """Whether an account has a record."""
        return account in self._records

    def erased(self) -> dict[bytes, int]:
        """The accounts of which all is to be removed that they said up to a time in ms."""
        return {account: record.erased_ms for account, record in self._records.items() if record.erased_ms}

    def account_of(self, device: bytes) -> bytes:
        """The account that a device may use: its own, if it was never added to another."""
        return self._of_device.get(device) or device

    def is_revoked(self, device: bytes) -> bool:
        """Whether the device may never enter again, unless it proves anew that it may."""
        record = self._records.get(self._of_device.get(device) or device)
        return record is not None and not any(
            known.key == device and not known.revoked_ms for known in record.devices
        )

    def get(self, account: bytes) -> AccountRecord:
        """The record of an account; of one that has none, what holds without."""
        return self._records.get(account) or AccountRecord(account, (Device(account, 0),))

    def role(self, account: bytes) -> Role:
        """The role on the server."""
        return Role.HOST if account and account == self.host else Role(self.get(account).role)

    def ranked(self) -> list[bytes]:
        """The accounts with a role on the server."""
        return [account for account, _ in self._ranked.items()]

    def code(self, digest: bytes, time_ms: int) -> CodeRecord | None:
        """The one-time code with this digest, if it is valid."""
        code = self._codes.get(digest)
        return code if code is not None and time_ms < code.expires_ms else None

    def codes(self) -> list[CodeRecord]:
        """All that were not used, also those that have expired."""
        return [code for _, code in self._codes.items()]
