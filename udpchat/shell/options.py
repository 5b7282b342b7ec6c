"""What a person may choose, and where: an option, else the environment, else the config file, else the default.

The config file is TOML with the names of the options: `port = 47747`, `log-level = "info"`, `nick = "alice"`. In the
environment they are UDPCHAT_PORT, UDPCHAT_LOG_LEVEL, UDPCHAT_NICK. Server and client may share one file: each ignores
what is only the other's. `bind` and `room` take several values: the option again, a list, or commas between them.
"""

from __future__ import annotations

import ipaddress
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import platformdirs

from udpchat.chat.names import BadName, parse_nick, parse_room
from udpchat.chat.text import fits, printable
from udpchat.shell.addresses import BadAddress, ServerAddress, parse_server
from udpchat.shell.logs import FORMATS, LEVELS
from udpchat.shell.retention import Retention, parse_retention
from udpchat.shell.suggestions import did_you_mean
from udpchat.storage.protocol import Durability
from udpchat.wire.limits import DEFAULT_PORT, EXPIRY_S, HEARTBEAT_S

SERVER_NAME_BYTES_MAX: Final = 100
HEARTBEAT_S_MIN: Final = 0.1
EXPIRY_S_MAX: Final = 3600.0  # as far as a Welcome can say it (SPEC 4)
CONFIG_BYTES_MAX: Final = 1024 * 1024
HISTORY_MAX: Final = 10_000
TIMEOUT_S_MAX: Final = 1e9


