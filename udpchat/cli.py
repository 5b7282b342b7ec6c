"""The console scripts: `udpchat-server`, `udpchat-client`, and `udpchat` with the subcommands `server` and `client`.

Exit codes are those of `ExitCode`. Nobody is shown a traceback.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import traceback
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TextIO, TypeVar

from udpchat import __version__
from udpchat.chat import events
from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.phrase import Phrase, Problem
from udpchat.chat.text import json_line, printable
from udpchat.chat.times import iso_time
from udpchat.client.core import ClientCore
from udpchat.shell import client_app, client_state, hosting, operations, options, outbox, server_app, values
from udpchat.shell.choosing import Chooser
from udpchat.shell.data_folder import DataUnusable
from udpchat.shell.desktop import Desktop
from udpchat.shell.ending import TimedOut
from udpchat.shell.line_reader import LineReader
from udpchat.shell.net.endpoint import EndpointError
from udpchat.shell.net.reach import NoServer
from udpchat.shell.operations import OperationFailed
from udpchat.shell.preference_file import PreferenceFile
from udpchat.shell.retention import objection
from udpchat.shell.stdio import OutputFailed, abandon_output, prepare_output, remark, standard_input, writing_to
from udpchat.shell.suggestions import nearest, unknown_option
from udpchat.shell.times import moment_ms, now_ms
from udpchat.storage.backup import Exported
from udpchat.storage.protocol import ClientStore, StoreError
from udpchat.ui.attention import Alert, Signal, terminal_text
from udpchat.ui.commands import Prompt
from udpchat.ui.exit_rule import ExitRule
from udpchat.ui.input_history import is_secret
from udpchat.ui.json_events import json_event
from udpchat.ui.lines import Lines
from udpchat.ui.phrases import sentence, text_of
from udpchat.ui.preferences import Preferences
from udpchat.ui.printing import Draw, Printer, message_line, plain_lines
from udpchat.ui.screen import ScreenLines, prompt_of

if TYPE_CHECKING:
    from udpchat.shell.editor import LineEditor

CLIENT_OPERATIONS: Final = ("export", "outbox")
FAILURES: Final[tuple[tuple[type[Exception], str, ExitCode], ...]] = (  # each with its error code in JSON
    (NoServer, "", ExitCode.NO_SERVER),  # a Problem has its code
    (TimedOut, "", ExitCode.TIMED_OUT),
    (DataUnusable, "", ExitCode.ERROR),
    (StoreError, "store_unusable", ExitCode.ERROR),
    (EndpointError, "network_unusable", ExitCode.ERROR),
    (OperationFailed, "", ExitCode.ERROR),
    (OutputFailed, "output_failed", ExitCode.ERROR),
)
Value = TypeVar("Value")
OPERATIONS: Final = {
    "backup": "Copies log and key of the server, running or not, to a new file, which is as secret as the key.",
    "restore": "Puts a backup in the place of the log, which is kept beside it, and its key where there is none. "
    "The server must not run.",
    "export": "Writes out what was said, one line a message, log by log and in order.",
    "check": "Looks for damage in the log, and says what to do. The server may run.",
}


class _Parser(argparse.ArgumentParser):
    """One line for a wrong option, with what was probably meant; an abbreviation is refused.

    `commands`: words that the program takes in the first place, and that were looked for there before.
    """

    def __init__(self, *, commands: Collection[str] = (), **arguments: Any) -> None:
        super().__init__(allow_abbrev=False, **arguments)
        self._commands = commands
        self.add_argument("--version", action="version", version=f"{self.prog} {__version__}")

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As `argparse` has it; what does not exist is reported first, for it may be why something else is missing."""
        words = list(sys.argv[1:] if args is None else args)
        if self._commands and words and not words[0].startswith("-"):
            near = nearest(words[0], self._commands)
            self.error(sentence("usage.command", word=words[0], near=near))
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
        if _guarded(self.prog, lambda: writing_to(sys.stdout)(message) or ExitCode.DONE):
            self.exit(ExitCode.ERROR)

    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.USAGE, f"{self.prog}: {printable(message)}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """`udpchat server ...` and `udpchat client ...`."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["server"]:
        return server(arguments[1:], program="udpchat server")
    if arguments[:1] == ["client"]:
        return client(arguments[1:], program="udpchat client")
    parser = _Parser(
        prog="udpchat",
        usage="udpchat server|client ...",
        description="A chat for a LAN over one UDP socket.",
        epilog="server: run one; client: join one. Each has a --help.",
        commands=("server", "client"),
    )
    parser.parse_args(arguments[:1])
    parser.error("the command is missing: server or client")


