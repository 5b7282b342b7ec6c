"""The exit codes of the programs, as scripts see them (README)."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a program ended. For a signal it is 128 and the number of the signal, as shells have it."""

    DONE = 0
    ERROR = 1  # something asked was not done; nobody reads the output; anything else that failed
    USAGE = 2
    NO_SERVER = 3  # none was found, or it does not answer
    REFUSED = 4  # by the server, for good; or its key is not the one that is known
    TIMED_OUT = 5
    HUNG_UP = 129  # SIGHUP: the terminal was closed
    INTERRUPTED = 130  # SIGINT
    TERMINATED = 143  # SIGTERM
