"""Misspelt words: which word was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

WORD_CHARACTERS_MAX: Final = 64  # the comparison takes time that grows with the square of the length


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant by `word`; empty if none is like it."""
    return next(iter(get_close_matches(word[:WORD_CHARACTERS_MAX], list(known), n=1)), "")
