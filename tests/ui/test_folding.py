from __future__ import annotations

import pytest

from udpchat.chat.events import MemberJoined, MemberLeft, MemberRenamed
from udpchat.ui.folding import NICKS_MAX, Movement, fold
from udpchat.ui.phrases import text_of


def run_of(script: str) -> list[Movement]:
    """`+bob` joined, `-bob` left, `bob=rob` took another nick."""
    run: list[Movement] = []
    for word in script.split():
        if "=" in word:
            run.append(MemberRenamed(*word.split("=")))
        else:
            run.append(MemberJoined("lobby", word[1:]) if word[0] == "+" else MemberLeft("lobby", word[1:], "quit"))
    return run


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("+bob", "bob joined"),
        ("+bob +carol -dave", "bob, carol joined; dave left"),
        ("-dave +bob", "bob joined; dave left"),
        ("+bob -bob", "bob came by"),
        ("-bob +bob", "bob came back"),
        ("-bob +BOB -bob", "bob left"),
        ("+bob -bob +bob", "bob joined"),
        ("bob=rob", "bob is now rob"),
        ("bob=rob rob=robert", "bob is now robert"),
        ("+bob bob=rob", "rob joined"),
        ("bob=rob -rob", "rob left"),
        ("bob=rob +bob", "bob joined; bob is now rob"),
        ("-bob alice=bob -bob", "bob, bob left"),
        ("+bob -carol +carol -dave +eve -eve frank=fred", "bob joined; carol came back; dave left; eve came by;"
         " frank is now fred"),
    ],
)  # fmt: skip
def test_each_person_is_named_once_with_what_became_of_them(script: str, expected: str) -> None:
    phrase = fold(run_of(script))
    assert phrase is not None
    assert text_of(phrase) == expected


@pytest.mark.parametrize("script", ["", "bob=rob rob=bob"])
def test_where_all_is_as_before_nothing_is_said(script: str) -> None:
    assert fold(run_of(script)) is None


def test_a_crowd_is_counted() -> None:
    joined = " ".join(f"+u{number}" for number in range(NICKS_MAX + 3))
    renamed = " ".join(f"a{number}=b{number}" for number in range(NICKS_MAX + 2))
    phrase = fold(run_of(f"{joined} {renamed}"))
    assert phrase is not None
    text = text_of(phrase)
    assert text.startswith("u0, u1, ") and f"u{NICKS_MAX - 1} and 3 more joined; a0 is now b0; " in text
    assert text.endswith("; 2 more have another nick")
