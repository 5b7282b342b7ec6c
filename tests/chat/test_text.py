"""What may reach a terminal, and what a message may be. The characters that matter stand here as escapes."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udpchat.chat.text import (
    STACKED_MARKS_MAX,
    clean_text,
    control_character,
    counted,
    duration_text,
    fits,
    json_line,
    kept_for,
    masked,
    pasted_text,
    printable,
)

ALL_CHARACTERS = [chr(code) for code in range(0x110000)]
NASTY = st.sampled_from(
    "\x00\x07\x1b\x7f\x85\x9b\x9d\t\r\n\u00ad\u0301\u0489\u061c\u200c\u200d\u200b\u200e\u202e\u2028\u2066\ue0b0\ufe0f"
    "\ufeff\ufff9\ufdd0\uffff\ud800\udfff\U000e0041\U0010ffff\U0001f468\u3000\u00a0a\u05d0"
)
TEXTS = st.text(st.one_of(NASTY, st.characters()))
UTF8_TEXTS = st.text(st.one_of(NASTY.filter(lambda c: not "\ud800" <= c <= "\udfff"), st.characters(codec="utf-8")))


def is_safe(character: str) -> bool:
    """From the code charts, not the module: no C0, DEL, C1, bidirectional control, separator, surrogate."""
    code = ord(character)
    bidirectional = code in {0x61C, 0x200E, 0x200F} or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
    return not (
        code < 0x20 or 0x7F <= code <= 0x9F or bidirectional or code in {0x2028, 0x2029} or 0xD800 <= code < 0xE000
    )


def test_plain_text_comes_back_as_the_same_object() -> None:
    for text in (
        "",
        "hello, world",
        "grüße aus Köln",
        "привет",
        "你好,世界。",
        "שלום",
        "مرحبا",
        "नमस्ते",
        "สวัสดี",
        "👍 ok",
    ):
        assert printable(text) is text


def test_emoji_sequences_and_joined_scripts_stay_whole() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    for text in (
        family,
        "\u2764\ufe0f\u200d\U0001f525",
        "\u0645\u06cc\u200c\u062e",
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
        "1\ufe0f\u20e3",
    ):
        assert printable(text) == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\ufffd[31mred\ufffd[0m"),
        ("\x1b]52;c;ZXZpbA==\x07", "\ufffd]52;c;ZXZpbA==\ufffd"),  # sets the clipboard
        ("\x1b]8;;http://evil\x1b\\ok", "\ufffd]8;;http://evil\ufffd\\ok"),  # a link that lies
        ("\x9b2J", "\ufffd2J"),  # the same in C1
        ("a\x00b\x08c\x7f", "a\ufffdb\ufffdc\ufffd"),
        ("a\tb", "a b"),
        ("one\ntwo\r\nthree", "one⏎two⏎three"),
        ("over\rwritten", "over\ufffdwritten"),
        ("a\u2028b\u2029c", "a⏎b⏎c"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("\u2066a\u2069\u200f\u061c", "a"),
        ("a\u200bb\ufeffc\u00add", "abcd"),
        ("\ufff9a\ufffab\ufffb", "ab"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e007f", "\U0001f3f4"),
        ("\ud83dx", "\ufffdx"),
        ("\ufdd0\ufffe\U0001ffff", "\ufffd\ufffd\ufffd"),
        ("\ue0b0\uf8ff\U000f0000\U00100000", "\ufffd" * 4),
    ],
)
def test_what_is_unsafe_is_replaced_or_removed(raw: str, shown: str) -> None:
    assert printable(raw) == shown


def test_no_character_of_unicode_passes_that_should_not() -> None:
    shown = printable("a".join(ALL_CHARACTERS))  # apart, for a row of marks would be cut
    assert all(is_safe(character) for character in set(shown))


def test_every_character_that_is_changed_is_one_that_isprintable_refuses() -> None:
    """The fast path rests on it: isprintable() is the first question asked."""
    assert not any(character.isprintable() for character in ALL_CHARACTERS if printable(character) != character)


def test_no_mark_is_a_word_character() -> None:
    """The search for stacks rests on it."""
    assert not any(c.isalnum() for c in ALL_CHARACTERS if unicodedata.category(c) in {"Mn", "Me"})


def test_a_pile_of_marks_is_cut_to_the_limit() -> None:
    assert printable("z" + "\u0301" * 500 + "a") == "z" + "\u0301" * STACKED_MARKS_MAX + "a"
    assert printable("z" + "\u0301" * STACKED_MARKS_MAX) == "z" + "\u0301" * STACKED_MARKS_MAX


def test_neither_joiners_nor_removed_characters_start_a_new_pile() -> None:
    for between in ("\u200d", "\u200c", "\ufe0f", "\u202e", "\u200b"):
        shown = printable("z" + ("\u0301" * STACKED_MARKS_MAX + between) * 20)
        assert len(shown) == 1 + STACKED_MARKS_MAX


def test_a_long_run_of_emoji_is_not_a_pile() -> None:
    assert printable("\U0001f600" * 100) == "\U0001f600" * 100


def test_a_line_that_is_edited_is_masked_character_for_character() -> None:
    for character in ALL_CHARACTERS:
        is_drawn = character == "\t" or printable(character) == character
        assert masked(character) == (character if is_drawn else "\N{REPLACEMENT CHARACTER}"), ascii(character)


@given(TEXTS)
def test_output_is_safe_and_printing_it_again_changes_nothing(text: str) -> None:
    shown = printable(text)
    assert all(is_safe(character) for character in shown)
    assert printable(shown) == shown


@given(
    st.dictionaries(
        UTF8_TEXTS, st.one_of(UTF8_TEXTS, st.integers(), st.booleans(), st.lists(UTF8_TEXTS, max_size=3)), max_size=4
    )
)
def test_a_json_line_loses_nothing_and_is_safe_to_print(value: dict[str, object]) -> None:
    line = json_line(value)
    assert json.loads(line) == value
    assert printable(line) == line


@given(TEXTS)
def test_a_json_line_is_valid_whatever_the_text(text: str) -> None:
    line = json_line({"text": text})
    assert len(line.splitlines()) == 1
    line.encode()
    json.loads(line)


def test_a_json_line_is_readable() -> None:
    assert (
        json_line({"nick": "José", "text": "привет \U0001f44d", "n": 1})
        == '{"nick": "José", "text": "привет \U0001f44d", "n": 1}'
    )


@pytest.mark.parametrize(
    ("raw", "escaped"),
    [
        ("\x1b[2J", "\\u001b[2J"),
        ("\x7f\x9b", "\\u007f\\u009b"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2028b\nc\td", "a\\u2028b\\nc\\td"),
        ("\ud83d", "\\ud83d"),
        ("\U000e0041", "\\udb40\\udc41"),
        ("\u0301" * 10, "\u0301" * 8 + "\\u0301\\u0301"),
    ],
)
def test_a_json_line_escapes_what_would_not_be_printed(raw: str, escaped: str) -> None:
    assert json_line({"t": raw}) == f'{{"t": "{escaped}"}}'


def test_a_json_line_refuses_what_json_cannot_say() -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_line({"n": float("nan")})


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("hello", "hello"),
        ("hello\n", "hello"),
        ("a\r\nb\r\n\r\n", "a\nb"),
        ("  indented\t", "  indented\t"),
        ("\nlater", "\nlater"),
        ("\x1b[1m \u202e", "\x1b[1m \u202e"),  # the log keeps what was said; drawing it is `printable`'s
        ("", None),
        ("\n\r\n", None),
        ("bad \ud800", None),
    ],
)
def test_a_message_is_kept_as_it_was_written_but_for_line_ends(raw: str, kept: str | None) -> None:
    assert clean_text(raw) == kept


@given(TEXTS)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    cleaned = clean_text(text)
    assert cleaned is None or (cleaned and clean_text(cleaned) == cleaned)


def test_size_is_counted_in_utf8() -> None:
    assert fits("abc", 3)
    assert not fits("abcd", 3)
    assert fits("é", 2)
    assert not fits("éa", 2)
    assert not fits("\U0001f600", 3)
    assert not fits("\ud800", 2)


@given(UTF8_TEXTS, st.integers(0, 40))
def test_fits_agrees_with_the_encoded_length(text: str, bytes_max: int) -> None:
    assert fits(text, bytes_max) == (len(text.encode()) <= bytes_max)


# --- Numbers in sentences ----------


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (10_000, "10,000 entries")]
)
def test_what_is_counted_is_singular_for_one(count: int, text: str) -> None:
    assert counted(count, "entry", "entries") == text
    assert counted(count, "room").endswith(" room" if count == 1 else " rooms")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"), (1, "1 second"), (2.9, "2 seconds"), (60, "1 minute"), (61, "1 minute 1 second"),
        (3_600, "1 hour"), (7_200, "2 hours"), (5_400, "1 hour 30 minutes"), (86_400, "1 day"), (2_592_000, "30 days"),
        (90_061, "1 day 1 hour"), (86_405, "1 day 5 seconds"), (-3, "0 seconds"),
    ],
)  # fmt: skip
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("kept_s", "kept_entries", "text"),
    [
        (None, None, "for good"), (3_600, None, "for 1 hour"), (7_200, None, "for 2 hours"),
        (86_400, None, "for 1 day"),
        (1, None, "for 1 second"), (None, 1, "up to the last message"), (None, 2, "up to the last 2 messages"),
        (2_592_000, 10_000, "for 30 days and up to the last 10,000 messages"),
    ],
)  # fmt: skip
def test_how_long_a_server_keeps_is_told_in_words(kept_s: int | None, kept_entries: int | None, text: str) -> None:
    assert kept_for(kept_s, kept_entries) == text


PLURALS = re.compile(
    r" (messages|entries|hours|days|minutes|seconds|rooms|conversations|lines|people|peers|devices|times|bytes)\b"
)


def test_no_sentence_puts_a_plural_behind_a_number_that_may_be_one() -> None:
    """Limits are not one; all else goes through `counted` or `duration_text`."""
    faults = []
    for path in sorted((Path(__file__).parents[2] / "udpchat").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for value, text in pairwise(node.values) if isinstance(node, ast.JoinedStr) else ():
                if not isinstance(value, ast.FormattedValue) or not isinstance(text, ast.Constant):
                    continue
                is_limit = ast.unparse(value.value).lower().endswith("_max")
                if PLURALS.match(str(text.value)) and not is_limit:
                    faults.append(f"{path.name}:{node.lineno}: {ast.unparse(value)}{text.value}")
    assert not faults, "\n".join(faults)


# --- What is typed ----------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a\x1b[2J", "ESC (U+001B)"),
        ("\x00", "NUL (U+0000)"),
        ("tab\tand\rreturn", "CR (U+000D)"),
        ("\x7f\x1b", "DEL (U+007F)"),
        ("\x9b31m", "CSI (U+009B)"),
        ("\x85", "(U+0085)"),
        ("\u202egnp.exe", "RLO (U+202E)"),
        ("\u202d", "LRO (U+202D)"),
    ],
)
def test_the_first_control_character_is_named(text: str, name: str) -> None:
    assert control_character(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain\tand\nsimple",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",  # joined emoji
        "\u05e9\u05dc\u05d5\u05dd \u200f(\u200eabc\u200f)",  # Hebrew with marks
        "\u2068\u0645\u0631\u062d\u0628\u0627\u2069 \u202aabc\u202c",  # isolates and embeddings
        "\u0645\u06cc\u200c\u062e\u00ad\ufeff",
    ],
)
def test_what_scripts_and_emoji_need_is_no_control_character(text: str) -> None:
    assert control_character(text) == ""


def test_all_of_c0_c1_and_del_but_tab_and_line_feed_are_control_characters() -> None:
    found = {c for c in ALL_CHARACTERS if control_character(c)}
    assert found == {c for c in ALL_CHARACTERS if unicodedata.category(c) == "Cc"} - {"\t", "\n"} | {"\u202d", "\u202e"}


@pytest.mark.parametrize(
    ("data", "text"), [("a\r\nb\rc\nd", "a\nb\nc\nd"), ("a\r\n\r\n", "a"), ("\n a\n", "\n a"), ("\r", "")]
)
def test_a_pasted_text_has_line_feeds_only_and_none_at_its_end(data: str, text: str) -> None:
    assert pasted_text(data) == text
