"""Guessing passwords and codes: bounded queues, bounded work, and others get in meanwhile (SPEC 6.10)."""

from __future__ import annotations

from random import Random

import pytest

from tests.server.rig import Rig, derived
from tests.server.test_admission import told
from tests.server.test_logins import CODE, linked, owner, refusal
from udpchat.server.derivations import Derivation
from udpchat.server.frame_handlers import FRAMES, FrameContext
from udpchat.server.registry import Peer
from udpchat.session.noise import fingerprint
from udpchat.wire.frames import Enter, EnterRefused, Proof
from udpchat.wire.limits import (
    DERIVATIONS_MAX,
    DERIVATIONS_PER_SOURCE_MAX,
    LOGIN_DELAY_S_MAX,
    LOGIN_FAILURES_FREE,
    LOGINS_TRACKED_MAX,
)
from udpchat.wire.requests import Done, RevokeDevice, Say, SetPassword

ATTEMPTS = 100_000
DERIVED_S = 0.05  # what one takes, with the rest of the thread


def host(number: int) -> str:
    return f"10.{number // 65_536 + 1}.{number // 256 % 256}.{number % 256}"


class Attack:
    """A server, and sessions from as many hosts that guess."""

    def __init__(self, sources: int) -> None:
        self.rig = Rig()
        self.alice = owner(self.rig)
        self.guessers = [self.rig.stranger(host=host(number)) for number in range(sources)]
        self.chance = Random(1)
        self.derived: list[Derivation] = []
        self.longest = 0

    def guess(self, peer: Peer, nick: str, *, is_code: bool = False) -> None:
        """One attempt, whatever was answered before."""
        self.rig.chat.entrance.enter(self.rig.now, peer, nick, Proof(is_code, f"guess {self.chance.random()}", 1))
        self.longest = max(self.longest, len(self.rig.chat.entrance.logins.derivations))

    def compute(self) -> None:
        """One password is computed; each takes some time."""
        for derivation in self.rig.server.drain_derivations():
            assert not self.rig.server.drain_derivations(), "one at a time"
            self.derived.append(derivation)
            self.rig.now += DERIVED_S
            self.rig.chat.entrance.derived(self.rig.now, derivation, derived(derivation), DERIVED_S)

    def forget_answers(self) -> None:
        """What is on its way to the guessers is lost, and the operator has read what happened."""
        for peer in self.guessers:
            peer.downlink.queue.drain()
        self.rig.told.clear()
        self.rig.chat.fanout.to_flush.clear()


@pytest.mark.parametrize("is_one_account", [True, False], ids=["one account", "many nicks"])
def test_a_hundred_thousand_attempts_take_bounded_memory_and_are_computed_one_by_one(is_one_account: bool) -> None:
    attack = Attack(sources=1_000)
    attack.forget_answers()
    for number in range(ATTEMPTS):
        nick = "alice" if is_one_account else f"nick{attack.chance.randrange(50_000)}"
        attack.guess(attack.guessers[number % len(attack.guessers)], nick)
        if number % 100 == 99:
            attack.compute()
            attack.forget_answers()
    logins = attack.rig.chat.entrance.logins
    assert attack.longest <= (1 if is_one_account else DERIVATIONS_MAX)
    assert len(logins.attempts) <= 3 * LOGINS_TRACKED_MAX
    assert len(attack.derived) <= ATTEMPTS // 100
    if is_one_account:
        elapsed_s = attack.rig.now - 100.0
        assert len(attack.derived) <= LOGIN_FAILURES_FREE + 7 + elapsed_s / LOGIN_DELAY_S_MAX


def test_an_attempt_costs_no_work_within_a_turn_but_to_be_taken_or_refused() -> None:
    """Nothing is computed where the chat is: of 1,000 attempts in one turn, none is, and most are refused at once."""
    attack = Attack(sources=1_000)
    for number, peer in enumerate(attack.guessers):
        attack.guess(peer, f"nick{number}")
    assert not attack.derived and len(attack.rig.chat.entrance.logins.derivations) == DERIVATIONS_MAX
    refused = sum(
        any(isinstance(frame, EnterRefused) and frame.code == "too_fast.wait" for frame in told(attack.rig, peer))
        for peer in attack.guessers
    )
    assert refused == len(attack.guessers) - DERIVATIONS_MAX


