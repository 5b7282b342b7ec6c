"""The table of look-alikes: its shape, and facts from the Unicode file that it was made of."""

from __future__ import annotations

import re
import unicodedata

from udpchat.chat import confusables
from udpchat.chat.confusables import PROTOTYPES


def test_no_character_is_listed_twice() -> None:
    codes = [code for row in confusables._LOOK_ALIKES.values() for code in row.split()]
    assert len(codes) == len(set(codes)) == len(PROTOTYPES)
    assert len(codes) > 600


def test_a_prototype_is_latin_or_a_mark() -> None:
    shape = re.compile(r"[a-z0-9]+|[-_.+~^']|[a-z0-9]?[\u0300-\u0338]+")
    assert all(shape.fullmatch(prototype) for prototype in PROTOTYPES.values())


def test_a_prototype_is_its_own_prototype() -> None:
    assert all(prototype.translate(PROTOTYPES) == prototype for prototype in PROTOTYPES.values())


def test_keys_are_case_folded_and_decomposed_as_lookups_are() -> None:
    for character in map(chr, PROTOTYPES):
        if unicodedata.category(character) != "Cn":  # newer than this Python's Unicode
            assert unicodedata.normalize("NFKD", character.casefold()) == character


def test_facts_of_the_standard() -> None:
    looks = {
        "\N{CYRILLIC SMALL LETTER A}": "a",
        "\N{LATIN SMALL LETTER ALPHA}": "a",
        "\N{GREEK SMALL LETTER OMICRON}": "o",
        "\N{ARMENIAN SMALL LETTER OH}": "o",
        "\N{CHEROKEE LETTER GO}": "a",
        "\N{CYRILLIC SMALL LETTER ES}": "c",
        "\N{CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I}": "l",
        "\N{LATIN LETTER DENTAL CLICK}": "l",
        "\N{CYRILLIC SMALL LETTER PALOCHKA}": "l",
        "\N{LATIN SMALL LETTER AE}": "ae",
        "\N{LATIN SMALL LETTER O WITH STROKE}": "o\N{COMBINING LONG SOLIDUS OVERLAY}",
        "\N{ARABIC FATHA}": "\N{COMBINING ACUTE ACCENT}",
    }
    assert {character: PROTOTYPES[ord(character)] for character in looks} == looks


def test_a_letter_whose_capital_looks_latin_is_found_in_either_case() -> None:
    for capital, latin in (
        ("\u0412", "b"),
        ("\u041d", "h"),
        ("\u0422", "t"),
        ("\u0397", "h"),
        ("\u0392", "b"),
        ("\u039d", "n"),
    ):
        assert PROTOTYPES[ord(capital.casefold())] == latin


def test_ordinary_letters_are_not_touched() -> None:
    assert not any(ord(letter) in PROTOTYPES for letter in "abcdefghjklmnopqrstuvwxyz23456789-_.äßλжשあ中")
