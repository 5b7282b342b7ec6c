"""Starts programs of this project from a process that has made their imports: these were most of a short test.

A nursery imports the rooms of udpchat that do not look at the environment, and then forks: a child gets the
environment, the folder and the three standard streams of the request, runs `udpchat` as `python -m udpchat` does, and
ends as an interpreter of its own does. Where the very start matters a test does without it. Linux only.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent.parent
IMPORTED = ("wire", "session", "sync", "chat", "server", "client", "storage", "ui")
LIBRARIES = ("argparse", "asyncio", "logging.handlers", "platformdirs", "sqlite3", "tomllib", "uuid")
REQUEST_BYTES_MAX = 1 << 18
IS_HERE = sys.platform == "linux"


class Child:
    """A program that a nursery started; what tests use of `subprocess.Popen`."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str]) -> None:
        """Start `python -m udpchat` with these arguments, with pipes for its standard streams."""
        stdin, self_stdin = os.pipe()
        self_stdout, stdout = os.pipe()
        self_stderr, stderr = os.pipe()
        self._status, status = os.pipe()
        request = {"arguments": list(arguments), "environment": environment, "folder": str(ROOT)}
        passed = [stdin, stdout, stderr, status]
        socket.send_fds(_nursery(), [json.dumps(request).encode()], passed)
        for descriptor in passed:
            os.close(descriptor)
        self.stdin: TextIO = open(self_stdin, "w", encoding="utf-8")  # noqa: SIM115 - whoever waits for it closes
        self.stdout: TextIO = open(self_stdout, encoding="utf-8")  # noqa: SIM115
        self.stderr: TextIO = open(self_stderr, encoding="utf-8")  # noqa: SIM115
        self.args = list(arguments)
        self.returncode: int | None = None
        self._told = b""
        self.pid = int(self._next_told(None) or "0")
        assert self.pid, "the nursery started nothing"

    def _next_told(self, timeout_s: float | None) -> str | None:
        """The next line of the child's monitor; None if it does not come in time, empty at the end."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while b"\n" not in self._told:
            left_s = None if end is None else max(end - time.monotonic(), 0.0)
            if not select.select([self._status], [], [], left_s)[0]:
                return None
            if not (more := os.read(self._status, 64)):
                return ""
            self._told += more
        line, _, self._told = self._told.partition(b"\n")
        return line.decode()

    def poll(self) -> int | None:
        """The exit code, or minus the number of the signal; None while it runs."""
        if self.returncode is None and (told := self._next_told(0.0)) is not None:
            assert told, "the monitor of the child is gone"
            self.returncode = os.waitstatus_to_exitcode(int(told))
            os.close(self._status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The same, once it has ended; `subprocess.TimeoutExpired` if it has not in time."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            self.poll()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Unless it has ended; its end may not be reported yet."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)


@cache
def _nursery() -> socket.socket:
    """The one of this process, ended with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tests.shell.nursery", str(theirs.fileno())]
        process = subprocess.Popen(
            command, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )

    def end() -> None:
        ours.close()  # it reads the end of its socket
        process.wait()

    atexit.register(end)
    return ours


# --- In the nursery ----------


def _serve(requests: socket.socket) -> dict | None:
    """Fork for each request. Returns None at the end, and in a child what it is to do."""
    signal.signal(signal.SIGCHLD, _reap)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a program ignores it if the tests run under nohup
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, REQUEST_BYTES_MAX, 4)
        if not message:
            return None
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            requests.close()
            if _monitor(descriptors):
                return json.loads(message)
        for descriptor in descriptors:
            os.close(descriptor)


def _reap(*_: object) -> None:
    """Wait for every monitor that has ended: the processor time that its child took is then counted."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _monitor(descriptors: list[int]) -> bool:
    """True in the child, whose standard streams these are; what tells its number and its end never returns."""
    status = descriptors[3]
    pid = os.fork()
    if pid == 0:
        for number, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, number)
        os.closerange(3, max(descriptors) + 1)
        return True
    for descriptor in descriptors[:3]:
        os.close(descriptor)
    os.write(status, f"{pid}\n".encode())
    _, result = os.waitpid(pid, 0)
    os.write(status, f"{result}\n".encode())
    os._exit(0)


def _become(request: dict) -> None:
    """Make this process what an interpreter would be that was started for the request."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv[1:] = request["arguments"]
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(  # type: ignore[misc]  # noqa: SIM115
        2, "w", closefd=False, errors="backslashreplace", buffering=1
    )


def _import_all() -> None:
    for name in LIBRARIES:
        import_module(name)
    for room in IMPORTED:
        package = import_module(f"udpchat.{room}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    gc.collect()
    gc.freeze()  # so that the memory stays shared


if __name__ == "__main__":
    _import_all()
    if wanted := _serve(socket.socket(fileno=int(sys.argv[1]))):
        _become(wanted)
        runpy.run_module("udpchat", run_name="__main__", alter_sys=True)
