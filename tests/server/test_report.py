"""The report: every event in order, damage once for each reason."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.server.report import REASONS_MAX, Report


def test_damage_is_reported_once_for_each_reason_and_for_so_many() -> None:
    report = Report()
    report.happened.append(events.PeerLeft("alice", "quit"))
    for _ in range(2):
        for number in range(REASONS_MAX + 5):
            report.on_unreadable(f"block {number}")
    drained = report.drain()
    assert drained[:2] == [events.PeerLeft("alice", "quit"), events.LogDamaged("block 0")]
    assert len(drained) == 1 + REASONS_MAX and report.drain() == []
