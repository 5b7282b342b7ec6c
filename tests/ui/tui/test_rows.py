"""A message as rows: columns, wrapping, what stands above and below the text, and that a peer cannot break it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import UTC, date
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ui.tui.messages import NASTY, NOON_MS, URL, WIDE, drawn, item, texts, widest
from udpchat.chat.text import printable
from udpchat.client.model import UNKNOWN, Delivery, Item, ItemState, Quote, Reaction
from udpchat.ui.markup import Style
from udpchat.ui.tui.rows import (
    COLLAPSED_MS_MAX,
    REACTIONS_SHOWN_MAX,
    REPEATED_EVERY,
    WIDTH_MIN,
    Form,
    PieceRole,
    RowPlace,
    continues,
    line_rows,
    message_rows,
)

TraceFunction = Callable[[FrameType, str, Any], Any]
HEAD = "12:00          bob "
INDENT = " " * len(HEAD)


# --- Columns ----------


def test_a_message_is_time_nick_and_text_in_columns() -> None:
    assert drawn(item("hi there")) == [f"{HEAD}hi there"]


def test_the_rows_below_the_first_hang_under_the_text() -> None:
    assert drawn(item("one two three"), 40) == ["12:00      bob one two three"]
    assert drawn(item("one " * 8), 40) == ["12:00      bob one one one one one one", f"{' ' * 15}one one"]
    assert drawn(item("one\ntwo")) == [f"{HEAD}one", f"{INDENT}two"]


def test_a_nick_that_is_too_long_for_its_column_is_cut() -> None:
    assert drawn(item(nick="maximiliana-theodora"))[0] == "12:00 maximiliana… hi"
    assert drawn(item(nick="漢字漢字漢字漢"))[0] == "12:00  漢字漢字漢… hi"


def test_an_action_has_a_star_in_the_column_and_the_nick_in_the_text() -> None:
    assert drawn(item("waves", kind="action")) == ["12:00            * bob waves"]
    assert drawn(item("waves", kind="action"), 30) == ["* bob waves"]


def test_a_narrow_screen_has_no_columns() -> None:
    assert drawn(item("one two three four"), 20) == ["bob: one two three", "  four"]


def test_a_width_of_ten_and_less_still_works() -> None:
    message = item("one two three", nick="maximiliana", reply=Quote("1", "carol", "what?"))
    assert drawn(message, 10) == ["  > carol…", "ma…: one", "  two", "  three"]
    assert widest(message_rows(message, RowPlace(date(2023, 11, 15), True), Form(1, UTC))) <= WIDTH_MIN


def test_a_quote_of_a_removed_message_says_so() -> None:
    assert drawn(item(reply=Quote("1", "carol", "", is_removed=True)))[0].strip() == "> carol: message deleted"


def test_a_time_that_is_not_known_is_left_blank() -> None:
    assert drawn(item(time_ms=0)) == ["               bob hi"]


def test_times_are_as_the_user_wants_them() -> None:
    assert texts(message_rows(item(), RowPlace(), Form(80, UTC, "%H:%M:%S")))[0].startswith("12:00:00          bob hi")


def test_the_nick_carries_its_number_and_a_mention_its_role() -> None:
    (row,) = message_rows(item(), RowPlace(), WIDE)
    (nick,) = [piece for piece in row.pieces if piece.role is PieceRole.NICK]
    assert nick.text == "bob" and nick.nick_number
    roles = {piece.role for row in message_rows(item(is_mention=True), RowPlace(), WIDE) for piece in row.pieces}
    assert PieceRole.MENTION in roles and PieceRole.NICK not in roles


# --- Text ----------


def test_light_formatting_becomes_styles_and_its_markers_vanish() -> None:
    (row,) = message_rows(item(f"*so* `x` {URL}"), RowPlace(), WIDE)
    styled = {piece.text: (piece.style, piece.url) for piece in row.pieces if piece.style}
    assert styled == {"so": (Style.BOLD, ""), "`x`": (Style.CODE, ""), URL: (Style.LINK, URL)}


def test_formatting_can_be_switched_off() -> None:
    rows = message_rows(item(f"*so* {URL}\ntwo"), RowPlace(), Form(80, UTC, is_formatted=False))
    assert texts(rows) == [f"{HEAD}*so* {URL}", f"{INDENT}two"]


def test_each_part_of_a_wrapped_link_leads_to_the_whole_address() -> None:
    url = f"https://example.org/{'x' * 60}"
    rows = message_rows(item(url), RowPlace(), Form(40, UTC))
    parts = [piece for row in rows for piece in row.pieces if piece.style is Style.LINK]
    assert len(parts) > 2 and "".join(part.text for part in parts) == url
    assert {part.url for part in parts} == {url}


def test_a_block_of_code_is_kept_as_it_is() -> None:
    text = "so:\n```\nif x:\n\treturn  1  # and a comment that is longer than a row of the screen can be\n```\nyes"
    first, code, *rest, last = drawn(item(text), 60)
    assert first.endswith("so:") and code.strip() == "if x:" and last.strip() == "yes"
    assert rest == [
        " " * 15 + "    return  1  # and a comment that is longer",
        " " * 15 + " than a row of the screen can be",
    ]


def test_what_a_later_version_sent_is_said_to_be_that() -> None:
    assert drawn(item("", kind="unknown"))[0] == f"{HEAD}bob sent something that this version cannot show"
    assert drawn(item("a poll", kind="unknown"))[1] == f"{INDENT}a poll"


# --- What is said about a message ----------


def test_a_message_that_is_being_sent_is_faint_with_an_ellipsis() -> None:
    (row,) = message_rows(item(sequence=UNKNOWN, is_own=True, time_ms=0, state=ItemState.SENDING), RowPlace(), WIDE)
    assert texts([row]) == ["               bob hi …"]
    assert {piece.role for piece in row.pieces if piece.text.strip()} == {PieceRole.NICK, PieceRole.FAINT}


def test_delivery_is_shown_where_it_is_known() -> None:
    assert drawn(item(is_own=True, delivery=Delivery(12, 14))) == [f"{HEAD}hi (12 of 14)"]
    assert drawn(item(is_own=True)) == [f"{HEAD}hi"]
    assert drawn(item(is_own=False, delivery=Delivery(1, 2))) == [f"{HEAD}hi"]


def test_an_edited_message_says_so_and_a_deleted_one_only_that() -> None:
    assert drawn(item(is_edited=True)) == [f"{HEAD}hi (edited)"]
    deleted = item("", is_removed=True, kind="action", reply=Quote("1", "carol", "what?"))
    assert drawn(deleted) == [f"{HEAD}message deleted"]


def test_a_reply_has_the_first_words_of_what_it_answers_above() -> None:
    assert drawn(item(reply=Quote("1", "carol", "what\nis  it?"))) == [f"{INDENT}> carol: what is it?", f"{HEAD}hi"]
    assert drawn(item(reply=Quote("1", "", "")))[0] == f"{INDENT}> an earlier message"
    assert drawn(item(reply=Quote("1", "carol", "long " * 99)))[0].endswith("long l…")


def test_reactions_stand_below_with_ones_own_in_brackets() -> None:
    reactions = (Reaction("👍", ("alice", "carol"), True), Reaction("🎉", ("carol",), False))
    assert drawn(item(reactions=reactions))[1:] == [f"{INDENT}[👍 2]  🎉 1"]


def test_many_reactions_are_wrapped_and_bounded() -> None:
    rows = drawn(item(reactions=tuple(Reaction(f"{n}", ("x",), False) for n in range(REACTIONS_SHOWN_MAX + 3))), 40)[1:]
    assert len(rows) > 1 and rows[0].endswith("0 1  1 1  2 1  3 1  4 1") and rows[-1].endswith("+3")


# --- Above and between ----------


def test_the_day_and_the_line_of_the_unread_stand_above_the_message() -> None:
    rows = message_rows(item(), RowPlace(date(2023, 11, 15), is_first_unread=True), WIDE)
    assert texts(rows) == ["-- Wednesday 2023-11-15 --", "--- new ".ljust(80, "-"), f"{HEAD}hi"]
    assert [row.is_frame for row in rows] == [True, True, False]


def test_a_message_that_goes_on_has_neither_time_nor_nick() -> None:
    assert drawn(item("and"), place=RowPlace(is_continued=True)) == [f"{INDENT}and"]
    assert drawn(item("and"), 20, RowPlace(is_continued=True)) == ["  and"]


@pytest.mark.parametrize(
    ("message", "above", "does"),
    [
        (item(), item(), True),
        (item(minutes=5), item(), True),
        (item(minutes=6), item(), False),
        (item(), item(minutes=1), False),
        (item(nick="Bob"), item(), True),
        (item(nick="carol"), item(), False),
        (item(kind="action"), item(), False),
        (item(), item(kind="action"), False),
        (item(reply=Quote("1", "", "")), item(), False),
        (item(is_mention=True), item(), False),
        (item(time_ms=0), item(), True),
        (item(sequence=3 * REPEATED_EVERY), item(), False),
    ],
)
def test_the_next_message_of_the_same_nick_within_minutes_goes_on(message: Item, above: Item, does: bool) -> None:
    assert COLLAPSED_MS_MAX == 5 * 60_000
    assert continues(message, above) is does


def test_lines_of_this_client_have_their_time_and_hang() -> None:
    rows = line_rows(["-- bob joined lobby", "-- and a second"], PieceRole.LOCAL, RowPlace(), NOON_MS, WIDE)
    assert texts(rows) == ["12:00 -- bob joined lobby", "        -- and a second"]
    assert texts(line_rows(["-- x"], PieceRole.LOCAL, RowPlace(is_continued=True), NOON_MS, WIDE)) == ["      -- x"]
    assert widest(line_rows(["x" * 99], PieceRole.ERROR, RowPlace(), NOON_MS, Form(10, UTC))) <= 10


def test_a_line_of_a_table_goes_on_below_its_second_column() -> None:
    line = "  /away [REASON]   say that you are away"
    rows = line_rows([line, line], PieceRole.LOCAL, RowPlace(is_continued=True), NOON_MS, Form(40, UTC))
    assert texts(rows) == [
        "        /away [REASON]   say that you",
        "                         are away",
        "          /away [REASON]   say that you",
        "                           are away",
    ]
    assert rows[1].indent == 25
    wide_column = line_rows(["  " + "x" * 30 + "  and more words"], PieceRole.LOCAL, RowPlace(), NOON_MS, Form(46, UTC))
    assert texts(wide_column)[1] == " " * 8 + "more words"


def test_marks_grow_and_say_what_stands_there_whatever_the_width() -> None:
    message = item(
        "one two three four five six seven\neight", reply=Quote("1", "", ""), reactions=(Reaction("👍", ("x",), False),)
    )
    for width in (10, 30, 80):
        rows = message_rows(message, RowPlace(date(2023, 11, 15), True), Form(width, UTC))
        marks = [row.mark for row in rows]
        assert marks == sorted(set(marks))
        (eight,) = [row.mark for row in rows if "eight" in row.pieces[-1].text]
        assert eight == len("one two three four five six seven\n")


# --- What a peer may try ----------

@given(NASTY, NASTY, NASTY, NASTY, NASTY, st.sampled_from(["text", "action", "unknown"]), st.integers(1, 100))
def test_no_control_character_gets_out_and_nothing_is_wider_than_the_screen(
    nick: str, text: str, emoji: str, quoted: str, line: str, kind: str, width: int
) -> None:
    reactions = (Reaction(emoji, (nick,), True), Reaction(text, (nick, nick), False))
    message = item(text, nick=nick, kind=kind, reply=Quote("1", quoted, text), reactions=reactions, is_edited=True)
    form = Form(width, UTC)
    rows = message_rows(message, RowPlace(date(2023, 11, 15), True), form)
    rows += line_rows([line, text], PieceRole.LOCAL, RowPlace(), NOON_MS, form)
    assert widest(rows) <= max(width, WIDTH_MIN)
    for row in rows:
        for piece in row.pieces:
            assert printable(piece.text) == piece.text
            assert not piece.url or re.fullmatch(r"(?i)https?://[!-~]+", piece.url)


@given(st.text(st.sampled_from("[]/=@bold redclick'\"\\$#"), max_size=60))
def test_no_text_is_read_as_markup_of_the_screen(text: str) -> None:
    rows = message_rows(item(text), RowPlace(), Form(400, UTC))
    drawn_text = "".join(piece.text for row in rows for piece in row.pieces[4:])
    assert drawn_text.rstrip() == text.rstrip()


@pytest.mark.parametrize("marked", ["*a* ", "`a` ", "http://a.b "])
def test_the_work_for_a_message_of_many_pieces_is_in_proportion_to_its_length(marked: str) -> None:
    def steps(repeats: int) -> int:
        """How many lines of code laying out so many pieces takes."""
        counted = 0

        def trace(frame: FrameType, kind: str, argument: object) -> TraceFunction:
            nonlocal counted
            counted += kind == "line"
            return trace

        shown, place, form = item(marked * repeats), RowPlace(None, False, False), Form(30, UTC)
        former = sys.gettrace()
        sys.settrace(trace)
        try:
            message_rows(shown, place, form)
        finally:
            sys.settrace(former)
        return counted

    assert steps(800) < 2.5 * steps(400)
