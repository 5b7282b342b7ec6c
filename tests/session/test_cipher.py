"""The cipher: RFC 8439 underneath, nonces that never repeat."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from udpchat.session import cipher as module
from udpchat.session.cipher import Cipher, ReadyCiphers, SendCipher
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import SEAL_BYTES

KEY = bytes(range(32))


def test_what_is_sealed_opens() -> None:
    sealed = Cipher(KEY).seal(3, b"header", b"text")
    assert len(sealed) == len(b"text") + SEAL_BYTES
    assert Cipher(KEY).open_untrusted(3, b"header", sealed) == b"text"


def test_the_nonce_is_four_zeros_and_the_counter_little_endian() -> None:
    nonce = bytes(4) + (0x0102030405060708).to_bytes(8, "little")
    assert Cipher(KEY).seal(0x0102030405060708, b"h", b"t") == ChaCha20Poly1305(KEY).encrypt(nonce, b"t", b"h")


@pytest.mark.parametrize(
    ("key", "counter", "header", "flip"),
    [(bytes(32), 3, b"h", 0), (KEY, 4, b"h", 0), (KEY, 3, b"H", 0), (KEY, 3, b"h", 1)],
    ids=["key", "counter", "header", "byte"],
)
def test_a_difference_anywhere_breaks_the_seal(key: bytes, counter: int, header: bytes, flip: int) -> None:
    sealed = bytearray(Cipher(KEY).seal(3, b"h", b"text"))
    sealed[0] ^= flip
    with pytest.raises(BadDatagram) as caught:
        Cipher(key).open_untrusted(counter, header, bytes(sealed))
    assert caught.value.reason is Drop.BAD_SEAL


def test_less_than_a_tag_is_a_bad_seal() -> None:
    with pytest.raises(BadDatagram):
        Cipher(KEY).open_untrusted(0, b"", b"short")


def test_a_send_cipher_seals_as_a_cipher_does() -> None:
    assert SendCipher(KEY).seal(5, b"h", b"t") == Cipher(KEY).seal(5, b"h", b"t")


def test_a_send_counter_is_never_used_twice_nor_backwards() -> None:
    cipher = SendCipher(KEY)
    cipher.seal(0, b"", b"a")
    cipher.seal(7, b"", b"b")
    for counter in (0, 6, 7):
        with pytest.raises(AssertionError):
            cipher.seal(counter, b"", b"c")
    cipher.seal(8, b"", b"c")


def test_no_more_ciphers_are_ready_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CIPHERS_READY_MAX", 3)
    ready = ReadyCiphers()
    ciphers = [Cipher(bytes(31) + bytes([number]), ready) for number in range(5)]
    sealed = []
    for cipher in ciphers:
        sealed.append(cipher.seal(0, b"h", b"text"))
        assert len(ready) <= 3
    opened = [cipher.open_untrusted(0, b"h", each) for cipher, each in zip(ciphers, sealed, strict=True)]
    assert opened == [b"text"] * 5 and len(ready) == 3


def test_a_key_is_forgotten_with_its_session() -> None:
    ready = ReadyCiphers()
    cipher = SendCipher(KEY, ready)
    cipher.seal(0, b"h", b"text")
    assert len(ready) == 1
    del cipher
    assert len(ready) == 0
