"""What is in use of each budget."""

from __future__ import annotations

from tests.server.rig import Rig
from udpchat.server.usage import usage_of
from udpchat.wire.limits import PEERS_MAX, REQUEST_BLOCK_BYTES, STORED_ROOMS_MAX
from udpchat.wire.requests import MarkRead, Say, Tell


def test_what_is_in_use_of_each_budget_is_counted() -> None:
    rig = Rig()
    alice, _ = rig.device("alice", "den"), rig.device("bob")
    rig.ask(alice, Say("lobby", 0, "hello"))
    rig.ask(alice, Tell("bob", 0, "hello"))
    rig.ask(alice, MarkRead("#lobby", 1, 1))
    rig.write()
    rig.settle()
    rig.write()
    alice.window.receive(8, 1, Say("lobby", 0, "behind a gap"), REQUEST_BLOCK_BYTES + 70)
    found = {usage.budget: usage for usage in usage_of(rig.chat)}
    assert {name: usage.used for name, usage in found.items() if "bytes" not in name} == {
        "peers": 2, "empty rooms": 1, "stored rooms": 1, "conversations": 1, "inboxes": 1, "nicks": 2,
    }  # fmt: skip
    assert found["peers"].limit == PEERS_MAX and found["stored rooms"].limit == STORED_ROOMS_MAX
    assert found["request bytes"].used == alice.window.bytes_held > REQUEST_BLOCK_BYTES
    assert found["stream bytes"].used == rig.chat.rooms.memory.total > 0
