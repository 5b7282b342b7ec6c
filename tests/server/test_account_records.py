"""The records of accounts: the devices of one, its role, its codes; of records alone, and one state over another."""

from __future__ import annotations

from itertools import permutations

import pytest

from udpchat.chat.permissions import Role
from udpchat.server.accounts import Accounts, digest_of
from udpchat.wire.content import AccountRecord, CodeRecord, Device

ONE, OTHER, THIRD = b"1" * 32, b"2" * 32, b"3" * 32
DIGEST = digest_of("ABCDEFGHJKMNPQRS")


def test_a_key_without_a_record_is_an_account_with_itself_as_its_device_and_nothing_more() -> None:
    accounts = Accounts()
    assert accounts.account_of(ONE) == ONE and not accounts.is_revoked(ONE)
    assert accounts.get(ONE) == AccountRecord(ONE, (Device(ONE, 0),)) and accounts.role(ONE) is Role.MEMBER
    assert len(accounts) == 0


def test_a_device_that_was_added_uses_the_account_until_it_is_taken_out_of_it() -> None:
    accounts = Accounts()
    accounts.apply(AccountRecord(ONE, (Device(ONE, 0), Device(OTHER, 5))))
    assert accounts.account_of(OTHER) == ONE == accounts.account_of(ONE) and len(accounts) == 1
    accounts.apply(AccountRecord(ONE, (Device(ONE, 0),)))
    assert accounts.account_of(OTHER) == OTHER and len(accounts) == 1


def test_a_revoked_device_is_still_one_of_the_account_and_may_not_enter() -> None:
    accounts = Accounts()
    accounts.apply(AccountRecord(ONE, (Device(ONE, 0, 9), Device(OTHER, 5))))
    assert accounts.is_revoked(ONE) and not accounts.is_revoked(OTHER) and not accounts.is_revoked(THIRD)
    assert accounts.account_of(ONE) == ONE
    accounts.apply(AccountRecord(ONE, (Device(ONE, 12), Device(OTHER, 5))))
    assert not accounts.is_revoked(ONE)


def test_the_first_device_may_be_one_that_the_account_does_not_name_any_more() -> None:
    accounts = Accounts()
    accounts.apply(AccountRecord(ONE, (Device(OTHER, 5),)))
    assert accounts.account_of(ONE) == ONE and accounts.is_revoked(ONE) and accounts.account_of(OTHER) == ONE


def test_a_device_that_was_revoked_here_and_let_in_there_is_there_in_whatever_order_the_records_come() -> None:
    """A compacted directory has the records in another order, and each may be written once more for a password."""
    records = [
        AccountRecord(ONE, (Device(ONE, 0), Device(THIRD, 1, 2))),
        AccountRecord(OTHER, (Device(OTHER, 0), Device(THIRD, 3))),
    ]
    for written in permutations([*records, *records]):
        accounts = Accounts()
        for record in written:
            accounts.apply(record)
        assert accounts.account_of(THIRD) == OTHER and not accounts.is_revoked(THIRD)


def test_the_host_has_a_role_that_no_record_gives() -> None:
    accounts = Accounts()
    assert accounts.role(b"") is Role.MEMBER, "no key is set"
    accounts.host = ONE
    accounts.apply(AccountRecord(OTHER, (Device(OTHER, 0),), role=Role.ADMIN))
    assert (accounts.role(ONE), accounts.role(OTHER)) == (Role.HOST, Role.ADMIN)
    assert Accounts(accounts).role(ONE) is Role.HOST


def test_a_code_is_valid_until_it_is_used_or_its_time_is_over() -> None:
    accounts = Accounts()
    code = CodeRecord(DIGEST, ONE, "", expires_ms=1_000)
    accounts.apply(code)
    assert accounts.code(DIGEST, 999) == code and accounts.code(DIGEST, 1_000) is None and accounts.codes() == [code]
    accounts.apply(CodeRecord(DIGEST, ONE, "", expires_ms=1_000, is_used=True))
    assert accounts.code(DIGEST, 0) is None and accounts.codes() == [] and len(accounts) == 0


@pytest.mark.parametrize("code", ["abcdefghjkmnpqrs", "ABCDEFGHJKMNPQRT", "", "ABCD-EFGH-JKMN-PQRS"])
def test_the_digest_is_that_of_exactly_these_characters(code: str) -> None:
    assert len(DIGEST) == 16 and digest_of(code) != DIGEST


def test_what_is_not_durable_hides_the_rest_until_it_is_dropped() -> None:
    durable = Accounts()
    durable.apply(AccountRecord(ONE, (Device(ONE, 0), Device(OTHER, 5)), "hash"))
    durable.apply(CodeRecord(DIGEST, ONE, "", 1_000))
    settled = Accounts(durable)
    settled.apply(AccountRecord(ONE, (Device(ONE, 0), Device(OTHER, 5, 8), Device(THIRD, 9)), "hash"))
    settled.apply(CodeRecord(DIGEST, ONE, "", 1_000, is_used=True))
    assert settled.is_revoked(OTHER) and settled.account_of(THIRD) == ONE and settled.code(DIGEST, 0) is None
    assert not durable.is_revoked(OTHER) and durable.account_of(THIRD) == THIRD and len(settled) == 1
    settled.clear()
    assert not settled.is_revoked(OTHER) and settled.account_of(THIRD) == THIRD and settled.code(DIGEST, 0) is not None
