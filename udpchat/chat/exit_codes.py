"""The exit codes of the programs (README)."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a program ended. For a signal: 128 plus the signal number, as in shells."""

    DONE = 0
    ERROR = 1  # a command or request failed, the output was closed, or any other failure
    USAGE = 2
    NO_SERVER = 3  # no server was found, or it does not answer
    REFUSED = 4  # a final refusal by the server, or its key is not the pinned one
    TIMED_OUT = 5
    HUNG_UP = 129  # SIGHUP: the terminal was closed
    INTERRUPTED = 130  # SIGINT
    TERMINATED = 143  # SIGTERM