# --- The server ----------


def server(argv: Sequence[str] | None = None, *, program: str = "udpchat-server") -> int:
    """Run a server, or one of OPERATIONS on its log; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in OPERATIONS:
        return _operate(arguments[0], arguments[1:], program)
    parser = _server_parser(program)
    given = vars(parser.parse_args(arguments))
    is_meant = given.pop("yes")
    prepare_output()
    flags = {name.replace("_", "-"): value for name, value in given.items()}
    try:
        chosen = options.server_options(flags, os.environ)
    except options.OptionError as problem:
        parser.error(text_of(problem.phrase))
    doubt = objection(chosen.retention, chosen.data / operations.LOG_FILE)
    if doubt and not is_meant:
        parser.error(text_of(doubt))
    return _guarded(program, lambda: server_app.run(chosen), shows_traces=chosen.log_level == "debug")


def _server_parser(program: str) -> _Parser:
    parser = _Parser(
        prog=program,
        commands=OPERATIONS,
        description="Relays a chat for everyone on the LAN. Works without any option.",
        epilog="Each option can also stand in the config file (port = 47747) or the environment (UDPCHAT_PORT). "
        f"For the log: {program} {'|'.join(OPERATIONS)}, each with a --help.",
    )

    def add(name: str, metavar: str, text: str) -> None:
        parser.add_argument(f"--{name}", metavar=metavar, help=f"{text} ({options.server_default(name)})")

    bind_help = "address of this machine to listen at (all, IPv6 and IPv4); may be given again"
    parser.add_argument("--bind", metavar="ADDRESS", action="append", help=bind_help)
    add("port", "N", "UDP port, 0 for any free one")
    add("data", "DIR", "folder of key, messages and log")
    parser.add_argument("--name", metavar="NAME", help="what the server calls itself")
    add("heartbeat", "S", "silence after which a client gives a sign of life")
    add("expiry", "S", "silence after which a client is gone")
    add("durability", "fsync|os|memory", "what a confirmed message survives")
    parser.add_argument("--retention", metavar="30d,10000", help="age and number of messages kept of a room (all)")
    parser.add_argument("--yes", action="store_true", help="a retention of less than 1 hour or 1,000 messages is meant")
    parser.add_argument("--config", metavar="FILE", help="TOML file with these options")
    add("log-level", "L", "debug, info, warning or error")
    add("log-format", "text|json", "how to log to stderr")
    return parser


def _operate(name: str, argv: Sequence[str], program: str) -> int:
    """One of OPERATIONS; the exit code."""
    parser = _Parser(prog=f"{program} {name}", description=OPERATIONS[name])
    parser.add_argument("--data", metavar="DIR", help=f"folder of the server ({options.data_folder()})")
    parser.add_argument("--config", metavar="FILE", help="TOML file with the option data")
    if name == "export":
        _add_export_options(parser)
    elif name != "check":
        parser.add_argument("file", type=_typed(values.path), metavar="FILE", help="the backup")
    if name == "backup":
        parser.add_argument("--force", action="store_true", help="overwrite the file if it is there")
    if name == "restore":
        choices = (operations.REPLACE, operations.KEEP)
        parser.add_argument("--key", choices=choices, help="if the data folder has another key: replace or keep it")
    given = parser.parse_args(argv)
    prepare_output()
    try:
        data = options.server_options({"data": given.data, "config": given.config}, os.environ).data
    except options.OptionError as problem:
        parser.error(text_of(problem.phrase))

    def run() -> int:
        match name:
            case "backup":
                _say_phrase(operations.back_up(data, given.file, force=given.force))
            case "restore":
                _say_phrase(operations.restore(data, given.file, key=given.key))
            case "export":
                return _export(data / operations.LOG_FILE, given)
            case _:
                findings = operations.check(data)
                writing_to(sys.stdout)("".join(f"{printable(line)}\n" for line in findings or ["no damage found"]))
                return ExitCode.ERROR if findings else ExitCode.DONE
        return 0

    return _guarded(parser.prog, run)


def _add_export_options(parser: _Parser) -> None:
    parser.add_argument("file", nargs="?", type=_typed(values.path), metavar="FILE", help="where to (standard output)")
    parser.add_argument("--room", type=_typed(values.room), help="only this room")
    since_help = "2026-11-21, 14:30, 2h or 3d for ago"
    parser.add_argument("--since", type=_typed(values.moment), default=0, metavar="TIME", help=since_help)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a JSON object a line")
    form.add_argument("--text", action="store_true", help="lines for people (so it is without either)")
    parser.add_argument("--force", action="store_true", help="overwrite the file if it is there")


def _export(source: Path, given: argparse.Namespace) -> int:
    draw = operations.json_of if given.json else _exported_line
    operations.export(source, given.file, draw, room=given.room, since_ms=given.since, force=given.force)
    return 0


def _exported_line(exported: Exported) -> str:
    """`2026-01-31T23:59:59.123Z [lobby] <bob> text`; in a conversation `[@alice] <bob> text`: whom it was said to."""
    line = message_line(operations.room_of(exported), exported.nick, exported.text, exported.kind)
    return printable(f"{iso_time(exported.time_ms)} {line}")


# --- The client ----------


def client(argv: Sequence[str] | None = None, *, program: str = "udpchat-client") -> int:
    """Run a client, or one of its operations on what it has stored; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["export"]:
        return _export_replica(words[1:], program)
    if words[:1] == ["outbox"]:
        return _outbox(words[1:], program)
    parser = _client_parser(program)
    arguments = parser.parse_args(words)
    choices = _client_choices(parser, arguments)
    prepare_output()
    as_json = choices.form == "json"
    to_screen, from_screen = _is_terminal(sys.stdout), _is_terminal(sys.stdin)
    if arguments.id and from_screen:
        _report_failure(program, Phrase("usage.label_at_terminal"), as_json=as_json)
        return ExitCode.USAGE
    is_for_person = to_screen and from_screen and not as_json
    editor = _open_editor() if is_for_person else None
    wanted = _client_options(choices, arguments, to_screen=to_screen, is_edited=editor is not None)
    write_out = writing_to(sys.stdout) if editor is None else editor.write
    write_err = remark if editor is None or not _is_terminal(sys.stderr) else editor.write
    signal = write_out if editor is None else editor.signal
    say = partial(_say_phrase, write=write_err)

    def make_interface(made: ClientCore, store: ClientStore) -> client_app.Interface:
        preferences = _preferences(wanted, say)
        prompt = Prompt(made, archive=store, parse_time=moment_ms, is_typed=is_for_person, preferences=preferences)
        draw: Draw = partial(plain_lines, zone=None, numbers_lines=not from_screen)
        if editor is not None:
            editor.prompt = lambda: prompt_of(prompt)
        if is_for_person:
            draw = _screen_lines(prompt, is_edited=editor is not None).draw
        return Lines(
            prompt,
            Printer(write_out, write_err, draw=draw, as_json=as_json),
            ExitRule(count=choices.count, follow=choices.follow),
            is_for_person=is_for_person,
            numbers_lines=not from_screen,
            label_id=wanted.label_id,
            kept=_kept(wanted, made.model.connection.server) if store.is_durable else sentence("not_kept"),
            call=_caller(preferences, signal, say) if is_for_person else None,
        )

    def run() -> int:
        raw = standard_input()
        source = LineReader(raw) if editor is None else editor
        choose = Chooser(raw, say) if is_for_person and _is_terminal(sys.stderr) else None
        return client_app.run(wanted, client_app.Frontend(make_interface, source, say, choose))

    return _guarded(program, run, as_json=as_json)


