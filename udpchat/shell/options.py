"""What a person may choose, and where: an option, else the environment, else the config file, else the default.

The config file is TOML with the names of the options: `port = 47747`, `log-level = "info"`, `nick = "alice"`. In the
environment they are UDPCHAT_PORT, UDPCHAT_LOG_LEVEL, UDPCHAT_NICK. Server and client may share one file: each ignores
what is only the other's. `bind` and `room` take several values: the option again, a list, or commas between them.
What stands in a table, as the keys of the full screen, has neither option nor variable.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import platformdirs

from udpchat.chat.durations import duration_word
from udpchat.chat.ids import LOBBY
from udpchat.chat.phrase import Phrase, Problem
from udpchat.chat.text import printable
from udpchat.shell import values
from udpchat.shell.addresses import ListenAddress, ServerAddress
from udpchat.shell.config_file import ConfigFile, at, read_config
from udpchat.shell.logging_setup import FORMATS, LEVELS, LogOptions
from udpchat.shell.retention import Retention, parse_retention
from udpchat.storage.store_interfaces import Durability
from udpchat.wire.fields import Value, field
from udpchat.wire.limits import DEFAULT_PORT, EXPIRY_S, HEARTBEAT_S, HEARTBEAT_S_MIN, NICK_REGULAR_KEPT_S

EXPIRY_S_MAX: Final = 3600.0  # as far as a Welcome can say it (SPEC 4)
HISTORY_MAX: Final = 10_000
COUNT_MAX: Final = 2**53
TIMEOUT_S_MIN: Final = 0.001
TIMEOUT_S_MAX: Final = 1e9
LOG_FILE_BYTES_MIN: Final = 64 * 1024
LOG_FILE_BYTES_MAX: Final = 1024**3
LOG_FILES_MAX: Final = 100
DEFAULT_ROOM: Final = LOBBY  # for a nick that was in no room before
PASSWORD_VARIABLE: Final = "UDPCHAT_PASSWORD"  # has no option: all who list processes would see it
KEYS: Final = "keys"  # the table of keys in a config file
OPEN, CLOSED = "open", "closed"  # of accounts
HISTORY_ON_SCREEN: Final = 50  # messages of each room on entry, unless told; in a pipe none


class OptionError(Problem):
    """An option or the config file is wrong."""


class PresenceTimes(Value, frozen=True):
    """After which silence a client gives a sign of life, and after which it is gone."""

    heartbeat_s: float
    expiry_s: float


class AccountOptions(Value, frozen=True):
    """Whether only who is invited may have a nick, and how long one is kept that nobody uses."""

    is_closed: bool = False
    nick_kept_s: float = NICK_REGULAR_KEPT_S


class ServerOptions(Value, frozen=True):
    """All that `udpchat-server` may be told. `motd`: what whoever enters is shown."""

    bind: tuple[str, ...]  # numeric, each once
    port: int
    data: Path
    name: str
    presence: PresenceTimes
    durability: Durability
    retention: Retention
    log: LogOptions
    metrics: ListenAddress | None = None  # where HTTP is answered
    motd: str = ""
    accounts: AccountOptions = AccountOptions()
    is_discoverable: bool = True  # whether it answers who looks for servers


class ShownChoices(Value, frozen=True):
    """What is shown, and how: `receipts` reports how many have one's own messages; `notify_command` is the program to
    run, with its arguments, when a message calls; `keys` are those of each action.
    """

    receipts: bool = False
    notify_command: tuple[str, ...] = ()
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class EndChoices(Value, frozen=True):
    """When a client ends, if not with its input."""

    follow: bool = False
    count: int | None = None
    timeout_s: float | None = None


class PasswordPlace(Value, frozen=True):
    """Where the password is that shows whose nick it is: the `text` itself, or a `file`; neither: none was given."""

    text: str = ""
    file: Path | None = None


class ClientChoices(Value, frozen=True):
    """All that `udpchat-client` may be told.

    `rooms` empty: those of the run before; `port`: that of a server of this machine; `history` None: as many as suit
    the screen; `form`: `plain`, `json`, or nothing for what suits the terminal, `no-color` if it draws without
    colours.
    """

    nick: str
    server: ServerAddress | None
    rooms: tuple[str, ...]
    data: Path
    port: int
    history: int | None
    end: EndChoices
    form: str
    shown: ShownChoices = ShownChoices()
    config: Path | None = None  # the file that was read
    password: PasswordPlace = PasswordPlace()


def data_folder() -> Path:
    """Where the keys, stores and logs of this user are, unless told otherwise."""
    return platformdirs.user_data_path("udpchat", appauthor=False)


def client_config() -> Path:
    """Where a client looks for its config file when none is named."""
    return platformdirs.user_config_path("udpchat", appauthor=False) / "client.toml"


class Precedence(IntEnum):
    """Where a value was given: a higher member overrides a lower."""

    DEFAULT = 0
    USED_LAST = 1
    FILE = 2
    ENVIRONMENT = 3
    FLAG = 4


class Chosen(Value, frozen=True):
    """A value as it was written, and where: `place` is the flag, the variable or the file, `line` that of the file."""

    written: Any
    source: Precedence = Precedence.DEFAULT
    place: str = ""
    line: int | None = None


class Choices(Value, frozen=True):
    """The values of all settings of one program, by name, and where each was chosen.

    `faults`: what is wrong; what is wrong with a value leaves it out of `values`.
    """

    values: dict[str, Any]
    chosen: dict[str, Chosen]
    config: Path | None  # the file that was read
    faults: tuple[Phrase, ...]


class KeyTable(Value, frozen=True):
    """What may stand in the table KEYS: the settings of it, by `keys.send`, and what `explained` says about each.

    `conflicts` gives what is wrong with their values together: the name of the one to change, and the reason.
    """

    settings: Mapping[str, Setting]
    explained: Mapping[str, str]
    conflicts: Callable[[Mapping[str, Any]], Iterable[tuple[str, Phrase]]]


def choices(
    settings: Mapping[str, Setting],
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    default_config: Path | None = None,
    table: KeyTable | None = None,
) -> Choices:
    """What was chosen; `flags` by option name without its hyphens in front, None for one that is not there.

    `default_config` is read if no config file is named and it is there. `table`: who reads that table, for whom its
    settings are among the others.
    """
    named = flags.get("config") or environment.get("UDPCHAT_CONFIG")
    path = Path(str(named)).expanduser() if named else default_config
    if path is not None and not named and not path.exists():
        path = None
    inside = table.settings if table is not None else {}
    known = {*SERVER_SETTINGS, *CLIENT_SETTINGS}
    file = read_config(path, known, {KEYS: inside}) if path is not None else ConfigFile({}, {})
    chosen: dict[str, Chosen] = {}
    values: dict[str, Any] = {}
    faults = list(file.faults)
    for name, (default, parse) in {**settings, **inside}.items():
        variable = "UDPCHAT_" + name.upper().replace("-", "_") if name in settings else ""
        if flags.get(name) is not None:
            chosen[name] = Chosen(flags[name], Precedence.FLAG, f"--{name}")
        elif environment.get(variable):
            chosen[name] = Chosen(environment[variable], Precedence.ENVIRONMENT, variable)
        elif name in file.values:
            chosen[name] = Chosen(file.values[name], Precedence.FILE, str(path), file.lines.get(name))
        else:
            chosen[name] = Chosen(default)
        try:
            values[name] = parse(chosen[name].written)
        except Problem as problem:
            faults.append(_fault(name, chosen[name], problem.phrase))
    faults += [_fault(name, chosen[name], reason) for name, reason in (table.conflicts(values) if table else ())]
    return Choices(values, chosen, path, tuple(faults))


def _fault(name: str, chosen: Chosen, reason: Phrase) -> Phrase:
    """A value is not allowed."""
    written = chosen.written
    value = printable(", ".join(map(str, written)) if isinstance(written, list) else str(written))
    if chosen.source is Precedence.FILE:
        place = at(Path(chosen.place), chosen.line)
        return Phrase("option.value_in", {"at": place, "name": name, "value": value, "reason": reason})
    return Phrase("option.value", {"where": chosen.place, "value": value, "reason": reason})


def _sound(found: Choices) -> Choices:
    """The same. Raises `OptionError` with the first fault."""
    for fault in found.faults:
        raise OptionError(fault.key, **fault.values)
    return found


def server_options(flags: Mapping[str, str | Sequence[str] | None], environment: Mapping[str, str]) -> ServerOptions:
    """The choices of the operator; `flags` by option name without its hyphens in front. Raises `OptionError`."""
    chosen = _sound(choices(SERVER_SETTINGS, flags, environment)).values
    if chosen["expiry"] <= chosen["heartbeat"]:
        raise OptionError("option.expiry", expiry_s=chosen["expiry"], heartbeat_s=chosen["heartbeat"])
    return ServerOptions(
        bind=chosen["bind"],
        port=chosen["port"],
        data=chosen["data"],
        name=chosen["name"] or platform.node(),
        presence=PresenceTimes(chosen["heartbeat"], chosen["expiry"]),
        durability=chosen["durability"],
        retention=chosen["retention"],
        motd=chosen["motd"],
        accounts=AccountOptions(chosen["accounts"] == CLOSED, chosen["nick-expiry"]),
        log=LogOptions(
            level=chosen["log-level"],
            format=chosen["log-format"],
            file=chosen["log-file"],
            file_bytes=chosen["log-file-size"],
            files_kept=chosen["log-files"],
            addresses=chosen["log-addresses"],
        ),
        metrics=chosen["metrics"],
        is_discoverable=chosen["discoverable"],
    )


def client_choices(
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    default_config: Path | None,
    needs_nick: bool = True,
    table: KeyTable | None = None,
) -> ClientChoices:
    """The choices of whoever chats; a nick must be one of them if it is needed. Raises `OptionError`."""
    found = _sound(choices(CLIENT_SETTINGS, flags, environment, default_config=default_config, table=table))
    chosen = found.values
    if needs_nick and not chosen["nick"]:
        file = flags.get("config") or environment.get("UDPCHAT_CONFIG") or default_config or ""
        raise OptionError("option.nick", file=file)
    keys = {name.removeprefix(f"{KEYS}."): chosen[name] for name in (table.settings if table else ())}
    return ClientChoices(
        nick=chosen["nick"],
        server=chosen["server"],
        rooms=chosen["room"],
        data=chosen["data"],
        port=chosen["port"] or DEFAULT_PORT,
        history=chosen["history"],
        end=EndChoices(chosen["follow"], chosen["count"], chosen["timeout"]),
        form=_form(found),
        shown=ShownChoices(chosen["receipts"], tuple(chosen["notify-command"]), keys),
        config=found.config,
        password=_password_place(found, environment),
    )


def _password_place(found: Choices, environment: Mapping[str, str]) -> PasswordPlace:
    """Of a password in the environment and a file with one, that of the higher rank."""
    text = environment.get(PASSWORD_VARIABLE, "")
    is_outranked = found.chosen["password-file"].source is Precedence.FLAG
    return PasswordPlace(text=text) if text and not is_outranked else PasswordPlace(file=found.values["password-file"])


def _form(found: Choices) -> str:
    """The form of `ClientChoices`: of `json` and `plain` the one chosen at the higher rank. Raises `OptionError`."""
    wanted = [name for name in ("plain", "json") if found.values[name]]
    ranks = {name: found.chosen[name].source for name in wanted}
    if len(wanted) == 2 and ranks["plain"] == ranks["json"]:
        raise OptionError("option.form")
    return max(wanted, key=ranks.__getitem__, default="no-color" if found.values["no-color"] else "")


Setting = tuple[Any, Callable[[Any], Any]]  # the default as a person would write it, and the function that parses it
_period = values.seconds(HEARTBEAT_S_MIN, EXPIRY_S_MAX)
SERVER_SETTINGS: Final[dict[str, Setting]] = {
    "bind": ("::", values.addresses),
    "port": (DEFAULT_PORT, values.port),
    "data": (data_folder(), values.path),
    "name": ("", values.name),
    "discoverable": (True, values.switch),
    "motd": ("", values.motd),
    "heartbeat": (HEARTBEAT_S, _period),
    "expiry": (EXPIRY_S, _period),
    "durability": (Durability.FSYNC.value, lambda value: Durability(values.one_of(tuple(Durability))(value))),
    "accounts": (OPEN, values.one_of((OPEN, CLOSED))),
    "nick-expiry": (duration_word(int(NICK_REGULAR_KEPT_S)), values.nick_expiry),
    "retention": ("", lambda value: parse_retention(str(value))),
    "log-level": ("info", values.one_of(LEVELS)),
    "log-format": ("text", values.one_of(FORMATS)),
    "log-file": ("", lambda value: values.path(value) if value != "" else None),
    "log-file-size": ("10M", values.size(LOG_FILE_BYTES_MIN, LOG_FILE_BYTES_MAX)),
    "log-files": (5, values.whole(1, LOG_FILES_MAX)),
    "log-addresses": (True, values.switch),
    "metrics": ("", values.metrics),
}
CLIENT_SETTINGS: Final[dict[str, Setting]] = {
    "nick": ("", values.nick),
    "server": ("", values.server),
    "room": ("", values.rooms),
    "data": (data_folder(), values.path),
    "port": (DEFAULT_PORT, values.port),
    "password-file": ("", lambda value: values.path(value) if value else None),
    "history": (None, values.optional(values.whole(0, HISTORY_MAX))),
    "receipts": (False, values.switch),
    "no-color": (False, values.switch),
    "notify-command": ("", values.command),
    "follow": (False, values.switch),
    "count": (None, values.optional(values.whole(1, COUNT_MAX))),
    "timeout": (None, values.optional(values.seconds(TIMEOUT_S_MIN, TIMEOUT_S_MAX))),
    "plain": (False, values.switch),
    "json": (False, values.switch),
}


def server_default(name: str) -> str:
    """The default of an option of the server, as a person would write it; for its help."""
    default = SERVER_SETTINGS[name][0]
    return f"{default:g}" if isinstance(default, float) else str(default)
