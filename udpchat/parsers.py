"""What can be typed behind `udpchat`, `udpchat-server` and `udpchat-client`: options and commands, with their help."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar

from udpchat import __version__
from udpchat.chat.durations import parse_duration
from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.nearest import nearest
from udpchat.chat.permissions import Role
from udpchat.chat.phrase import Phrase, Problem
from udpchat.chat.text import printable
from udpchat.shell import maintenance, options, values
from udpchat.shell.addresses import parse_server
from udpchat.shell.logging_setup import FORMATS, LEVELS
from udpchat.shell.stdio import OutputFailed, abandon_output, remark, writing_to
from udpchat.shell.suggestions import unknown_option
from udpchat.ui.phrases import sentence
from udpchat.wire.limits import DEFAULT_PORT

Value = TypeVar("Value")
COLUMNS_MAX: Final = 80  # of a help
CLIENT_OPERATIONS: Final = ("export", "outbox", "config", "password")
MAIN_COMMANDS: Final = {
    "stop": "Stops the server that is hosted here in the background.",
    "status": "Says whether a server is hosted here, and where. Exit code: 0 if so, 1 if not.",
    "servers": "Lists the servers that answer on this LAN. Exit code: 0 if there is one, 3 if not.",
    "doctor": "Looks at the path to a server, and says what keeps one from chatting, and what to do. Exit code: 0 if "
    "one can chat, 3 if not.",
    "server": "Runs a server, as udpchat-server.",
    "client": "Joins a server and hosts none, as udpchat-client.",
}
OPERATIONS: Final = {
    "backup": "Copies log and key of the server, running or not, to a new file, which is as secret as the key.",
    "restore": "Puts a backup in the place of the log, which is kept beside it, and its key where there is none. "
    "The server must not run.",
    "export": "Writes out what was said, one line a message, log by log and in order.",
    "check": "Looks for damage in the log, and says what to do. The server may run.",
}
OPERATOR_COMMANDS: Final = {  # as in `udpchat.operator_commands`; those of NEEDING_SERVER ask a server that runs
    "status": "Says how the server is: how long it has run, who is there, what it holds and what it dropped.",
    "doctor": "Looks at this machine and its server, and says what keeps others from it, and what to do. Exit code: 0 "
    "if it serves, 3 if not.",
    "who": "Lists the devices that are connected.",
    "kick": "Ends the sessions of a person, who may come back.",
    "ban": "Bans a person, a device (# and its fingerprint), an address or a network from the server.",
    "unban": "Lifts a ban.",
    "mute": "Lets a person say nothing on the whole server.",
    "unmute": "Lifts a mute.",
    "bans": "Lists the bans and mutes of the whole server that hold.",
    "role": "Gives a person a role on the whole server, or says which they have.",
    "account": "Lists accounts, shows one, lets one be entered anew with a one-time code, or removes one.",
    "invite": "Prints a one-time code that lets somebody have a nick, also where accounts are closed.",
    "audit": "Lists what was done to keep order: when, by whom, what, to whom, why.",
    "announce": "Sends a text to everybody who is here.",
    "reload": "Has the server read its config file again. What needs a restart is named.",
    "stop": "Stops the server, and waits until it has.",
    "erase": "Removes all that a person said, their account, and what is stored of their addresses. For good.",
}
NEEDING_SERVER: Final = frozenset({"status", "who", "kick", "announce", "reload", "stop"})
WITH_JSON: Final = frozenset({"status", "doctor", "who", "bans", "account", "audit"})
ROLES: Final = {"owner": Role.OWNER, "admin": Role.ADMIN, "moderator": Role.MODERATOR, "member": Role.MEMBER}
ACCOUNT_LIST: Final = "list"
SERVER_OPTION: Final = "--server"
SINCE_HELP: Final = "2026-11-21, 14:30, 2h or 3d for ago"
LENGTH_HELP: Final = "for how long: 90s, 10m, 2h, 3d (for good)"
ADDRESS_MARKS: Final = (".", ":")  # one of these is in most addresses, and in no command
CONFIG: Final = "config"  # the command of both programs
SERVER_COMMANDS: Final = (*OPERATIONS, CONFIG, *OPERATOR_COMMANDS)


class _Help(argparse.HelpFormatter):
    """Fits 80 columns on wider terminals too; a % in a help is that character."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)
        self._width = min(self._width, COLUMNS_MAX - 2)

    def _get_help_string(self, action: argparse.Action) -> str:
        return (action.help or "").replace("%", "%%")


