from __future__ import annotations

from udpchat.chat.phrase import Phrase, Problem


def test_a_variant_has_the_code_of_its_key() -> None:
    assert Phrase("unknown_command").code == Phrase("unknown_command.near").code == "unknown_command"


def test_phrases_of_the_same_key_and_values_are_equal() -> None:
    assert Phrase("new", {"count": 1}) == Phrase("new", {"count": 1}) != Phrase("new", {"count": 2})


def test_a_problem_has_its_phrase() -> None:
    problem = Problem("too_long.here", bytes_max=5)
    assert (problem.code, problem.phrase) == ("too_long", Phrase("too_long.here", {"bytes_max": 5}))
