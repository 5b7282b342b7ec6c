"""Claims: whose a nick is, when its use is written again, and when it is free for others."""

from __future__ import annotations

from udpchat.server.claims import NOBODY, Claims, has_lapsed, renewed
from udpchat.wire.content import Claim
from udpchat.wire.limits import (
    NICK_REGULAR_AFTER_S,
    NICK_REGULAR_KEPT_S,
    NICK_RENEWED_AFTER_S,
    NICK_TRIED_KEPT_S,
    NICKS_PER_KEY_MAX,
)

KEY, OTHER = b"k" * 32, b"o" * 32
BEGIN = 1_000_000


def after(seconds: float) -> int:
    return BEGIN + int(1000 * seconds)


def test_a_claim_lapses_sooner_if_it_was_only_tried_and_never_if_it_has_no_time() -> None:
    tried, regular = Claim("alice", KEY, BEGIN), Claim("alice", KEY, BEGIN, True)
    assert not has_lapsed(tried, after(NICK_TRIED_KEPT_S)) and has_lapsed(tried, after(NICK_TRIED_KEPT_S) + 1)
    assert not has_lapsed(regular, after(NICK_REGULAR_KEPT_S)) and has_lapsed(regular, after(NICK_REGULAR_KEPT_S) + 1)
    assert not has_lapsed(Claim("alice", KEY), after(1e9))


def test_use_is_written_again_after_a_day_and_then_after_a_month() -> None:
    tried, now = Claim("alice", KEY, BEGIN), after(NICK_REGULAR_AFTER_S)
    assert renewed(tried, now) is None
    regular = renewed(tried, now + 1)
    assert regular == Claim("alice", KEY, now + 1, True)
    assert renewed(regular, now + int(1000 * NICK_RENEWED_AFTER_S)) is None
    assert renewed(regular, now + 2 + int(1000 * NICK_RENEWED_AFTER_S)) is not None
    assert renewed(tried, 0) is None


def test_another_key_has_a_nick_only_once_the_claim_has_lapsed() -> None:
    claims = Claims()
    claims.apply(Claim("alice", KEY, BEGIN))
    claims.apply(Claim("Alice", OTHER, after(NICK_TRIED_KEPT_S)))
    assert claims.owner("alice") == Claim("alice", KEY, BEGIN)
    claims.apply(later := Claim("Alice", OTHER, after(NICK_TRIED_KEPT_S) + 1))
    assert claims.owner("a1ice") == later


def test_what_is_given_back_is_nobodys_and_counts_for_nobody_in_both_layers() -> None:
    durable = Claims()
    settled = Claims(under=durable)
    for number in range(NICKS_PER_KEY_MAX):
        durable.apply(Claim(f"nick{number}", KEY, BEGIN))
    assert not settled.may_claim(KEY)
    (first, second) = settled.given_back(after(NICK_TRIED_KEPT_S) + 1)
    assert (first.nick, second.nick, first.key) == ("nick0", "nick1", NOBODY)
    settled.apply(first)
    assert settled.owner("nick0") is None and durable.owner("nick0") is not None and settled.may_claim(KEY)
    assert [claim.nick for claim in settled.given_back(after(NICK_TRIED_KEPT_S) + 1)] == ["nick1", "nick2"]
    durable.apply(first)
    settled.clear()
    assert settled.owner("nick0") is None and settled.may_claim(KEY)


def test_what_is_used_again_is_not_given_back() -> None:
    claims = Claims()
    claims.apply(Claim("alice", KEY, BEGIN))
    claims.apply(Claim("alice", KEY, after(NICK_REGULAR_AFTER_S), True))
    assert claims.given_back(after(NICK_TRIED_KEPT_S) + 1) == []
