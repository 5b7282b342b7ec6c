"""Computes Argon2id (RFC 9106) for a server's core on a thread: passwords to be verified, and to be hashed (SPEC 6.10).

One is computed at a time, and then the thread rests for DERIVATION_REST times as long: however many guess, they have a
quarter of a processor at most, and where the system can tell threads apart, only what all others leave.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from functools import partial

from udpchat.server.derivations import Derivation, Derived
from udpchat.session.password_hash import SALT_BYTES, NoArgon2id, hash_password, is_password
from udpchat.shell.worker import Worker
from udpchat.wire.limits import DERIVATION_REST

_logger = logging.getLogger("udpchat.server")


def derive(derivation: Derivation) -> Derived | None:
    """Verify a password, or hash it; None if Argon2id is missing on this machine."""
    try:
        if derivation.phc:
            return Derived(is_right=is_password(derivation.password, derivation.phc))
        return Derived(phc=hash_password(derivation.password, os.urandom(SALT_BYTES)))
    except NoArgon2id:
        return None


class ThreadDeriver:
    """Computes what `drain` gives, and reports it in the loop. Used from the thread of `loop` only."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        drain: Callable[[], Iterable[Derivation]],
        on_derived: Callable[[Derivation, Derived | None, float], None],
    ) -> None:
        """`drain` gives one at most; `on_derived(derivation, derived, took_s)` is called for each."""
        self._loop = loop
        self._drain = drain
        self._on_derived = on_derived
        self._worker: Worker | None = None  # most servers need none
        self._is_busy = False
        self._is_closed = False
        self._is_told = False

    def start(self) -> None:
        """Begin with the next, if there is one and none is under way."""
        if self._is_busy or self._is_closed:
            return
        for derivation in self._drain():
            self._is_busy = True
            self._worker = self._worker or Worker(self._loop, "passwords", is_urgent=False)
            self._worker.put(partial(derive, derivation), partial(self._on_done, derivation, self._loop.time()))

    def _on_done(self, derivation: Derivation, began_s: float, derived: Derived | None) -> None:
        if self._is_closed:
            return
        took_s = self._loop.time() - began_s
        if derived is None and not self._is_told:
            self._is_told = True
            _logger.warning("passwords cannot be checked: cryptography here has no Argon2id, which OpenSSL 3.2 brings")
        self._loop.call_later(DERIVATION_REST * took_s, self._on_rested)
        self._on_derived(derivation, derived, took_s)

    def _on_rested(self) -> None:
        self._is_busy = False
        self.start()

    def close(self) -> None:
        """Compute nothing more, and report nothing more."""
        self._is_closed = True
        if self._worker is not None:
            self._worker.close()
