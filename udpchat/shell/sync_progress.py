"""A progress line on a terminal while a client receives the entries that it missed."""

from __future__ import annotations

from collections.abc import Callable

from udpchat.shell.progress import ProgressLine


class SyncProgress:
    """Gets the number of missing entries after every drain; draws a line while there are any."""

    def __init__(self, make_line: Callable[[], ProgressLine] = lambda: ProgressLine("catching up")) -> None:
        self._make_line = make_line
        self._line: ProgressLine | None = None
        self._total = 0

    def on_missing(self, missing: int) -> None:
        """`missing` entries are still to come."""
        if not missing:
            self.make_way()
            self._line = None
            self._total = 0
            return
        if self._line is None:
            self._line = self._make_line()
        self._total = max(self._total, missing)
        self._line(self._total - missing, self._total)

    def make_way(self) -> None:
        """End the line, because something else is printed next."""
        if self._line is not None:
            self._line.end()
