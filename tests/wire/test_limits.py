"""The numbers agree with each other: what must fit a datagram fits, and what is exact here is exact everywhere."""

from udpchat.sync.fragments import split
from udpchat.sync.packing import FRAME_BYTES_MAX
from udpchat.wire import content, limits, requests
from udpchat.wire.frames import EntryFragment, Head, Heads, RequestFragment, encode, pack, parse_entry_untrusted

WIDE = "\U0001f600"  # four bytes in UTF-8, the most that a character takes
LOG = "#" + WIDE * limits.ROOM_CHARACTERS_MAX
HUGE = limits.SEQUENCE_MAX


def test_a_full_body_sealed_with_its_header_is_a_full_datagram() -> None:
    sealed = limits.DATA_HEADER_BYTES + limits.BODY_BYTES_MAX + limits.SEAL_BYTES
    assert sealed == limits.DATAGRAM_BYTES_MAX == limits.HELLO_BYTES


def test_names_of_the_widest_characters_fit_their_bytes() -> None:
    assert len(WIDE.encode()) * limits.ROOM_CHARACTERS_MAX == limits.NAME_BYTES_MAX
    assert len(LOG.encode()) == limits.LOG_NAME_BYTES_MAX


def test_the_largest_part_of_an_entry_or_a_request_fits_a_packet_alone() -> None:
    data = bytes(limits.FRAGMENT_BYTES)
    last = limits.FRAGMENTS_MAX - 1
    for part in (
        EntryFragment(LOG, HUGE, HUGE, 3_600_000, last, limits.FRAGMENTS_MAX, data),
        RequestFragment(HUGE, HUGE, last, limits.FRAGMENTS_MAX, data),
    ):
        frame = encode(part)
        assert len(frame) <= FRAME_BYTES_MAX
        assert len(pack([frame])) <= limits.BODY_BYTES_MAX


def test_the_longest_text_with_all_around_it_fits_the_parts_and_is_read_again() -> None:
    text = WIDE * (limits.TEXT_BYTES_MAX // 4)
    nick = WIDE * limits.NICK_CHARACTERS_MAX
    request = encode(requests.Tell(nick, content.TEXT, text))
    entry = encode(content.Message(HUGE, bytes(8), nick, bytes(8), content.ACTION, text, nick))
    for whole in (request, entry):
        assert len(split(whole)) <= limits.FRAGMENTS_MAX
    assert parse_entry_untrusted(entry) == content.Message(HUGE, bytes(8), nick, bytes(8), content.ACTION, text, nick)


def test_the_widest_head_fits_a_packet_with_others() -> None:
    frame = encode(Heads(3_600_000, [Head(LOG, HUGE, HUGE, HUGE, HUGE)]))
    assert 4 * len(frame) < limits.BODY_BYTES_MAX


def test_a_peer_can_hold_the_parts_of_one_whole_request() -> None:
    assert limits.FRAGMENT_BYTES_HELD_MAX >= limits.FRAGMENTS_MAX * limits.FRAGMENT_BYTES


def test_sequence_numbers_are_exact_as_floating_point_numbers() -> None:
    assert float(HUGE) == HUGE and int(float(HUGE - 1)) == HUGE - 1
