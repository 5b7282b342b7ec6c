"""Text of messages: what is allowed, and how it is made safe for a terminal, a log or a JSON line.

All text from a peer passes through `printable` or `json_line` before output. This is the only defence of a terminal
against escape sequences, reversed text, and stacked marks that cover the lines above. Stored and sent text
stays as its author wrote it (after `clean_text`); only the output is made safe.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final

# Marks on one letter. UTS #39 section 5.4 treats more than four as suspicious; pointed Hebrew and Tibetan need slightly
# more, and eight still fit in about two lines.
STACKED_MARKS_MAX: Final = 8

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
LINE_BREAK: Final = "\N{RETURN SYMBOL}"

# Removed, because they are invisible: default-ignorable format characters (UAX #44), with the bidirectional controls
# and tags. ZWNJ, ZWJ and variation selectors stay, because scripts and emoji need them.
_INVISIBLE: Final = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
# Printed as U+FFFD: control characters (C0, DEL, C1: every escape sequence starts with one), lone surrogates,
# noncharacters, and private use, which has no common meaning but can imitate a prompt in some fonts.
_FORBIDDEN: Final = (
    "\x00-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0x10000, 0xF0000, 0x10000))
    + "\U000f0000-\U0010ffff"
)
_LINE_BREAKS: Final = re.compile("\r\n|[\n\u2028\u2029]")
_INVISIBLES: Final = re.compile(f"[{_INVISIBLE}]+")
_FORBIDDENS: Final = re.compile(f"[{_FORBIDDEN}]")
_ESCAPED: Final = re.compile(f"[{_INVISIBLE}{_FORBIDDEN}\u2028\u2029]")
# A run that may have too many marks: no mark is a word character. Far cheaper than a check of each character.
_STACK: Final = re.compile(rf"[^\w\x00-\x7f]{{{STACKED_MARKS_MAX + 1},}}")
_STACKING: Final = frozenset({"Mn", "Me"})
_JOINERS: Final = frozenset("\u200c\u200d")

# Characters that are not typed or pasted on purpose. The names are from ISO 6429, and UAX #9 for the overrides.
_UNTYPED: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202d\u202e]")
_CONTROL_NAMES: Final = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US"
).split()
_OTHER_NAMES: Final = {0x7F: "DEL", 0x9B: "CSI", 0x202D: "LRO", 0x202E: "RLO"}
EDITED_CHARACTERS_MAX: Final = 64 * 1024  # on the line of an editor: far beyond a message, so that it can be shortened


def printable(text: str) -> str:
    """`text` as one line that is safe to print and to log; plain text is returned unchanged.

    A line break becomes U+23CE, a tab a space, and a control character, private use, a surrogate or a noncharacter
    U+FFFD. Invisible controls are removed, and so are marks beyond `STACKED_MARKS_MAX` on one letter.
    Applying it twice changes nothing.
    """
    if not text.isprintable():  # also false for harmless text: no-break spaces, joined emoji
        text = _LINE_BREAKS.sub(LINE_BREAK, text).replace("\t", " ")
        text = _FORBIDDENS.sub(REPLACEMENT, _INVISIBLES.sub("", text))
    return text if text.isascii() else _with_marks_bounded(text, lambda mark: "")


def masked(text: str) -> str:
    """A line as it may be drawn while it is edited: of the same length, with U+FFFD for each character that `printable`
    would replace or remove; a tab stays.
    """
    if text.isprintable():
        return text
    return _ESCAPED.sub(lambda found: found[0] if found[0] == "\t" else REPLACEMENT, text)


def json_line(value: dict[str, Any]) -> str:
    r"""`value` as one line of JSON, without the line break: readable, safe to print, and without loss.

    What `printable` would change is a JSON escape (\n, \uXXXX). `value` holds what `json` accepts; a float that is not
    finite raises ValueError. A program that parses the line gets the raw text, and must make it safe itself.
    """
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not line.isprintable():
        line = _ESCAPED.sub(lambda found: _escape(found[0]), line)
    return line if line.isascii() else _with_marks_bounded(line, _escape)


def clean_text(text: str) -> str | None:
    """`text` as a message stores it: CRLF becomes LF, line breaks at the end are removed, nothing else changes.

    None if nothing is left, or if it cannot be encoded in UTF-8 (a lone surrogate). `fits` checks the size.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return None
    return text.replace("\r\n", "\n").rstrip("\n") or None