class Parser(argparse.ArgumentParser):
    """One line for a wrong option, with what was probably meant; an abbreviation is refused.

    `commands`: words that the program takes in the first place, and that were looked for there before.
    """

    def __init__(self, *, commands: Collection[str] = (), **arguments: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Help, **arguments)
        self._commands = commands
        self.add_argument("--version", action="version", version=f"{self.prog} {__version__}")

    @property
    def commands(self) -> list[str]:
        """The words that the program takes in the first place."""
        return list(self._commands)

    @property
    def groups(self) -> list[tuple[str, list[argparse.Action]]]:
        """The options and arguments as the help has them, below their headings."""
        return [(group.title or "", group._group_actions) for group in self._action_groups if group._group_actions]

    @property
    def explained(self) -> dict[str, str]:
        """The help of each option, by its name without hyphens in front."""
        return {name.removeprefix("--"): str(action.help) for name, action in self._option_string_actions.items()}

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As `argparse` has it; what does not exist is reported first, for it may be why something else is missing."""
        words = list(sys.argv[1:] if args is None else args)
        if self._commands and words and not words[0].startswith("-"):
            if SERVER_OPTION in self._option_string_actions and any(mark in words[0] for mark in ADDRESS_MARKS):
                self.error(sentence("usage.address", word=words[0]))
            self.error(sentence("usage.command", word=words[0], near=nearest(words[0], self._commands)))
        option = unknown_option(words, self._option_string_actions)
        if option is not None:
            self._refuse_option(option)
        given, rest = self.parse_known_args(words, namespace)
        if rest and rest[0].startswith("-"):
            self._refuse_option(rest[0])
        if rest and rest[0] in self._commands:
            self.error(f"the command comes first: {self.prog} {rest[0]} ...")
        if rest:
            self.error(f"unrecognized argument {rest[0]}")
        return given

    def _refuse_option(self, option: str) -> NoReturn:
        near = nearest(option, self._option_string_actions)
        self.error(sentence("usage.option", word=option, near=near))

    def _print_message(self, message: str, file: Any = None) -> None:
        """Help or a version that could not be printed is an error, which argparse would keep quiet about."""
        if file is sys.stderr:
            return remark(message)
        try:
            writing_to(sys.stdout)(message)
        except (BrokenPipeError, OutputFailed) as error:
            abandon_output()
            self.exit(ExitCode.ERROR, f"{self.prog}: {error}\n" if isinstance(error, OutputFailed) else None)

    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.USAGE, f"{self.prog}: {printable(message)}; see {self.prog} --help\n")


# --- The server ----------


def server_parser(program: str) -> Parser:
    """That of a server that is to run."""
    parser = Parser(
        prog=program,
        commands=SERVER_COMMANDS,
        description="Relays a chat for everyone on the LAN. Works without any option.",
        epilog="Each option can also stand in the config file (port = 47747) or the environment (UDPCHAT_PORT). "
        f"Commands, each with a --help: {', '.join(SERVER_COMMANDS)}.",
    )
    _add_server_settings(parser)
    return parser


def _add_server_settings(parser: Parser) -> None:
    """All that can also stand in a config file, and --yes."""
    parser.add_argument("--config", metavar="FILE", help="TOML file with the settings")
    network = parser.add_argument_group("the network")
    kept = parser.add_argument_group("what is kept")
    people = parser.add_argument_group("who may come")
    shown = parser.add_argument_group("how it shows itself")

    def add(group: argparse._ArgumentGroup, name: str, metavar: str, text: str) -> None:
        group.add_argument(f"--{name}", metavar=metavar, help=f"{text} ({options.server_default(name)})")

    bind_help = "address of this machine to listen at (all, IPv6 and IPv4); repeatable"
    network.add_argument("--bind", metavar="ADDRESS", action="append", help=bind_help)
    add(network, "port", "N", "UDP port, 0 for any free one")
    add(network, "heartbeat", "S", "silence after which a client gives a sign of life")
    add(network, "expiry", "S", "silence after which a client is gone")
    add(kept, "data", "DIR", "folder of key, messages and log")
    add(kept, "durability", "fsync|os|memory", "what a confirmed message survives")
    kept.add_argument("--retention", metavar="30d,10000", help="age and number of messages kept of a room (all)")
    kept.add_argument("--yes", action="store_true", help="a retention of less than 1 hour or 1,000 messages is meant")
    add(people, "accounts", "open|closed", "who may have a new nick: everybody, or who is invited")
    add(people, "nick-expiry", "DURATION", "how long a nick is kept that nobody uses")
    shown.add_argument("--name", metavar="NAME", help="what the server calls itself (the name of this machine)")
    shown.add_argument(
        "--discoverable", metavar="yes|no", help="whether who looks for servers on the LAN finds it (yes)"
    )
    shown.add_argument("--motd", metavar="TEXT", help="a line that whoever enters is shown")
    watched = parser.add_argument_group("what the operator sees")
    add(watched, "log-level", "|".join(LEVELS), "how much to log")
    add(watched, "log-format", "|".join(FORMATS), "how to log")
    watched.add_argument("--log-file", metavar="FILE", help="log to this file too, not only to stderr (none)")
    add(watched, "log-file-size", "10M", "size at which another one is begun: 64K to 1G")
    add(watched, "log-files", "N", "how many full ones are kept")
    watched.add_argument("--log-addresses", metavar="yes|no", help="whether addresses of people are logged (yes)")
    metrics_help = "answer /metrics for Prometheus and /healthz over HTTP, at 127.0.0.1 or ADDRESS (off)"
    watched.add_argument("--metrics", metavar="[ADDRESS:]PORT", help=metrics_help)


def operation_parser(program: str, name: str) -> Parser:
    """That of one of OPERATIONS."""
    parser = _folder_parser(program, name, OPERATIONS[name], "folder of the server")
    if name == "export":
        _add_export_options(parser)
    elif name != "check":
        parser.add_argument("file", type=_typed(values.path), metavar="FILE", help="the backup")
    if name == "backup":
        parser.add_argument("--force", action="store_true", help="overwrite the file if it is there")
    if name == "restore":
        choices = (maintenance.REPLACE, maintenance.KEEP)
        parser.add_argument("--key", choices=choices, help="if the data folder has another key: replace or keep it")
    return parser


def operator_parser(program: str, name: str) -> Parser:
    """That of one of OPERATOR_COMMANDS."""
    needs = "A server must run on that folder." if name in NEEDING_SERVER else "The server may run or not."
    parser = _folder_parser(program, name, f"{OPERATOR_COMMANDS[name]} {needs}", "folder of the server")

    def add_nick(text: str, **more: Any) -> None:
        parser.add_argument("subject", type=_typed(values.person), metavar="NICK", help=text, **more)

    if name in WITH_JSON:
        parser.add_argument("--json", action="store_true", help="JSON objects")
    match name:
        case "ban" | "unban":
            parser.add_argument("subject", metavar="NICK|ADDRESS[/BITS]", help="whom; #FINGERPRINT is one device")
        case "kick" | "mute" | "unmute" | "erase" | "role":
            add_nick("whom")
        case "account":
            parser.add_argument("do", choices=(ACCOUNT_LIST, "show", "reset", "remove"), help="what")
            add_nick("whose; not for list", nargs="?")
        case "invite":
            add_nick("for this nick only", nargs="?")
        case "announce":
            parser.add_argument("text", nargs="+", type=_typed(values.announcement), metavar="TEXT", help="what")
    if name == "role":
        parser.add_argument("role", nargs="?", choices=tuple(ROLES), help="without: say which")
    if name in ("ban", "mute"):
        parser.add_argument(
            "--for", dest="for_s", type=_typed(parse_duration), default=0, metavar="D", help=LENGTH_HELP
        )
    if name in ("kick", "ban", "mute"):
        parser.add_argument(
            "--reason", type=_typed(values.reason), default="", metavar="TEXT", help="why, for them too"
        )
    if name == "audit":
        parser.add_argument("--since", type=_typed(values.moment), default=0, metavar="TIME", help=SINCE_HELP)
    return parser


def operator_fault(name: str, given: argparse.Namespace) -> Phrase | None:
    """What is wrong with the arguments of one of OPERATOR_COMMANDS together."""
    if name != "account" or (given.subject is None) == (given.do == ACCOUNT_LIST):
        return None
    return Phrase("usage.account", {"do": given.do}) if given.subject is None else Phrase("usage.account_list")


def _add_export_options(parser: Parser) -> None:
    parser.add_argument("file", nargs="?", type=_typed(values.path), metavar="FILE", help="where to (standard output)")
    parser.add_argument("--room", type=_typed(values.room), help="only this room")
    parser.add_argument("--since", type=_typed(values.moment), default=0, metavar="TIME", help=SINCE_HELP)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a JSON object a line")
    form.add_argument("--text", action="store_true", help="lines for people (so it is without either)")
    parser.add_argument("--force", action="store_true", help="overwrite the file if it is there")


# --- The client ----------


def client_parser(program: str, *, hosts: bool = False) -> Parser:
    """That of a client that is to chat; `hosts`: of `udpchat`, which may host a server for that."""
    joins = "Joins a chat. Each line typed is a message to the current room; /help lists the commands."
    commands = (*MAIN_COMMANDS, *CLIENT_OPERATIONS) if hosts else CLIENT_OPERATIONS
    parser = Parser(
        prog=program,
        commands=commands,
        description="Joins the server used last or that of this machine, or hosts one in the background and joins it."
        if hosts
        else joins,
        epilog=f"Commands, each with a --help: {program} {'|'.join(commands)}. Each setting can also stand in a config "
        f'file (nick = "alice" in {options.client_config()}) or the environment (UDPCHAT_NICK). The table '
        f"[keys] of that file gives the full screen other keys: {program} config --example lists them.",
    )
    _add_client_settings(parser)
    once = parser.add_argument_group("this time only")
    once.add_argument(
        "--id", type=_typed(values.label_id), help="line k is the request ID:k: given again, it is the same message"
    )
    once.add_argument("--link", metavar="CODE", help="one-time code, of /link on a device of yours or an invitation")
    once.add_argument("--discard", action="store_true", help="drop what earlier runs did not get confirmed")
    if hosts:
        once.add_argument("--host", action="store_true", help="host here though another server was used last")
    return parser


def _add_client_settings(parser: Parser, *, has_json: bool = True) -> None:
    """All that can also stand in a config file; `has_json`: the option of that name is this setting."""
    switch: dict[str, Any] = {"action": "store_const", "const": True}  # None where it is not given
    parser.add_argument("--config", metavar="FILE", help="TOML file with the settings")
    where = parser.add_argument_group("who and where")
    where.add_argument("--nick", help="the name to go by (at a terminal the one used last, or asked for)")
    server_help = "or udpchat://HOST[:PORT][#FINGERPRINT] (the one used last, at first that of this machine)"
    where.add_argument("--server", metavar="HOST[:PORT]", help=f"its address, {server_help}")
    where.add_argument("--port", metavar="N", help=f"UDP port of the server of this machine ({DEFAULT_PORT})")
    room_help = f"a room to join (those one was in, or {options.DEFAULT_ROOM}); repeatable"
    where.add_argument("--room", action="append", help=room_help)
    where.add_argument("--data", metavar="DIR", help=f"folder of keys and stores ({options.data_folder()})")
    password_help = "file with your password, for a device the nick is not known of (UDPCHAT_PASSWORD, or asked for)"
    where.add_argument("--password-file", metavar="FILE", help=password_help)
    shown = parser.add_argument_group("what is shown")
    form = shown.add_mutually_exclusive_group() if has_json else shown
    form.add_argument("--plain", **switch, help="line mode, for people and simple pipes")
    if has_json:
        form.add_argument("--json", **switch, help="line mode, a JSON object for each event")
    history_help = f"earlier messages of each room, at most ({options.HISTORY_ON_SCREEN} on a screen, else none)"
    shown.add_argument("--history", metavar="N", help=history_help)
    shown.add_argument("--receipts", **switch, help="report how many have what you say, as it reaches them")
    shown.add_argument("--no-color", **switch, help="draw the full screen without colours (so with NO_COLOR too)")
    notify_help = (
        "run it for what calls you at a terminal, with UDPCHAT_EVENT, UDPCHAT_EVENT_ROOM, _NICK, _TEXT set (none)"
    )
    shown.add_argument("--notify-command", metavar="PROGRAM", help=notify_help)
    end = parser.add_argument_group("when it ends (else with its input)")
    end.add_argument("--follow", **switch, help="stay when the input ends, and print what arrives")
    end.add_argument("--count", metavar="N", help="end after N live messages from others")
    end.add_argument("--timeout", metavar="S", help="end after S seconds")


def export_parser(program: str) -> Parser:
    """That of a client's `export`."""
    parser = Parser(prog=f"{program} export", description="Writes out what this client has of what was said.")
    _add_store_options(parser)
    _add_export_options(parser)
    return parser


