"""Processes under measurement: the real server, and how much CPU time and memory a process has used so far."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from udpchat.wire.packets import Address

READY_S_MAX = 60.0  # a million stored messages included, and a machine that is busy
STOP_S_MAX = 10.0
PROC = Path("/proc")
BYTES_PER_KIB = 1024


def cpu_s(pid: int) -> float | None:
    """CPU seconds of a live process so far, user and system, all threads; None where the system does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        threads = (PROC / str(pid) / "task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    if sys.platform == "win32":
        return None
    said = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return _clock_s(said.strip()) if said.strip() else None


def _clock_s(text: str) -> float:
    """Seconds in `[[days-]hours:]minutes:seconds`."""
    days, _, clock = text.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds + 86_400 * int(days or 0)


def resident_bytes(pid: int) -> int | None:
    """Memory of a live process that is its own and in RAM, shared libraries included; None where there is no /proc."""
    with contextlib.suppress(OSError, ValueError):
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * BYTES_PER_KIB
    return None


def allow_files(count: int) -> int:
    """Raise the limit of open files of this process and its children towards `count`; how many there may be."""
    if sys.platform == "win32":
        return count
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(wanted, soft)


class ServerProcess:
    """`udpchat server` on a free port of 127.0.0.1. A context manager; `address` once it is entered, and `ready_s`:
    how long it took from its start until it served.
    """

    def __init__(self, data: Path, *, durability: str = "fsync") -> None:
        options = ["--bind", "127.0.0.1", "--port", "0", "--data", str(data), "--durability", durability]
        self._command = [sys.executable, "-m", "udpchat", "server", *options, "--log-level", "error"]
        self.address = Address("127.0.0.1", 0)
        self.ready_s = 0.0

    def __enter__(self) -> ServerProcess:
        begin_s = time.monotonic()
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        late = threading.Timer(READY_S_MAX, self._process.kill)
        late.start()
        try:
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
        finally:
            late.cancel()
        if not line.startswith("ready "):
            self.stop()
            raise RuntimeError(f"the server did not start: {line.strip() or 'it said nothing'}")
        self.ready_s = time.monotonic() - begin_s
        self.address = Address("127.0.0.1", int(line.split("#")[0].rpartition(":")[2]))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process, for `cpu_s` and `resident_bytes`."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return self._process.poll() is None

    def stop(self) -> float:
        """Tell it to go; kill it if it does not. The seconds until it was gone."""
        begin_s = time.monotonic()
        self._process.terminate()
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        gone_s = time.monotonic() - begin_s
        if self._process.stdout is not None:
            self._process.stdout.close()
        return gone_s


@contextlib.contextmanager
def fresh_server(*, durability: str = "fsync") -> Iterator[ServerProcess]:
    """A server with nothing in its log."""
    with (
        tempfile.TemporaryDirectory(prefix="udpchat-bench-", ignore_cleanup_errors=True) as folder,
        ServerProcess(Path(folder) / "data", durability=durability) as server,
    ):
        yield server
