"""Reading the config file of a running server again: what can change while it runs, and what needs a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from udpchat.shell.options import ServerOptions
from udpchat.wire.fields import Value

LIVE: Final[Mapping[str, Callable[[ServerOptions], object]]] = {
    "name": lambda options: options.name,
    "discoverable": lambda options: options.is_discoverable,
    "motd": lambda options: options.motd,
    "accounts": lambda options: options.accounts.is_closed,
    "nick-expiry": lambda options: options.accounts.nick_kept_s,
    "retention": lambda options: options.retention,
    "log-level": lambda options: options.log.level,
    "log-format": lambda options: options.log.format,
}
"""The settings that can change, by name."""
FIXED: Final[Mapping[str, Callable[[ServerOptions], object]]] = {
    "bind": lambda options: options.bind,
    "port": lambda options: options.port,
    "data": lambda options: options.data,
    "log-file": lambda options: options.log.file,
    "log-file-size": lambda options: options.log.file_bytes,
    "log-files": lambda options: options.log.files_kept,
    "log-addresses": lambda options: options.log.addresses,
    "metrics": lambda options: options.metrics,
    "durability": lambda options: options.durability,
    "heartbeat": lambda options: options.presence.heartbeat_s,  # clients that are here keep to the former
    "expiry": lambda options: options.presence.expiry_s,
}
"""Those that hold until the next start."""

Reread = Callable[[], ServerOptions]
"""Reads all that was chosen again. Raises `Unreadable`."""


class Unreadable(Exception):
    """What is chosen now is wrong; the text is one line that says what, and where."""


class Reloaded(Value, frozen=True):
    """The settings that are others now, and those that will be after a restart, by name; or the `problem`."""

    live: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    problem: str = ""


def differences(former: ServerOptions, present: ServerOptions) -> Reloaded:
    """What is different."""
    live, restart = (
        tuple(name for name, value in settings.items() if value(former) != value(present))
        for settings in (LIVE, FIXED)
    )
    return Reloaded(live, restart)


def taken_over(former: ServerOptions, present: ServerOptions) -> ServerOptions:
    """The options of a server that goes on: of those that were chosen now, what can change."""
    log = present.log
    return former.changed(
        name=present.name,
        is_discoverable=present.is_discoverable,
        motd=present.motd,
        accounts=present.accounts,
        retention=present.retention,
        log=former.log.changed(level=log.level, format=log.format),
    )
