"""Logging in: with a password, with a code, rightly and wrongly, and what each costs."""

from __future__ import annotations

from itertools import count

from tests.server.rig import Rig
from tests.server.test_admission import told
from udpchat.chat.ids import inbox_log
from udpchat.server.accounts import digest_of
from udpchat.server.derivations import NOBODYS_PASSWORD
from udpchat.server.logins import Hashing
from udpchat.server.proposals import Action
from udpchat.server.registry import Peer
from udpchat.server.settle_accounts import KeepPassword
from udpchat.wire.content import LoginsFailed
from udpchat.wire.frames import EnterRefused, Proof, Welcome
from udpchat.wire.limits import (
    DEVICES_PER_ACCOUNT_MAX,
    LINK_CODE_S,
    LOGIN_FAILURES_FREE,
    LOGIN_FAILURES_FREE_OF_SOURCE,
)
from udpchat.wire.requests import LINK, AddCode

COUNTERS = count(900_000)  # of requests that a test does not send
CODE = "ABCDEFGHJKMNPQRS"


def owner(rig: Rig, password: str = "correct horse", nick: str = "alice") -> Peer:
    """Somebody who has set a password."""
    peer = rig.device(nick)
    decide(rig, peer, KeepPassword(f"hash of {password}"))
    return peer


def decide(rig: Rig, peer: Peer, decision: Action) -> None:
    """What a request wants done is settled and written."""
    rig.chat.propose_action(rig.now, peer, next(COUNTERS), decision)
    rig.write_down()
    rig.settle()


def answer(rig: Rig, peer: Peer) -> EnterRefused | Welcome | None:
    """The last answer to an Enter."""
    answers = [frame for frame in told(rig, peer) if isinstance(frame, EnterRefused | Welcome)]
    return answers[-1] if answers else None


def refusal(rig: Rig, peer: Peer) -> str | None:
    found = answer(rig, peer)
    return found.code if isinstance(found, EnterRefused) else None


def test_another_device_enters_with_the_password_and_needs_it_only_once() -> None:
    rig = Rig()
    first = owner(rig)
    second = rig.stranger()
    rig.enter(second, "alice")
    assert refusal(rig, second) == "nick_taken"
    rig.log_in(second, "alice", "correct horse")
    found = answer(rig, second)
    assert isinstance(found, Welcome) and found.standing.account == first.key == second.key
    again = rig.device("alice", key=second.author.device)
    assert again.nick == "alice" and again.key == first.key


def test_a_wrong_password_is_refused_under_the_number_of_its_proof_and_changes_nothing() -> None:
    rig = Rig()
    owner(rig)
    second = rig.stranger()
    rig.enter(second, "alice", Proof(False, "wrong horse", 7))
    rig.derive()
    assert answer(rig, second) == EnterRefused("wrong_password", (), 7) and second.nick is None
    assert rig.chat.commits.durable.accounts.account_of(second.author.device) == second.key


def test_an_account_without_a_password_and_a_nick_that_is_nobodys_cost_and_answer_the_same() -> None:
    rig = Rig()
    owner(rig)
    rig.device("bob")
    for nick in ("alice", "bob", "nobody"):
        peer = rig.stranger()
        rig.enter(peer, nick, Proof(False, "wrong horse", 1))
        done = rig.derive()
        assert len(done) == 1 and (done[0].phc == NOBODYS_PASSWORD) == (nick != "alice")
        assert answer(rig, peer) == EnterRefused("wrong_password", (), 1)
    assert rig.chat.commits.durable.claims.owner("nobody") is None


def test_after_some_failures_an_account_waits_from_wherever_it_is_tried_but_where_its_person_is() -> None:
    rig = Rig()
    first = owner(rig)
    for _ in range(LOGIN_FAILURES_FREE + 1):
        peer = rig.stranger()
        rig.log_in(peer, "alice", "wrong horse")
        assert refusal(rig, peer) == "wrong_password"
    for nick, secret in (("alice", "correct horse"), ("Alice", "wrong horse")):
        peer = rig.stranger()
        rig.log_in(peer, nick, secret)
        assert answer(rig, peer) == EnterRefused("too_fast.wait", ("1",), 1)
    near = rig.stranger(host=first.session.path.address[0])
    rig.log_in(near, "alice", "correct horse")
    assert near.nick == "alice"


