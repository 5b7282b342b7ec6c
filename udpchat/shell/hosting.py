"""A server in the background of a person's machine: hosted when they want to chat and there is none, stopped by word.

It is found again by the lock on its log: whoever holds that is the server of this data folder.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from udpchat.chat.phrase import Phrase
from udpchat.shell.addresses import SCHEME, BadAddress, ServerAddress, parse_server
from udpchat.shell.maintenance import LOG_FILE, OperationFailed
from udpchat.shell.net.endpoint import EndpointError, open_socket
from udpchat.shell.net.reach import Answer, NoSuchHost, find_server, resolve
from udpchat.shell.options import data_folder
from udpchat.storage.lock import holder_of
from udpchat.wire.fields import Value

SERVER: Final = ("-m", "udpchat", "server")
OUTPUT_FILE: Final = "server.log"  # what a hosted server prints
OUTPUT_BYTES_MAX: Final = 1 << 20
READY: Final = "ready "
READY_S_MAX: Final = 15.0
STOPPED_S_MAX: Final = 10.0
POLL_S: Final = 0.05
ANSWER_S_MAX: Final = 1.0
LOOPBACK: Final = "127.0.0.1"
WINDOWS_DETACHED: Final = 0x00000008 | 0x00000200  # DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP

_started: list[subprocess.Popen[bytes]] = []  # kept: Python warns of a process that is forgotten while it runs

Report = Callable[[Phrase], object]  # one line for the person


class Hosting(Value, frozen=True):
    """Options of a hosted server: data folder, port and config file; `command` is what people type to host."""

    data: Path
    port: int
    config: Path | None
    command: str

    @property
    def output(self) -> Path:
        """The file with its output."""
        return self.data / OUTPUT_FILE

    @property
    def stop_command(self) -> str:
        """What a person types to stop it."""
        return f"{self.command} stop" + ("" if self.data == data_folder() else f" --data {shlex.quote(str(self.data))}")


def status(hosting: Hosting) -> dict[str, Any]:
    """The server of this data folder, for programs: `running`, and if so `process`, `server`, `fingerprint`, `answers`.

    Raises `StoreError` if who holds its log cannot be found.
    """
    process = holder_of(hosting.data / LOG_FILE)
    if process is None:
        return {"running": False, "process": None, "server": None, "fingerprint": None, "answers": False}
    ready = _ready_in(hosting.output, 0)
    places = _places(hosting, ready)
    answering = [place.url for place in places if asyncio.run(_answers(place))]
    url, fingerprint = (*answering, places[0].url)[0], ready.fingerprint if ready else None
    return {"running": True, "process": process, "server": url, "fingerprint": fingerprint, "answers": bool(answering)}


def status_phrase(hosting: Hosting, status: Mapping[str, Any]) -> Phrase:
    """The same for people."""
    if not status["running"]:
        return Phrase("hosting.none", {"data": hosting.data})
    url, process, log = status["server"], status["process"], hosting.output
    if not status["answers"]:
        return Phrase("hosting.silent", {"url": url, "process": process, "log": log})
    return Phrase("hosting.runs", {"url": url, "process": process, "log": log, "stop": hosting.stop_command})


def is_ours(server: ServerAddress, hosting: Hosting) -> bool:
    """Whether a server is, or was, the hosted one: an address of this machine, and its port."""
    logged = _ready_in(hosting.output, 0)
    if server.port not in (hosting.port, logged.port if logged else hosting.port):
        return False
    if server.host == "localhost":
        return True
    try:
        open_socket(server.host, 0).close()  # the system binds to its own addresses only
    except (EndpointError, OSError, UnicodeError):
        return False
    return True


def host(hosting: Hosting, report: Report) -> ServerAddress:
    """The server of this data folder, started in the background unless it runs, and ready.

    Where another one has the port already, that is joined. Raises `OperationFailed`, `StoreError`.
    """
    holder = holder_of(hosting.data / LOG_FILE)
    if holder is not None:
        return _joined(hosting, holder, _ready_in(hosting.output, 0), report)
    begin = hosting.output.stat().st_size if hosting.output.exists() else 0
    if begin > OUTPUT_BYTES_MAX:
        hosting.output.write_bytes(b"")
        begin = 0
    process = _start(hosting)
    deadline = time.monotonic() + READY_S_MAX
    while time.monotonic() < deadline:
        is_over = process.poll() is not None  # before reading: what it printed last is there by then
        ready = _ready_in(hosting.output, begin)
        if ready is not None:
            holder = holder_of(hosting.data / LOG_FILE)
            if holder is not None and holder != process.pid and os.name != "nt":  # there a venv's Python starts another
                process.terminate()  # it waits for the folder, and would serve when the other is stopped
                process.wait()
                return _joined(hosting, holder, ready, report)
            report(Phrase("hosting", {
                "url": ready.url, "fingerprint": ready.fingerprint, "process": process.pid, "log": hosting.output,
                "command": hosting.command, "stop": hosting.stop_command,
            }))  # fmt: skip
            return _answering(_places(hosting, ready))
        if is_over:
            return _joined_instead(hosting, begin, report)
        time.sleep(POLL_S)
    raise OperationFailed("failed.not_ready", limit_s=READY_S_MAX, log=hosting.output)


def own_fingerprint(hosting: Hosting) -> str:
    """That of the server of this data folder, if one runs; else nothing."""
    ready = _ready_in(hosting.output, 0) if holder_of(hosting.data / LOG_FILE) is not None else None
    return ready.fingerprint if ready is not None else ""


def _joined(hosting: Hosting, holder: int, ready: ServerAddress | None, report: Report) -> ServerAddress:
    """The server of this data folder that runs already, or that another process started at the same moment."""
    server = _answering(_places(hosting, ready))
    report(Phrase("hosting.joined", {"url": server.url, "process": holder, "stop": hosting.stop_command}))
    return server


def _start(hosting: Hosting) -> subprocess.Popen[bytes]:
    """Start a server that goes on when this process and its terminal end."""
    options = ["--data", str(hosting.data), "--port", str(hosting.port)]
    options += ["--config", str(hosting.config)] if hosting.config is not None else []
    with open(hosting.output, "ab") as output:
        process = subprocess.Popen(
            [sys.executable, *SERVER, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            creationflags=WINDOWS_DETACHED if os.name == "nt" else 0,
        )
    _started.append(process)
    return process


def _joined_instead(hosting: Hosting, begin: int, report: Report) -> ServerAddress:
    """The server that was there first. Raises `OperationFailed` with the reason if there is none."""
    holder = holder_of(hosting.data / LOG_FILE)
    if holder is not None:
        return _joined(hosting, holder, _ready_in(hosting.output, begin), report)
    lines = _printed(hosting.output, begin)
    if not lines:
        raise OperationFailed("failed.hosting_silently", log=hosting.output)
    if "in use" not in lines[-1]:
        raise OperationFailed("failed.hosting", reason=lines[-1])
    server = _answering(_places(hosting, None))
    report(Phrase("hosting.other", {"url": server.url}))
    return server


def stop(hosting: Hosting, report: Report) -> None:
    """Stop the server of this data folder, if one runs. Raises `OperationFailed`, `StoreError`."""
    log = hosting.data / LOG_FILE
    holder = holder_of(log)
    if holder is None:
        report(Phrase("hosting.none", {"data": hosting.data}))
        return
    try:
        os.kill(holder, signal.SIGTERM)
    except ProcessLookupError:
        pass  # it has just ended by itself
    except OSError as error:
        raise OperationFailed("failed.stopping", process=holder, reason=error.strerror) from error
    deadline = time.monotonic() + STOPPED_S_MAX
    while holder_of(log) == holder:
        if time.monotonic() >= deadline:
            raise OperationFailed("failed.still_runs", process=holder, limit_s=STOPPED_S_MAX)
        time.sleep(POLL_S)
    report(Phrase("hosting.stopped", {"process": holder}))


# --- Where it is ----------


def _places(hosting: Hosting, ready: ServerAddress | None) -> list[ServerAddress]:
    """Addresses of a server on this machine, the most lasting one first: the address on the LAN changes."""
    port = ready.port if ready is not None else hosting.port
    return [ServerAddress(LOOPBACK, port), *([ServerAddress(ready.host, port)] if ready is not None else [])]


def _answering(places: Sequence[ServerAddress]) -> ServerAddress:
    """The first of these that answers; if none does, the first, so that the client reports what is wrong with it."""
    return next((place for place in places if asyncio.run(_answers(place))), places[0])


async def _answers(server: ServerAddress) -> bool:
    try:
        addresses = await resolve(server.host, server.port)
    except NoSuchHost:
        return False
    answer, _ = await find_server(addresses, limit_s=ANSWER_S_MAX, refused_limit_s=0.0)
    return answer is Answer.SERVES


def _ready_in(output: Path, begin: int) -> ServerAddress | None:
    """The address of the latest server that printed to this file from this byte on."""
    ready = [line.removeprefix(READY) for line in _printed(output, begin) if line.startswith(READY + SCHEME)]
    with suppress(BadAddress):
        return parse_server(ready[-1]) if ready else None
    return None


def _printed(output: Path, begin: int) -> list[str]:
    """The complete, non-empty lines of this file from this byte on."""
    try:
        with open(output, "rb") as file:
            file.seek(begin)
            text = file.read(2 * OUTPUT_BYTES_MAX).decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return [line for line in text[: text.rfind("\n") + 1].splitlines() if line.strip()]
