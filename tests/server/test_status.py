"""The numbers of a server."""

from __future__ import annotations

from tests.server.rig import Rig
from udpchat.server.status import status_of
from udpchat.wire.requests import Say, Tell


def test_the_status_counts_devices_people_rooms_and_messages() -> None:
    rig = Rig()
    alice = rig.device("alice", "den", "lobby")
    rig.device("alice", "den", key=alice.key)
    rig.device("bob")
    rig.stranger()
    for request in (Say("den", 0, "hello"), Say("den", 0, "again"), Tell("bob", 0, "psst")):
        rig.ask(alice, request)
    rig.write()
    found = status_of(rig.chat, {"rate limited": 4, "forged": 1})
    shown = {name: value for name, value in found.items() if not name.startswith(("used.", "limits."))}
    assert shown == {
        "peers": 3, "people": 2, "rooms": 2, "messages": 3, "writable": 1, "queues.writes_bytes": 0, "queues.reads": 0,
        "drops.forged": 1, "drops.rate limited": 4,
    }  # fmt: skip
    assert found["used.peers"] == 4 and found["limits.stored_rooms"] == 65_536


def test_messages_of_earlier_runs_count() -> None:
    rig = Rig()
    rig.ask(rig.device("alice", "den"), Say("den", 0, "hello"))
    rig.write()
    assert status_of(Rig(rig.log).chat, {})["messages"] == 1