def test_a_nick_that_is_nobodys_waits_as_one_that_is_somebodys() -> None:
    rig = Rig()
    owner(rig)
    for nick in ("alice", "nobody"):
        found = []
        for _ in range(LOGIN_FAILURES_FREE + 3):
            peer = rig.stranger()
            rig.log_in(peer, nick, "wrong horse")
            found.append(refusal(rig, peer))
        assert found == (LOGIN_FAILURES_FREE + 1) * ["wrong_password"] + 2 * ["too_fast.wait"]


def test_a_source_that_tries_many_nicks_or_many_codes_waits() -> None:
    rig = Rig()
    for is_code in (False, True):
        host = f"10.9.0.{is_code + 1}"
        for number in range(LOGIN_FAILURES_FREE_OF_SOURCE + 1):
            peer = rig.stranger(host=host)
            rig.log_in(peer, f"nick{number}", "WRONG", is_code=is_code)
            assert (refusal(rig, peer) or "").startswith("wrong_password")
        peer = rig.stranger(host=host)
        rig.log_in(peer, "another", "WRONG", is_code=is_code)
        assert refusal(rig, peer) == "too_fast.wait"


def test_one_attempt_for_an_account_waits_at_a_time() -> None:
    rig = Rig()
    owner(rig)
    first, second = rig.stranger(), rig.stranger()
    for peer in (first, first, second):
        rig.enter(peer, "alice", Proof(False, "correct horse", 1))
    assert refusal(rig, first) is None and refusal(rig, second) == "too_fast.wait"
    assert len(rig.derive()) == 1
    rig.write_down()
    assert first.nick == "alice"


def test_a_password_that_was_changed_while_it_was_verified_is_wrong() -> None:
    rig = Rig()
    first = owner(rig)
    second = rig.stranger()
    rig.enter(second, "alice", Proof(False, "correct horse", 1))
    decide(rig, first, KeepPassword("hash of another"))
    rig.derive()
    assert refusal(rig, second) == "wrong_password" and second.nick is None


def test_a_device_that_has_gone_is_not_computed_for_and_one_that_goes_meanwhile_does_no_harm() -> None:
    rig = Rig()
    owner(rig)
    gone, goes = rig.stranger(), rig.stranger()
    rig.enter(gone, "alice", Proof(False, "correct horse", 1))
    rig.leave(gone)
    rig.enter(goes, "bob", Proof(False, "correct horse", 1))
    (derivation,) = rig.server.drain_derivations()
    assert derivation.nick == "bob"
    rig.leave(goes)
    rig.server.derived(rig.now, derivation, None, 0.1)
    assert rig.server.drain_derivations() == []


def test_where_passwords_cannot_be_computed_it_is_said_and_counts_as_no_failure() -> None:
    rig = Rig()
    owner(rig)
    peer = rig.stranger()
    rig.enter(peer, "alice", Proof(False, "correct horse", 1))
    (derivation,) = rig.server.drain_derivations()
    rig.chat.entrance.derived(rig.now, derivation, None, 0.0)
    assert refusal(rig, peer) == "no_passwords"
    assert len(rig.chat.entrance.logins.attempts) == 0


# --- Codes ----------


def linked(rig: Rig, first: Peer, code: str = CODE) -> None:
    decide(rig, first, AddCode(digest_of(code), LINK))


def test_another_device_enters_with_a_code_once() -> None:
    rig = Rig()
    first = rig.device("alice")
    linked(rig, first)
    second, third = rig.stranger(), rig.stranger()
    rig.log_in(second, "alice", CODE, is_code=True)
    rig.log_in(third, "alice", CODE, is_code=True)
    assert second.nick == "alice" and second.key == first.key
    assert refusal(rig, third) == "wrong_password.code" and third.nick is None


