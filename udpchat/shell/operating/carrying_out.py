"""Carries out an operator's dialogue: with the server that runs on a data folder, else on the log that lies there."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from udpchat.client.operating import Dialogue
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.data_folder import DataUnusable, operator_key, server_key
from udpchat.shell.operating import in_process, over_socket
from udpchat.shell.operating.address_file import read_address
from udpchat.shell.operating.operator_client import Keys
from udpchat.shell.operations import LOG_FILE, OperationFailed
from udpchat.storage.lock import holder_of

T = TypeVar("T")
LISTENS_S_MAX: Final = 5.0  # until a server that begins says where it listens
STOPPED_S_MAX: Final = 10.0
POLL_S: Final = 0.02


def carry_out(data: Path, dialogue: Dialogue[T], *, needs_server: bool = False) -> T:
    """What the dialogue returns; `needs_server`: it makes sense only with one that runs.

    Raises `Problem`, `StoreError`, `EndpointError`.
    """
    try:
        is_here = (data / LOG_FILE).exists()
    except OSError as error:
        raise DataUnusable("data_unusable.read", path=data, reason=error.strerror) from error
    if not is_here:
        raise OperationFailed("failed.no_server_here", data=data)
    if not is_running(data):
        if needs_server:
            raise OperationFailed("failed.not_running", data=data)
        return in_process.hold(data, server_key(data), operator_key(data), dialogue)
    server = _listening(data)
    return over_socket.hold(server, Keys(operator_key(data), server_key(data).public), dialogue)


def is_running(data: Path) -> bool:
    """Whether a server runs on this data folder. Raises `StoreError` if that cannot be found out."""
    return holder_of(data / LOG_FILE) is not None


def _listening(data: Path) -> ServerAddress:
    """Where the server that runs listens; it may just begin."""
    found = until(lambda: read_address(data), LISTENS_S_MAX)
    if found is None:
        raise OperationFailed("failed.no_address", data=data)
    return found


def wait_until_stopped(data: Path) -> None:
    """Return once no server runs there. Raises `OperationFailed`, `StoreError`."""
    if not until(lambda: not is_running(data), STOPPED_S_MAX):
        raise OperationFailed("failed.still_running", data=data, limit_s=STOPPED_S_MAX)


def until(condition: Callable[[], T], limit_s: float) -> T:
    """What it yields as soon as that is true, or when the time is over."""
    end = time.monotonic() + limit_s
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(POLL_S)
    return found
