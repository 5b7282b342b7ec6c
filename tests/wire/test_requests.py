"""Requests and results: what may be left out, and what a person's description may hold."""

import pytest

from tests.wire.test_fields import parse_result
from tests.wire.test_frames import refusal
from udpchat.wire import content, frames, requests
from udpchat.wire.errors import Drop
from udpchat.wire.frames import encode
from udpchat.wire.limits import SEQUENCE_MAX


def test_a_message_to_nobody_and_a_result_of_what_was_told_to_nobody_or_one_who_is_here_may_leave_it_out() -> None:
    said = content.Message(1, bytes(8), "ada", bytes(8), content.TEXT, "hi")
    assert frames.parse_entry_untrusted(encode([1, 1, bytes(8), "ada", bytes(8), 0, "hi"])) == said
    assert parse_result(encode([1, "#a", 1])) == requests.Stored("#a", 1)


@pytest.mark.parametrize("idle_s", [-1, SEQUENCE_MAX + 1])
def test_a_person_is_idle_for_a_time_that_there_is(idle_s: int) -> None:
    person = requests.Person("ada", "print", requests.Here(), idle_s, [])
    assert refusal(parse_result, encode(person)) is Drop.MALFORMED