def test_of_the_enters_in_one_packet_the_first_counts() -> None:
    rig = Rig()
    peer = rig.stranger()
    for opened in (5, 6):
        peer.session.opened = opened
        context = FrameContext(rig.now, rig.chat, peer, peer.session, peer.session.path.address, 0)
        for number in range(64):
            FRAMES[Enter](context, Enter(f"nick{number}", "bench", 0, Proof(True, "GUESS", number)))
        assert [frame for frame in told(rig, peer) if isinstance(frame, EnterRefused)] == [
            EnterRefused("wrong_password.code", (), 0)
        ]


def test_people_talk_while_others_guess() -> None:
    attack = Attack(sources=200)
    rig = attack.rig
    rig.follow(attack.alice, "#lobby")
    for number in range(2_000):
        attack.guess(attack.guessers[number % 200], f"nick{number}")
        if number % 100 == 0:
            counter = rig.ask(attack.alice, Say("lobby", 0, f"line {number}"))
            rig.write()
            assert rig.result(attack.alice, counter) is not None
    assert len(rig.texts("#lobby")) == 20 and not attack.derived


def test_one_source_leaves_places_to_others_and_waits_behind_them() -> None:
    attack = Attack(sources=1)
    rig, busy = attack.rig, host(0)
    for number in range(50):
        attack.guess(rig.stranger(host=busy), f"nick{number}")
    assert len(rig.chat.entrance.logins.derivations) == DERIVATIONS_PER_SOURCE_MAX
    attack.compute()
    rightful = rig.stranger()
    rig.enter(rightful, "alice", Proof(False, "correct horse", 1))
    attack.compute()
    attack.compute()
    rig.write_down()
    assert rightful.nick == "alice" and len(attack.derived) <= 3


def test_who_guesses_at_an_account_does_not_keep_its_owner_out_for_more_than_a_minute() -> None:
    attack = Attack(sources=500)
    rig = attack.rig
    for peer in attack.guessers[:50]:
        attack.guess(peer, "alice")
        attack.compute()
        rig.now += LOGIN_DELAY_S_MAX / 2
    rig.now += LOGIN_DELAY_S_MAX
    rightful = rig.stranger()
    rig.log_in(rightful, "alice", "correct horse")
    assert rightful.nick == "alice"


def test_codes_are_guessed_no_faster_and_each_wrong_one_counts_for_its_source() -> None:
    attack = Attack(sources=1)
    rig = attack.rig
    linked(rig, attack.alice)
    answers: list[str | None] = []
    for _ in range(100):
        peer = rig.stranger(host=host(0))
        attack.guess(peer, "alice", is_code=True)
        answers.append(refusal(rig, peer))
        rig.leave(peer)
    assert answers.count("wrong_password.code") < 20 and answers[-1] == "too_fast.wait"
    near = rig.stranger()
    rig.log_in(near, "alice", CODE, is_code=True)
    assert near.nick == "alice"


def test_a_stolen_data_folder_has_no_rights_once_it_is_revoked_also_that_of_the_first_device() -> None:
    """Thief and owner have the same key. The owner revokes it from another device; both sessions with it end."""
    rig = Rig()
    laptop = rig.device("alice", "lobby")
    rig.ask(laptop, SetPassword("correct horse"))
    rig.derive()
    rig.write()
    phone = rig.stranger()
    rig.log_in(phone, "alice", "correct horse")
    thief = rig.device("alice", "lobby", key=laptop.key, instance=b"t" * 16)
    counter = rig.ask(phone, RevokeDevice(fingerprint(laptop.author.device)))
    rig.write()
    assert rig.result(phone, counter) == Done()
    assert thief not in rig.chat.registry and laptop not in rig.chat.registry and phone in rig.chat.registry
    for nick in ("alice", "alice2", "mallory"):
        again = rig.stranger(key=laptop.key, instance=b"t" * 16)
        rig.enter(again, nick)
        assert refusal(rig, again) == "key_revoked" and not rig.chat.registry.entered(laptop.key)[1:]
        rig.leave(again)
    restarted = Rig(rig.log)
    again = restarted.stranger(key=laptop.key)
    restarted.enter(again, "alice")
    assert refusal(restarted, again) == "key_revoked"
