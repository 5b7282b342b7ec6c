"""Which messages the list holds: the latest, pages of earlier ones, and the lines of this client between them."""

from __future__ import annotations

from datetime import date

from tests.ui.tui.messages import NOON_MS, WIDE, item
from udpchat.chat.reactions import Reaction
from udpchat.client.model import UNKNOWN, Item, ItemState, Quote, removed
from udpchat.ui.tui.local_lines import LocalLine
from udpchat.ui.tui.rows import RowPlace
from udpchat.ui.tui.window import (
    HELD_CHARACTERS_MAX,
    HELD_ITEMS_MAX,
    PAGE_ITEMS,
    REACTION_CHARACTERS,
    PageWanted,
    Window,
)

HOURS = 60


def stretch(first: int, last: int, text: str = "hi") -> list[Item]:
    return [item(text, sequence=sequence) for sequence in range(first, last + 1)]


def window(first: int = 901, last: int = 950, *lines: LocalLine, unread_after: int | None = None) -> Window:
    made = Window(unread_after)
    made.update(stretch(first, last), lines)
    return made


def give(to: Window, wanted: PageWanted | None, first: int | None = None, text: str = "hi") -> bool:
    """The page that is wanted, of a log that begins at 1."""
    assert wanted is not None
    first = max(wanted.before - PAGE_ITEMS, 1) if first is None else first
    return to.receive(first, wanted.before, stretch(first, wanted.before - 1, text))


def sequences(of: Window) -> list[int]:
    return [entry.sequence for entry in of.entries if isinstance(entry, Item)]


def said(after: int, number: int = 1, time_ms: int = NOON_MS) -> LocalLine:
    return LocalLine(number, after, time_ms, ("-- x",))


# --- Pages ----------


def test_a_page_above_continues_what_is_held() -> None:
    held = window()
    assert give(held, held.want_above())
    assert sequences(held) == list(range(801, 951)) and held.start == 801 and not held.is_beginning


def test_only_one_page_is_asked_for_at_a_time() -> None:
    held = window()
    assert held.want_above() == PageWanted(901) and held.want_above() is None and held.is_awaiting


def test_at_the_beginning_nothing_is_asked_for() -> None:
    held = window(51, 60)
    assert give(held, held.want_above())
    assert held.is_beginning and held.want_above() is None


def test_a_page_that_cannot_be_had_is_asked_for_again_when_the_user_scrolls() -> None:
    held = window()
    held.want_above()
    assert not held.receive(901, 901, []) and held.want_above() is None
    held.retry()
    assert held.want_above() is not None


def test_a_page_that_was_not_asked_for_is_ignored() -> None:
    held = window()
    assert not held.receive(801, 901, stretch(801, 900)) and len(held.entries) == 50


def test_a_page_of_which_nothing_is_shown_is_passed() -> None:
    """An ignored user, or entries that are no messages: the next page lies above it."""
    held = window()
    held.want_above()
    assert held.receive(801, 901, [])
    assert held.want_above() == PageWanted(801)


def test_what_is_held_is_bounded_and_lets_go_far_from_the_view() -> None:
    held = window(5_001, 5_050)
    for _ in range(20):
        assert give(held, held.want_above())
        held.view = (held.start, 0)
    assert sequences(held) == list(range(3_001, 3_001 + HELD_ITEMS_MAX)) and not held.is_attached
    for _ in range(30):
        if held.is_attached:
            break
        assert give(held, held.want_below())
        held.view = held.keys[-1]
    assert held.is_attached and sequences(held)[-1] == 5_050 and len(held.entries) <= HELD_ITEMS_MAX + 50
    assert sequences(held) == list(range(sequences(held)[0], 5_051))


