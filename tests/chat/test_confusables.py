"""The table of look-alikes: its shape, and facts from the Unicode file that it was made of."""

from __future__ import annotations

import unicodedata

from tests.chat import confusables as generator
from udpchat.chat.confusables import PROTOTYPES


def test_the_table_is_written_as_its_generator_writes_it() -> None:
    """Each character once, in the order of the code points, in rows of one look."""
    assert generator.MODULE.read_text(encoding="utf-8") == generator.text(PROTOTYPES)
    assert len(PROTOTYPES) > 600


def test_the_rules_of_the_generator_hold_for_every_row() -> None:
    for character, prototype in ((chr(code), prototype) for code, prototype in PROTOTYPES.items()):
        assert generator.PROTOTYPE.fullmatch(prototype) and generator.look_of(prototype) == prototype
        if unicodedata.category(character) != "Cn":  # newer than this Python's Unicode
            assert generator.is_in_nicks(character) and generator.folded(character) == character
    assert {PROTOTYPES[ord(character)] for character in generator.ADDED} == set(generator.ADDED.values())


# Lines of Unicode's file, of each kind: kept, folded, chosen between two cases, resolved by what was added, left out.
LINES = """\
\ufeff# confusables.txt
# Version: 17.0.0

0430 ;\t0061 ;\tMA\t# ( \u0430 \u2192 a ) CYRILLIC SMALL LETTER A \u2192 LATIN SMALL LETTER A\t#
0410 ;\t0041 ;\tMA\t# ( \u0410 \u2192 A ) CYRILLIC CAPITAL LETTER A \u2192 LATIN CAPITAL LETTER A\t#
0412 ;\t0042 ;\tMA\t#
0432 ;\t0299 ;\tMA\t#
039D ;\t004E ;\tMA\t#
03BD ;\t0076 ;\tMA\t#
00E6 ;\t0061 0065 ;\tMA\t#
006D ;\t0072 006E ;\tMA\t#
1D29 ;\t1D18 ;\tMA\t#
0456 ;\t0069 ;\tMA\t#
2019 ;\t0027 ;\tMA\t#*
064E ;\t0301 ;\tMA\t#
FF21 ;\t0041 ;\tMA\t#
2212 ;\t002D ;\tMA\t#*
05AE ;\t0598 ;\tMA\t#
"""


def test_lines_of_the_standard_become_rows_of_the_table() -> None:
    added = {ord(character): look for character, look in generator.ADDED.items()}
    table = generator.table_of(generator.prototypes_of(LINES))
    assert {code: look for code, look in table.items() if code not in added} == {
        0x0430: "a",
        0x0432: "b",
        0x03BD: "n",
        0x00E6: "ae",
        0x1D29: "p",
        0x0456: "l",
        0x2019: "'",
        0x064E: "\u0301",
    }
    assert added.items() <= table.items()


def test_a_prototype_is_its_own_prototype() -> None:
    assert all(prototype.translate(PROTOTYPES) == prototype for prototype in PROTOTYPES.values())


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
