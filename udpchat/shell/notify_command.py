"""The program that a person has run when a message calls them: it gets the message in its environment, and no shell."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from udpchat.chat.phrase import Phrase
from udpchat.chat.text import printable

RUNNING_S_MAX: Final = 5.0
LOOK_S: Final = 0.05  # between looks whether it has ended
KILLED_S_MAX: Final = 0.5  # until a killed one is gone
if sys.platform == "win32":
    APART: Final[dict[str, Any]] = {"creationflags": subprocess.CREATE_NO_WINDOW}
else:
    APART: Final[dict[str, Any]] = {"start_new_session": True}  # without the terminal, and killed with its children


class NotifyCommand:
    """Runs a program while an event loop runs, one at a time; whoever calls sees to it that it is not run too often.

    `words`: the program and its arguments. One that runs for RUNNING_S_MAX, or when the loop ends, is killed. `report`
    prints one line, once, if it cannot be started.
    """

    def __init__(self, words: Sequence[str], report: Callable[[Phrase], object]) -> None:
        self._words = words
        self._report = report
        self._watching: asyncio.Task[None] | None = None
        self._is_unable = False

    def run(self, variables: Mapping[str, str]) -> None:
        """Run it with these variables, which have to be safe for a terminal; not while the one before still runs."""
        if self._is_unable or (self._watching is not None and not self._watching.done()):
            return
        environment = {**os.environ, **{name: _encodable(value) for name, value in variables.items()}}
        try:
            null = subprocess.DEVNULL
            process = subprocess.Popen(self._words, env=environment, stdin=null, stdout=null, stderr=null, **APART)
        except OSError as error:
            self._is_unable = True
            values = {"program": printable(self._words[0]), "reason": error.strerror or type(error).__name__}
            self._report(Phrase("notify_command.failed", values))
        else:
            self._watching = asyncio.get_running_loop().create_task(_watch(process))


async def _watch(process: subprocess.Popen[bytes]) -> None:
    """Wait until it ends; kill it if that takes too long, or if nobody waits any more."""
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RUNNING_S_MAX):
                while process.poll() is None:
                    await asyncio.sleep(LOOK_S)
    finally:
        if process.poll() is None:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(KILLED_S_MAX)


def _encodable(text: str) -> str:
    """Text with `?` for what the environment of this system cannot hold."""
    encoding = sys.getfilesystemencoding()
    return text.encode(encoding, "replace").decode(encoding)
