"""Whether a text is one emoji: what a message may be marked with. Pure.

By ranges of code points, not by this Python's Unicode tables: all servers and clients give the same answer, and emoji
of a later Unicode are emoji too.
"""

from __future__ import annotations

import re
from typing import Final

from udpchat.chat.text import fits

EMOJI_BYTES_MAX: Final = 48  # two people with skin tones who kiss have 35

_SYMBOL: Final = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
)
_ONE: Final = f"{_SYMBOL}\ufe0f?[\U0001f3fb-\U0001f3ff]?"  # with its presentation and its skin tone
_FLAG: Final = "[\U0001f1e6-\U0001f1ff]{2}"
_KEYCAP: Final = "[0-9#*]\ufe0f?\u20e3"
_EMOJI: Final = re.compile(f"{_ONE}(?:\u200d{_ONE})*|{_FLAG}|{_KEYCAP}")


def is_emoji(text: str) -> bool:
    """Whether this is one emoji, joined ones too, of at most EMOJI_BYTES_MAX bytes; nothing may stand around it."""
    return fits(text, EMOJI_BYTES_MAX) and _EMOJI.fullmatch(text) is not None
