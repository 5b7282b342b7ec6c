"""Cookies: they prove to a server that a Hello's source address is real, without state for the Hello (SPEC 2).

A cookie is the time in milliseconds modulo 2^32, then a BLAKE2s-128 of time, the client's ephemeral key and both
addresses under a secret of the server. So it is valid for no other address and no other handshake, and expires by
itself. It follows WireGuard (its paper, section 5.3) and QUIC's Retry token (RFC 9000, section 8.1.4).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2s
from hmac import compare_digest

from udpchat.wire.limits import COOKIE_BYTES, COOKIE_LIFETIME_S, COOKIE_SECRET_LIFETIME_S
from udpchat.wire.packets import Address

_TIME_BYTES = 4
_TIME_MODULUS_MS = 1 << 32
_SECRET_BYTES = 32


class CookieJar:
    """Makes and checks cookies; holds two secrets, and nothing per client."""

    __slots__ = ("_random", "_rotated_s", "_secret", "_secret_before")

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._secret = random(_SECRET_BYTES)
        self._secret_before = random(_SECRET_BYTES)
        self._rotated_s: float | None = None

    def mint(self, now: float, address: Address, ephemeral: bytes) -> bytes:
        """A cookie of COOKIE_BYTES; ``check`` accepts it for COOKIE_LIFETIME_S with the same address and key."""
        self._rotate(now)
        minted = (int(now * 1000) % _TIME_MODULUS_MS).to_bytes(_TIME_BYTES, "big")
        return minted + _mac(self._secret, minted, address, ephemeral)

    def check(self, now: float, address: Address, ephemeral: bytes, cookie: bytes) -> bool:
        """Whether ``cookie`` was minted for this address and key, within COOKIE_LIFETIME_S."""
        self._rotate(now)
        minted, mac = cookie[:_TIME_BYTES], cookie[_TIME_BYTES:]
        age_ms = (int(now * 1000) - int.from_bytes(minted, "big")) % _TIME_MODULUS_MS
        return age_ms <= COOKIE_LIFETIME_S * 1000 and any(
            compare_digest(mac, _mac(secret, minted, address, ephemeral))
            for secret in (self._secret, self._secret_before)
        )

    def _rotate(self, now: float) -> None:
        if self._rotated_s is None:
            self._rotated_s = now
        elif now - self._rotated_s >= COOKIE_SECRET_LIFETIME_S:
            self._secret, self._secret_before = self._random(_SECRET_BYTES), self._secret
            self._rotated_s = now


def _mac(secret: bytes, minted: bytes, address: Address, ephemeral: bytes) -> bytes:
    # Time and key have a fixed length, and no field of an address has a zero byte: so no two inputs are equal.
    text = minted + ephemeral + "\0".join(map(str, address)).encode()
    return blake2s(text, digest_size=COOKIE_BYTES - _TIME_BYTES, key=secret).digest()
