"""Passwords: Argon2id in a PHC string, and what it says where there is none."""

from __future__ import annotations

import sys
import time
import unicodedata

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf import argon2

from udpchat.server.derivations import NOBODYS_PASSWORD
from udpchat.session.password_hash import NoArgon2id, hash_password, is_password
from udpchat.wire.limits import PASSWORD_MEMORY_KIB, PASSWORD_PASSES

SALT = bytes(range(16))


def test_a_password_is_kept_as_argon2id_in_a_phc_string_as_anybody_computes_it() -> None:
    phc = hash_password("correct horse", SALT)
    assert phc.startswith(f"$argon2id$v=19$m={PASSWORD_MEMORY_KIB},t={PASSWORD_PASSES},p=1$AAECAwQFBgcICQoLDA0ODw$")
    assert is_password("correct horse", phc) and not is_password("wrong horse", phc)
    assert hash_password("correct horse", SALT) == phc != hash_password("correct horse", bytes(16))


def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    typed = "zw\u00f6lf Boxk\u00e4mpfer"
    phc = hash_password(unicodedata.normalize("NFD", typed), SALT)
    assert is_password(unicodedata.normalize("NFC", typed), phc)


@pytest.mark.parametrize("phc", [NOBODYS_PASSWORD, "", "no such thing", "$argon2id$v=19$m=8,t=1,p=1$AA$AA"])
def test_nothing_is_the_password_of_nobody_nor_of_what_is_no_hash(phc: str) -> None:
    assert not is_password("correct horse", phc)


def test_the_password_of_nobody_takes_the_work_that_a_real_one_takes() -> None:
    phc = hash_password("correct horse", SALT)
    spans = {}
    for each in (phc, NOBODYS_PASSWORD):
        began = time.process_time()
        is_password("wrong horse", each)
        spans[each] = time.process_time() - began
    assert spans[NOBODYS_PASSWORD] > spans[phc] / 4, "it was refused without being computed"


def test_where_openssl_is_too_old_or_the_package_is_nothing_weaker_takes_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Unsupported:
        def __init__(self, **options: object) -> None:
            raise UnsupportedAlgorithm("no")

        @staticmethod
        def verify_phc_encoded(password: bytes, phc: str) -> None:
            raise UnsupportedAlgorithm("no")

    for found in (Unsupported, object):
        monkeypatch.setattr(argon2, "Argon2id", found)
        with pytest.raises(NoArgon2id):
            hash_password("correct horse", SALT)
        with pytest.raises(NoArgon2id):
            is_password("correct horse", NOBODYS_PASSWORD)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.kdf.argon2", None)
    with pytest.raises(NoArgon2id):
        hash_password("correct horse", SALT)