class OptionError(Exception):
    """An option or the config file is wrong; one line that says which and what would be right."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """All that `udpchat-server` may be told."""

    bind: tuple[str, ...]  # numeric, each once
    port: int
    data: Path
    name: str
    heartbeat_s: float
    expiry_s: float
    durability: Durability
    retention: Retention
    log_level: str
    log_format: str


@dataclass(frozen=True, slots=True)
class ClientChoices:
    """All that `udpchat-client` may be told.

    `rooms` empty: those of the run before; `port`: that of a server of this machine; `history` None: as many as suit
    the screen; `form`: `plain`, `json`, or nothing for what suits the terminal.
    """

    nick: str
    server: ServerAddress | None
    rooms: tuple[str, ...]
    data: Path
    port: int
    history: int | None
    follow: bool
    count: int | None
    timeout_s: float | None
    form: str
    config: Path | None = None  # the file that was read


def data_folder() -> Path:
    """Where the keys, stores and logs of this user are, unless told otherwise."""
    return platformdirs.user_data_path("udpchat", appauthor=False)


def client_config() -> Path:
    """Where a client looks for its config file when none is named."""
    return platformdirs.user_config_path("udpchat", appauthor=False) / "client.toml"


class Precedence(IntEnum):
    """Where a value was given: a higher member overrides a lower."""

    DEFAULT = 0
    FILE = 1
    ENVIRONMENT = 2
    FLAG = 3


@dataclass(frozen=True, slots=True)
class Choices:
    """The values of all settings of one program, by name, and where each was chosen."""

    values: dict[str, Any]
    sources: dict[str, Precedence]
    config: Path | None  # the file that was read


def choices(
    settings: Mapping[str, Setting],
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    default_config: Path | None = None,
) -> Choices:
    """What was chosen; `flags` by option name without its hyphens in front, None for one that is not there.

    `default_config` is read if no config file is named and it is there. Raises `OptionError`.
    """
    chosen: dict[str, tuple[Any, Precedence, str]] = {
        name: (default, Precedence.DEFAULT, "") for name, (default, _) in settings.items()
    }
    named = flags.get("config") or environment.get("UDPCHAT_CONFIG")
    path = Path(str(named)).expanduser() if named else default_config
    if path is not None and not named and not path.exists():
        path = None
    if path is not None:
        for name, value in _read_config(path).items():
            if name in settings:
                chosen[name] = value, Precedence.FILE, f"{name} in {path}"
    for name in settings:
        variable = variable_of(name)
        if environment.get(variable):
            chosen[name] = environment[variable], Precedence.ENVIRONMENT, variable
        if flags.get(name) is not None:
            chosen[name] = flags[name], Precedence.FLAG, f"--{name}"
    return Choices(
        values={name: _parsed(settings[name], value, where) for name, (value, _, where) in chosen.items()},
        sources={name: source for name, (_, source, _) in chosen.items()},
        config=path,
    )


def variable_of(name: str) -> str:
    """The environment variable of an option."""
    return "UDPCHAT_" + name.upper().replace("-", "_")


def server_options(flags: Mapping[str, str | Sequence[str] | None], environment: Mapping[str, str]) -> ServerOptions:
    """The choices of the operator; `flags` by option name without its hyphens in front. Raises `OptionError`."""
    values = choices(_SETTINGS, flags, environment).values
    if values["expiry"] <= values["heartbeat"]:
        raise OptionError(
            f"--expiry ({values['expiry']:g} s) must be longer than --heartbeat ({values['heartbeat']:g} s)"
        )
    return ServerOptions(
        bind=values["bind"],
        port=values["port"],
        data=values["data"],
        name=values["name"],
        heartbeat_s=values["heartbeat"],
        expiry_s=values["expiry"],
        durability=values["durability"],
        retention=values["retention"],
        log_level=values["log-level"],
        log_format=values["log-format"],
    )


def client_choices(
    flags: Mapping[str, Any], environment: Mapping[str, str], *, default_config: Path | None, needs_nick: bool = True
) -> ClientChoices:
    """The choices of whoever chats; a nick must be one of them if it is needed. Raises `OptionError`."""
    found = choices(_CLIENT_SETTINGS, flags, environment, default_config=default_config)
    values = found.values
    if needs_nick and not values["nick"]:
        file = flags.get("config") or environment.get("UDPCHAT_CONFIG") or default_config or "a file for --config"
        raise OptionError(f'which nick? Give --nick NICK, set UDPCHAT_NICK, or write nick = "NICK" into {file}')
    return ClientChoices(
        nick=values["nick"],
        server=values["server"],
        rooms=values["room"],
        data=values["data"],
        port=values["port"] or DEFAULT_PORT,
        history=values["history"],
        follow=values["follow"],
        count=values["count"],
        timeout_s=values["timeout"],
        form=_form(found),
        config=found.config,
    )


def _form(found: Choices) -> str:
    """`json`, `plain`, or nothing: of the two the one chosen at the higher rank. Raises `OptionError`."""
    wanted = [name for name in ("plain", "json") if found.values[name]]
    ranks = {name: found.sources[name] for name in wanted}
    if len(wanted) == 2 and ranks["plain"] == ranks["json"]:
        raise OptionError("plain and json are not allowed together: choose one")
    return max(wanted, key=ranks.__getitem__, default="")


def _read_config(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            found = tomllib.loads(file.read(CONFIG_BYTES_MAX).decode("utf-8"))
    except OSError as error:
        raise OptionError(f"cannot read the config file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"the config file {path} is not TOML: {error}") from error
    known = sorted({*_SETTINGS, *_CLIENT_SETTINGS})
    for name, value in found.items():
        if isinstance(value, dict):
            table = printable(repr(name))
            raise OptionError(f"{path} has a table {table}, which does not exist; options stand outside of tables")
        if name not in known:
            hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
            raise OptionError(f"{path} sets {printable(name)!r}, which does not exist{hint}")
    return found


def _parsed(setting: Setting, value: Any, where: str) -> Any:
    try:
        return setting[1](value)
    except (ValueError, TypeError) as error:
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        raise OptionError(f"{where} cannot be {printable(shown)!r}: {error}") from error


def _addresses(value: Any) -> tuple[str, ...]:
    """Of a text with commas, or a list of such; each once, in the form that the system gives it."""
    texts = [part for text in (value if isinstance(value, list) else [value]) for part in str(text).split(",")]
    return tuple(dict.fromkeys(map(_address, texts)))


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ValueError("an address of this machine is wanted, like 192.168.1.5 or ::") from None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _port(value: Any) -> int:
    if isinstance(value, bool) or not str(value).strip().isdecimal() or int(value) > 65_535:
        raise ValueError("a port is a number from 0 (any free one) to 65535")
    return int(value)


def _folder(value: Any) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError("a folder is wanted")
    return Path(value).expanduser()


def _name(value: Any) -> str:
    if not isinstance(value, str) or printable(value) != value or not fits(value, SERVER_NAME_BYTES_MAX):
        raise ValueError(f"a name is one line of at most {SERVER_NAME_BYTES_MAX} bytes")
    return value


def _seconds(value: Any) -> float:
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (ValueError, TypeError):
        seconds = math.nan
    if not HEARTBEAT_S_MIN <= seconds <= EXPIRY_S_MAX:
        raise ValueError(f"a number of seconds from {HEARTBEAT_S_MIN:g} to {EXPIRY_S_MAX:g} is wanted")
    return seconds


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"choose from {', '.join(choices)}")
        return str(value)

    return parse


def _nick(value: Any) -> str:
    return _named(parse_nick, value) if value != "" else ""


def _rooms(value: Any) -> tuple[str, ...]:
    """A list, or names with commas between."""
    written = value if isinstance(value, list) else str(value).split(",") if value else []
    return tuple(dict.fromkeys(_named(parse_room, room) for room in written))


def _named(parse: Callable[[str], str], value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a name is wanted")
    try:
        return parse(value.strip())
    except BadName as error:
        raise ValueError(error.reason.removesuffix(".")) from error


def _server(value: Any) -> ServerAddress | None:
    try:
        return parse_server(str(value)) if value != "" else None
    except BadAddress as error:
        raise ValueError(str(error)) from error


def _whole(at_least: int, at_most: int) -> Callable[[Any], int | None]:
    def parse(value: Any) -> int | None:
        text = str(value)
        if value is None:
            return None
        is_number = not isinstance(value, bool) and text.isascii() and text.isdecimal() and len(text) <= 16
        if not is_number or not at_least <= int(text) <= at_most:
            raise ValueError(f"a number from {at_least} to {at_most} is wanted")
        return int(text)

    return parse


def _timeout(value: Any) -> float | None:
    if value is None:
        return None
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (ValueError, TypeError):
        seconds = math.nan
    if not 0 < seconds <= TIMEOUT_S_MAX:
        raise ValueError("a number of seconds is wanted")
    return seconds


def _switch(value: Any) -> bool:
    """true or false; in the environment also 1 and 0, yes and no, on and off."""
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if str(value).lower() not in words:
        raise ValueError("true or false is wanted")
    return words[str(value).lower()]


_durability = _one_of(tuple(Durability))
Setting = tuple[Any, Callable[[Any], Any]]  # the default as a person would write it, and what reads it
_SETTINGS: Final[dict[str, Setting]] = {
    "bind": ("::", _addresses),
    "port": (DEFAULT_PORT, _port),
    "data": (data_folder(), _folder),
    "name": ("", _name),
    "heartbeat": (HEARTBEAT_S, _seconds),
    "expiry": (EXPIRY_S, _seconds),
    "durability": (Durability.FSYNC.value, lambda value: Durability(_durability(value))),
    "retention": ("", lambda value: parse_retention(str(value))),
    "log-level": ("info", _one_of(LEVELS)),
    "log-format": ("text", _one_of(FORMATS)),
}
_CLIENT_SETTINGS: Final[dict[str, Setting]] = {
    "nick": ("", _nick),
    "server": ("", _server),
    "room": ("", _rooms),
    "data": (data_folder(), _folder),
    "port": (DEFAULT_PORT, _port),
    "history": (None, _whole(0, HISTORY_MAX)),
    "follow": (False, _switch),
    "count": (None, _whole(1, 2**53)),
    "timeout": (None, _timeout),
    "plain": (False, _switch),
    "json": (False, _switch),
}