def outbox_parser(program: str) -> Parser:
    """That of a client's `outbox`."""
    parser = Parser(
        prog=f"{program} outbox",
        description="Lists what was said and not confirmed, which the next start sends; or drops it. "
        "When it is dropped, whether the server has got any of that already is not known here.",
    )
    parser.add_argument("do", nargs="?", choices=("list", "drop"), default="list", help="list it (so without), or drop")
    _add_store_options(parser)
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    return parser


def password_parser(program: str) -> Parser:
    """That of a client's `password`."""
    parser = Parser(
        prog=f"{program} password",
        description="Sets or changes the password with which another device goes by a nick. It is read from the file, "
        "from UDPCHAT_PASSWORD, or asked for twice at a terminal.",
    )
    parser.add_argument("--password-file", metavar="FILE", help="file whose first line is the new password")
    _add_store_options(parser)
    parser.add_argument("--link", metavar="CODE", help="one-time code, if this device is not known of the nick")
    parser.add_argument("--timeout", metavar="S", help="end after S seconds")
    return parser


def background_parser(program: str, name: str) -> Parser:
    """That of `stop` or `status`, for the server that is hosted here."""
    parser = _folder_parser(program, name, MAIN_COMMANDS[name], "its folder")
    if name == "status":
        parser.add_argument("--json", action="store_true", help="a JSON object")
    return parser


