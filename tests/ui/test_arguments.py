"""Arguments of commands: what they stand for, and why one is refused."""

from __future__ import annotations

import pytest

from udpchat.chat.names import BadName, parse_room
from udpchat.ui.arguments import (
    HISTORY_MESSAGES,
    SearchTerms,
    WrongUsage,
    first_word,
    nick_of,
    nothing,
    only_word,
    search_terms_of,
    some_text,
    span_of,
    target_of,
)
from udpchat.ui.phrases import text_of


@pytest.mark.parametrize("word", ["bob", "@bob", "bob:", "bob,", "@bob:", "bob:,"])
def test_a_nick_is_understood_as_people_write_it(word: str) -> None:
    assert nick_of(word) == "bob"


def test_a_nick_keeps_its_case_and_a_room_does_not() -> None:
    assert nick_of("Bob") == "Bob"
    assert target_of("#Dev") == target_of("dev", bare_is_room=True) == "dev"


@pytest.mark.parametrize(("parse", "code"), [(nick_of, "bad_nick"), (parse_room, "bad_room")])
@pytest.mark.parametrize("word", ["", "a b", "\x1b[2J", "x" * 1000])
def test_a_bad_name_is_refused_with_a_reason_that_is_safe_to_print(parse, code: str, word: str) -> None:
    with pytest.raises(BadName) as refused:
        parse(word)
    assert refused.value.code == code
    assert text_of(refused.value.phrase).isprintable()


def test_a_target_is_a_room_or_a_person() -> None:
    assert target_of("#dev") == target_of("dev", bare_is_room=True) == "dev"
    assert target_of("dev") == target_of("@dev") == target_of("@dev", bare_is_room=True) == "@dev"


def test_words_are_counted() -> None:
    assert only_word("  dev ") == "dev"
    assert first_word("bob  how are  you ") == ("bob", "how are  you ")
    assert first_word("bob") == ("bob", "")
    assert some_text("  x ") == "  x "
    nothing("  ")
    wrong = [(only_word, ""), (only_word, "a b"), (first_word, "  "), (some_text, " "), (nothing, "x")]
    for parse, rest in wrong:
        with pytest.raises(WrongUsage):
            parse(rest)


@pytest.mark.parametrize(
    ("rest", "span"),
    [
        ("", (HISTORY_MESSAGES, 0)),
        (" 7 ", (7, 0)),
        ("before 5", (HISTORY_MESSAGES, 5)),
        ("7 BEFORE 5", (7, 5)),
        ("before 0", (HISTORY_MESSAGES, 1)),  # 0 would stand for now
    ],
)
def test_a_span_is_a_number_and_a_time(rest: str, span: tuple[int, int]) -> None:
    assert span_of(rest, int) == span


def test_a_query_is_words_and_restrictions_in_any_order() -> None:
    assert search_terms_of("in:Dev red From:@bob fox since:5", int) == SearchTerms(("red", "fox"), "bob", "dev", 5)
    assert search_terms_of("from:bob in:@carol", int) == SearchTerms((), "bob", "@carol", 0)
    assert search_terms_of("a:b", None) == SearchTerms(("a:b",), "", "", 0)
