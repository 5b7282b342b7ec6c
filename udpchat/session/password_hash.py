"""Passwords as a server keeps them: Argon2id (RFC 9106) in a PHC string (SPEC 6.10)."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from cryptography.exceptions import InvalidKey, UnsupportedAlgorithm

from udpchat.wire.limits import PASSWORD_MEMORY_KIB, PASSWORD_PASSES

SALT_BYTES: Final = 16
HASH_BYTES: Final = 32


class NoArgon2id(Exception):
    """This version of `cryptography`, or of the OpenSSL that it was built with, does not have it."""


def hash_password(password: str, salt: bytes) -> str:
    """The PHC string of a password, with SALT_BYTES random bytes; some 25 ms. Raises `NoArgon2id`."""
    function = _argon2id()
    try:
        phc: str = function(
            salt=salt, length=HASH_BYTES, iterations=PASSWORD_PASSES, lanes=1, memory_cost=PASSWORD_MEMORY_KIB
        ).derive_phc_encoded(_bytes(password))
    except UnsupportedAlgorithm as error:
        raise NoArgon2id from error
    return phc


def is_password(password: str, phc: str) -> bool:
    """Whether this is the password of a PHC string; as long as it was to make that. Raises `NoArgon2id`."""
    function = _argon2id()
    try:
        function.verify_phc_encoded(_bytes(password), phc)
    except UnsupportedAlgorithm as error:
        raise NoArgon2id from error
    except (InvalidKey, ValueError):  # wrong, or no hash that this server made
        return False
    return True


def _bytes(password: str) -> bytes:
    """The same however its letters were composed."""
    return unicodedata.normalize("NFC", password).encode()


def _argon2id() -> Any:
    try:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id  # not at the start: most servers need none
    except ImportError as error:
        raise NoArgon2id from error
    if not hasattr(Argon2id, "verify_phc_encoded"):
        raise NoArgon2id
    return Argon2id
