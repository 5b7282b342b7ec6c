"""Frames into packets: how large a frame may be, and which frames share a packet (SPEC 1, 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from udpchat.wire.frames import pack
from udpchat.wire.limits import BODY_BYTES_MAX, FRAMES_MAX

ARRAY_HEADER_BYTES: Final = 3  # of the msgpack array around the frames of a packet, at its largest
FRAME_BYTES_MAX: Final = BODY_BYTES_MAX - ARRAY_HEADER_BYTES  # what is longer goes in fragments

T = TypeVar("T")


def packed(items: Iterable[tuple[bytes, T]]) -> Iterator[tuple[bytes, list[T]]]:
    """(body of a packet, what its frames stand for), for encoded frames in order, each with what it stands for."""
    frames: list[bytes] = []
    contents: list[T] = []
    size = 0
    for frame, content in items:
        if frames and (size + len(frame) > FRAME_BYTES_MAX or len(frames) == FRAMES_MAX):
            yield pack(frames), contents
            frames, contents, size = [], [], 0
        frames.append(frame)
        contents.append(content)
        size += len(frame)
    if frames:
        yield pack(frames), contents
