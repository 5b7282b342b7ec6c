"""Carries out an operator's dialogue: with the server that runs on a data folder, else on the log that lies there."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from udpchat.client.operator_dialogues import Dialogue
from udpchat.shell.data_folder import DataUnusable, operator_key, server_key
from udpchat.shell.maintenance import LOG_FILE, OperationFailed
from udpchat.shell.operating import in_process, over_socket
from udpchat.shell.operating.address_file import read_address
from udpchat.shell.operating.operator_client import OperatorKeys
from udpchat.storage.lock import holder_of
from udpchat.storage.store_interfaces import StoreInUse

T = TypeVar("T")
FREE_S_MAX: Final = 5.0  # until a server that begins says where it listens, or other commands are done
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
    end = time.monotonic() + FREE_S_MAX
    while True:
        if is_running(data):  # a server, which may just begin, or another command
            if (server := read_address(data)) is not None:
                return over_socket.hold(server, OperatorKeys(operator_key(data), server_key(data).public), dialogue)
        elif needs_server:
            raise OperationFailed("failed.not_running", data=data)
        else:
            with suppress(StoreInUse):  # another was quicker
                return in_process.hold(data, server_key(data), operator_key(data), dialogue)
        if time.monotonic() >= end:
            raise OperationFailed("failed.no_address", data=data)
        time.sleep(POLL_S)


def is_running(data: Path) -> bool:
    """Whether a server runs on this data folder. Raises `StoreError` if that cannot be found out."""
    try:
        return holder_of(data / LOG_FILE) is not None
    except StoreInUse:  # by whom cannot be seen from here, or not yet
        return True


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
