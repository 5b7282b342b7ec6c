"""Receipts: requested for the latest message, ever less often, until all users have all messages."""

from __future__ import annotations

from udpchat.chat.events import MessageDelivered
from udpchat.client.receipts import INTERVAL_S, OPEN_MAX, REPORTED_EVERY_S, REQUESTS_MAX, Receipts
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
    assert receipts.receive(1.0, Receipt("#lobby", 7, 1, 3)) == [
        MessageDelivered("lobby", 4, "id4", 1, 3), MessageDelivered("lobby", 7, "id7", 1, 3),
    ]  # fmt: skip
    assert receipts.receive(1.1, Receipt("#lobby", 7, 1, 3)) == []
    sent(receipts, 9)
    assert receipts.receive(2.0, Receipt("#lobby", 7, 3, 3)) == [
        MessageDelivered("lobby", 4, "id4", 3, 3), MessageDelivered("lobby", 7, "id7", 3, 3),
    ]  # fmt: skip
    assert receipts.receive(2.0, Receipt("#lobby", 9, 3, 3)) == [MessageDelivered("lobby", 9, "id9", 3, 3)]
    assert receipts.next_timeout() is None


def test_answers_that_were_not_requested_are_ignored_and_what_waits_is_bounded() -> None:
    receipts = Receipts()
    assert receipts.receive(0.0, Receipt("#lobby", 7, 1, 3)) == []
    sent(receipts, *range(1, 2 * OPEN_MAX))
    assert len(receipts.receive(0.0, Receipt("#lobby", 2 * OPEN_MAX, 0, 3))) == OPEN_MAX


def test_a_message_is_reported_at_most_once_a_second_and_asked_about_again_when_it_may_be() -> None:
    receipts = Receipts()
    sent(receipts, 4)
    receipts.drain_frames(10.0)
    assert receipts.receive(10.0, Receipt("#lobby", 4, 1, 3)) == [MessageDelivered("lobby", 4, "id4", 1, 3)]
    sent(receipts, 5)
    receipts.drain_frames(10.1)
    assert receipts.receive(10.2, Receipt("#lobby", 5, 3, 3)) == [MessageDelivered("lobby", 5, "id5", 3, 3)]
    assert receipts.next_timeout() == 10.0 + REPORTED_EVERY_S
    assert receipts.drain_frames(11.0) == [encode(GetReceipt("#lobby", 4))]
    assert receipts.receive(11.0, Receipt("#lobby", 4, 3, 3)) == [MessageDelivered("lobby", 4, "id4", 3, 3)]
    assert receipts.next_timeout() is None


def test_an_answer_for_a_later_message_takes_nobody_back_and_one_who_left_does() -> None:
    receipts = Receipts()
    sent(receipts, 4)
    assert receipts.receive(1.0, Receipt("#lobby", 4, 2, 3)) == [MessageDelivered("lobby", 4, "id4", 2, 3)]
    sent(receipts, 5)
    assert receipts.receive(3.0, Receipt("#lobby", 5, 1, 3)) == [MessageDelivered("lobby", 5, "id5", 1, 3)]
    assert receipts.receive(5.0, Receipt("#lobby", 4, 1, 2)) == [MessageDelivered("lobby", 4, "id4", 1, 2)]
