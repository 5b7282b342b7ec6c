"""Waiting for a condition, with a bound; and programs of this project as processes."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TypeVar

from tests.shell import nursery

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT_S = 20.0
LINES_TOLD = 20  # of a program that did not end
PORTS = range(20_000, 32_000)  # below those that systems give out themselves (RFC 6335; Linux: from 32,768 on)


def run_until(loop: asyncio.AbstractEventLoop, condition: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    """Run the loop until the condition holds; AssertionError if that takes too long."""

    async def waiting() -> None:
        while not condition():
            await asyncio.sleep(0.001)

    try:
        loop.run_until_complete(asyncio.wait_for(waiting(), limit_s))
    except TimeoutError:
        raise AssertionError("the condition never held") from None


def wait_for(condition: Callable[[], T], limit_s: float, what: str) -> T:
    """What `condition` yields as soon as it is true."""
    end = time.monotonic() + limit_s
    while not (result := condition()):
        assert time.monotonic() < end, f"not within {limit_s} s: {what}"
        time.sleep(0.02)  # between looks at a condition, within a bound
    return result


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A port of 127.0.0.1 that nobody has, and that the system gives to nobody who asks for any free one."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket(socket.AF_INET, kind) as made, suppress(OSError):
            made.bind(("127.0.0.1", port))
            return port


def clean_environment() -> dict[str, str]:
    """The environment without any choice of the person who runs the tests, whose config file is not read either."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("UDPCHAT_")}
    return {**kept, "UDPCHAT_CONFIG": os.devnull}


class Program:
    """`python -m udpchat ...`, whose lines can be waited for. Killed at the end of a `with`.

    `module` is another module to run, `script` a script of this project instead of one. What is no different for it is
    started by a `nursery`; `anew` is for a test of how an interpreter starts or ends. `within` names the network
    namespace that it runs in (see `tests.lan.network`).
    """

    def __init__(
        self,
        *arguments: str | Path,
        module: str = "udpchat",
        script: str = "",
        environment: dict[str, str] | None = None,
        anew: bool = False,
        within: str = "",
    ) -> None:
        words = list(map(str, arguments))
        full_environment = clean_environment() | (environment or {})
        self.process: subprocess.Popen[str] | nursery.Child
        if nursery.IS_HERE and module == "udpchat" and not (script or environment or anew or within):
            self.process = nursery.Child(words, full_environment)
        else:
            namespace = ["ip", "netns", "exec", within] if within else []
            program = [str(ROOT / "scripts" / script)] if script else ["-m", module]
            self.process = subprocess.Popen(
                [*namespace, sys.executable, *program, *words],
                cwd=ROOT,
                env=full_environment,
                start_new_session=module != "udpchat",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        self._readers: list[threading.Thread] = []
        self.printed: list[str] = []  # all of standard output so far, looked at or not
        self.out = self._lines_of(self.process.stdout, self.printed)
        self.err = self._lines_of(self.process.stderr, [])

    def _lines_of(self, stream: IO[str] | None, printed: list[str]) -> queue.Queue[str]:
        assert stream is not None
        lines: queue.Queue[str] = queue.Queue()

        def read() -> None:
            for line in stream:
                printed.append(line.rstrip("\n"))
                lines.put(printed[-1])
            lines.put("")

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        self._readers.append(reader)
        return lines

    def events(self, *kinds: str) -> list[dict[str, object]]:
        """JSON events printed so far, of these kinds."""
        happened = [json.loads(line) for line in self.printed if line]
        return [event for event in happened if event["event"] in kinds]

    def line(self, *, of: queue.Queue[str] | None = None, where: str = "") -> str:
        """The next line (of standard output) that holds `where`."""
        lines = self.out if of is None else of
        while True:
            found = lines.get(timeout=LIMIT_S)
            assert found, f"it ended without {where!r}: {self.rest_of(self.err)}"
            if where in found:
                return found

    def rest_of(self, lines: queue.Queue[str]) -> list[str]:
        """What was not looked at, once it has ended."""
        self.process.wait(LIMIT_S)
        for reader in self._readers:
            reader.join(LIMIT_S)
        return [line for line in lines.queue if line]

    def type(self, *lines: str) -> None:
        """Type these lines."""
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()

    def end_input(self) -> None:
        """Nothing more is typed."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def code(self, limit_s: float = LIMIT_S) -> int:
        """The exit code, once it has ended. AssertionError, with what it printed last, if it does not."""
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            said = [*self.printed[-LINES_TOLD:], "and to standard error:", *list(self.err.queue)[-LINES_TOLD:]]
            raise AssertionError(f"it did not end within {limit_s} s; it printed last:\n{chr(10).join(said)}") from None

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LIMIT_S)
        for reader in self._readers:
            reader.join(LIMIT_S)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


def serving(data: Path, *options: str) -> Program:
    """A server on a free port of this machine."""
    return Program("server", "--bind", "127.0.0.1", "--port", "0", "--data", data, *options)


def url_of(server: Program) -> str:
    """Where it serves, once it does."""
    return server.line(where="ready ").removeprefix("ready ")


def chatting(nick: str, url: str, data: Path, *options: str) -> Program:
    """A client that prints JSON."""
    return Program("client", "--nick", nick, "--server", url, "--data", data, "--json", *options)


def texts(lines: Sequence[str], event: str) -> list[str]:
    """The texts of all events of a kind among these JSON lines."""
    return [found["text"] for found in map(json.loads, lines) if found["event"] == event]
