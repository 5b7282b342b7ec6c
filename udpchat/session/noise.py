"""Noise_XX_25519_ChaChaPoly_BLAKE2s: three messages after which both ends know each other's key (SPEC 2). ::

    -> e                 Hello: the client's ephemeral key; its cookie is the payload
    <- e, ee, s, es      HelloReply: the server's keys; from here on everything is sealed
    -> s, se             Finish: the client's key, only after it has approved the server's

Noise specification, revision 34, sections 5 and 7.5. Reading a message returns the next step or raises, and changes
nothing: after a corrupt or forged message, the handshake goes on with the true one.
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from collections.abc import Iterable
from contextlib import suppress
from copy import copy
from hashlib import blake2s

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from udpchat.session.cipher import Cipher
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.fields import Value
from udpchat.wire.limits import KEY_BYTES, PROTOCOL_VERSION, SEAL_BYTES

SUITE = b"Noise_XX_25519_ChaChaPoly_BLAKE2s"
PROLOGUE = b"udpchat" + bytes([PROTOCOL_VERSION])  # two versions never derive the same key: no silent downgrade

_SEALED_KEY_BYTES = KEY_BYTES + SEAL_BYTES


def fingerprint(public: bytes) -> str:
    """What people compare and write after ``#`` in an address: BLAKE2s-160 of a key as 32 characters a-z, 2-7."""
    return b32encode(blake2s(public, digest_size=20).digest()).decode().lower()


def user_id(public: bytes) -> bytes:
    """8 bytes that identify a key among the users of one server; too short to authenticate an unknown key."""
    return blake2s(public, digest_size=8).digest()


class KeyPair:
    """An X25519 key pair (RFC 7748), static or ephemeral, from 32 secret bytes."""

    __slots__ = ("_private", "public")

    def __init__(self, private: bytes) -> None:
        self._private = X25519PrivateKey.from_private_bytes(private)
        self.public = self._private.public_key().public_bytes_raw()

    def exchange_untrusted(self, public: bytes) -> bytes:
        """The shared 32 bytes; raises BadDatagram(BAD_HANDSHAKE) if ``public`` is no key or a point of low order."""
        try:
            return self._private.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:
            raise BadDatagram(Drop.BAD_HANDSHAKE) from None


class Keys(Value, frozen=True):
    """The result of a handshake: a key for each direction, and a hash that is unique to the session."""

    send: bytes
    receive: bytes
    handshake_hash: bytes


class _Symmetric:
    """Noise's SymmetricState (section 5.2) with the key and nonce of its CipherState."""

    __slots__ = ("_chaining_key", "_counter", "_key", "hash")

    def __init__(self, prologue: bytes) -> None:
        self.hash = self._chaining_key = blake2s(SUITE).digest()  # the name is longer than a hash
        self._key = b""
        self._counter = 0
        self.mix_hash(prologue)

    def mix_hash(self, data: bytes) -> None:
        self.hash = blake2s(self.hash + data).digest()

    def mix_key(self, shared: bytes) -> None:
        self._chaining_key, self._key = _hkdf(self._chaining_key, shared)
        self._counter = 0

    def seal(self, plaintext: bytes) -> bytes:
        sealed = Cipher(self._key).seal(self._counter, self.hash, plaintext)
        self._counter += 1
        self.mix_hash(sealed)
        return sealed

    def open_untrusted(self, sealed: bytes) -> bytes:
        try:
            plaintext = Cipher(self._key).open_untrusted(self._counter, self.hash, sealed)
        except BadDatagram:
            raise BadDatagram(Drop.BAD_HANDSHAKE) from None
        self._counter += 1
        self.mix_hash(sealed)
        return plaintext

    def split(self) -> tuple[bytes, bytes]:
        """The keys of the initiator's and of the responder's direction."""
        return _hkdf(self._chaining_key, b"")


class NoiseInitiator:
    """The client's first step: ``public`` goes into the Hello, with a payload that may be another each time."""

    __slots__ = ("_ephemeral", "_static", "_symmetric", "public")

    def __init__(self, *, static: KeyPair, ephemeral: KeyPair, prologue: bytes = PROLOGUE) -> None:
        self._static, self._ephemeral = static, ephemeral
        self._symmetric = _Symmetric(prologue)
        self._symmetric.mix_hash(ephemeral.public)
        self.public = ephemeral.public

    def read_reply_untrusted(self, message: bytes, payloads: Iterable[bytes] = (b"",)) -> ServerProved:
        """The next step, from Noise message 2, which answers a message 1 with one of these payloads.

        Raises BadDatagram(BAD_HANDSHAKE), and then changes nothing.
        """
        ee = self._ephemeral.exchange_untrusted(message[:KEY_BYTES])
        for payload in payloads:
            with suppress(BadDatagram):
                return self._read_reply_untrusted(message, payload, ee)
        raise BadDatagram(Drop.BAD_HANDSHAKE)

    def _read_reply_untrusted(self, message: bytes, sent: bytes, ee: bytes) -> ServerProved:
        symmetric = copy(self._symmetric)
        symmetric.mix_hash(sent)
        remote_ephemeral = message[:KEY_BYTES]
        symmetric.mix_hash(remote_ephemeral)
        symmetric.mix_key(ee)
        remote_static = symmetric.open_untrusted(message[KEY_BYTES : KEY_BYTES + _SEALED_KEY_BYTES])
        symmetric.mix_key(self._ephemeral.exchange_untrusted(remote_static))  # es
        payload = symmetric.open_untrusted(message[KEY_BYTES + _SEALED_KEY_BYTES :])
        se = self._static.exchange_untrusted(remote_ephemeral)
        return ServerProved(remote_static, payload, symmetric, se, self._static.public)


