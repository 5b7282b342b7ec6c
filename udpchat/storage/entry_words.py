"""How the stores interpret entries (message, time), split text into words, and derive generations."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2s
from typing import Final

from udpchat.storage.store_interfaces import GENERATION_MAX
from udpchat.sync.log import SearchHit
from udpchat.wire.content import Message, Tombstone
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import parse_entry_untrusted
from udpchat.wire.limits import SEARCH_BYTES_MAX, SEARCH_WORDS_MAX, SEQUENCE_MAX

TOKENS_KEPT_MAX: Final = 1_024  # of who speaks now, and where

_word = re.compile(r"[^\W_]+")


def message_of(entry: bytes) -> Message | Tombstone | None:
    """The message or tombstone in an entry; None for other entries and records, and for invalid bytes."""
    try:
        parsed = parse_entry_untrusted(entry)
    except BadDatagram:
        return None
    return parsed if isinstance(parsed, Message | Tombstone) else None


def time_of(message: Message | Tombstone | None) -> int:
    """The time in ms, limited to what a database can store, because a server may send any integer; 0 if none."""
    return min(max(message.time_ms, 0), SEQUENCE_MAX) if message else 0


def words_of(words: str) -> list[str]:
    """The words that a search looks for, each once: the first SEARCH_WORDS_MAX within SEARCH_BYTES_MAX characters."""
    return list(dict.fromkeys(split_words(words[:SEARCH_BYTES_MAX])))[:SEARCH_WORDS_MAX]


def split_words(text: str) -> list[str]:
    """The runs of letters and digits."""
    return _word.findall(text)


def private_text(number: int, text: str) -> str:
    """A text as the index of conversations holds it: each word is one of its conversation, and of no other."""
    return " ".join(private_word(number, word) for word in split_words(text))


def private_word(number: int, word: str) -> str:
    """A word of the conversation in the log with this number; of fixed width, so that no two read alike."""
    return f"{log_token(number)}{word}"


@lru_cache(TOKENS_KEPT_MAX)
def log_token(number: int) -> str:
    """The number of a log as a word."""
    return f"{number:06x}"


@lru_cache(TOKENS_KEPT_MAX)
def nick_token(nick: str) -> str:
    """A nick as one word of the index, so that a search for `a` does not find `a-b`."""
    return nick.casefold().encode().hex()


def generation_of(seed: bytes, log: str) -> int:
    """The generation of a log, 1 to GENERATION_MAX: readers need it before the log is first written."""
    digest = blake2s(log.encode(), key=seed, digest_size=8, person=b"generate").digest()
    return int.from_bytes(digest, "big") % GENERATION_MAX + 1


def latest(found: list[SearchHit], limit: int) -> list[SearchHit]:
    """The latest `limit` of these, in order of time."""
    found.sort(key=lambda hit: (hit.time_ms, hit.log, hit.sequence))
    return found[-limit:] if limit > 0 else []
