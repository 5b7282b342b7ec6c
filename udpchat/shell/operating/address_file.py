"""Where the running server of a data folder is asked: a file with its address, there as long as it listens.

What answers there proves by the server's key that it is this server, so an outdated file does no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from udpchat.shell.addresses import BadAddress, ServerAddress, parse_server
from udpchat.shell.data_folder import put_file
from udpchat.shell.interfaces import is_loopback
from udpchat.shell.net.endpoint import WILDCARDS

ADDRESS_FILE: Final = "server.address"
FILE_BYTES_MAX: Final = 1_024
LOOPBACK: Final = "127.0.0.1"


def own_address(hosts: Sequence[str], port: int, fingerprint: str) -> ServerAddress:
    """Where this machine itself reaches a server that is bound to these hosts."""
    near = [LOOPBACK if host in WILDCARDS else host for host in hosts]
    return ServerAddress(next(filter(is_loopback, near), near[0]), port, fingerprint)


def write_address(folder: Path, address: ServerAddress) -> None:
    """The server of this folder listens there. Raises OSError."""
    put_file(folder / ADDRESS_FILE, f"{address.url}#{address.fingerprint}\n")


def remove_address(folder: Path) -> None:
    """The server of this folder does not listen any more; failures are ignored."""
    with suppress(OSError):
        (folder / ADDRESS_FILE).unlink(missing_ok=True)


def read_address(folder: Path) -> ServerAddress | None:
    """Where the server of this folder listens, if it has said so."""
    try:
        with (folder / ADDRESS_FILE).open("rb") as file:
            return parse_server(file.read(FILE_BYTES_MAX).decode())
    except (OSError, ValueError, BadAddress):
        return None
