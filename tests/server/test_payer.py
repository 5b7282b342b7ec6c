"""Who is charged: the key, wherever it is, and the source that it has proved."""

from __future__ import annotations

from udpchat.server.credit import Ledger
from udpchat.server.payer import Payer
from udpchat.server.quotas import SpentQuota, Who
from udpchat.session.rate_limit import Rate
from udpchat.wire.limits import WRITE_BLOCK_BYTES

KEY, OTHER = bytes(32), bytes([1]) * 32


def test_devices_of_a_key_share_its_account_and_those_at_a_source_share_the_account_of_the_source() -> None:
    ledger = Ledger()
    here, there, neighbour = (
        Payer(ledger, KEY, "10.0.0.1"),
        Payer(ledger, KEY, "10.0.0.2"),
        Payer(ledger, OTHER, "10.0.0.1"),
    )
    assert here.balance is there.balance and here.balance is not neighbour.balance
    assert here.balances == (here.balance, neighbour.balances[1]) and there.balances[1] is not here.balances[1]


def test_who_moves_keeps_its_key_and_is_charged_at_the_other_source() -> None:
    ledger = Ledger()
    before = Payer(ledger, KEY, "10.0.0.1")
    after = before.moved("2001:db8::7")
    assert (after.host, after.who) == ("2001:db8::7", Who(KEY, "2001:db8::"))
    assert after.balance is before.balance and after.balances[1] is ledger.open("2001:db8::")


def test_who_has_written_little_takes_little_in_advance() -> None:
    """As found: one line of each device at a source took 4 KiB of what the source may write."""
    ledger, rate = Ledger(), Rate(100_000.0, 0.0)
    quota = SpentQuota(rate, rate)
    crowd = [Payer(ledger, number.to_bytes(32, "big"), "10.0.0.1") for number in range(1_000)]
    assert all(payer.write(0.0, quota, 100) for payer in crowd)


def test_what_is_written_is_taken_of_the_rate_in_blocks_and_the_rest_of_it_to_the_last_byte() -> None:
    payer, rate = Payer(Ledger(), KEY, "10.0.0.1"), Rate(2.5 * WRITE_BLOCK_BYTES, 0.0)
    quota, written = SpentQuota(rate, rate), 0
    while payer.write(0.0, quota, 100):
        written += 100
    assert rate.burst - 100 < written <= rate.burst
    assert not payer.write(0.0, quota, 3 * WRITE_BLOCK_BYTES) and not payer.write(0.0, quota, 100)