def servers_parser(program: str) -> Parser:
    """That of `servers`."""
    parser = Parser(prog=f"{program} servers", description=MAIN_COMMANDS["servers"])
    parser.add_argument("--port", metavar="N", help=f"their UDP port ({DEFAULT_PORT})")
    parser.add_argument("--json", action="store_true", help="a JSON object for each")
    parser.add_argument("--watch", action="store_true", help="go on, and say who comes and goes")
    return parser


def doctor_parser(program: str) -> Parser:
    """That of `udpchat doctor`."""
    parser = _folder_parser(program, "doctor", MAIN_COMMANDS["doctor"], "folder with what is known of servers")
    server_help = "HOST[:PORT] or udpchat://... (the one used last, else one that is found)"
    parser.add_argument("server", nargs="?", type=_typed(parse_server), metavar="SERVER", help=server_help)
    parser.add_argument("--json", action="store_true", help="a JSON object")
    timeout_help = "look for S seconds at most (15); healthy networks take 3"
    parser.add_argument("--timeout", type=_typed(values.seconds(1, 60)), metavar="S", help=timeout_help)
    return parser


def _folder_parser(program: str, name: str, description: str, folder: str) -> Parser:
    """That of a command about one data folder."""
    parser = Parser(prog=f"{program} {name}", description=description)
    parser.add_argument("--data", metavar="DIR", help=f"{folder} ({options.data_folder()})")
    parser.add_argument("--config", metavar="FILE", help="TOML file with the option data")
    return parser