def _preferences(used: client_app.ClientOptions, say: Callable[[Phrase], object]) -> Preferences:
    """What the person has set, kept beside the stores of the nick."""
    file = PreferenceFile(client_state.store_folder(used.data, used.nick), say)
    return Preferences(file.load(), file.save)


def _screen_lines(prompt: Prompt, *, is_edited: bool) -> ScreenLines:
    time_format = partial(prompt.preferences.choice, "time")
    return ScreenLines(
        nick=lambda: prompt.client.model.nick, now_ms=now_ms, is_edited=is_edited, time_format=time_format
    )


def _caller(
    preferences: Preferences, signal: Callable[[str], object], say: Callable[[Phrase], object]
) -> Callable[[Alert], None]:
    """A function that calls the person as they have set; `signal` sends a sequence to the terminal."""
    desktop = Desktop(say)

    def call(alert: Alert) -> None:
        signals = preferences.signals()
        if sequence := terminal_text(alert, signals):
            signal(sequence)
        if Signal.DESKTOP in signals:
            desktop.show(alert.title, alert.body)

    return call


def _open_editor() -> LineEditor | None:
    from udpchat.shell.editor import open_editor  # takes 80 ms to import, which a pipe need not wait for

    return open_editor(is_secret)


def _client_options(
    choices: options.ClientChoices, given: argparse.Namespace, *, to_screen: bool, is_edited: bool
) -> client_app.ClientOptions:
    history = choices.history
    return client_app.ClientOptions(
        nick=choices.nick,
        server=choices.server,
        rooms=choices.rooms,
        data=choices.data,
        history=history if history is not None else options.HISTORY_ON_SCREEN if to_screen else 0,
        timeout_s=choices.timeout_s,
        port=choices.port,
        label_id=given.id or "",
        discards=given.discard,
        shows_progress=_is_terminal(sys.stderr) and not is_edited,  # the editor's prompt shows it
    )


