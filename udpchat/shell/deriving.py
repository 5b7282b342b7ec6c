"""Computes Argon2id (RFC 9106) for a server's core on a thread: passwords to be verified, and to be hashed (SPEC 6.10).

One is computed at a time, and between two the thread rests for as long as one took: however many guess, they have half
of a processor at most, and the loop has the other.
"""

from __future__ import annotations

import asyncio
import logging
import os
import unicodedata
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from cryptography.exceptions import InvalidKey, UnsupportedAlgorithm

from udpchat.server.derivations import Derivation, Derived
from udpchat.shell.worker import Worker
from udpchat.wire.limits import DERIVATION_REST, PASSWORD_MEMORY_KIB, PASSWORD_PASSES

SALT_BYTES: Final = 16
HASH_BYTES: Final = 32

_logger = logging.getLogger("udpchat.server")


def derive(derivation: Derivation) -> Derived | None:
    """Verify a password, or hash it; None if Argon2id is missing on this machine."""
    argon2id = _argon2id()
    if argon2id is None:
        return None
    password = unicodedata.normalize("NFC", derivation.password).encode()  # however it was typed
    try:
        if not derivation.phc:
            return Derived(phc=argon2id(salt=os.urandom(SALT_BYTES)).derive_phc_encoded(password))
        argon2id.func.verify_phc_encoded(password, derivation.phc)
    except (InvalidKey, ValueError):  # wrong, or no hash that this server made
        return Derived(is_right=False)
    except UnsupportedAlgorithm:
        return None
    return Derived(is_right=True)


def _argon2id() -> Any:
    """The function, but for its salt; None if this version of `cryptography` has none."""
    try:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
    except ImportError:
        return None
    if not hasattr(Argon2id, "verify_phc_encoded"):
        return None
    return partial(Argon2id, length=HASH_BYTES, iterations=PASSWORD_PASSES, lanes=1, memory_cost=PASSWORD_MEMORY_KIB)


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
            self._worker = self._worker or Worker(self._loop, "passwords")
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
