"""Whether a terminal shows what is typed there."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

if sys.platform != "win32":
    import termios


class Echo:
    """Whether the terminal of standard input shows what is typed; nothing where there is no such terminal."""

    def __init__(self) -> None:
        self._noted: list[Any] | None = None

    def hide(self) -> None:
        """Show nothing of what is typed, until `restore`."""
        if sys.platform != "win32" and self._noted is None:
            with suppress(OSError, ValueError, AttributeError, termios.error):
                noted = termios.tcgetattr(sys.stdin.fileno())
                hidden = [*noted[:3], noted[3] & ~termios.ECHO, *noted[4:]]
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, hidden)
                self._noted = noted

    def restore(self) -> None:
        """Show what is typed, as before."""
        if sys.platform != "win32" and self._noted is not None:
            noted, self._noted = self._noted, None
            with suppress(OSError, ValueError, AttributeError, termios.error):
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, noted)