def _client_choices(parser: _Parser, given: argparse.Namespace, *, needs_nick: bool = True) -> options.ClientChoices:
    """What was chosen, in the environment and the config file too; what is wrong ends the program with one line."""
    try:
        return options.client_choices(
            vars(given), os.environ, default_config=options.client_config(), needs_nick=needs_nick
        )
    except options.OptionError as problem:
        parser.error(text_of(problem.phrase))


def host_or_join(words: Sequence[str], *, program: str) -> int:
    """Join the server used last; or, if that is of this machine or there is none yet, host one in the background.

    `words` are those of a client, and --host to host in any case. The exit code.
    """
    insists = "--host" in words
    words = [word for word in words if word != "--host"]
    parser = _client_parser(program)
    choices = _client_choices(parser, parser.parse_args(words))  # a wrong option must not leave a server behind
    prepare_output()
    if choices.server is not None and not insists:
        return client(words, program=program)
    found: list[str] = []

    def find() -> int:
        hosted = hosting.Hosting(choices.data, choices.port, choices.config, program)
        server = hosting.host_unless_used_elsewhere(hosted, insists=insists, report=_remark)
        found.extend([] if server is None else ["--server", server.name])
        return 0

    return _guarded(program, find, as_json=choices.form == "json") or client([*words, *found], program=program)


def stop(words: Sequence[str], *, program: str) -> int:
    """Stop the server that `host_or_join` left in the background; the exit code."""
    parser = _Parser(prog=f"{program} stop", description="Stops the server that is hosted here in the background.")
    parser.add_argument("--data", metavar="DIR", help=f"its folder ({options.data_folder()})")
    parser.add_argument("--config", metavar="FILE", help="TOML file with the option data")
    choices = _client_choices(parser, parser.parse_args(words), needs_nick=False)
    prepare_output()

    def run() -> int:
        hosting.stop(hosting.Hosting(choices.data, choices.port, choices.config, program), _remark)
        return 0

    return _guarded(parser.prog, run)


def _kept(used: client_app.ClientOptions, server: str) -> str:
    """What becomes of lines that are not confirmed, and what can be done about it."""
    whose = f"--nick {used.nick} --server {server}"
    if used.data != options.data_folder():
        whose += f" --data {shlex.quote(str(used.data))}"
    return sentence("kept_here", whose=whose)


def _outbox(argv: Sequence[str], program: str) -> int:
    parser = _Parser(
        prog=f"{program} outbox",
        description="Lists what was said and not confirmed, which the next start sends; or drops it. "
        "When it is dropped, whether the server has got any of that already is not known here.",
    )
    parser.add_argument("do", nargs="?", choices=("list", "drop"), default="list", help="list it (so without), or drop")
    _add_store_options(parser)
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    given = parser.parse_args(argv)
    choices = _store_choices(parser, given)
    prepare_output()

    def run() -> int:
        outbox.show(
            choices.data,
            choices.nick,
            choices.server,
            as_json=given.json,
            drops=given.do == "drop",
            write_out=writing_to(sys.stdout),
            say=_say_phrase,
        )
        return ExitCode.DONE

    return _guarded(parser.prog, run, as_json=given.json)


def _add_store_options(parser: _Parser) -> None:
    parser.add_argument("--nick", help="whose store")
    parser.add_argument("--server", metavar="HOST[:PORT]", help="of which server (the one used last)")
    parser.add_argument("--data", metavar="DIR", help=f"folder of keys and stores ({options.data_folder()})")
    parser.add_argument("--config", metavar="FILE", help="TOML file with these options")


def _store_choices(parser: _Parser, given: argparse.Namespace) -> options.ClientChoices:
    """Which store is meant: of the options of these commands, those that a client has too."""
    flags = {name: getattr(given, name) for name in ("nick", "server", "data", "config")}
    return _client_choices(parser, argparse.Namespace(**flags))


