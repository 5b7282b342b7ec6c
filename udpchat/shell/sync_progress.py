"""How far a client has caught up, on a terminal: for those who wait for more than what scrolls by."""

from __future__ import annotations

from collections.abc import Callable

from udpchat.shell.progress import ProgressLine


class SyncProgress:
    """Told after every drain how many entries are known and not here; draws a line as long as that takes."""

    def __init__(self, make_line: Callable[[], ProgressLine] = lambda: ProgressLine("catching up")) -> None:
        self._make_line = make_line
        self._line: ProgressLine | None = None
        self._total = 0

    def on_missing(self, missing: int) -> None:
        """So many entries are still to come."""
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
        """Something else is to be printed."""
        if self._line is not None:
            self._line.end()
