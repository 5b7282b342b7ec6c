"""How a device proves that it may use an account that it does not belong to yet (SPEC 6.10). Pure.

An Enter has no proof until the server asks for one by its refusal: so a secret is not sent where it is not needed, and
a code is not used up. Each secret that is tried has another number, which its refusal names: the refusal of a repeated
Enter, which comes late, is not that of the next secret. A secret is forgotten once the client has entered.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from udpchat.chat import events
from udpchat.chat.phrase import Phrase
from udpchat.wire.frames import Proof

TRIES_MAX: Final = 3  # passwords that a person is asked for, or that one try and a person
ASKING: Final = frozenset({"nick_taken", "key_revoked", "not_allowed.closed"})  # refusals of who has not shown a proof
WAITS: Final = "too_fast.wait"
WAIT_S_MIN: Final = 0.05  # of what a server may request
WAIT_S_MAX: Final = 3_600.0
STALE_MAX: Final = 16  # refusals of an Enter without proof that come after one with a proof: they were under way


class Verdict(Enum):
    """What follows from a refusal."""

    IGNORED = "it is late, or known"
    AGAIN = "enter again, with a proof"
    ASKED = "the person is asked; until then, do not enter"
    WAIT = "enter again after a while"
    FINAL = "this client may not enter"


class Login:
    """The proof of one client. `proof`: given at its start. `can_ask`: a person can be asked for a password."""

    def __init__(self, proof: Proof | None = None, *, can_ask: bool = False) -> None:
        self._secret = proof
        self._can_ask = can_ask
        self._number = 0  # of the secret that is sent; 0: none is
        self._tries = 0
        self._stale = 0
        self._refused: Phrase | None = None  # why the person is asked
        self.waits_until = float("-inf")

    @property
    def is_asking(self) -> bool:
        """Whether a person is being asked: no Enter is sent until there is a secret."""
        return self._refused is not None

    def is_waiting(self, now: float) -> bool:
        """Whether the server has requested that no Enter be sent before `waits_until`."""
        return now < self.waits_until

    @property
    def proof(self) -> Proof | None:
        """What the next Enter shows."""
        if self._secret is None or not self._number:
            return None
        return Proof(self._secret.is_code, self._secret.secret, self._number)

    def on_refused(self, now: float, reason: Phrase, number: int) -> Verdict:
        """The server refuses an Enter whose proof had this number."""
        if reason.key == WAITS:
            return self._wait(now, reason, number)
        is_wrong = reason.code == "wrong_password"
        if self.is_asking or (number != self._number and (number or not is_wrong)):
            self._stale += not self.is_asking
            return Verdict.IGNORED if self.is_asking or self._stale < STALE_MAX else Verdict.FINAL
        if is_wrong:
            self._secret = None
            return self._ask(reason) if reason.key == "wrong_password" else Verdict.FINAL
        if reason.key not in ASKING or self._number:
            return Verdict.FINAL
        if self._secret is not None:
            self._next()
            return Verdict.AGAIN
        return self._ask(reason) if reason.key == "nick_taken" else Verdict.FINAL

    def _ask(self, reason: Phrase) -> Verdict:
        if not self._can_ask or self._tries >= TRIES_MAX:
            return Verdict.FINAL
        self._refused = reason
        return Verdict.ASKED

    def _wait(self, now: float, reason: Phrase, number: int) -> Verdict:
        if number != self._number or self.is_waiting(now):
            return Verdict.IGNORED
        self.waits_until = now + wait_s_of(reason)
        return Verdict.WAIT

    def question(self, nick: str) -> events.PasswordNeeded:
        """What the person is asked."""
        assert self._refused is not None
        is_wrong = self._refused.code == "wrong_password"
        return events.PasswordNeeded(nick, is_wrong, TRIES_MAX - self._tries)

    def prove(self, secret: str, *, is_code: bool) -> None:
        """The person has given a secret."""
        self._secret = Proof(is_code, secret)
        self._next()

    def _next(self) -> None:
        self._refused = None
        self._number += 1
        self._tries += 1
        self._stale = 0

    def give_up(self) -> Phrase | None:
        """The person gives none: why the client may not enter. None: nobody was asked."""
        refused, self._refused = self._refused, None
        return refused

    def on_entered(self) -> None:
        """The server has let this client in: the device belongs to the account, and nothing is to be proved."""
        self._secret = self._refused = None
        self._number = self._tries = self._stale = 0


def wait_s_of(reason: Phrase) -> float:
    """The seconds that a `too_fast.wait` names, within WAIT_S_MAX; one that is no number is a second."""
    text = str(reason.values.get("wait_s", ""))
    is_number = text.isascii() and text.replace(".", "", 1).isdigit()
    return min(max(float(text), WAIT_S_MIN), WAIT_S_MAX) if is_number else 1.0


def retry_s_of(reason: Phrase) -> float | None:
    """After how many seconds what was refused may succeed, if the server says so."""
    return wait_s_of(reason) if reason.key == WAITS else None