def _add_store_options(parser: Parser) -> None:
    parser.add_argument("--nick", help="whose store")
    parser.add_argument("--server", metavar="HOST[:PORT]", help="of which server (the one used last)")
    parser.add_argument("--data", metavar="DIR", help=f"folder of keys and stores ({options.data_folder()})")
    parser.add_argument("--config", metavar="FILE", help="TOML file with these options")


# --- Both ----------


def config_parser(program: str, *, of_server: bool) -> Parser:
    """That of `config`, which takes the settings of the program as options too."""
    parser = Parser(
        prog=f"{program} {CONFIG}",
        description="Shows every setting, its value, and where that was chosen: as an option, in the environment, in "
        "the config file, or by default.",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--example", action="store_true", help="a file with all defaults, explained")
    form.add_argument("--check", action="store_true", help="only what is wrong; ends with 1 if something is")
    form.add_argument("--json", action="store_true", help="a JSON object")
    if of_server:
        _add_server_settings(parser)
    else:
        _add_client_settings(parser, has_json=False)
    return parser


def key_table() -> options.KeyTable:
    """What may stand in the table of keys of the config file. A server needs none of it, and does not import it."""
    from udpchat.ui.tui import keys

    full = {action: f"{options.KEYS}.{action.name}" for action in keys.ACTIONS}

    def conflicts(chosen: Mapping[str, Any]) -> list[tuple[str, Phrase]]:
        named = {action.name: chosen[name] for action, name in full.items() if name in chosen}
        return [(f"{options.KEYS}.{name}", reason) for name, reason in keys.conflicts(named)]

    return options.KeyTable(
        settings={name: ([*map(keys.spelled, action.keys)], keys.parse_keys) for action, name in full.items()},
        explained={options.KEYS: sentence("example.keys"), **{name: one.summary for one, name in full.items()}},
        conflicts=conflicts,
    )


def _typed(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """A parser of `values` for `argparse`, which shows the text of this exception only."""

    def convert(text: str) -> Value:
        try:
            return parse(text)
        except Problem as problem:
            raise argparse.ArgumentTypeError(sentence("usage.value", reason=problem.phrase)) from problem

    return convert
