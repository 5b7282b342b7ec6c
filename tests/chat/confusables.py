"""The table of udpchat/chat/confusables.py, made of Unicode's file of look-alikes, which is not part of this project:

    python -m tests.chat.confusables confusables.txt

writes the table anew. The file is https://www.unicode.org/Public/security/17.0.0/confusables.txt, 9,993 lines, SHA-256
ec88ecebcf89f63f813d460842b0cf8322744b40a0b2c06f88a2cea48c0351ea, (c) 2025 Unicode, Inc., under the Unicode License v3.
With Python 3.11 the table is today's, byte for byte. A later Python knows the case and category of more characters.
"""

from __future__ import annotations

import re
import sys
import textwrap
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from udpchat.chat import confusables

MODULE = Path(confusables.__file__)
TABLE = re.compile(r"(?<=^_LOOK_ALIKES: Final = \{\n).*?(?=^\}$)", re.MULTILINE | re.DOTALL)
LINE_CHARACTERS_MAX = 120
ROW_CHARACTERS = 106  # of a longer row, on each of its lines
CATEGORIES = {"L", "M", "N"}
PUNCTUATION = "|`\u2019\u05f3"  # that nicks may contain, and that looks like something else
TWO_FACED = "\u03bd\u03c5"  # Greek nu and upsilon, by the look of their capitals
PROTOTYPE = re.compile(r"[a-z0-9]+|[-_.+~^']|[a-z0-9]?[\u0300-\u0338]+")
ADDED = {  # to the standard, which has other small capitals, and of these only that some look like each other
    "\N{LATIN LETTER SMALL CAPITAL A}": "a",
    "\N{LATIN LETTER SMALL CAPITAL B}": "b",
    "\N{LATIN LETTER SMALL CAPITAL D}": "d",
    "\N{LATIN LETTER SMALL CAPITAL E}": "e",
    "\N{LATIN LETTER SMALL CAPITAL F}": "f",
    "\N{LATIN LETTER SMALL CAPITAL G}": "g",
    "\N{LATIN LETTER SMALL CAPITAL H}": "h",
    "\N{LATIN LETTER SMALL CAPITAL J}": "j",
    "\N{LATIN SMALL LETTER KRA}": "k",
    "\N{LATIN LETTER SMALL CAPITAL L}": "l",
    "\N{LATIN SMALL LETTER TURNED W}": "m",
    "\N{LATIN LETTER SMALL CAPITAL N}": "n",
    "\N{LATIN LETTER SMALL CAPITAL P}": "p",
    "\ua7af": "q",  # LATIN LETTER SMALL CAPITAL Q
    "\N{LATIN LETTER SMALL CAPITAL T}": "t",
}


def prototypes_of(text: str) -> dict[str, str]:
    """What confusables.txt says: of each character, what it looks like."""
    lines = (line.partition("#")[0].split(";") for line in text.removeprefix("\ufeff").splitlines())
    return {
        chr(int(line[0], 16)): "".join(chr(int(code, 16)) for code in line[1].split()) for line in lines if line[1:]
    }


def folded(text: str) -> str:
    """As a lookup sees it: without case, decomposed."""
    return unicodedata.normalize("NFD", text.casefold())


def is_in_nicks(character: str) -> bool:
    """Whether a nick may contain it: NFKC keeps it, and it is a letter, mark or number, or some punctuation."""
    is_kept = unicodedata.normalize("NFKC", character) == character
    return character in PUNCTUATION or (is_kept and unicodedata.category(character)[0] in CATEGORIES)


def look_of(prototype: str) -> str:
    """A prototype of the standard in the classes of the table: i and l are one, m is not "rn", small capitals are."""
    plain = "".join(ADDED.get(character, character) for character in prototype)
    return folded(plain).replace("i", "l").replace("rn", "m")


def table_of(standard: Mapping[str, str]) -> dict[int, str]:
    """The table that the docstring of the module describes: a code point, and what it looks like."""
    looks: dict[str, dict[str, str]] = {}  # of a character that a lookup sees, by the characters that are folded to it
    for character, prototype in {**standard, **ADDED}.items():
        look = look_of(prototype)
        key = folded(character)
        if is_in_nicks(character) and len(key) == 1 and PROTOTYPE.fullmatch(look) and look != key:
            looks.setdefault(key, {})[character] = look
    return {ord(key): _chosen(key, of_cases) for key, of_cases in looks.items()}


def _chosen(key: str, looks: Mapping[str, str]) -> str:
    """The look of either case: of one ASCII character rather than not, and then of the lower case."""

    def rank(case: str) -> tuple[bool, bool]:
        is_one = len(looks[case]) == 1 and looks[case].isascii()
        return not is_one, (case == key) == (key in TWO_FACED)

    return looks[min(looks, key=rank)]


def rows(table: Mapping[int, str]) -> str:
    """The lines of the table: letters, groups of letters, other single characters, the rest."""
    codes: dict[str, list[str]] = {}
    for code, prototype in sorted(table.items()):
        codes.setdefault(prototype, []).append(f"{code:04x}")
    return "".join(_row(prototype, codes[prototype]) for prototype in sorted(codes, key=_place))


def _place(prototype: str) -> tuple[bool, bool, str]:
    is_letters = prototype.isascii() and prototype.isalpha()
    return not is_letters, len(prototype) > 1, prototype


def _row(prototype: str, codes: list[str]) -> str:
    name = '"' + prototype.encode("ascii", "backslashreplace").decode() + '"'
    line = f'    {name}: "{" ".join(codes)}",\n'
    if len(line) <= LINE_CHARACTERS_MAX:
        return line
    wrapped = textwrap.wrap(" ".join(codes), ROW_CHARACTERS)
    return f"    {name}: (\n" + ' "\n'.join(f'        "{each}' for each in wrapped) + '"\n    ),\n'


def text(table: Mapping[int, str]) -> str:
    """The module with this table."""
    return TABLE.sub(lambda _: rows(table), MODULE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    (source,) = sys.argv[1:] or sys.exit(__doc__)
    MODULE.write_text(text(table_of(prototypes_of(Path(source).read_text(encoding="utf-8")))), encoding="utf-8")
