"""Proposals: whom they come from."""

from __future__ import annotations

from dataclasses import replace

from udpchat.server.proposals import Author


def test_what_an_author_understands_is_no_part_of_who_it_is() -> None:
    author = Author(b"c" * 16, b"k" * 32, b"u" * 8, b"i" * 16, b"d" * 32)
    assert author == replace(author, capabilities=frozenset({1})) != replace(author, device=b"e" * 32)
