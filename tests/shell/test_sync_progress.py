from __future__ import annotations

from tests.shell.test_progress import Clock, Terminal
from udpchat.shell.progress import ERASE, ProgressLine
from udpchat.shell.sync_progress import SyncProgress


def test_a_long_catching_up_is_shown_and_makes_way_for_what_is_printed() -> None:
    terminal, clock = Terminal(), Clock()
    catching = SyncProgress(lambda: ProgressLine("catching up", stream=terminal, clock=clock))
    catching.on_missing(0)
    catching.on_missing(1_000)
    clock.now += 2
    catching.on_missing(750)
    assert terminal.getvalue() == f"{ERASE}catching up: 25 %"
    catching.make_way()
    clock.now += 1
    catching.on_missing(500)
    catching.on_missing(0)
    catching.make_way()
    assert terminal.getvalue() == f"{ERASE}catching up: 25 %{ERASE}{ERASE}catching up: 50 %{ERASE}"


def test_each_catching_up_is_timed_and_counted_for_itself() -> None:
    terminal, clock = Terminal(), Clock()
    catching = SyncProgress(lambda: ProgressLine("catching up", stream=terminal, clock=clock))
    for _ in range(5):
        catching.on_missing(3)
        clock.now += 0.5
        catching.on_missing(0)
    assert terminal.getvalue() == ""
