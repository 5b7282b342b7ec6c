"""Values of options, from the command line, the environment and TOML alike: each function gives the value or raises
a `Problem` that says what is wanted.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import math
import os
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from udpchat.chat.durations import seconds_of
from udpchat.chat.names import parse_nick, parse_room
from udpchat.chat.phrase import Problem
from udpchat.chat.text import fits, printable
from udpchat.shell.addresses import ListenAddress, ServerAddress, parse_server
from udpchat.shell.typed_times import moment_ms
from udpchat.wire.limits import ANNOUNCEMENT_BYTES_MAX, DURATION_S_MAX, NICK_CHARACTERS_MAX, TOPIC_BYTES_MAX

NAME_BYTES_MAX: Final = 100
LABEL_ID_BYTES_MAX: Final = 64
NUMBER_DIGITS_MAX: Final = 16
METRICS_LIBRARY: Final = "prometheus_client"
_SIZE: Final = re.compile(rf"([0-9]{{1,{NUMBER_DIGITS_MAX}}})([KMGkmg]?)")
NICK_EXPIRY_S_MIN: Final = 86_400  # below: everybody would lose theirs over night

Value = TypeVar("Value")


def optional(parse: Callable[[Any], Value]) -> Callable[[Any], Value | None]:
    """The same, but None stays None."""
    return lambda value: None if value is None else parse(value)


def addresses(value: Any) -> tuple[str, ...]:
    """Numeric addresses of a text with commas, or of a list of texts; each once, in the form that the system gives."""
    texts = [part for text in (value if isinstance(value, list) else [value]) for part in str(text).split(",")]
    return tuple(dict.fromkeys(map(_address, texts)))


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        raise Problem("value.address") from None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def port(value: Any) -> int:
    """A UDP port; 0 for any free one."""
    if isinstance(value, bool) or not str(value).strip().isdecimal() or int(value) > 65_535:
        raise Problem("value.port")
    return int(value)


def metrics(value: Any) -> ListenAddress | None:
    """Where to answer over HTTP, `[ADDRESS:]PORT`; nothing for nowhere. What makes the page has to be installed."""
    if value == "":
        return None
    text = "" if isinstance(value, bool) else str(value).strip()
    host, colon, number = text.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    try:
        if (colon and not host) or (":" in host and not is_bracketed):
            raise Problem("value.metrics")
        address = ListenAddress(_address(host) if host else "127.0.0.1", port(number))
    except Problem:
        raise Problem("value.metrics") from None
    if importlib.util.find_spec(METRICS_LIBRARY) is None:
        raise Problem("value.no_library", extra="metrics")
    return address


def path(value: Any) -> Path:
    """A file or folder; a `~` in front stands for the home folder."""
    if not isinstance(value, str | Path) or not str(value):
        raise Problem("value.path")
    return Path(value).expanduser()


def command(value: Any) -> list[str]:
    """A program that can be run, with its arguments, as a shell divides them into words; or nothing."""
    if not isinstance(value, str) or "\0" in value:
        raise Problem("value.command")
    try:
        words = shlex.split(value.replace("\\", "\\\\") if os.name == "nt" else value)  # there it divides folders
    except ValueError:
        raise Problem("value.command") from None
    program = shutil.which(os.path.expanduser(words[0])) if words else None
    if words and program is None:
        raise Problem("value.program", program=printable(words[0]))
    return [program, *words[1:]] if program else []


def name(value: Any) -> str:
    """One line of at most NAME_BYTES_MAX bytes, or nothing."""
    if not _is_line(value, NAME_BYTES_MAX):
        raise Problem("value.line", bytes_max=NAME_BYTES_MAX)
    return str(value)


def _is_line(value: Any, bytes_max: int) -> bool:
    return isinstance(value, str) and printable(value) == value and fits(value, bytes_max)


def one_line(bytes_max: int) -> Callable[[Any], str]:
    """One line of at most so many bytes, maybe empty."""

    def parse(value: Any) -> str:
        if not _is_line(value, bytes_max):
            raise Problem("value.one_line", bytes_max=bytes_max)
        return str(value).strip()

    return parse


motd = one_line(ANNOUNCEMENT_BYTES_MAX)
reason = one_line(TOPIC_BYTES_MAX)


def announcement(value: str) -> str:
    """A part of an announcement: not blank."""
    if not value.strip() or not fits(value, ANNOUNCEMENT_BYTES_MAX):
        raise Problem("value.one_line", bytes_max=ANNOUNCEMENT_BYTES_MAX)
    return value


def person(value: str) -> str:
    """The nick of somebody; the server knows whether there is such a person."""
    nick = value.strip()
    if not 0 < len(nick) <= NICK_CHARACTERS_MAX:
        raise Problem("value.nick", value=value)
    return nick


def label_id(value: str) -> str:
    """What a script calls its input: one line of at most LABEL_ID_BYTES_MAX bytes, not blank."""
    if not value.strip() or not _is_line(value, LABEL_ID_BYTES_MAX):
        raise Problem("value.id", bytes_max=LABEL_ID_BYTES_MAX, value=value)
    return value


def seconds(least: float, most: float) -> Callable[[Any], float]:
    """A number of seconds between two bounds."""

    def parse(value: Any) -> float:
        try:
            found = math.nan if isinstance(value, bool) else float(value)
        except (ValueError, TypeError):
            found = math.nan
        if not least <= found <= most:
            raise Problem("value.seconds", least=least, most=most)
        return found

    return parse


def nick_expiry(value: Any) -> float:
    """How long a nick is kept that nobody uses, in seconds: a day at least."""
    found = seconds_of(str(value))
    if found is None or not NICK_EXPIRY_S_MIN <= found <= DURATION_S_MAX:
        raise Problem("value.nick_expiry")
    return float(found)


def whole(least: int, most: int) -> Callable[[Any], int]:
    """A whole number between two bounds."""

    def parse(value: Any) -> int:
        text = str(value)
        is_number = not isinstance(value, bool) and text.isascii() and text.isdecimal()
        if not is_number or len(text) > NUMBER_DIGITS_MAX or not least <= int(text) <= most:
            raise Problem("value.number", least=least, most=most)
        return int(text)

    return parse


def size(least: int, most: int) -> Callable[[Any], int]:
    """A number of bytes between two bounds, maybe in K, M or G: times 1,024 each."""

    def parse(value: Any) -> int:
        found = None if isinstance(value, bool) else _SIZE.fullmatch(str(value).strip())
        bytes_ = int(found[1]) << 10 * " KMG".index(found[2].upper() or " ") if found else -1
        if not least <= bytes_ <= most:
            raise Problem("value.size", least=_size_text(least), most=_size_text(most))
        return bytes_

    return parse


def _size_text(size: int) -> str:
    """The largest unit that counts it whole: `64K`, `1G`."""
    power = max(power for power in range(4) if size % (1 << 10 * power) == 0)
    return f"{size >> 10 * power}{' KMG'[power].strip()}"


def one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    """One of these words."""

    def parse(value: Any) -> str:
        if value not in choices:
            raise Problem("value.choice", choices=choices)
        return str(value)

    return parse


def switch(value: Any) -> bool:
    """true or false; in the environment also 1 and 0, yes and no, on and off."""
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if str(value).lower() not in words:
        raise Problem("value.switch")
    return words[str(value).lower()]


def nick(value: Any) -> str:
    """A nick, or nothing."""
    return _named(parse_nick, value) if value != "" else ""


def room(value: Any) -> str:
    """A room's name; the # in front may be left out."""
    return _named(parse_room, value)


def rooms(value: Any) -> tuple[str, ...]:
    """Rooms of a list, or of a text with commas; each once."""
    written = value if isinstance(value, list) else str(value).split(",") if value else []
    return tuple(dict.fromkeys(room(each) for each in written))


def _named(parse: Callable[[str], str], value: Any) -> str:
    if not isinstance(value, str):
        raise Problem("value.name")
    return parse(value.strip())


def server(value: Any) -> ServerAddress | None:
    """The address of a server; None for nothing."""
    return parse_server(str(value)) if value != "" else None


def moment(value: str) -> int:
    """A time as people write it, in ms since 1970."""
    time_ms = moment_ms(value)
    if time_ms is None:
        raise Problem("value.time", value=value)
    return time_ms
