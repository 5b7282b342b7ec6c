"""ChaCha20-Poly1305 with a counter as nonce: the only place where bytes are sealed and opened (SPEC 3).

The nonce is four zero bytes and the counter in 64 little-endian bits (Noise specification, section 12.3; RFC 8439).
"""

from __future__ import annotations

from collections import deque
from struct import Struct
from typing import Final
from weakref import ref

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from udpchat.wire.errors import BadDatagram, Drop

CIPHERS_READY_MAX: Final = 2_048  # 2.2 KiB each, which idle peers, with two each, need not have

_nonce = Struct("<4xQ").pack


class ReadyCiphers:
    """The keys whose ciphers are prepared for use, CIPHERS_READY_MAX at most: the first prepared gives way."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: deque[ref[_Key]] = deque()

    def __len__(self) -> int:
        return sum(key() is not None for key in self._keys)

    def add(self, key: _Key) -> None:
        """A key has its cipher ready."""
        if len(self._keys) >= CIPHERS_READY_MAX and (first := self._keys.popleft()()) is not None:
            first.release()
        self._keys.append(ref(key))


class _Key:
    """A key, and the cipher prepared with it, which takes 0.9 us. With the last reference to a key both are gone."""

    __slots__ = ("__weakref__", "_among", "_key", "_ready")

    def __init__(self, key: bytes, among: ReadyCiphers | None = None) -> None:
        """`among`: the prepared ciphers that this one is counted with; None: it stays prepared."""
        self._key = key
        self._among = among
        self._ready: ChaCha20Poly1305 | None = None

    def release(self) -> None:
        """Keep only the key until it is used again."""
        self._ready = None

    def _prepare(self) -> ChaCha20Poly1305:
        if self._among is not None:
            self._among.add(self)
        self._ready = ChaCha20Poly1305(self._key)
        return self._ready


class Cipher(_Key):
    """One key. ``header`` is authenticated, not encrypted."""

    __slots__ = ()

    def seal(self, counter: int, header: bytes, plaintext: bytes) -> bytes:
        """Ciphertext and tag, SEAL_BYTES more than ``plaintext``. The caller never repeats a counter."""
        return (self._ready or self._prepare()).encrypt(_nonce(counter), plaintext, header)

    def open_untrusted(self, counter: int, header: bytes, sealed: bytes) -> bytes:
        """The plaintext; raises BadDatagram(BAD_SEAL) unless key, counter, header and bytes are those of ``seal``."""
        try:
            return (self._ready or self._prepare()).decrypt(_nonce(counter), sealed, header)
        except InvalidTag:
            raise BadDatagram(Drop.BAD_SEAL) from None


class SendCipher(_Key):
    """A key that only we seal with, in the order of the counter.

    One nonce for two plaintexts reveals both and the key that authenticates them. So this is checked in every build,
    and not by an ``assert``, which ``python -O`` removes.
    """

    __slots__ = ("_counter_min",)

    def __init__(self, key: bytes, among: ReadyCiphers | None = None) -> None:
        super().__init__(key, among)
        self._counter_min = 0

    def seal(self, counter: int, header: bytes, plaintext: bytes) -> bytes:
        """As ``Cipher.seal``; raises AssertionError, our own fault, for a counter not above all before it."""
        if counter < self._counter_min:
            raise AssertionError(f"counter {counter} is sealed already")
        self._counter_min = counter + 1
        return (self._ready or self._prepare()).encrypt(_nonce(counter), plaintext, header)
