"""What an operator may choose, and where: an option, else the environment, else the config file, else the default.

The config file is TOML with the names of the options: `port = 47747`, `log-level = "info"`. In the environment they are
UDPCHAT_PORT, UDPCHAT_LOG_LEVEL. `bind` takes several addresses: the option again, a list, or commas between them.
"""

from __future__ import annotations

import ipaddress
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import platformdirs

from udpchat.chat.text import fits, printable
from udpchat.shell.logs import FORMATS, LEVELS
from udpchat.shell.retention import Retention, parse_retention
from udpchat.shell.suggestions import did_you_mean
from udpchat.storage.log import Durability
from udpchat.wire.limits import DEFAULT_PORT, EXPIRY_S, HEARTBEAT_S

SERVER_NAME_BYTES_MAX: Final = 100
HEARTBEAT_S_MIN: Final = 0.1
EXPIRY_S_MAX: Final = 3600.0  # as far as a Welcome can say it (SPEC 4)
CONFIG_BYTES_MAX: Final = 1024 * 1024


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


def data_folder() -> Path:
    """Where the keys, stores and logs of this user are, unless told otherwise."""
    return platformdirs.user_data_path("udpchat", appauthor=False)


def server_options(flags: Mapping[str, str | Sequence[str] | None], environment: Mapping[str, str]) -> ServerOptions:
    """The choices of the operator; `flags` by option name without its hyphens in front. Raises `OptionError`."""
    config = str(flags.get("config") or environment.get("UDPCHAT_CONFIG") or "")
    chosen: dict[str, tuple[Any, str]] = {name: (default, "") for name, (default, _) in _SETTINGS.items()}
    if config:
        chosen.update({name: (value, f"{name} in {config}") for name, value in _read_config(Path(config)).items()})
    for name in _SETTINGS:
        variable = "UDPCHAT_" + name.upper().replace("-", "_")
        if environment.get(variable):
            chosen[name] = environment[variable], variable
        flag = flags.get(name)
        if flag is not None:
            chosen[name] = flag, f"--{name}"
    values = {name: _parsed(name, value, source) for name, (value, source) in chosen.items()}
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


def _read_config(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            found = tomllib.loads(file.read(CONFIG_BYTES_MAX).decode("utf-8"))
    except OSError as error:
        raise OptionError(f"cannot read the config file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"the config file {path} is not TOML: {error}") from error
    for name in found:
        if name not in _SETTINGS:
            hint = did_you_mean(name, _SETTINGS) or f"; there are {', '.join(_SETTINGS)}"
            raise OptionError(f"{path} sets {printable(name)!r}, which does not exist{hint}")
    return found


def _parsed(name: str, value: Any, source: str) -> Any:
    try:
        return _SETTINGS[name][1](value)
    except (ValueError, TypeError) as error:
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        raise OptionError(f"{source} cannot be {printable(shown)!r}: {error}") from error


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


_durability = _one_of(tuple(Durability))
_SETTINGS: Final[dict[str, tuple[Any, Callable[[Any], Any]]]] = {
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
