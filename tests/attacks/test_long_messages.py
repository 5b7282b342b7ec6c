"""Who has much written does not go before everybody: the disk is given in the order of credit too (SPEC 6.7)."""

from __future__ import annotations

from tests.server.rig import Rig
from udpchat.wire.limits import REQUESTS_IN_FLIGHT_MAX, WRITE_AHEAD_BYTES_MAX
from udpchat.wire.requests import Say

LONG = "x" * 12_000
DEVICES = 8


def test_a_line_waits_for_no_more_long_messages_than_are_written_ahead() -> None:
    rig = Rig()
    key = b"m" * 32
    hostile = [rig.device("mallory", "lobby", key=key) for _ in range(DEVICES)]
    alice = rig.device("alice", "lobby")
    for device in hostile:
        for _ in range(REQUESTS_IN_FLIGHT_MAX):
            rig.ask(device, Say("lobby", 0, LONG))
    rig.ask(alice, Say("lobby", 0, "hello"))
    ahead: list[bytes] = []
    while not any(b"hello" in entry for entry in ahead):
        batch = rig.server.drain_writes()
        ahead += [append.entry for append in batch]
        rig.log.append(batch)
        rig.server.persisted(rig.now, len(batch))
        rig.settle()
    first = next(at for at, entry in enumerate(ahead) if b"hello" in entry)
    assert sum(map(len, ahead[:first])) <= 2 * (WRITE_AHEAD_BYTES_MAX + len(LONG) + 200)
