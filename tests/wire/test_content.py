"""What logs hold: messages of known and unknown kinds, entries with optional tags, records of the directory."""

import pytest

from tests.wire.shapes import RECORDS, least
from tests.wire.test_frames import refusal
from udpchat.wire import content, frames, requests
from udpchat.wire.errors import Drop
from udpchat.wire.frames import encode


def test_no_record_of_the_directory_passes_for_an_entry() -> None:
    for shape in RECORDS:
        assert refusal(frames.parse_entry_untrusted, encode(least(shape))) is Drop.MALFORMED


@pytest.mark.parametrize("kind", [2, 127, 128, 255])
def test_a_message_of_an_unknown_kind_is_read_with_its_text_and_what_it_refers_to(kind: int) -> None:
    extra = [0, bytes(8), b"data", 7, 9, "more"]
    entry = frames.parse_entry_untrusted(encode([1, 5, bytes(8), "ada", bytes(8), kind, "", None, extra]))
    expected = content.Extra(bytes(8), b"data", 7, 9)
    assert entry == content.Message(5, bytes(8), "ada", bytes(8), kind, "", None, expected)
    say = frames.parse_request_untrusted(encode([1, "lobby", kind, "", extra]))
    assert say == requests.Say("lobby", kind, "", expected)


@pytest.mark.parametrize("tag", [128, 129, 2**40])
def test_an_entry_with_an_optional_tag_is_one_that_is_not_shown(tag: int) -> None:
    assert frames.parse_entry_untrusted(encode([tag, {"x": 1}])) == content.UnknownEntry()


@pytest.mark.parametrize("tag", [0, 7, 127])
def test_an_entry_with_any_other_unknown_tag_is_malformed(tag: int) -> None:
    assert refusal(frames.parse_entry_untrusted, encode([tag, 1])) is Drop.MALFORMED


@pytest.mark.parametrize("to", [None, "bob"])
@pytest.mark.parametrize("extra", [None, content.Extra(bytes(8))])
def test_a_message_is_written_without_its_empty_fields(to: str | None, extra: content.Extra | None) -> None:
    message = content.Message(1, bytes(8), "ada", bytes(8), 200, "", to, extra)
    written = frames.encode_message(message)
    assert frames.parse_entry_untrusted(written) == message
    assert written[0] == 0x90 + (9 if extra else 8 if to else 7)


def test_the_time_of_an_entry_is_any_integer_that_travels_and_its_readers_bound_it() -> None:
    for time_ms in (-(2**63), 2**64 - 1):
        assert frames.parse_entry_untrusted(encode(content.Tombstone(time_ms))) == content.Tombstone(time_ms)
