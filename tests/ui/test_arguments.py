"""Arguments of commands: what they stand for, and why one is refused."""

from __future__ import annotations

import pytest

from udpchat.ui.arguments import (
    Refusal,
    WrongUsage,
    bounded,
    first_word,
    nick_of,
    nothing,
    only_word,
    room_of,
    some_text,
    target_of,
)


@pytest.mark.parametrize("word", ["bob", "@bob", "bob:", "bob,", "@bob:", "bob:,"])
def test_a_nick_is_understood_as_people_write_it(word: str) -> None:
    assert nick_of(word) == "bob"


def test_a_nick_keeps_its_case_and_a_room_does_not() -> None:
    assert nick_of("Bob") == "Bob"
    assert room_of("#Dev") == room_of("dev") == "dev"


@pytest.mark.parametrize(("parse", "code"), [(nick_of, "bad_nick"), (room_of, "bad_room")])
@pytest.mark.parametrize("word", ["", "a b", "\x1b[2J", "x" * 1000])
def test_a_bad_name_is_refused_with_a_reason_that_is_safe_to_print(parse, code: str, word: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse(word)
    assert refused.value.code == code
    assert refused.value.text.isprintable()


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


def test_a_bound_counts_bytes_and_names_size_and_limit() -> None:
    assert bounded("é" * 5, 10, "topic") == "é" * 5
    with pytest.raises(Refusal, match=r"topic.*10 bytes.*12"):
        bounded("é" * 6, 10, "topic")
