"""How a device proves that it may use an account: with a one-time code, or with a password, which is verified off the
loop (SPEC 6.10). `settle` decides what follows, in order with everything else."""

from __future__ import annotations

from collections.abc import Hashable
from math import ceil

from udpchat.chat.names import skeleton
from udpchat.server.accounts import digest_of
from udpchat.server.admission import Admission
from udpchat.server.attempts import Attempts
from udpchat.server.commits import Commits
from udpchat.server.derivations import NOBODYS_PASSWORD, Derivation, Derivations, Derived
from udpchat.server.proposals import CodeProof, PasswordProof
from udpchat.server.registry import Peer, Registry
from udpchat.server.repeated_requests import answer
from udpchat.server.settle_accounts import KeepPassword
from udpchat.wire.content import LoginsFailed
from udpchat.wire.fields import Value
from udpchat.wire.frames import Proof
from udpchat.wire.limits import DERIVATION_WAIT_S
from udpchat.wire.requests import Failed


class Hashing(Value, frozen=True):
    """A password that is to be set, once it is hashed."""

    password: str

    def __repr__(self) -> str:
        return "Hashing()"  # never the password


class Logins:
    """The attempts that failed, and the passwords that wait to be verified or hashed."""

    __slots__ = ("_admission", "_commits", "_registry", "attempts", "derivations")

    def __init__(self, commits: Commits, registry: Registry, admission: Admission) -> None:
        self._commits = commits
        self._registry = registry
        self._admission = admission
        self.attempts = Attempts()
        self.derivations = Derivations()

    def must_prove(self, peer: Peer, nick: str) -> bool:
        """Whether a device may not enter under this nick as it is."""
        state = self._commits.settled
        held = state.claims.owner(nick)
        return held is None or held.key != peer.key or state.accounts.is_revoked(peer.author.device)

    def prove(self, now: float, peer: Peer, nick: str, proof: Proof) -> CodeProof | None:
        """A device shows a code, which is to be proposed; or a password, which waits; or it is refused."""
        subject, account = self._subject_of(nick)
        source = peer.who.source
        is_exempt = proof.is_code or any(other.who.source == source for other in self._registry.entered(account))
        # Nobody guesses a code; and where the person is, others cannot make them wait.
        wait_s = self.attempts.wait_s(now, None if is_exempt else subject, source)
        if wait_s > 0.0:
            self._refuse_for(peer, wait_s)
            return None
        if proof.is_code:
            return CodeProof(digest_of(proof.secret))
        phc = self._commits.settled.accounts.get(account).password
        author = peer.author
        derivation = Derivation(
            author.client_id, 0, source, nick, subject, account if phc else b"", proof.secret, phc or NOBODYS_PASSWORD
        )
        if not self.derivations.add(derivation):
            self._refuse_for(peer, DERIVATION_WAIT_S)
        return None

    def _subject_of(self, nick: str) -> tuple[Hashable, bytes]:
        """What an attempt at this nick is counted for, and its account, if it has one."""
        held = self._commits.settled.claims.owner(nick)
        return (skeleton(nick), b"") if held is None else (held.key, held.key)

    def _refuse_for(self, peer: Peer, wait_s: float) -> None:
        self._admission.reject(peer, "too_fast.wait", (str(ceil(wait_s)),))

    def hash(self, peer: Peer, counter: int, password: str) -> None:
        """A person sets this password: it is hashed, and then proposed."""
        author = peer.author
        derivation = Derivation(
            author.client_id, counter, peer.who.source, "", author.key, author.key, password, ""
        )
        if not self.derivations.add(derivation):
            answer(peer, counter, Failed("too_fast.wait", (str(ceil(DERIVATION_WAIT_S)),)))

    # --- What was computed ----------

    def drain(self) -> list[Derivation]:
        """What is to be computed now; then call `derived`."""
        derivation = self.derivations.take_next(lambda each: self._asker_of(each) is not None)
        return [derivation] if derivation is not None else []

    def _asker_of(self, derivation: Derivation) -> Peer | None:
        """Who still waits for it."""
        peer = self._registry.find_client(derivation.client_id)
        if peer is None:
            return None
        if derivation.counter:
            is_waiting = peer.nick is not None and peer.window.is_waiting(derivation.counter)
        else:
            is_waiting = peer.entering is not None and peer.entering.nick == derivation.nick
        return peer if is_waiting else None

    def derived(
        self, now: float, time_ms: int, derivation: Derivation, derived: Derived | None, took_s: float
    ) -> tuple[Peer, PasswordProof | KeepPassword] | None:
        """It is computed, or this server cannot (None): who asked, and what is to be proposed for them, if anything."""
        self.derivations.on_derived(derivation, took_s)
        peer = self._asker_of(derivation)
        if derivation.counter:
            if peer is None:
                return None
            if derived is None:
                answer(peer, derivation.counter, Failed("no_passwords"))
                return None
            return peer, KeepPassword(derived.phc)
        if derived is not None and not (derived.is_right and derivation.account):
            self.attempts.on_wrong(now, derivation.subject, derivation.source)
            if isinstance(derivation.subject, bytes):
                self.attempts.miss(derivation.subject, LoginsFailed(1, time_ms, time_ms))
            if peer is not None:
                self._admission.reject(peer, "wrong_password", ())
            return None
        if peer is None:
            return None
        if derived is None:
            self._admission.reject(peer, "no_passwords", ())
            return None
        self.attempts.on_right(derivation.subject)
        return peer, PasswordProof(derivation.account, derivation.phc)

    # --- What was settled ----------

    def on_rejected(self, now: float, time_ms: int, peer: Peer, code: str) -> None:
        """A device may not enter as it asked to: a wrong code is a failed attempt."""
        if code == "wrong_password.code" and peer.entering is not None and peer.entering.nick is not None:
            self.attempts.on_wrong_code(now, peer.who.source)
            _, account = self._subject_of(peer.entering.nick)
            if account:
                self.attempts.miss(account, LoginsFailed(1, time_ms, time_ms))
