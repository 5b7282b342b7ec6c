"""An ack costs work in proportion to what it shows to be new, not to what is in flight or followed (SPEC 5.3).

As found, each ack walked everything in flight and every followed log, and up to 60 acks fit a datagram.
"""

from __future__ import annotations

from functools import partial

import pytest

from tests.sync.memory import MemoryReader
from tests.work import steps_of
from udpchat.sync.downlink import Downlink
from udpchat.sync.log_stream import LogStream
from udpchat.sync.loss import LossDetection
from udpchat.sync.subscription import HELD_RUNS_MAX, EntrySpan, Subscription
from udpchat.wire.frames import Ack, AckedPackets, Cursor
from udpchat.wire.packets import Address

CLIENT = Address("192.0.2.1", 1)
ENTRY = b"\xa1x"
LOG = "#lobby"
NOTICED = 2.0  # times the work of an ack when little is in flight, or followed
# All acks here report reordering of a second, so that what they do not name is not lost.


def stream_of(entries: int, log: str = LOG) -> LogStream:
    reader = MemoryReader()
    reader.append(log, [ENTRY] * entries)
    return LogStream(log, reader)


def in_flight(packets: int) -> LossDetection:
    """Packets with an entry each, sent every 10 us, of which none is acknowledged."""
    loss_detection, subscription = LossDetection(CLIENT), Subscription(stream_of(packets))
    for counter in range(packets):
        span = EntrySpan(subscription, counter + 1, counter + 1)
        loss_detection.on_sent(1 + counter / 1e5, counter, 100, (span,), ack_delay_s=0.025)
    return loss_detection


@pytest.mark.parametrize("named", [1, 2])
def test_an_ack_of_one_packet_is_no_more_work_when_thousands_are_in_flight(named: int) -> None:
    work = []
    for packets in (70, 7_000):
        flight, ack = in_flight(packets), Ack(AckedPackets(packets - 1, named - 1, 0, 1_000), [])
        work.append(steps_of(partial(flight.on_ack, 1.1, ack)))
        assert flight.bytes_in_flight == (packets - named) * 100
    assert work[1] <= NOTICED * work[0]


def test_the_same_ack_again_is_no_more_work_when_thousands_are_in_flight() -> None:
    work = []
    for packets in (70, 7_000):
        flight, ack = in_flight(packets), Ack(AckedPackets(packets - 1, 0, 0, 1_000), [])
        flight.on_ack(1.1, ack)
        work.append(steps_of(partial(flight.on_ack, 1.1, ack)))
    assert work[1] <= NOTICED * work[0]


def following(logs: int) -> Downlink:
    """A downlink that follows so many logs, each of two entries of which the replica reported one."""
    downlink = Downlink(CLIENT)
    for at in range(logs):
        downlink.follow(0.0, stream_of(2, f"#{at}"))
    sent = send(downlink, 0.0, 0)
    for at in range(logs):
        downlink.receive_ack(0.01, Ack(None, [Cursor(f"#{at}", 1, 1, [])]), packets_sent=sent)
    send(downlink, 0.01, sent)
    return downlink


def send(downlink: Downlink, now: float, sent: int) -> int:
    for packet in downlink.drain_packets(now):
        downlink.on_sent(now, sent, len(packet.body), packet.spans)
        sent += 1
    return sent


def test_an_ack_about_one_log_is_no_more_work_for_who_follows_hundreds() -> None:
    ack = Ack(None, [Cursor("#0", 1, 1, [])])
    work = [
        steps_of(partial(downlink.receive_ack, 0.02, ack, packets_sent=1_000))
        for downlink in (following(2), following(300))
    ]
    assert work[1] <= NOTICED * work[0]


def test_an_ack_is_no_more_work_for_who_reported_hundreds_of_holes() -> None:
    work = []
    for holes in (2, HELD_RUNS_MAX):
        downlink = Downlink(CLIENT)
        downlink.follow(0.0, stream_of(4 * HELD_RUNS_MAX))
        sent = send(downlink, 0.0, 0)
        for at in range(holes):
            held = Cursor(LOG, 1, 0, [(2 * at + 2, 2 * at + 2)])
            downlink.receive_ack(0.01, Ack(None, [held]), packets_sent=sent)
        ack = Ack(None, [Cursor(LOG, 1, 0, [])])
        downlink.receive_ack(0.02, ack, packets_sent=sent)
        work.append(steps_of(partial(downlink.receive_ack, 0.02, ack, packets_sent=sent)))
    assert work[1] <= NOTICED * work[0]
