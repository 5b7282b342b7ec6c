"""From an Enter to its answer (SPEC 6.1, 6.10): which account a device is of, what it shows, what is proposed."""

from __future__ import annotations

from typing import Final, Protocol

from udpchat.chat.ids import inbox_log
from udpchat.server.access import why_banned
from udpchat.server.admission import Admission
from udpchat.server.commits import Commits
from udpchat.server.derivations import Derivation, Derived
from udpchat.server.logins import Logins
from udpchat.server.proposals import Admit, Author, CodeProof, EnterProposal, NoteProposal, PasswordProof, Reject
from udpchat.server.quota_charges import charge_claim
from udpchat.server.quotas import Quotas
from udpchat.server.registry import Peer, Registry
from udpchat.server.settle_accounts import KeepPassword
from udpchat.server.wall_clock import WallClock
from udpchat.session.noise import user_id
from udpchat.wire.content import Reason
from udpchat.wire.frames import EnterRefused, Proof, encode
from udpchat.wire.limits import PEERS_PER_KEY_MAX

MISSED_KEPT_MAX: Final = 1_024  # accounts with failed logins that are written down as the server stops: at once


class Proposer(Protocol):
    """Who settles, and knows what time it is."""

    clock: WallClock

    def propose(self, now: float, proposal: EnterProposal | NoteProposal) -> None: ...

    def propose_action(self, now: float, peer: Peer, counter: int, action: KeepPassword) -> None: ...


class Entrance:
    """Where devices enter."""

    __slots__ = ("_admission", "_commits", "_proposer", "_quotas", "_registry", "logins")

    def __init__(
        self, proposer: Proposer, commits: Commits, quotas: Quotas, registry: Registry, admission: Admission
    ) -> None:
        self._proposer = proposer
        self._commits = commits
        self._quotas = quotas
        self._registry = registry
        self._admission = admission
        self.logins = Logins(commits, registry, admission)

    def enter(self, now: float, peer: Peer, asked: str, proof: Proof | None) -> None:
        """A peer requests to enter under a nick, and maybe shows that it may use the account of that."""
        nick = self._admission.enter(peer, asked, proof.number if proof is not None else 0)
        if nick is None:
            return
        accounts = self._commits.durable.accounts
        self._move(peer, accounts.account_of(peer.author.device))  # another process on this device may have added it
        if peer.key == accounts.host:
            return self._admission.admit(now, peer, nick)  # owned by nobody: nothing is settled
        author, host = peer.author, peer.session.path.address[0]
        time_ms = self._proposer.clock.time_ms(now)
        if (banned := why_banned(self._commits.durable, author.key, author.device, host, time_ms)) is not None:
            return self._admission.reject(peer, *banned)
        shown = None
        if proof is not None and self.logins.must_prove(peer, nick):
            shown = self.logins.prove(now, peer, nick, proof)
            if shown is None:
                return  # refused, or its password waits
        if self._commits.is_unwritable or charge_claim(now, peer.who, nick, self._commits.settled, self._quotas):
            self.propose(now, peer, nick, shown)
        else:
            self._admission.reject(peer, "too_fast", ())

    def propose(self, now: float, peer: Peer, nick: str, proof: CodeProof | PasswordProof | None = None) -> None:
        """Propose that a peer enters under this nick, with what it has shown."""
        held = self._commits.settled.claims.owner(nick)
        is_frozen = self._commits.is_unwritable and held is not None and held.key == peer.key
        failures = self.logins.attempts.missed(held.key) if held is not None and not is_frozen else None
        time_ms = 0 if is_frozen else self._proposer.clock.time_ms(now)
        host, is_closed = peer.session.path.address[0], self._admission.settings.is_closed
        self._proposer.propose(now, EnterProposal(peer.author, nick, time_ms, host, proof, failures, is_closed))

    def derived(self, now: float, derivation: Derivation, derived: Derived | None, took_s: float) -> Peer | None:
        """A password was verified or hashed, or this server cannot (None): propose what was asked for; by whom."""
        found = self.logins.derived(now, self._proposer.clock.time_ms(now), derivation, derived, took_s)
        if found is None:
            return self._registry.find_client(derivation.client_id)
        peer, shown = found
        if isinstance(shown, KeepPassword):
            self._proposer.propose_action(now, peer, derivation.counter, shown)
        else:
            self.propose(now, peer, derivation.nick, shown)
        return peer

    def keep_missed(self, now: float) -> None:
        """The server is about to stop: write down what owners were not told, as it is in memory only."""
        for account, failed in self.logins.attempts.drain_missed(MISSED_KEPT_MAX):
            log, state = inbox_log(account), self._commits.settled
            if not self._commits.is_unwritable and (state.head(log) or state.may_begin(log)):
                author = Author(b"", account, user_id(account), b"", account)
                self._proposer.propose(now, NoteProposal(author, log, failed))

    def admit(self, now: float, peer: Peer, admit: Admit) -> None:
        """The device enters, maybe as one of another account from here on."""
        self._move(peer, admit.account or peer.key)
        self.logins.attempts.on_told(peer.key, admit.told)
        self._admission.admit(now, peer, admit.nick)

    def reject(self, now: float, peer: Peer, reject: Reject) -> None:
        """The device does not enter."""
        self.logins.on_rejected(now, self._proposer.clock.time_ms(now), peer, reject.code)
        self._admission.reject(peer, reject.code, reject.detail)

    def _move(self, peer: Peer, account: bytes) -> None:
        """A device that has not entered is of this account from here on."""
        if peer.nick is None and peer.key != account:
            surplus = self._registry.change_account(peer, account)
            if surplus is not None:
                refused = EnterRefused("too_many_devices", (str(PEERS_PER_KEY_MAX),))
                self._registry.end_later(surplus, Reason.DISPLACED, encode(refused))
