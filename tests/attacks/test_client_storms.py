"""What a server can make its client do: send, write and print, all bounded by rate or number."""

from __future__ import annotations

import pytest

from tests.attacks.meeting import Meeting
from tests.sizes import size_of
from udpchat.chat import events
from udpchat.client.stored import ReplicaReset, Write
from udpchat.wire import content, frames, requests
from udpchat.wire.frames import encode
from udpchat.wire.limits import (
    ACK_INTERVAL_S_MIN,
    ACKS_AT_ONCE_MAX,
    CONVERSATIONS_FOLLOWED_MAX,
    LIST_PAGES_MAX,
    LOG_CHANGES_BURST,
    PATH_REPLIES_BURST,
    STRAY_PARTS_MAX,
)

TALK = "@" + "7" * 20


def begun() -> Meeting:
    meeting = Meeting()
    meeting.start()
    meeting.enter(TALK)
    meeting.happened.clear()
    return meeting


def writes_of(meeting: Meeting) -> list[Write]:
    """What the client has to write from here on, as a list that grows."""
    seen: list[Write] = []
    write = meeting.store.write

    def writing(batch: list[Write]) -> None:
        seen.extend(batch)
        write(batch)

    meeting.store.write = writing  # type: ignore[assignment, method-assign]
    return seen


def test_logs_begun_anew_are_so_many_notices_and_writes_and_no_more() -> None:
    """As found: each Heads of another generation was a notice, a write, and the end of what was stored."""
    meeting = begun()
    seen = writes_of(meeting)
    for number in range(2 * int(LOG_CHANGES_BURST)):
        meeting.send(frames.Heads(0, [frames.Head("#lobby", 100 + number, 0, 5, 5)]))
    assert meeting.keys(events.Notice).count("generation") == LOG_CHANGES_BURST
    assert sum(isinstance(write, ReplicaReset) for write in seen) == LOG_CHANGES_BURST


def test_bases_that_rise_are_so_many_notices_and_no_more() -> None:
    meeting = begun()
    for number in range(30, 30 + 2 * int(LOG_CHANGES_BURST)):
        meeting.send(frames.Heads(0, [frames.Head("#lobby", 7, number, number, 1)]))
    assert 0 < meeting.keys(events.Notice).count("history_gone") <= LOG_CHANGES_BURST


def test_a_conversation_that_comes_and_goes_is_news_so_often_and_no_more() -> None:
    meeting = begun()
    for number in range(2 * int(LOG_CHANGES_BURST)):
        meeting.send(frames.Heads(0, [frames.Head(TALK, 100 + number, 0, 0, 0)]))
        meeting.send(frames.Heads(0, [frames.Head(TALK, 100 + number, 0, 50 + number, 50 + number)]))
    assert 0 < len(meeting.of(events.Notice)) <= LOG_CHANGES_BURST


def test_conversations_take_so_many_places_in_memory_and_in_the_store_over_all_runs() -> None:
    """As found: one that the server then did not know was closed, and left its row and its place behind, for ever."""
    meeting, closed = begun(), 0
    for run in range(3):
        for number in range(2 * CONVERSATIONS_FOLLOWED_MAX):
            log = f"@{run}{number:019x}"
            meeting.send(
                frames.Heads(0, [frames.Head(log, 7, 0, 3, 3)]), frames.Heads(0, [frames.Head(log, 8, 0, 0, 0)])
            )
            closed += log not in meeting.core.timeline.uplink
        assert len(meeting.store.logs()) <= CONVERSATIONS_FOLLOWED_MAX + 1
        assert len(meeting.core.timeline.uplink) <= CONVERSATIONS_FOLLOWED_MAX + 2
        meeting.start()
        meeting.enter()
    assert closed > 0


def test_entries_that_cannot_be_read_are_one_notice_for_each_log() -> None:
    """As found: one for each entry, 512 in a packet."""
    meeting = begun()
    for number in range(100):
        meeting.send(frames.Entries("#lobby", 7, 1 + 50 * number, 0, [frames.raw(b"\xc0")] * 50))
    assert meeting.keys(events.Notice) == ["unreadable.entry"]


def test_acks_are_sent_at_a_rate_whatever_the_server_requests() -> None:
    """As found: each packet with a delay of 0 was acknowledged at once, with the names of all logs that have a gap."""
    meeting = begun()
    for number in range(200):
        log = f"@{number:020x}"
        meeting.send(frames.Heads(0, [frames.Head(log, 7, 0, 0, 0)]))
        meeting.send(frames.Heads(0, [frames.Head(log, 7, 0, 10**6, 0)]))
    meeting.run(1.0)
    began, bytes_before = meeting.now, meeting.bytes_heard
    meeting.heard.clear()
    for number in range(1_000):
        meeting.send(frames.Entries("#lobby", 7, 100 + 2 * number, 0, [frames.raw(encode(content.Tombstone(1)))]))
        if number % 100 == 99:
            meeting.run(0.01)
    passed_s = meeting.now - began
    assert 0 < meeting.heard["Ack"] <= ACKS_AT_ONCE_MAX * (1 + passed_s / ACK_INTERVAL_S_MIN)
    assert meeting.bytes_heard - bytes_before < 10**6


def test_path_checks_are_answered_at_a_rate() -> None:
    meeting = begun()
    meeting.heard.clear()
    for _ in range(100):
        meeting.send(*(frames.PathCheck(bytes(8)) for _ in range(64)))
    assert meeting.heard["PathReply"] == PATH_REPLIES_BURST


def test_a_list_without_an_end_is_ended() -> None:
    """As found: 100,000 requests for its pages, each written to the disk first."""
    meeting = begun()
    for counter in meeting.requested:
        meeting.send(frames.Result(counter, requests.Done()))
    meeting.core.ask(meeting.now, requests.ListRooms(""))
    meeting.exchange()
    for number in range(LIST_PAGES_MAX + 10):
        if meeting.of(events.RoomList):
            break
        counter = max(counter for counter, body in meeting.requested.items() if isinstance(body, requests.ListRooms))
        meeting.send(frames.Result(counter, requests.Page([f"r{number:09}"], True)))
    assert len(meeting.of(events.RoomList)[0].rooms) == LIST_PAGES_MAX


@pytest.mark.parametrize("seed", range(3))
def test_under_any_lies_a_client_sends_little(seed: int) -> None:
    """And holds little. Nobody uses it: the server makes it send whatever it sends, in 5 s at 1,600 lies a second."""
    meeting = Meeting(seed, answers=True)
    meeting.start()
    meeting.enter()
    meeting.heard.clear()
    began, bytes_before = meeting.now, meeting.bytes_heard
    meeting.run(5.0, packets=8)
    passed_s = meeting.now - began
    assert len(meeting.requested) <= STRAY_PARTS_MAX + 2
    assert meeting.heard["Ack"] <= 200 * passed_s
    assert meeting.bytes_heard - bytes_before < 200_000 * passed_s
    assert size_of(meeting.core) < 2 * 2**20