def pasted_text(data: str) -> str:
    """What a terminal or the clipboard gave, as it is inserted: line breaks as LF, none at the end."""
    return data.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def control_character(text: str) -> str:
    """The name of the first character that cannot be meant as text; empty if there is none.

    These are the control characters C0, DEL and C1 except tab and line feed, and the two bidirectional overrides, which
    display text in a false order. Marks, embeddings and isolates of right-to-left scripts, and the joiners of emoji,
    are allowed.
    """
    found = _UNTYPED.search(text)
    if found is None:
        return ""
    code = ord(found[0])
    known = _CONTROL_NAMES[code] if code < len(_CONTROL_NAMES) else _OTHER_NAMES.get(code, "")
    return f"{known} (U+{code:04X})".lstrip()


def mentions(text: str, nick: str) -> bool:
    """Whether a nick stands in a text as a word, in whichever letter case."""
    at = 0
    folded, word = text.casefold(), nick.casefold()
    while (at := folded.find(word, at)) >= 0:
        end = at + len(word)
        if not (folded[at - 1 : at].isalnum() or folded[end : end + 1].isalnum()):
            return True
        at = end
    return False


def fits(text: str, bytes_max: int) -> bool:
    """Whether `text` needs at most `bytes_max` bytes in UTF-8; a lone surrogate counts as three."""
    if len(text) > bytes_max:
        return False
    return text.isascii() or len(text.encode("utf-8", "surrogatepass")) <= bytes_max


def _with_marks_bounded(text: str, excess: Callable[[str], str]) -> str:
    """`text` with each mark beyond `STACKED_MARKS_MAX` in a row replaced by `excess(mark)`."""

    def bounded(match: re.Match[str]) -> str:
        parts = []
        stacked = 0
        for character in match[0]:
            # A joiner has no width, so it must not start a new stack.
            stacks = character in _JOINERS or unicodedata.category(character) in _STACKING
            stacked = stacked + 1 if stacks else 0
            parts.append(excess(character) if stacked > STACKED_MARKS_MAX else character)
        return "".join(parts)

    return _STACK.sub(bounded, text)


def _escape(character: str) -> str:
    """The JSON escape of one character (RFC 8259 section 7): a surrogate pair above U+FFFF."""
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 | code >> 10:04x}\\u{0xDC00 | code & 0x3FF:04x}"


# --- Numbers in sentences ----------

UNITS_S: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number and what is counted: `1 hour`, `0 hours`, `10,000 entries` (with `plural` where it is not noun + s)."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def duration_text(seconds: float) -> str:
    """A duration in its two largest non-zero units: `1 day`, `1 hour 30 minutes`, `0 seconds`. The rest is dropped."""
    left, parts = max(int(seconds), 0), []
    for unit, unit_s in UNITS_S:
        count, left = divmod(left, unit_s)
        if count:
            parts.append(counted(count, unit))
    return " ".join(parts[:2]) or "0 seconds"


def kept_for(kept_s: int | None, kept_entries: int | None) -> str:
    """`for good`, `for 30 days`, `up to the last 10,000 messages`, or both limits; None: no such limit."""
    limits = [f"for {duration_text(kept_s)}"] if kept_s is not None else []
    if kept_entries is not None:
        last = "message" if kept_entries == 1 else counted(kept_entries, "message")
        limits.append(f"up to the last {last}")
    return " and ".join(limits) or "for good"
