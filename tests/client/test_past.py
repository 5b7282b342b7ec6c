from __future__ import annotations

from udpchat.chat.events import MessageReceived
from udpchat.client.past import merged


def said(identity: str, *, seq: int, time_ms: int = 0, room: str = "lobby") -> MessageReceived:
    return MessageReceived(room, seq, "bob", "x", "text", time_ms, identity, True)


def ids(messages: list[MessageReceived]) -> str:
    return "".join(message.id for message in messages)


def test_a_message_that_is_here_and_was_found_is_told_once() -> None:
    here = [said("a", seq=1), said("b", seq=2)]
    found = [said("b", seq=2), said("c", seq=3)]
    assert ids(merged(found, here, is_one_log=True)) == ids(merged(found, here, is_one_log=False)) == "abc"


def test_the_order_of_one_log_is_its_own_whatever_the_clock_said() -> None:
    assert ids(merged([said("b", seq=2, time_ms=1)], [said("a", seq=1, time_ms=5)], is_one_log=True)) == "ab"


def test_the_order_of_several_logs_is_that_of_their_times() -> None:
    found = [said("b", seq=1, time_ms=2), said("c", seq=1, time_ms=3, room="dev")]
    assert ids(merged(found, [said("a", seq=9, time_ms=1, room="dev")], is_one_log=False)) == "abc"
