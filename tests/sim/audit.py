"""What is audited while a world is simulated: every seal, and every proposal that a server settles.

**Nonces (scenario S25).** Every seal of every session, group and handshake passes here.

No two plaintexts may ever be sealed under one key and one counter: not after a restart, a repeated handshake or a
repair either, when another object holds the key. That is what makes this more than what `SendCipher` checks itself.

**Settling.** The same state and proposal must give the same entries, answer and effects, and leave the state as it was:
each proposal is settled twice.
"""

from __future__ import annotations

from collections.abc import Callable

from udpchat.server import commits
from udpchat.server.proposals import Proposal, Settlement
from udpchat.server.settle import settle
from udpchat.server.state import State
from udpchat.session import group, session
from udpchat.session import noise as handshake
from udpchat.session.cipher import Cipher, SendCipher
from udpchat.session.group import GroupSender

highest: dict[bytes, int] = {}  # key -> the last counter sealed under it, by whichever session
sealed: dict[tuple[bytes, int], tuple[bytes, bytes]] = {}  # of handshakes: (key, counter) -> (header, plaintext)


class AuditedSendCipher(SendCipher):
    """A session's cipher that remembers its key's counters beyond its own life."""

    __slots__ = ()

    def seal(self, counter: int, header: bytes, plaintext: bytes) -> bytes:
        """As `SendCipher.seal`; AssertionError if any session has sealed with this key and counter before."""
        assert counter > highest.get(self._key, -1), f"counter {counter} was sealed before under this key"
        highest[self._key] = counter
        return super().seal(counter, header, plaintext)


class AuditedCipher(Cipher):
    """A handshake's cipher: the same again is the same message, anything else under its nonce is a fault."""

    __slots__ = ()

    def seal(self, counter: int, header: bytes, plaintext: bytes) -> bytes:
        """As `Cipher.seal`; AssertionError if something else was sealed with this key and counter before."""
        before = sealed.setdefault((self._key, counter), (header, plaintext))
        assert before == (header, plaintext), f"counter {counter} was sealed before, for something else"
        return super().seal(counter, header, plaintext)


def settle_twice(state: State, proposal: Proposal) -> Settlement:
    """As `settle`; AssertionError if it does not give the same again."""
    settlement = settle(state, proposal)
    again = settle(state, proposal)
    assert settlement == again, f"settled as {settlement}, then as {again}"
    return settlement


def _ignore(sender: session.Session, body: bytes) -> None:
    """Nobody wants to see it."""


on_sealed: Callable[[session.Session, bytes], None] = _ignore  # is shown each body before its session seals it
seal = session.Session.seal


def seal_shown(sender: session.Session, body: bytes) -> bytes:
    """As `Session.seal`."""
    on_sealed(sender, body)
    return seal(sender, body)


def _ignore_group(sender: GroupSender, body: bytes) -> None:
    """Nobody wants to see it."""


on_group_sealed: Callable[[GroupSender, bytes], None] = _ignore_group  # likewise of a group packet
seal_group = GroupSender.seal


def seal_group_shown(sender: GroupSender, body: bytes) -> bytes:
    """As `GroupSender.seal`."""
    on_group_sealed(sender, body)
    return seal_group(sender, body)


def begin() -> None:
    """From here on all seals and proposals of this process are audited, as those of a new world."""
    global on_sealed, on_group_sealed
    highest.clear()
    sealed.clear()
    on_sealed, on_group_sealed = _ignore, _ignore_group
    setattr(GroupSender, "seal", seal_group_shown)  # noqa: B010
    if session.Session.seal is seal:  # else a test has put something in its place
        setattr(session.Session, "seal", seal_shown)  # noqa: B010
    for module in (session, group):
        setattr(module, "SendCipher", AuditedSendCipher)  # noqa: B010 - where it is used, not where it is from
    setattr(handshake, "Cipher", AuditedCipher)  # noqa: B010
    setattr(commits, "settle", settle_twice)  # noqa: B010


def end() -> None:
    """No longer: what seals from here on need not be of one world."""
    if session.Session.seal is seal_shown:
        setattr(session.Session, "seal", seal)  # noqa: B010
    setattr(GroupSender, "seal", seal_group)  # noqa: B010
    for module in (session, group):
        setattr(module, "SendCipher", SendCipher)  # noqa: B010
    setattr(handshake, "Cipher", Cipher)  # noqa: B010
    setattr(commits, "settle", settle)  # noqa: B010
