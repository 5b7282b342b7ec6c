"""Packing: frames stay in order, share packets, and none is too large or too full."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from udpchat.sync.packing import FRAME_BYTES_MAX, packed
from udpchat.wire.frames import Ping, encode, parse_up_untrusted
from udpchat.wire.limits import BODY_BYTES_MAX, FRAMES_MAX


@given(st.lists(st.integers(1, FRAME_BYTES_MAX), max_size=200))
def test_every_frame_is_in_one_packet_in_order_with_what_it_stands_for(sizes: list[int]) -> None:
    items = [(b"x" * size, number) for number, size in enumerate(sizes)]
    packets = list(packed(items))
    assert [number for _, contents in packets for number in contents] == list(range(len(sizes)))
    for body, contents in packets:
        assert len(body) <= BODY_BYTES_MAX and 0 < len(contents) <= FRAMES_MAX
        assert body.endswith(b"".join(items[number][0] for number in contents))


def test_as_many_frames_share_a_packet_as_may() -> None:
    bodies = [body for body, _ in packed((encode(Ping(number)), None) for number in range(FRAMES_MAX + 1))]
    assert [len(parse_up_untrusted(body)) for body in bodies] == [FRAMES_MAX, 1]


def test_two_frames_that_fit_together_exactly_share_a_packet() -> None:
    half = FRAME_BYTES_MAX // 2
    sizes = [
        len(contents) for _, contents in packed([(b"x" * half, 1), (b"x" * (FRAME_BYTES_MAX - half), 2), (b"x", 3)])
    ]
    assert sizes == [2, 1] and not list(packed([]))
