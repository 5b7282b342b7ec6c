"""What the server's answers to Enter, and the loss of its session, are to the person."""

from __future__ import annotations

from random import Random

from udpchat.chat import events
from udpchat.client.entering import EnterAnswers
from udpchat.client.login import Login
from udpchat.client.membership import Membership
from udpchat.client.profile import Profile
from udpchat.session.noise import KeyPair
from udpchat.wire.frames import Enter, EnterRefused, Proof, Welcome, encode
from udpchat.wire.limits import ORDER

NOW = 5.0
WELCOME = Welcome("ann", b"u" * 8, "server", 10_000, 30_000, capabilities=(ORDER,), motd="be kind")
TAKEN = EnterRefused("nick_taken", ("ann",))


def admission_of(proof: Proof | None = None, *, can_ask: bool = False) -> tuple[EnterAnswers, Membership]:
    profile = Profile(KeyPair(Random(1).randbytes(32)), "ann", (), "10.0.0.1:1", lambda _: None)
    membership = Membership("ann", (), "agent")
    membership.renew(NOW)
    return EnterAnswers(profile, membership, Login(proof, can_ask=can_ask)), membership


def frames_at(now: float, admission: EnterAnswers, membership: Membership) -> list[bytes]:
    return membership.drain_frames(now, login=admission.login)


def test_a_password_is_sent_when_the_nick_turns_out_to_be_of_an_account() -> None:
    admission, membership = admission_of(Proof(False, "swordfish"))
    assert frames_at(NOW, admission, membership) == [encode(Enter("ann", "agent"))]
    assert admission.on_refused(NOW, TAKEN) == ()
    assert frames_at(NOW, admission, membership) == [encode(Enter("ann", "agent", 0, Proof(False, "swordfish", 1)))]


def test_nothing_is_sent_while_a_person_is_asked() -> None:
    admission, membership = admission_of(can_ask=True)
    frames_at(NOW, admission, membership)
    assert list(admission.on_refused(NOW, TAKEN)) == [events.PasswordNeeded("ann", False, 3)]
    assert frames_at(NOW + 9.0, admission, membership) == [] and membership.next_timeout() is None
    membership.want(NOW + 9.0, "tea")
    membership.renew(NOW + 9.5)
    assert frames_at(NOW + 10.0, admission, membership) == []
    assert admission.prove(NOW + 11.0, "swordfish", is_code=False) == ()
    (enter, _) = frames_at(NOW + 11.0, admission, membership)
    assert enter == encode(Enter("ann", "agent", 0, Proof(False, "swordfish", 1)))


def test_who_gives_no_password_learns_that_the_nick_is_taken() -> None:
    admission, membership = admission_of(can_ask=True)
    assert admission.prove(NOW, "", is_code=False) == () and not membership.is_over  # nobody was asked
    admission.on_refused(NOW, TAKEN)
    (rejected,) = admission.prove(NOW, "", is_code=False)
    assert isinstance(rejected, events.Rejected) and rejected.code == "nick_taken" and membership.is_over


def test_who_is_too_fast_enters_later() -> None:
    admission, membership = admission_of(Proof(False, "swordfish"))
    admission.on_refused(NOW, TAKEN)
    (told,) = admission.on_refused(NOW, EnterRefused("too_fast.wait", ("4",), 1))
    assert isinstance(told, events.Error) and (told.code, told.retry_s) == ("too_fast", 4.0)
    assert admission.on_refused(NOW, EnterRefused("too_fast.wait", ("4",), 1)) == ()
    assert frames_at(NOW + 3.9, admission, membership) == [] and membership.next_timeout() == NOW + 4.0
    (enter,) = frames_at(NOW + 4.0, admission, membership)
    assert enter == encode(Enter("ann", "agent", 0, Proof(False, "swordfish", 1)))


def test_who_is_banned_while_connected_may_not_go_on() -> None:
    admission, membership = admission_of()
    admission.on_welcome(WELCOME)
    (rejected,) = admission.on_refused(NOW, EnterRefused("banned", ("bob", "spam", "7000")))
    assert rejected == events.Rejected("banned", {"by": "bob", "reason": "spam", "until_ms": "7000"})
    assert membership.is_over and admission.on_refused(NOW, EnterRefused("banned", ("bob", "spam", "7000"))) == ()


def test_what_the_operator_has_to_say_comes_once_behind_connected() -> None:
    admission, _ = admission_of()
    admission.begin_session(b"k" * 32)
    assert admission.on_welcome(WELCOME) == () and admission.has_order
    told = admission.connected(0)
    assert isinstance(told[0], events.Connected) and told[-1] == events.Announcement("be kind", "")
    assert admission.connected(0) == ()
