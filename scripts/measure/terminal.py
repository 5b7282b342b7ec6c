"""A client on a terminal of its own, seen from outside: keys go in at one end, and what it draws comes out."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from measure.processes import resident_bytes

ROWS, COLUMNS = 40, 120
READ_BYTES = 64 * 1024
LIMIT_S = 20.0  # for anything to show


class Terminal:
    """A client on a pseudo terminal; a context manager. `on_output` gets what it draws."""

    def __init__(
        self,
        server: str,
        data: Path,
        nick: str,
        *,
        rows: int = ROWS,
        columns: int = COLUMNS,
        on_output: Callable[[bytes], object] = lambda drawn: None,
    ) -> None:
        arguments = ["client", "--nick", nick, "--server", server, "--data", str(data)]
        self._command = [sys.executable, "-m", "udpchat", *arguments]
        self._size = struct.pack("HHHH", rows, columns, 0, 0)
        self._on_output = on_output

    def __enter__(self) -> Terminal:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, self._size)
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or every start would compile the whole program anew
        self._process = subprocess.Popen(
            self._command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        while self._read(LIMIT_S):  # a client that cannot write does not end
            pass
        self._process.wait()
        os.close(self._master)

    @property
    def resident_bytes(self) -> int | None:
        """The memory of the client, see `processes.resident_bytes`."""
        return resident_bytes(self._process.pid)

    def press(self, keys: bytes) -> None:
        """What a terminal sends for these keys."""
        os.write(self._master, keys)

    def until(self, shown: bytes) -> float:
        """The seconds until this was drawn."""
        begin_s = time.perf_counter()
        drawn = b""
        while shown not in drawn:
            if time.perf_counter() - begin_s > LIMIT_S:
                raise RuntimeError(f"{shown!r} was never drawn: {drawn[-500:]!r}")
            drawn = drawn[-len(shown) :] + self._read(LIMIT_S)
        return time.perf_counter() - begin_s

    def until_quiet(self, quiet_s: float) -> float:
        """The seconds until the last byte before a pause of `quiet_s`; waits LIMIT_S for the first."""
        begin_s = latest_s = time.perf_counter()
        wait_s = LIMIT_S
        while self._read(wait_s):
            latest_s, wait_s = time.perf_counter(), quiet_s
        return latest_s - begin_s

    def let_draw(self, seconds: float) -> None:
        """Read for so long, whatever it is."""
        end_s = time.perf_counter() + seconds
        while (left_s := end_s - time.perf_counter()) > 0:
            self._read(left_s)

    def _read(self, wait_s: float) -> bytes:
        if not select.select([self._master], [], [], wait_s)[0]:
            return b""
        try:
            drawn = os.read(self._master, READ_BYTES)
        except OSError:  # the client has ended
            return b""
        self._on_output(drawn)
        return drawn
