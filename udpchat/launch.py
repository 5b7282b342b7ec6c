"""Start and end of the programs: no exception before or after `cli` shows a traceback.

A signal during the imports ends the process at once and prints nothing; later it raises SystemExit, which runs the
`finally` blocks, until the program itself handles signals. The process ends without waiting for its threads: one may be
reading a terminal or waiting for a name server.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

OUTPUT_FAILED = 1  # as `ExitCode.ERROR`, which is not imported yet when it is needed first
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM") if hasattr(signal, name))


def main() -> NoReturn:
    """`udpchat ...`."""
    _launch("main")


def server() -> NoReturn:
    """`udpchat-server ...`."""
    _launch("server")


def client() -> NoReturn:
    """`udpchat-client ...`."""
    _launch("client")


def _launch(program: str) -> NoReturn:
    taken = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]  # as nohup, or `&` in sh
    for number in taken:
        signal.signal(number, _exit_at_once)
    try:
        from udpchat.shell.stdio import complete_streams

        complete_streams()
        gc.disable()  # modules and classes stay: to look for cycles among them takes a tenth of the start
        from udpchat import cli

        gc.freeze()
        gc.enable()
        for number in taken:
            signal.signal(number, _raise_exit)
        code = getattr(cli, program)()
    except SystemExit as ended:
        code = ended.code
    for number in taken:
        signal.signal(number, _exit_at_once)
    _end(code if isinstance(code, int) else 0 if code is None else 1)


def _exit_at_once(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


def _raise_exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _end(code: int) -> NoReturn:
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = code or OUTPUT_FAILED
    except (OSError, ValueError) as error:
        code = code or OUTPUT_FAILED
        with suppress(OSError, ValueError):
            print(f"cannot write to standard output: {getattr(error, 'strerror', error)}", file=sys.stderr, flush=True)
    os._exit(code)
