"""What is known of an entry, and what a search asks for."""

from __future__ import annotations

from tests.storage.entries import said, tombstone
from udpchat.storage.entry_words import generation_of, message_of, nick_token, private_text, time_of, words_of
from udpchat.storage.store_interfaces import GENERATION_MAX
from udpchat.wire.content import Claim, Joined, Message, Tombstone
from udpchat.wire.frames import encode
from udpchat.wire.limits import SEARCH_BYTES_MAX, SEARCH_WORDS_MAX, SEQUENCE_MAX


def test_messages_and_tombstones_are_known_and_all_else_is_not() -> None:
    assert isinstance(message_of(said("x")), Message)
    assert isinstance(message_of(tombstone()), Tombstone)
    for other in (b"", b"\xc1", encode(Claim("alice", b"key")), encode(Joined("alice", b"12345678"))):
        assert message_of(other) is None


def test_a_time_is_bounded_to_what_a_database_holds() -> None:
    times = [time_of(message_of(said("x", time_ms=ms))) for ms in (-5, 7, 2**63 + 1)]
    assert times == [0, 7, SEQUENCE_MAX]
    assert time_of(None) == 0


def test_words_are_runs_of_letters_and_digits_and_bounded() -> None:
    assert words_of('a_b "c-3.14" été 日本') == ["a", "b", "c", "3", "14", "été", "日本"]
    assert len(words_of(" ".join(map(str, range(50))))) == SEARCH_WORDS_MAX
    assert words_of("a " * 50 + "b") == ["a", "b"]
    assert words_of("a" * 5_000) == ["a" * SEARCH_BYTES_MAX]


def test_the_words_of_two_conversations_have_nothing_in_common() -> None:
    texts = [private_text(number, "7hello hello") for number in (1, 7, 0x10, 0x17, 0x177)]
    assert len({word for text in texts for word in text.split()}) == 2 * len(texts)


def test_a_nick_is_one_word_whatever_its_case() -> None:
    assert nick_token("A-b") == nick_token("a-B") != nick_token("a b")
    assert nick_token("A-b").isalnum()


def test_generations_differ_by_seed_and_by_log() -> None:
    seen = {generation_of(seed, log) for seed in (b"one", b"two") for log in ("#a", "#b")}
    assert len(seen) == 4
    assert all(1 <= generation <= GENERATION_MAX for generation in seen)
