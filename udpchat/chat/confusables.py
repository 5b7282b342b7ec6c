"""The table of look-alike characters that `names.skeleton` uses.

Source: confusables.txt of UTS #39 (Unicode Security Mechanisms), version 17.0.0 of 2025-07-22,
(c) 2025 Unicode, Inc., used under the Unicode License v3, https://www.unicode.org/license.txt.
`tests/chat/confusables.py` makes the table from that file.

The table has every character of that file whose case-folded prototype consists of ASCII letters and digits, or is one
punctuation character that nicks may contain, or consists of Latin combining marks after at most one ASCII letter. It
omits characters that NFKC changes (full-width and mathematical letters never occur in a nick) and characters that are
not a letter, mark or number. Details:

- Keys are case-folded, because nicks that differ only in case are one nick. Where the two cases of a letter look
  different, a single ASCII character is preferred, and then the lower-case look: the Cyrillic ve is b, like its
  capital. Only Greek nu and upsilon look exactly Latin in both cases (v and N, u and Y). The table has the look of
  their capitals, and `names` allows them only in Greek words.
- i, l, 1 and | are one class, written l; 0 is o; a backtick is an apostrophe; "rn" is m and "vv" is w. The standard
  has these too, except i: it separates i from l. A capital I looks like l, and here case does not count.
- Added to the standard: Latin small capitals, kra and turned w, which look like an ASCII letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Prototype: the code points, in hexadecimal, that look like it.
_LOOK_ALIKES: Final = {
    "a": "0251 03b1 0430 13aa 15c5 1d00 a4ee 102a0 16f40",
    "b": "0185 0299 03b2 0432 044c 13cf 13f4 1472 15af 15f7 2c83 a4d0 a7b5 10282 102a1 10301",
    "c": "0441 1004 105a 13df 1d04 2ca5 a4da 102a2 10302 1043d 1051c 118e9 118f2",
    "d": "0501 13a0 13e7 146f 15de 15ea 1d05 a4d2 a4d3",
    "e": "03b5 0435 04bd 13ac 1d07 2d39 a4f0 ab32 10286 118ce",
    "f": "0192 03dd 0584 15b4 1e9d a4dd a730 a799 ab35 10287 102a5 10525 118c2",
    "g": "018d 0261 0262 050d 0581 13c0 13f3 1d83 a4d6",
    "h": "029c 03b7 043d 04bb 0570 13bb 13c2 157c 2c8f a4e7 102cf",
    "j": "029d 03f3 0458 13ab 148d 1d0a a4d9",
    "k": "0138 03ba 043a 13e6 16d5 1d0b 2c95 a4d7 10518",
    "l": (
        "0031 0069 007c 0131 01c0 0269 026a 029f 03b9 0456 04cf 0582 05d5 05df 0627 0661 06f1 07ca 13a5 13de 14aa "
        "16c1 2c93 2cd1 2d4f a4e1 a4f2 a647 1028a 10309 10320 10443 10526 118c3 118d2 16f16 16f28 1e8c7"
    ),
    "m": "028d 03bc 03fb 043c 13b7 15f0 16d6 1d0d 2c99 a4df 102b0 10311 11700 118e3",
    "n": "0274 03bd 0578 057c 2c9b a4e0 10513",
    "o": (
        "0030 03bf 03c3 03ed 043e 0585 05e1 0647 0665 06be 06c1 06d5 06f5 07c0 0966 09e6 0a66 0ae6 0b20 0b66 0be6 "
        "0c02 0c66 0c82 0ce6 0d02 0d20 0d66 0d82 0e50 0ed0 101d 1040 10ff 12d0 17e0 1d0f 1d11 2c9f 2d54 3007 a4f3 "
        "ab3d 10292 102ab 1042c 104ea 10516 114d0 118c8 118d7 118e0"
    ),
    "p": "00fe 01bf 03c1 03f8 0440 13e2 146d 1d18 1d29 2ca3 2ccf a4d1 10295",
    "q": "051b 0563 0566 2d55 a7af",
    "r": "0280 0433 13a1 13b1 13d2 1587 1d26 2c85 a4e3 ab47 ab48 104dc 16f35",
    "s": "01bd 0455 057f 0d1f 13d5 13da a4e2 a731 10296 10448 118c1 16f3a",
    "t": "03c4 0442 13a2 1d1b 2ca7 a4d4 10297 102b1 10315 16f0a",
    "u": "028b 057d 1200 144c 1d1c a4f4 a79f ab4e ab52 104f6 118d8 16f42",
    "v": "0475 05d8 0667 06f7 13d9 142f 1d20 2d38 a4e6 a6df 1051d 11706 118c0 16f08",
    "w": "026f 0448 0461 051d 0561 13b3 13d4 1d21 2cbd a4ea 1170a 1170e 1170f 118e6 118ef",
    "x": "03c7 0445 1541 157d 16b7 2cad 2d5d a4eb ab53 10290 102b4 10317 10322 10527 118ec",
    "y": "0263 028f 03b3 03c5 0443 04af 10e7 13a9 13bd 1d8c 1eff 2ca9 a4ec ab5a 102b2 118dc 16f43",
    "z": "03b6 13c3 1d22 a4dc 102f5 118c4 118c9 118e5",
    "aa": "a733",
    "ae": "00e6 04d5",
    "ao": "a735",
    "au": "a737",
    "av": "a739 a73b",
    "ay": "a73d",
    "bl": "044b",
    "dz": "02a3",
    "ll": "01c1 05f0",
    "lo": "044e",
    "ls": "02aa",
    "lz": "02ab",
    "oe": "0153 0276",
    "oo": "a699 a74f",
    "ss": "13f0 a7d7",
    "tf": "a777",
    "ts": "02a6",
    "ue": "1d6b",
    "uo": "ab63",
    "'": "0060 02b9 02bb 02bc 02bd 02be 02c8 02ca 02cb 05d9 05f3 07f4 07f5 144a 16cc 2019 a78c 16f51 16f52",
    "+": "1029b",
    "-": "2cbb",
    ".": "0660 06f0 a4f8 1d16d",
    "2": "01a8 03e9 14bf a645 a6ef a75b",
    "3": "021d 025c 0292 0437 04e1 0969 0ae9 2c9d 2cc5 2ccd a76b 118ca 16f3b",
    "4": "13ce 118cf",
    "5": "118db",
    "6": "0431 13ee 2cd3 2cdd 118d5",
    "7": "104fa 118c6",
    "8": "0223 09ea 0a6a 0b03 1031a 1e8cb",
    "9": "09ed 0a67 0b68 0d6d 2ccb a76f 118cc 118d6",
    "^": "02c6",
    "_": "07fa",
    "\u0300": "0953",
    "\u0301": "059c 059d 0618 064e 0747 0954",
    "\u0302": "0311 065b 07ee 1cd0 a6f0",
    "\u0303": "0342 0653",
    "\u0304": "0305 0659 07eb 1cd2 a6f1",
    "\u0306": "030c 036e 0658 065a 0945 a67c",
    "\u0307": "0358 05b9 05ba 05c1 05c2 05c4 06ec 0740 0741 07ed 08ea 0902 0a02 0a82 0bcd",
    "\u0308": "07f3 08eb",
    "\u0309": "302c",
    "\u030a": "0366 05af 0652 06df 0b82 0e4d 0ecd 1036 17c6 17d3 2dea 309a 11300",
    "\u030b": "064b 08f0",
    "\u030e": "1cda",
    "\u0312": "0657",
    "\u0313": "0315 0619 064f 08f3",
    "\u0314": "065d",
    "\u0316": "1ced",
    "\u0323": "05b4 05c5 065c 08ed 093c 09bc 0a3c 0abc 0b3c 1cdd 10a3a 111ca 114c3",
    "\u0324": "08ee 1cde",
    "\u0325": "0f37 302d",
    "\u0326": "0321 0327 0339",
    "\u0328": "0322 1ab7",
    "\u0329": "0656 1cdc",
    "\u032b": "1cd5",
    "\u032d": "1cd9",
    "\u032e": "1cd8",
    "\u0331": "0320 0952",
    "\u0333": "0347",
    "\u0335": "0336",
    "\u0338": "0337",
    "2\u0335": "01bb",
    "3\u0326": "0499",
    "b\u0304": "0183",
    "b\u0307": "1473",
    "b\u0314": "0253",
    "b\u0335": "0180 0463 048d",
    "c\u0326": "04ab",
    "c\u0338": "023c",
    "d\u0304": "018c",
    "d\u0314": "0257",
    "d\u0328": "0256",
    "d\u0335": "00f0 0111",
    "e\u0328": "04bf",
    "e\u0338": "0247",
    "f\u0334": "1d6e",
    "g\u0314": "0260",
    "g\u0335": "01e5",
    "h\u0314": "0266 13f2 a695",
    "h\u0326": "04c8 04ca",
    "h\u0329": "04a3 2c68",
    "h\u0335": "0127 045b",
    "j\u0335": "0249",
    "k\u0314": "0199",
    "k\u0329": "049b 2c6a",
    "k\u0335": "049f a741",
    "l\u0328": "026d",
    "l\u0334": "026b",
    "l\u0335": "019a 0268 1d7b 1d7c",
    "l\u0338": "0142",
    "m\u0326": "0271 04ce",
    "m\u0334": "1d6f",
    "n\u0326": "0272",
    "n\u0328": "0273",
    "n\u0329": "014b 019e 0572",
    "n\u0334": "1d70",
    "o\u0302": "06ff",
    "o\u031b": "13a4",
    "o\u0335": "0275 03b8 0473 04e9 13be 13eb 2c91 2d31 a74b",
    "o\u0338": "00f8 2d41 ab3e",
    "p\u0314": "01a5",
    "p\u0335": "1d7d",
    "q\u0314": "02a0",
    "r\u0328": "027d",
    "r\u0329": "027c",
    "r\u0334": "1d72",
    "r\u0335": "024d 0493",
    "s\u0328": "0282",
    "s\u0334": "1d74",
    "t3": "a729",
    "t\u0314": "01ad",
    "t\u0328": "0288",
    "t\u0329": "04ad",
    "t\u0334": "1d75",
    "t\u0335": "0167",
    "t\u0338": "2c66",
    "u\u0329": "045f",
    "u\u0335": "0289 13cc 1d7e",
    "w\u0307": "114c5",
    "w\u0326": "a761",
    "x\u0329": "04b3",
    "y\u0314": "01b4",
    "y\u0335": "024f 04b1",
    "z\u0326": "0225",
    "z\u0328": "0290",
    "z\u0334": "1d76",
    "z\u0335": "01b6",
    "\u0306\u0307": "0310 06e8 0901 0981 0a81 0b01 0c00 0c81 0d01 114bf",
}

# For `str.translate` on text that is case-folded and in NFD.
PROTOTYPES: Final[Mapping[int, str]] = MappingProxyType(
    {int(code, 16): prototype for prototype, codes in _LOOK_ALIKES.items() for code in codes.split()}
)
