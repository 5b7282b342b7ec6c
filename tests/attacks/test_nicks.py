"""Nicks cannot be used up: a source claims so many a day, and a claim that is never used again lapses (SPEC 6.1, 6.9).

As found, one host claimed all nicks that there may be in 1.7 hours, and kept them for ever.
"""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from udpchat.server import claims
from udpchat.wire import limits
from udpchat.wire.frames import EnterRefused, parse_down_untrusted
from udpchat.wire.limits import (
    NICK_REGULAR_AFTER_S,
    NICK_REGULAR_KEPT_S,
    NICK_RENEWED_AFTER_S,
    NICK_TRIED_KEPT_S,
    RENAMES_A_DAY,
)
from udpchat.wire.requests import Done, Failed, Rename, ResultBody

HOSTILE = "10.6.6.6"


def comes(rig: Rig, nick: str, key: bytes, host: str = HOSTILE) -> str | None:
    """Somebody enters and leaves; why they were refused."""
    peer = rig.stranger(key=key, host=host)
    rig.enter(peer, nick)
    rig.write_down()
    refusals = [
        frame.code
        for packet in peer.downlink.drain_packets(rig.now)
        for frame in parse_down_untrusted(packet.body)
        if isinstance(frame, EnterRefused)
    ]
    rig.leave(peer)
    return refusals[0] if refusals else None


def test_one_host_claims_so_many_nicks_at_once_and_so_many_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CLAIMS_A_DAY", ((8, 8), (10, 4)))
    rig = Rig()
    assert [comes(rig, f"bad{n}", n.to_bytes(32, "big")) for n in range(1, 13)] == [None] * 10 + ["too_fast"] * 2
    assert comes(rig, "alice", b"a" * 32, "10.0.0.1") is None, "others claim theirs"
    assert comes(rig, "bad1", (1).to_bytes(32, "big")) is None, "an own nick is none the less one's own"
    rig.now += 86_400.0
    assert [comes(rig, f"bad{n}", n.to_bytes(32, "big")) for n in range(20, 25)] == [None] * 4 + ["too_fast"]


def test_who_is_renamed_without_end_is_refused_after_some_and_goes_on_tomorrow() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    (at_once, a_day), _ = RENAMES_A_DAY

    def rename(number: int) -> ResultBody | None:
        counter = rig.ask(alice, Rename(("alice", "alice2")[number % 2]))
        rig.write()
        return rig.result(alice, counter)

    assert rename(1) == Done(), "a claim"
    assert [rename(number) for number in range(at_once + 1)] == [Done()] * at_once + [Failed("too_fast")]
    rig.now += 86_400.0 / a_day + 1.0
    assert [rename(number) for number in range(2)] == [Done(), Failed("too_fast")]


def test_a_nick_that_was_used_on_one_day_only_is_free_for_others_after_a_quarter() -> None:
    rig = Rig()
    comes(rig, "alice", b"b" * 32)
    rig.now += NICK_TRIED_KEPT_S - 1
    assert comes(rig, "alice", b"a" * 32) == "nick_taken"
    rig.now += 2
    assert comes(rig, "alice", b"a" * 32) is None and comes(rig, "alice", b"b" * 32) == "nick_taken"
    assert comes(Rig(rig.log), "alice", b"b" * 32) == "nick_taken", "as it was written"


def test_a_nick_that_is_used_is_kept_and_one_that_was_for_two_years() -> None:
    rig = Rig()
    comes(rig, "alice", b"a" * 32)
    rig.now += NICK_REGULAR_AFTER_S + 1
    comes(rig, "alice", b"a" * 32)
    rig.now += NICK_REGULAR_KEPT_S - 1
    assert comes(rig, "alice", b"b" * 32) == "nick_taken"
    rig.now += 2
    assert comes(rig, "alice", b"b" * 32) is None


def test_using_a_nick_writes_once_a_month() -> None:
    rig = Rig()
    for _ in range(int(2 * NICK_RENEWED_AFTER_S // 3_600)):
        comes(rig, "alice", b"a" * 32)
        rig.now += 3_600.0
    assert rig.log.extent("!directory").head == 3


def test_who_is_connected_for_years_keeps_the_nick() -> None:
    rig = Rig()
    alice = rig.device("alice", key=b"a" * 32)
    for _ in range(40):
        rig.now += NICK_RENEWED_AFTER_S
        rig.renew(alice)
        rig.write_down()
    assert comes(rig, "alice", b"b" * 32) == "nick_taken"


def test_who_comes_back_enters_though_nothing_can_be_written() -> None:
    rig = Rig()
    comes(rig, "alice", b"a" * 32)
    rig.now += NICK_REGULAR_AFTER_S + 1
    rig.refuse()
    peer = rig.stranger(key=b"a" * 32)
    rig.enter(peer, "alice")
    assert peer.nick == "alice"


def test_lapsed_claims_make_room_when_there_are_as_many_as_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "NICKS_MAX", 3)
    rig = Rig()
    for number in range(3):
        comes(rig, f"bad{number}", bytes([number]) * 32)
    assert comes(rig, "alice", b"a" * 32) == "too_many_nicks"
    rig.now += NICK_TRIED_KEPT_S + 1
    for nick in ("alice", "bob", "carol"):
        assert comes(rig, nick, nick.encode().ljust(32)) is None
    assert comes(rig, "dave", b"d" * 32) == "too_many_nicks"
    assert comes(Rig(rig.log), "dave", b"d" * 32) == "too_many_nicks", "as it was written"