def test_long_messages_count_by_their_length() -> None:
    held = window(5_001, 5_050)
    for _ in range(4):
        give(held, held.want_above(), text="x" * (HELD_CHARACTERS_MAX // PAGE_ITEMS // 2))
        held.view = (held.start, 0)
    assert len(held.entries) <= 3 * PAGE_ITEMS


def test_reactions_count_for_what_is_held() -> None:
    held = window(5_001, 5_050)
    each = HELD_CHARACTERS_MAX // PAGE_ITEMS // 2 // REACTION_CHARACTERS
    nicks = tuple(f"nick{number}" for number in range(each))
    for _ in range(4):
        wanted = held.want_above()
        assert wanted is not None
        page = [
            entry.changed(reactions=(Reaction("\u2665", nicks, False),))
            for entry in stretch(wanted.before - PAGE_ITEMS, wanted.before - 1)
        ]
        assert held.receive(page[0].sequence, wanted.before, page)
        held.view = (held.start, 0)
    assert len(held.entries) <= 3 * PAGE_ITEMS


def test_a_jump_holds_what_is_around_the_message_and_nothing_else() -> None:
    held = window()
    assert held.holds(930) and not held.holds(400)
    assert give(held, held.want_jump(400))
    assert held.holds(400) and not held.holds(930) and sequences(held) == list(range(350, 450))
    assert give(held, held.want_jump(890))
    assert held.is_attached and sequences(held)[-1] == 950


def test_messages_that_came_while_a_page_was_under_way_are_held_once() -> None:
    held = Window()
    wanted = held.want_jump(20)
    held.update(stretch(30, 40), ())
    assert give(held, wanted)
    assert sequences(held) == list(range(1, 41)) and held.is_attached


def test_a_page_that_comes_after_the_view_has_left_is_dropped() -> None:
    held = window()
    give(held, held.want_jump(400))
    below = held.want_below()
    held.release()
    assert not give(held, below) and sequences(held) == list(range(901, 951))


def test_a_page_below_that_comes_in_part_is_asked_for_until_it_is_whole() -> None:
    held = window()
    give(held, held.want_jump(400))
    give(held, held.want_below(), 530)
    assert sequences(held)[-1] == 449 and held.want_below() == PageWanted(530, is_below=True)
    held.receive(430, 530, stretch(430, 529))
    assert sequences(held) == list(range(350, 530)) and held.want_below() == PageWanted(630, is_below=True)


def test_at_the_end_only_what_fills_a_screen_stays_held() -> None:
    held = window()
    for _ in range(3):
        give(held, held.want_above())
        held.view = (held.start, 0)
    held.release()
    assert sequences(held) == list(range(801, 951))
    give(held, held.want_jump(400))
    held.release()
    assert sequences(held) == list(range(901, 951)) and held.is_attached


# --- What the model does ----------


def test_messages_that_the_model_forgets_stay_while_they_may_be_in_view() -> None:
    held = window()
    held.view = (905, 0)
    held.update(stretch(921, 970), ())
    assert sequences(held) == list(range(901, 971)) and held.start == 901


def test_what_the_model_gets_late_is_shown_once() -> None:
    held = window()
    give(held, held.want_above())
    held.update(stretch(896, 950), ())
    assert sequences(held) == list(range(801, 951))


def test_more_messages_at_once_than_the_model_holds_leave_no_hole() -> None:
    held = window()
    held.view = (905, 0)
    held.update(stretch(1_001, 1_050), ())
    assert sequences(held) == list(range(901, 951)) and not held.is_attached
    assert give(held, held.want_below(), 951)
    assert sequences(held) == list(range(901, 1_051)) and held.is_attached


def test_a_detached_window_takes_in_nothing_new() -> None:
    held = window()
    give(held, held.want_jump(400))
    held.update(stretch(921, 970), ())
    assert sequences(held) == list(range(350, 450)) and held.latest_count == 50


def test_what_is_being_sent_comes_last_and_in_order() -> None:
    sending = [item(text, sequence=UNKNOWN, id=text, state=ItemState.SENDING, is_own=True) for text in "ab"]
    held = Window()
    held.update([*stretch(1, 2), *sending], [said(2)])
    assert [entry.id[-1] for entry in held.entries if isinstance(entry, Item)] == ["1", "2", "a", "b"]
    assert held.keys == sorted(set(held.keys))


# --- What is said about earlier messages ----------


def quoting(*ids: str) -> Window:
    """A window whose page has replies to these ids, at 801 and on."""
    held = window()
    wanted = held.want_above()
    assert wanted is not None
    replies = [item(sequence=801 + at, reply=Quote(each, "zoe", "a secret")) for at, each in enumerate(ids)]
    held.receive(801, wanted.before, [*replies, *stretch(890, 900)])
    return held


def quotes(of: Window) -> list[Quote]:
    return [entry.reply for entry in of.entries if isinstance(entry, Item) and entry.reply is not None]


def test_a_quote_in_a_page_follows_the_message_that_the_window_holds() -> None:
    held = quoting(item(sequence=890).id)
    held.amend(890, item(sequence=890).id, removed, Quote(item(sequence=890).id, "", ""))
    assert quotes(held) == [Quote(item(sequence=890).id, "bob", "", is_removed=True)]


def test_a_quote_in_a_page_follows_a_message_that_is_not_in_the_window() -> None:
    held = quoting("aa", "bb")
    now = Quote("aa", "zoe", "a word")
    held.amend(950, "aa", removed, now)
    assert quotes(held) == [now, Quote("bb", "zoe", "a secret")]


def test_a_reaction_leaves_quotes_as_they_are() -> None:
    held = quoting("aa")
    held.amend(3, "aa", lambda each: each, None)
    assert quotes(held) == [Quote("aa", "zoe", "a secret")]


# --- Lines between messages ----------


def test_a_line_stands_behind_the_message_that_was_the_latest_when_it_came() -> None:
    held = window(1, 3, said(2), said(2, 2))
    assert [getattr(entry, "sequence", "line") for entry in held.entries] == [1, 2, "line", "line", 3]


def test_a_line_that_came_before_all_messages_stands_where_its_time_says() -> None:
    held = Window()
    held.update([item(sequence=5), item(sequence=6, minutes=9)], [said(0, time_ms=NOON_MS + 60_000)])
    assert [getattr(entry, "sequence", "line") for entry in held.entries] == [5, "line", 6]
    alone = Window()
    alone.update([], [said(0)])
    assert len(alone.entries) == 1


def test_lines_stand_in_their_order_where_the_model_has_no_messages() -> None:
    """Those of before, behind messages that the model forgot, and those that came since."""
    held = Window()
    held.update([], [said(0), said(7, 2), said(0, 3)])
    assert [line.number for line in held.entries if isinstance(line, LocalLine)] == [1, 2, 3]


def test_lines_are_shown_also_once_the_model_has_forgotten_all_messages() -> None:
    held = window(1, 3, said(3))
    held.view = (1, 0)
    held.update([], [said(3), said(0, 2)], holds_lines=True)
    assert held.is_attached and sequences(held) == [1, 2, 3]
    assert [line.number for line in held.entries[3:] if isinstance(line, LocalLine)] == [1, 2]


def test_a_page_below_goes_to_the_end_where_the_model_has_no_messages() -> None:
    held = Window()
    give(held, held.want_jump(20))
    assert not held.is_attached
    assert held.want_below() == PageWanted(UNKNOWN, is_below=True)
    assert held.receive(1, UNKNOWN, stretch(1, 75))
    assert sequences(held) == list(range(1, 76)) and held.is_attached and held.want_below() is None


def test_lines_outside_of_what_is_held_are_not_shown() -> None:
    held = window(901, 950, said(500), said(930, 2))
    assert len(held.entries) == 51
    give(held, held.want_jump(500))
    assert len(held.entries) == 101 and isinstance(held.entries[51], LocalLine)


# --- Neighbours ----------


def test_a_line_with_the_day_stands_at_the_beginning_and_where_it_changes() -> None:
    held = Window()
    latest = [item(sequence=2), item(sequence=3, minutes=11 * HOURS), item(sequence=4, minutes=13 * HOURS)]
    held.update(latest, ())
    assert [held.place(index, WIDE).day for index in range(3)] == [None, None, date(2023, 11, 16)]
    give(held, held.want_above())
    assert [held.place(index, WIDE).day for index in range(2)] == [date(2023, 11, 15), None]


def test_the_line_of_the_unread_stands_above_the_first_message_of_another() -> None:
    held = Window(unread_after=2)
    held.update([*stretch(1, 2), item(sequence=3, is_own=True), *stretch(4, 5)], ())
    assert held.first_unread == 3 and held.place(3, WIDE) == RowPlace(None, True, False)
    assert [held.place(index, WIDE).is_first_unread for index in range(5)].count(True) == 1
    assert window(1, 5).first_unread == window(1, 5, unread_after=5).first_unread == -1


def test_the_line_of_the_unread_waits_for_the_page_that_it_is_on() -> None:
    held = window(901, 950, unread_after=850)
    assert held.first_unread == -1
    give(held, held.want_above())
    assert sequences(held)[held.first_unread] == 851


def test_a_message_goes_on_from_the_one_above_but_not_from_a_line() -> None:
    held = window(1, 3, said(2))
    assert [held.place(index, WIDE).is_continued for index in range(4)] == [False, True, False, False]


def test_lines_of_the_same_minute_have_its_time_once() -> None:
    held = window(1, 2, said(2), said(2, 2, NOON_MS + 59_999), said(2, 3, NOON_MS + 60_000))
    assert [held.place(index, WIDE).is_continued for index in range(2, 5)] == [False, True, False]
