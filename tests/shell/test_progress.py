from __future__ import annotations

import io

from udpchat.shell.progress import ERASE, ProgressLine, SyncProgress


class Terminal(io.StringIO):
    is_gone = False

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.is_gone:
            raise OSError("gone")
        return super().write(text)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_only_what_takes_longer_than_a_second_is_shown_and_at_last_taken_away() -> None:
    terminal, clock = Terminal(), Clock()
    line = ProgressLine("exporting", stream=terminal, clock=clock)
    for clock.now, done in ((100.0, 1), (100.9, 20), (101.0, 30), (101.05, 31), (101.1, 40)):
        line(done, 100)
    assert terminal.getvalue() == f"{ERASE}exporting: 30 %{ERASE}exporting: 40 %"
    line.end()
    line.end()
    assert terminal.getvalue().endswith(f"40 %{ERASE}")


def test_what_is_soon_done_leaves_no_trace() -> None:
    terminal = Terminal()
    line = ProgressLine("exporting", stream=terminal, clock=Clock())
    line(1, 1)
    line.end()
    assert terminal.getvalue() == ""


def test_nothing_goes_into_a_pipe() -> None:
    pipe, clock = io.StringIO(), Clock()
    line = ProgressLine("exporting", stream=pipe, clock=clock)
    clock.now += 5
    line(1, 2)
    line.end()
    assert pipe.getvalue() == ""


def test_nothing_to_do_is_all_done_and_a_terminal_that_is_gone_does_not_matter() -> None:
    terminal, clock = Terminal(), Clock()
    line = ProgressLine("exporting", stream=terminal, clock=clock)
    clock.now += 5
    line(0, 0)
    assert terminal.getvalue().endswith("100 %")
    terminal.is_gone = True
    clock.now += 5
    line(0, 0)
    line.end()


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
