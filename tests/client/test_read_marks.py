"""Read marks: the highest counts, wherever it was set, and what is set here goes up once, not at once."""

from __future__ import annotations

from udpchat.client.read_marks import REPORT_INTERVAL_S, ReadMarks
from udpchat.wire.content import Joined, ReadMark
from udpchat.wire.frames import encode
from udpchat.wire.limits import INBOX_ENTRIES_MAX
from udpchat.wire.requests import MarkRead


def test_the_highest_mark_of_a_log_counts_and_one_of_another_generation_replaces_it() -> None:
    marks = ReadMarks()
    assert marks.receive(ReadMark("#lobby", 1, 5)) and not marks.receive(ReadMark("#lobby", 1, 4))
    assert not marks.receive(ReadMark("#lobby", 1, 5)) and marks.receive(ReadMark("#lobby", 1, 6))
    assert marks.get("#lobby", 1) == 6 and marks.get("#lobby", 2) is None and marks.get("#den", 1) is None
    assert marks.receive(ReadMark("#lobby", 2, 1))
    assert marks.get("#lobby", 2) == 1 and marks.get("#lobby", 1) is None


def test_marks_set_within_the_interval_go_as_one_for_each_log() -> None:
    marks = ReadMarks()
    marks.set(10.0, ReadMark("#lobby", 1, 5))
    marks.set(12.0, ReadMark("#lobby", 1, 7))
    marks.set(13.0, ReadMark("#den", 1, 1))
    assert marks.next_timeout() == 10.0 + REPORT_INTERVAL_S
    assert marks.drain() == [MarkRead("#lobby", 1, 7), MarkRead("#den", 1, 1)]
    assert marks.next_timeout() is None and marks.drain() == []


def test_what_another_device_has_marked_is_not_sent_again() -> None:
    marks = ReadMarks()
    marks.receive(ReadMark("#lobby", 1, 7))
    marks.set(10.0, ReadMark("#lobby", 1, 7))
    assert marks.next_timeout() is None and marks.drain() == []


def test_stored_marks_are_known_at_once_and_other_entries_are_skipped() -> None:
    stored = [encode(ReadMark("#lobby", 1, 5)), b"damaged", encode(Joined("bob", bytes(8)))]
    marks = ReadMarks([*stored, encode(ReadMark("#lobby", 1, 3))])
    assert marks.get("#lobby", 1) == 5 and marks.drain() == []


def test_the_marks_of_a_thousand_logs_are_kept() -> None:
    marks = ReadMarks()
    for number in range(INBOX_ENTRIES_MAX + 1):
        marks.set(10.0, ReadMark(f"#room{number}", 1, 5))
    assert marks.get("#room0", 1) is None and marks.get("#room1", 1) == 5
    assert len(marks.drain()) == INBOX_ENTRIES_MAX