class ServerProved:
    """The client's second step: the server holds ``remote_static``. The caller decides whether it is right."""

    __slots__ = ("_public", "_se", "_symmetric", "payload", "remote_static")

    def __init__(self, remote_static: bytes, payload: bytes, symmetric: _Symmetric, se: bytes, public: bytes) -> None:
        self.remote_static, self.payload = remote_static, payload
        self._symmetric: _Symmetric | None = symmetric
        self._se, self._public = se, public

    def finish(self, payload: bytes) -> tuple[bytes, Keys]:
        """Noise message 3, which reveals our key, and the session's keys. Once only: a second payload would
        repeat a nonce, so a second call raises AssertionError, our own fault."""
        symmetric, self._symmetric = self._symmetric, None
        if symmetric is None:
            raise AssertionError("this handshake is finished")
        sealed_static = symmetric.seal(self._public)
        symmetric.mix_key(self._se)
        message = sealed_static + symmetric.seal(payload)
        send, receive = symmetric.split()
        return message, Keys(send, receive, symmetric.hash)


class NoiseResponder:
    """The server's step: made from Noise message 1 (``remote_ephemeral`` and its payload); ``message`` answers it.

    Making one raises BadDatagram(BAD_HANDSHAKE) if ``remote_ephemeral`` is no key.
    """

    __slots__ = ("_ephemeral", "_read", "_symmetric", "exchanges", "message")

    def __init__(
        self,
        *,
        static: KeyPair,
        ephemeral: KeyPair,
        remote_ephemeral: bytes,
        remote_payload: bytes = b"",
        payload: bytes = b"",
        prologue: bytes = PROLOGUE,
    ) -> None:
        symmetric = _Symmetric(prologue)
        symmetric.mix_hash(remote_ephemeral)
        symmetric.mix_hash(remote_payload)
        symmetric.mix_hash(ephemeral.public)
        symmetric.mix_key(ephemeral.exchange_untrusted(remote_ephemeral))  # ee
        sealed_static = symmetric.seal(static.public)
        symmetric.mix_key(static.exchange_untrusted(remote_ephemeral))  # es
        self.message = ephemeral.public + sealed_static + symmetric.seal(payload)
        self._ephemeral, self._symmetric = ephemeral, symmetric
        self._read: tuple[bytes, bytes, _Symmetric] | None = None
        self.exchanges = 0

    def read_finish_untrusted(self, message: bytes) -> ClientProved:
        """The end, from Noise message 3; raises BadDatagram(BAD_HANDSHAKE), and then the true one may still follow.

        ``exchanges`` counts curve operations here: one for each sealed key, which only the client that sent message 1
        can make. Who has seen its Finish can repeat the sealed key with anything behind it: that costs none.
        """
        sealed_static = message[:_SEALED_KEY_BYTES]
        if self._read is None or self._read[0] != sealed_static:
            symmetric = copy(self._symmetric)
            remote_static = symmetric.open_untrusted(sealed_static)
            self.exchanges += 1
            symmetric.mix_key(self._ephemeral.exchange_untrusted(remote_static))  # se
            self._read = sealed_static, remote_static, symmetric
        _, remote_static, symmetric = self._read
        symmetric = copy(symmetric)
        payload = symmetric.open_untrusted(message[_SEALED_KEY_BYTES:])
        receive, send = symmetric.split()
        return ClientProved(remote_static, payload, Keys(send, receive, symmetric.hash))


class ClientProved(Value, frozen=True):
    """The server's last step: the client's key, the payload of its Finish, and the session's keys."""

    remote_static: bytes
    payload: bytes
    keys: Keys


def _hkdf(chaining_key: bytes, material: bytes) -> tuple[bytes, bytes]:
    """Noise's HKDF with two outputs (section 4.3; RFC 5869)."""
    secret = hmac.digest(chaining_key, material, blake2s)
    first = hmac.digest(secret, b"\x01", blake2s)
    return first, hmac.digest(secret, first + b"\x02", blake2s)
