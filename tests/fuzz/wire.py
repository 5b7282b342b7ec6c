"""What reads bytes and names of others: any input to every parser of the wire, and to what looks at text.

Each gives a value, or the one error that it documents. A value that was read is written and read again as the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from tests.fuzz.cases import Choices
from tests.fuzz.server import NICKS, ROOMS
from tests.fuzz.values import TEXTS, Maker, bent, bent_bytes, one_of
from tests.wire import vectors
from tests.wire.shapes import DOWN, ENTRIES, REQUESTS, RESULTS, UP
from udpchat.chat.names import BadName, nick_key, parse_nick, parse_room, skeleton
from udpchat.chat.text import clean_text, fits
from udpchat.storage.entry_words import message_of, nick_token, time_of, words_of
from udpchat.wire import frames, limits, packets
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import encode, pack

Parse = Callable[[bytes], Any]
SIDES: tuple[tuple[tuple[type, ...], Parse], ...] = (
    (UP, frames.parse_up_untrusted),
    (DOWN, frames.parse_down_untrusted),
)
BODIES: tuple[tuple[tuple[type, ...], Parse], ...] = (
    (REQUESTS, frames.parse_request_untrusted),
    (RESULTS, frames.parse_result_untrusted),
    (ENTRIES, frames.parse_entry_untrusted),
    ((frames.Introduction,), frames.parse_introduction_untrusted),
)
SEEDS = [encode(value) for values in (vectors.UP, vectors.DOWN, vectors.REQUESTS, vectors.RESULTS) for value in values]


class WireTarget:
    """The parsers: each step is one input to one of them."""

    def __init__(self) -> None:
        entry = encode(vectors.MESSAGE)
        pools = {"nick": one_of(*NICKS), "room": one_of(*ROOMS), "raw": one_of(entry, b"\xc0", b"\x92\x02\x00")}
        self._maker = Maker(pools)
        self._noted: set[Hashable] = set()

    def step(self, choices: Choices) -> None:
        """Read something."""
        choices.pick((self._body, self._body, self._packet_body, self._packet_body, self._datagram, self._text))(
            choices
        )

    def _body(self, choices: Choices) -> None:
        shapes, parse = choices.pick(BODIES)
        shape = choices.pick(shapes)
        encoded = self._maker.encoded(choices, shape) if choices.chance(70) else bent(choices, choices.pick(SEEDS))
        self._read(parse, encoded, shape)
        assert time_of(message_of(encoded)) is not None

    def _packet_body(self, choices: Choices) -> None:
        shapes, parse = choices.pick(SIDES)
        count = choices.pick((1, 1, 2, 5, 64))
        body = pack([self._maker.encoded(choices, choices.pick(shapes)) for _ in range(count)])
        self._read(parse, bent_bytes(choices, body) if choices.chance(30) else body, shapes)

    def _read(self, parse: Parse, data: bytes, kind: Hashable) -> None:
        try:
            value = parse(data)
        except BadDatagram as drop:
            self._noted.add((kind, drop.reason))
            return
        self._noted.add((kind, type(value)))
        if not isinstance(value, list):
            return self._write_again(parse, encode(value), value)
        if 0 < len(value) <= limits.FRAMES_MAX:
            self._write_again(parse, pack([encode(frame) for frame in value]), value)

    def _write_again(self, parse: Parse, written: bytes, value: Any) -> None:
        again = parse(written)
        assert encode(again) == encode(value), f"read as {value}, then as {again}"

    def _datagram(self, choices: Choices) -> None:
        length = choices.pick((0, 1, 5, 25, 26, 28, 29, 105, 126, 200, 1199, 1200, 1201, 1472, 1473))
        data = bytes((choices.pick([*map(int, packets.Kind), 0, 7, 255]),)) * bool(length) + choices.data(
            max(length - 1, 0)
        )
        packets.data_index(data)
        try:
            packet = packets.parse_packet_untrusted(data)
        except BadDatagram as drop:
            self._noted.add(drop.reason)
            return
        written = packet.encode()
        padded = packets.Hello | packets.Probe | packets.ProbeReply
        assert written[: len(data)] == data or isinstance(packet, padded), f"{packet} is written as {written!r}"
        assert packets.parse_packet_untrusted(written) == packet

    def _text(self, choices: Choices) -> None:
        text = choices.pick((*TEXTS, *NICKS, *ROOMS))
        if choices.chance(60):
            text = bent_bytes(choices, text.encode()).decode("utf-8", "replace")
        cleaned = clean_text(text)
        assert cleaned is None or clean_text(cleaned) == cleaned, "a clean text is cleaned again"
        fits(text, 100), words_of(text), nick_token(text), skeleton(text), nick_key(text)
        for parse in (parse_nick, parse_room):
            try:
                name = parse(text)
            except BadName:
                continue
            assert parse(name) == name, f"{text!r} is {name!r}, which is {parse(name)!r}"

    def finish(self) -> None:
        """Nothing is kept."""

    def noted(self) -> set[Hashable]:
        """Which shapes were read as what, and why others were not."""
        return self._noted

    def close(self) -> None:
        """Nothing is held."""
