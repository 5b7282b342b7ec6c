"""One-time codes: as they are shown, typed and stored."""

from __future__ import annotations

import pytest

from udpchat.chat.codes import CODE_BYTES, CODE_CHARACTERS, code_of, digest_of, grouped, parse_code


def test_a_code_is_four_groups_of_four() -> None:
    assert grouped(code_of(bytes(CODE_BYTES))) == "0000-0000-0000-0000"
    assert grouped(code_of(bytes(range(CODE_BYTES)))) == "000G-40R4-0M30-E209"
    assert grouped(code_of(b"\xff" * CODE_BYTES)) == "ZZZZ-ZZZZ-ZZZZ-ZZZZ"


@pytest.mark.parametrize(
    "typed", ["0001-40R4-0M30-E209", "oOo1 40r4 om30 e2o9", " 000i40r4-0M30E209 ", "000L40R40M30E209"]
)
def test_a_code_is_read_as_people_type_it(typed: str) -> None:
    assert parse_code(typed) == "000140R40M30E209"


@pytest.mark.parametrize(
    "typed", ["", "0000-0000-0000-000", "0000-0000-0000-0000-0", "0000-0000-0000-000U", "0" * 15 + "\u0660"]
)
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert parse_code(typed) is None


def test_the_digest_is_of_the_code_as_it_is_sent() -> None:
    code = parse_code(grouped(code_of(bytes(range(CODE_BYTES)))))
    assert code is not None and len(code) == CODE_CHARACTERS
    assert digest_of(code) != digest_of(code.lower()) and len(digest_of(code)) == 16
