"""Sentences about finding a server: all in the table, and whole without what a server does not say."""

from __future__ import annotations

from udpchat.chat.phrase import Phrase
from udpchat.ui.finding_sentences import FINDING_SENTENCES
from udpchat.ui.phrases import SENTENCES, sentence


def test_they_are_in_the_table() -> None:
    assert FINDING_SENTENCES.items() <= SENTENCES.items()


def test_a_server_without_a_name_is_one_too() -> None:
    shown = {"url": "udpchat://10.0.0.1:47747", "people": 1, "fingerprint": "abc", "ways": (Phrase("way.broadcast"),)}
    assert sentence("offer", name="", **shown) == (
        "no name at udpchat://10.0.0.1:47747, 1 person there, fingerprint abc"
    )
    assert sentence("using.found", name="den", **shown).endswith(
        "using den at udpchat://10.0.0.1:47747, fingerprint abc, found by broadcast"
    )