def _export_replica(argv: Sequence[str], program: str) -> int:
    parser = _Parser(prog=f"{program} export", description="Writes out what this client has of what was said.")
    _add_store_options(parser)
    _add_export_options(parser)
    given = parser.parse_args(argv)
    choices = _store_choices(parser, given)
    prepare_output()

    def run() -> int:
        return _export(operations.replica_of(choices.data, choices.nick, choices.server), given)

    return _guarded(parser.prog, run)


def _client_parser(program: str) -> _Parser:
    parser = _Parser(
        prog=program,
        commands=CLIENT_OPERATIONS,
        description="Joins a chat. Each line typed is a message to the current room; /help lists the commands.",
        epilog=f"What was said is written out by {program} export, what was not confirmed by {program} outbox. "
        "Each option but --id and --discard can also stand in a config file "
        f'(nick = "alice" in {options.client_config()}) or the environment (UDPCHAT_NICK).',
    )
    parser.add_argument("--nick", help="the name to go by")
    parser.add_argument(
        "--server",
        metavar="HOST[:PORT]",
        help="or udpchat://HOST[:PORT][#FINGERPRINT]; without it, the one used last, or at first that of this machine",
    )
    room_help = f"a room to join (those one was in, or {options.DEFAULT_ROOM}); repeatable"
    parser.add_argument("--room", action="append", help=room_help)
    form = parser.add_mutually_exclusive_group()
    switch: dict[str, Any] = {"action": "store_const", "const": True}  # None where it is not given
    form.add_argument("--plain", **switch, help="line mode, for people and simple pipes")
    form.add_argument("--json", **switch, help="line mode, a JSON object for each event")
    parser.add_argument("--data", metavar="DIR", help=f"folder of keys and stores ({options.data_folder()})")
    parser.add_argument("--config", metavar="FILE", help="TOML file with these options")
    parser.add_argument("--history", metavar="N", help="earlier messages of each room to show at most")
    parser.add_argument("--follow", **switch, help="stay when the input ends, and print what arrives")
    parser.add_argument("--count", metavar="N", help="end after N live messages from others")
    parser.add_argument("--timeout", metavar="S", help="end after S seconds")
    parser.add_argument(
        "--id", type=_typed(values.label_id), help="line k is the request ID:k: given again, it is the same message"
    )
    parser.add_argument("--discard", action="store_true", help="drop what earlier runs did not get confirmed")
    return parser


def _typed(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """A parser of `values` for `argparse`, which shows the text of this exception only."""

    def convert(text: str) -> Value:
        try:
            return parse(text)
        except Problem as problem:
            raise argparse.ArgumentTypeError(sentence("usage.value", reason=problem.phrase)) from problem

    return convert


# --- Both ----------


def _say(line: str, write: Callable[[str], object] = remark) -> None:
    """Write one line, made safe."""
    write(f"{printable(line)}\n")


def _say_phrase(phrase: Phrase, write: Callable[[str], object] = remark) -> None:
    _say(text_of(phrase), write)


def _remark(phrase: Phrase) -> None:
    _say(f"-- {text_of(phrase)}")


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _report_failure(program: str, reason: Phrase, *, as_json: bool) -> None:
    """One line for people; and for programs an event, if the output can still take it."""
    _say(f"{program}: {text_of(reason)}")
    if as_json:
        with suppress(BrokenPipeError, OutputFailed):
            event = events.Error(reason.key, reason.values)
            writing_to(sys.stdout)(f"{json_line(json_event(event))}\n")


def _guarded(program: str, run: Callable[[], int], *, shows_traces: bool = False, as_json: bool = False) -> int:
    """The exit code of `run`, whatever it raises: a person gets one line, and a program an `error` event if `as_json`.

    Where nobody reads the output any more it ends with ERROR and without a word: there is nobody to read that either.
    """
    try:
        return run()
    except BrokenPipeError:
        abandon_output()
        return ExitCode.ERROR
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except tuple(kind for kind, *_ in FAILURES) as error:
        code, exit_code = next((code, exit_code) for kind, code, exit_code in FAILURES if isinstance(error, kind))
        reason = error.phrase if isinstance(error, Problem) else Phrase(f"{code}.text", {"text": str(error)})
    except Exception as error:
        if shows_traces:
            traceback.print_exc()
        reason = Phrase("internal", {"error": f"{type(error).__name__}: {error}"})
        exit_code = ExitCode.ERROR
    _report_failure(program, reason, as_json=as_json and reason.code != "output_failed")
    if reason.code == "output_failed":
        abandon_output()
    return exit_code
