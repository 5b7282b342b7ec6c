"""The requests that a person can make: cleaned, and within their limits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from udpchat.chat.phrase import Phrase
from udpchat.client import compose
from udpchat.client.compose import LocalError
from udpchat.wire.limits import AWAY_BYTES_MAX, TEXT_BYTES_MAX, TOPIC_BYTES_MAX
from udpchat.wire.requests import RequestBody

BOUNDED: dict[str, tuple[Callable[[str], RequestBody], int]] = {
    "message": (lambda text: compose.say("lobby", text), TEXT_BYTES_MAX),
    "private message": (lambda text: compose.tell("bob", text), TEXT_BYTES_MAX),
    "topic": (lambda text: compose.set_topic("lobby", text), TOPIC_BYTES_MAX),
    "reason": (compose.set_away, AWAY_BYTES_MAX),
}


@pytest.mark.parametrize("what", BOUNDED)
@pytest.mark.parametrize("letter", ["x", "\U0001f600"], ids=["ascii", "emoji"])
def test_a_text_may_fill_its_limit_in_bytes_and_not_pass_it(what: str, letter: str) -> None:
    request_of, bytes_max = BOUNDED[what]
    size = len(letter.encode())
    request_of(letter * (bytes_max // size))
    with pytest.raises(LocalError) as caught:
        request_of(letter * (bytes_max // size + 1))
    values = {"what": what.removeprefix("private "), "bytes_max": bytes_max, "bytes": (bytes_max // size + 1) * size}
    assert caught.value.phrase == Phrase("too_long.here", values)


@pytest.mark.parametrize("text", ["", "\ud800"])
def test_a_message_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(LocalError) as caught:
        compose.say("lobby", text)
    assert caught.value.code == "empty"


def test_an_empty_topic_and_an_empty_reason_take_the_old_ones_away() -> None:
    assert compose.set_topic("lobby", "").topic == "" and compose.set_away("").reason is None