def test_of_two_devices_that_show_a_code_in_one_batch_the_first_enters() -> None:
    rig = Rig()
    linked(rig, rig.device("alice"))
    second, third = rig.stranger(), rig.stranger()
    for peer in (second, third):
        rig.enter(peer, "alice", Proof(True, CODE, 1))
    rig.write_down()
    assert second.nick == "alice" and third.nick is None and refusal(rig, third) == "wrong_password.code"


def test_a_code_that_could_not_be_written_as_used_still_serves_and_then_no_more_also_after_a_restart() -> None:
    rig = Rig()
    linked(rig, rig.device("alice"))
    second = rig.stranger()
    rig.enter(second, "alice", Proof(True, CODE, 1))
    rig.refuse()
    assert second.nick is None
    rig.log_in(second, "alice", CODE, is_code=True)
    assert second.nick == "alice"
    restarted = Rig(rig.log)
    third = restarted.stranger()
    restarted.log_in(third, "alice", CODE, is_code=True)
    assert refusal(restarted, third) == "wrong_password.code" and third.nick is None


def test_a_code_is_for_the_nicks_of_its_account_and_for_ten_minutes() -> None:
    rig = Rig()
    first = rig.device("alice")
    rig.device("bob")
    linked(rig, first)
    for nick in ("bob", "carol"):
        peer = rig.stranger()
        rig.log_in(peer, nick, CODE, is_code=True)
        assert refusal(rig, peer) == "wrong_password.code"
    rig.now += LINK_CODE_S
    peer = rig.stranger()
    rig.log_in(peer, "alice", CODE, is_code=True)
    assert refusal(rig, peer) == "wrong_password.code"


def test_a_device_that_is_an_account_itself_joins_no_other() -> None:
    rig = Rig()
    linked(rig, rig.device("alice"))
    bob = rig.device("bob")
    rig.leave(bob)
    peer = rig.stranger(key=bob.key)
    rig.log_in(peer, "alice", CODE, is_code=True)
    assert refusal(rig, peer) == "not_allowed.device"
    fresh = rig.stranger()
    rig.log_in(fresh, "alice", CODE, is_code=True)
    assert fresh.nick == "alice", "the code was not used up"


def test_an_account_has_so_many_devices() -> None:
    rig = Rig()
    owner(rig)
    for number in range(DEVICES_PER_ACCOUNT_MAX):
        rig.now += 1
        peer = rig.stranger()
        rig.log_in(peer, "alice", "correct horse")
        is_over = number == DEVICES_PER_ACCOUNT_MAX - 1
        assert (refusal(rig, peer) == "too_many_devices.account") == is_over
        rig.leave(peer)


# --- What the owner is told ----------


def test_the_owner_is_told_of_failures_at_the_next_login_once() -> None:
    rig = Rig()
    first = owner(rig)
    rig.leave(first)
    for secret, is_code in (("wrong horse", False), ("WRONGCODE", True)):
        rig.now += 1.0
        rig.log_in(rig.stranger(), "alice", secret, is_code=is_code)
    back = rig.device("alice", key=first.key)
    log = inbox_log(first.key)
    assert rig.entry(log, 1) == LoginsFailed(2, 101_000, 102_000) and log in back.downlink.subscriptions
    rig.leave(back)
    rig.device("alice", key=first.key)
    assert rig.log.extent(log).head == 1


def test_of_failures_that_could_not_be_written_the_owner_is_told_later() -> None:
    rig = Rig()
    first = owner(rig)
    rig.leave(first)
    rig.log_in(rig.stranger(), "alice", "wrong horse")
    back = rig.stranger(key=first.key)
    rig.enter(back, "alice")
    rig.refuse()
    rig.enter(back, "alice")
    rig.write()
    assert back.nick == "alice" and rig.log.extent(inbox_log(first.key)).head == 0
    rig.leave(back)
    rig.device("bob")  # can be written again
    rig.device("alice", key=first.key)
    assert rig.log.extent(inbox_log(first.key)).head == 1


def test_a_password_is_in_no_text_of_what_holds_it() -> None:
    assert "secret" not in repr(Hashing("a secret"))
