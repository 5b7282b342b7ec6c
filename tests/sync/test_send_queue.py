"""The queue of what the next packets carry: its order, what leaves it, and the bytes it counts."""

from __future__ import annotations

from tests.sync.test_log_stream import LOG, entry, stream_of
from udpchat.sync.send_queue import SendQueue
from udpchat.sync.subscription import Subscription
from udpchat.wire.frames import Entries, Heads, Pong, encode, parse_down_untrusted


def subscription_of(count: int = 3) -> Subscription:
    stream, _ = stream_of([entry(number) for number in range(1, count + 1)])
    return Subscription(stream)


def test_answers_go_before_heads_and_heads_before_entries_in_one_packet() -> None:
    queue, subscription = SendQueue(), subscription_of()
    [encoded] = subscription.stream.frames(1, 3)
    queue.add_entries(subscription, encoded)
    queue.add_head(subscription)
    queue.add_answer(encode(Pong(7)))
    [packet] = queue.drain()
    assert [type(frame) for frame in parse_down_untrusted(packet.body)] == [Pong, Heads, Entries]
    assert [(span.first, span.last, span.fragment) for span in packet.spans] == [(1, 3, None)]
    assert not queue.has_frames and queue.drain() == []


def test_entries_alone_go_in_the_body_that_all_followers_share() -> None:
    queue, subscription = SendQueue(), subscription_of()
    [encoded] = subscription.stream.frames(1, 3)
    queue.add_entries(subscription, encoded)
    [packet] = queue.drain()
    assert packet.body is encoded.body


def test_a_head_that_is_added_twice_is_sent_once() -> None:
    queue, subscription = SendQueue(), subscription_of()
    queue.add_head(subscription)
    queue.add_head(subscription)
    [packet] = queue.drain()
    [heads] = parse_down_untrusted(packet.body)
    assert isinstance(heads, Heads) and [head.log for head in heads.heads] == [LOG]


def test_a_subscription_that_is_removed_leaves_nothing_but_answers() -> None:
    queue, subscription, other = SendQueue(), subscription_of(), subscription_of()
    for follower in (subscription, other):
        [encoded] = follower.stream.frames(1, 3)
        queue.add_entries(follower, encoded)
        queue.add_head(follower)
    assert queue.entry_keys() == {(subscription, 1, None), (other, 1, None)}
    queue.remove(subscription)
    assert queue.entry_keys() == {(other, 1, None)} and queue.entries_bytes == len(encoded.frame)
    queue.clear_entries()
    assert queue.entries_bytes == 0 and not queue.has_entries and queue.has_frames, "its head still waits"
