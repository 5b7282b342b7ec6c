"""Waiting for a condition, with a bound; and programs of this project as processes."""

from __future__ import annotations

import asyncio
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT_S = 20.0


def run_until(loop: asyncio.AbstractEventLoop, condition: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    """Run the loop until the condition holds; AssertionError if that takes too long."""

    async def waiting() -> None:
        while not condition():
            await asyncio.sleep(0.001)

    try:
        loop.run_until_complete(asyncio.wait_for(waiting(), limit_s))
    except TimeoutError:
        raise AssertionError("the condition never held") from None


def clean_environment() -> dict[str, str]:
    """The environment without any choice of the person who runs the tests, whose config file is not read either."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("UDPCHAT_")}
    return {**kept, "UDPCHAT_CONFIG": os.devnull}


class Program:
    """`python -m udpchat ...`, whose lines can be waited for. Killed at the end of a `with`.

    `within` names the network namespace that it runs in (see `namespaces`).
    """

    def __init__(
        self,
        *arguments: str | Path,
        module: str = "udpchat",
        within: str = "",
        environment: dict[str, str] | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            [*(["ip", "netns", "exec", within] if within else []), sys.executable, "-m", module, *map(str, arguments)],
            cwd=ROOT,
            env=clean_environment() | (environment or {}),
            start_new_session=module != "udpchat",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._readers = []
        self.out, self.err = self._lines_of(self.process.stdout), self._lines_of(self.process.stderr)

    def _lines_of(self, stream: IO[str] | None) -> queue.Queue[str]:
        assert stream is not None
        lines: queue.Queue[str] = queue.Queue()

        def read() -> None:
            for line in stream:
                lines.put(line.rstrip("\n"))
            lines.put("")

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        self._readers.append(reader)
        return lines

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

    def code(self) -> int:
        """The exit code, once it has ended."""
        return self.process.wait(LIMIT_S)

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
    import json

    return [found["text"] for found in map(json.loads, lines) if found["event"] == event]
