"""One-time codes (SPEC 6.10): 80 random bits as 16 characters of Crockford's base 32, shown as `ABCD-EFGH-JKMN-PQRS`.

The client makes a code and sends its digest; whoever has the code can enter with it once.
"""

from __future__ import annotations

from hashlib import blake2s
from typing import Final

CODE_BYTES: Final = 10
CODE_CHARACTERS: Final = CODE_BYTES * 8 // 5
CODE_DIGEST_BYTES: Final = 16
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUP: Final = 4
_MISREAD: Final = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


def code_of(bits: bytes) -> str:
    """The code of CODE_BYTES random bytes, without hyphens."""
    number = int.from_bytes(bits, "big")
    return "".join(ALPHABET[number >> shift & 31] for shift in range(8 * len(bits) - 5, -1, -5))


def grouped(code: str) -> str:
    """As people are shown it."""
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def typed_code(text: str) -> str:
    """A code as a person typed it, in the form that its digest is made of."""
    return text.strip().upper().translate(_MISREAD)


def parse_code(text: str) -> str | None:
    """The same; None if it cannot be a code."""
    code = typed_code(text)
    return code if len(code) == CODE_CHARACTERS and not set(code) - set(ALPHABET) else None


def digest_of(code: str) -> bytes:
    """By what a one-time code is stored: it has 80 random bits, so nobody finds it from this."""
    return blake2s(code.encode(), digest_size=CODE_DIGEST_BYTES, person=b"code").digest()
