"""One-time codes: a client makes one and tells the server its digest only (SPEC 6.10). Pure."""

from __future__ import annotations

from hashlib import blake2s
from typing import Final

CODE_BYTES: Final = 10  # random: nobody finds a code from its digest
CODE_DIGEST_BYTES: Final = 16
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: no I, L, O, U
_MEANT: Final = str.maketrans("ILO", "110")  # that a person may read or type in the place of others
_GROUP_CHARACTERS: Final = 4
CODE_CHARACTERS: Final = CODE_BYTES * 8 // 5


def new_code(chance: bytes) -> str:
    """A code of CODE_BYTES random bytes, as it is shown: `ABCD-EFGH-JKMN-PQRS`."""
    number = int.from_bytes(chance, "big")
    digits = [_ALPHABET[number >> 5 * at & 31] for at in reversed(range(CODE_CHARACTERS))]
    return "-".join("".join(digits[at : at + _GROUP_CHARACTERS]) for at in range(0, CODE_CHARACTERS, _GROUP_CHARACTERS))


def parse_code(text: str) -> str | None:
    """A code as it is sent, without hyphens and blanks and in upper case; None: this cannot be one."""
    code = "".join(text.split()).replace("-", "").upper().translate(_MEANT)
    return code if len(code) == CODE_CHARACTERS and not set(code) - set(_ALPHABET) else None


def digest_of(code: str) -> bytes:
    """By what a code, as it is sent, is stored."""
    return blake2s(code.encode(), digest_size=CODE_DIGEST_BYTES, person=b"code").digest()
