"""Receipts: requested for the latest message, ever less often, until all users have all messages."""

from __future__ import annotations

from udpchat.chat.events import MessageDelivered
from udpchat.client.receipts import INTERVAL_S, OPEN_MAX, REQUESTS_MAX, Receipts
from udpchat.wire.frames import GetReceipt, Receipt, encode


def sent(receipts: Receipts, *sequences: int) -> None:
    for sequence in sequences:
        receipts.on_sent("#lobby", "lobby", sequence, f"id{sequence}")


def test_the_latest_message_is_asked_about_at_once_and_then_ever_less_often_but_not_for_ever() -> None:
    receipts = Receipts()
    assert receipts.next_timeout() is None
    sent(receipts, 4, 7)
    assert receipts.drain_frames(10.0) == [encode(GetReceipt("#lobby", 7))]
    assert receipts.next_timeout() == 10.0 + INTERVAL_S and receipts.drain_frames(10.5) == []
    times = []
    while (due := receipts.next_timeout()) is not None:
        times += [due] if receipts.drain_frames(due) else []
    assert len(times) == REQUESTS_MAX - 1 and times[2] - times[1] > times[1] - times[0]


def test_an_answer_holds_for_all_earlier_messages_and_ends_the_requests_once_all_users_have_them() -> None:
    receipts = Receipts()
    sent(receipts, 4, 7)
    assert receipts.receive(Receipt("#lobby", 7, 1, 3)) == [
        MessageDelivered("lobby", 4, "id4", 1, 3), MessageDelivered("lobby", 7, "id7", 1, 3),
    ]  # fmt: skip
    assert receipts.receive(Receipt("#lobby", 7, 1, 3)) == []
    sent(receipts, 9)
    assert receipts.receive(Receipt("#lobby", 7, 3, 3)) == [
        MessageDelivered("lobby", 4, "id4", 3, 3), MessageDelivered("lobby", 7, "id7", 3, 3),
    ]  # fmt: skip
    assert receipts.receive(Receipt("#lobby", 9, 3, 3)) == [MessageDelivered("lobby", 9, "id9", 3, 3)]
    assert receipts.next_timeout() is None


def test_answers_that_were_not_requested_are_ignored_and_what_waits_is_bounded() -> None:
    receipts = Receipts()
    assert receipts.receive(Receipt("#lobby", 7, 1, 3)) == []
    sent(receipts, *range(1, 2 * OPEN_MAX))
    assert len(receipts.receive(Receipt("#lobby", 2 * OPEN_MAX, 0, 3))) == OPEN_MAX
