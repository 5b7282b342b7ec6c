"""The entrance: what comes together as a device enters."""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from tests.server.test_logins import answer, linked, owner, refusal
from udpchat.chat.ids import inbox_log
from udpchat.server import entrance
from udpchat.wire.content import LoginsFailed
from udpchat.wire.frames import Proof, Welcome
from udpchat.wire.limits import CLAIMS_A_DAY


def test_a_proof_that_nobody_needs_is_not_looked_at() -> None:
    rig = Rig()
    first = owner(rig)
    rig.leave(first)
    back = rig.stranger(key=first.key)
    rig.enter(back, "alice", Proof(False, "wrong horse", 1))
    assert rig.derive() == []
    assert back.nick == "alice" and isinstance(answer(rig, back), Welcome)


def test_another_process_on_a_device_that_was_added_meanwhile_needs_no_proof() -> None:
    rig = Rig()
    linked(rig, rig.device("alice"))
    one = rig.stranger()
    other = rig.stranger(key=one.author.device)
    rig.log_in(one, "alice", "ABCDEFGHJKMNPQRS", is_code=True)
    rig.enter(other, "alice")
    assert other.nick == "alice" and other.key == one.key


def test_who_shows_a_proof_for_a_nick_that_is_free_is_charged_for_the_claim_as_without() -> None:
    rig = Rig()
    (burst, _), _ = CLAIMS_A_DAY
    key = b"k" * 32
    for number in range(burst + 1):
        peer = rig.stranger(key=key, host=f"10.8.0.{number}")
        rig.enter(peer, f"nick{number}", Proof(True, "NOCODE", 1))
        expected = "too_fast" if number == burst else "wrong_password.code"
        assert refusal(rig, peer) == expected
        rig.leave(peer)


def test_who_tried_to_log_in_is_told_also_by_a_server_that_was_restarted_meanwhile() -> None:
    rig = Rig()
    first = owner(rig)
    rig.leave(first)
    for _ in range(2):
        rig.log_in(rig.stranger(), "alice", "wrong horse")
    rig.server.finish(rig.now)
    rig.write_down()
    later = Rig(log=rig.log)
    back = later.device("alice", key=first.key)
    inbox = inbox_log(back.key)
    found = [later.entry(inbox, at) for at in range(1, later.log.extent(inbox).head + 1)]
    assert [entry.count for entry in found if isinstance(entry, LoginsFailed)] == [2]
    assert inbox in back.downlink.subscriptions


def test_what_is_written_down_as_a_server_stops_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "MISSED_KEPT_MAX", 2)
    rig = Rig()
    keys = [rig.device(nick).key for nick in ("alice", "bob", "carol")]
    for nick in ("alice", "bob", "carol"):
        rig.log_in(rig.stranger(), nick, "wrong horse")
    rig.server.finish(rig.now)
    rig.write_down()
    assert [rig.log.extent(inbox_log(key)).head for key in keys] == [0, 1, 1]


def test_a_password_stays_out_of_what_the_operator_is_told() -> None:
    rig = Rig()
    owner(rig)
    rig.log_in(rig.stranger(), "alice", "a secret horse")
    rig.log_in(rig.stranger(), "alice", "SECRETCODE", is_code=True)
    assert "secret" not in repr(rig.told).casefold() and "secret" not in repr(rig.server.counters).casefold()
