"""The console scripts: `udpchat-server`, `udpchat-client`, and `udpchat`, which hosts or joins, with its commands.

Exit codes are those of `ExitCode`. Nobody is shown a traceback.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from udpchat import parsers
from udpchat.chat import events
from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.phrase import Phrase, Problem
from udpchat.chat.text import json_line, printable
from udpchat.chat.times import iso_time
from udpchat.client.compose import LocalError, secret_of, set_password
from udpchat.client.login import Login
from udpchat.client.operator_dialogues import RequestRefused
from udpchat.client.server_search import FoundServer
from udpchat.shell import client_app, config_report, hosting, listing, maintenance, options, outbox, reloading
from udpchat.shell.choosing import Chooser
from udpchat.shell.data_folder import DataUnusable, last_nick, open_folder, remember_nick
from udpchat.shell.ending import TimedOut
from udpchat.shell.first_run import ask_nick, login_nick
from udpchat.shell.hidden_line import HiddenLine
from udpchat.shell.host_or_join import find_or_host
from udpchat.shell.logging_setup import LogUnusable
from udpchat.shell.maintenance import OperationFailed
from udpchat.shell.net.endpoint import EndpointError
from udpchat.shell.net.reach import NoServer
from udpchat.shell.net.server_choice import Impostor
from udpchat.shell.password_source import PasswordUnread, password_at
from udpchat.shell.retention import objection
from udpchat.shell.stdio import OutputFailed, abandon_output, prepare_output, remark, standard_input, writing_to
from udpchat.storage.backup import Exported
from udpchat.storage.store_interfaces import StoreError
from udpchat.streams import is_terminal, new_password, open_streams, password_frontend
from udpchat.ui.json_events import json_event
from udpchat.ui.phrases import sentence, text_of
from udpchat.ui.printing import aligned, message_line
from udpchat.wire.frames import Proof

FAILURES: Final[tuple[tuple[type[Exception], str, ExitCode], ...]] = (  # each with its error code in JSON
    (NoServer, "", ExitCode.NO_SERVER),  # a Problem has its code
    (Impostor, "", ExitCode.REFUSED),
    (TimedOut, "", ExitCode.TIMED_OUT),
    (DataUnusable, "", ExitCode.ERROR),
    (LogUnusable, "", ExitCode.ERROR),
    (StoreError, "store_unusable", ExitCode.ERROR),
    (EndpointError, "network_unusable", ExitCode.ERROR),
    (OperationFailed, "", ExitCode.ERROR),
    (PasswordUnread, "", ExitCode.ERROR),
    (LocalError, "", ExitCode.REFUSED),  # a code or password that cannot be one
    (RequestRefused, "", ExitCode.ERROR),
    (OutputFailed, "output_failed", ExitCode.ERROR),
)


def main(argv: Sequence[str] | None = None, *, program: str = "udpchat") -> int:
    """`udpchat`: host or join, and chat; or one of the commands; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    match arguments:
        case ["server" | "client" as word, *rest]:
            return (server if word == "server" else client)(rest, program=f"{program} {word}")
        case ["stop" | "status" | "servers" | "doctor" as word, *rest]:
            command = {"stop": stop, "status": status, "servers": servers, "doctor": doctor}[word]
            return command(rest, program=program)
        case [word, *_] if word in parsers.CLIENT_OPERATIONS:
            return client(arguments, program=program)
        case _:
            return host_or_join(arguments, program=program)


# --- The server ----------


def server(argv: Sequence[str] | None = None, *, program: str = "udpchat-server") -> int:
    """Run a server, or one of OPERATIONS on its log; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in parsers.OPERATIONS:
        return _operate(arguments[0], arguments[1:], program)
    if arguments and arguments[0] in parsers.OPERATOR_COMMANDS:
        return _command(arguments[0], arguments[1:], program)
    if arguments[:1] == [parsers.CONFIG]:
        return _show_config(arguments[1:], program, of_server=True)
    parser = parsers.server_parser(program)
    flags = _flags(parser.parse_args(arguments))
    prepare_output()
    try:
        chosen = _server_options(flags)
    except options.OptionError as problem:
        parser.error(text_of(problem.phrase))
    from udpchat.shell import server_app  # a quarter of what a client would import, and does not need

    def reread() -> options.ServerOptions:
        try:
            return _server_options(flags)
        except options.OptionError as problem:
            raise reloading.Unreadable(text_of(problem.phrase)) from problem

    return _guarded(program, lambda: server_app.run(chosen, reread), shows_traces=chosen.log.level == "debug")


def _flags(given: argparse.Namespace) -> dict[str, Any]:
    """What was given, by the names of the options."""
    return {name.replace("_", "-"): value for name, value in vars(given).items()}


def _server_options(flags: Mapping[str, Any]) -> options.ServerOptions:
    """All that was chosen, also in the environment and the config file. Raises `OptionError`."""
    chosen = options.server_options(flags, os.environ)
    doubt = objection(chosen.retention, chosen.data / maintenance.LOG_FILE)
    if doubt and not flags["yes"]:
        raise options.OptionError(doubt.key, **doubt.values)
    return chosen


def _command(name: str, argv: Sequence[str], program: str) -> int:
    """One of OPERATOR_COMMANDS; the exit code."""
    from udpchat import operator_commands  # has a server in it, which a client does not need

    parser = parsers.operator_parser(program, name)
    given = parser.parse_args(argv)
    fault = parsers.operator_fault(name, given)
    if fault is not None:
        parser.error(text_of(fault))
    prepare_output()
    data = _data_folder(parser, given)

    def run() -> int:
        done = operator_commands.run(name, given, data)
        _write_lines(done.lines)
        for said in done.remarks:
            _say_phrase(said)
        return done.code

    return _guarded(parser.prog, run, as_json=name in parsers.WITH_JSON and given.json)


def _data_folder(parser: parsers.Parser, given: argparse.Namespace) -> Path:
    """That of the server that is meant."""
    try:
        return options.server_options({"data": given.data, "config": given.config}, os.environ).data
    except options.OptionError as problem:
        parser.error(text_of(problem.phrase))


def _operate(name: str, argv: Sequence[str], program: str) -> int:
    """One of OPERATIONS; the exit code."""
    parser = parsers.operation_parser(program, name)
    given = parser.parse_args(argv)
    prepare_output()
    data = _data_folder(parser, given)

    def run() -> int:
        match name:
            case "backup":
                _say_phrase(maintenance.back_up(data, given.file, force=given.force))
            case "restore":
                _say_phrase(maintenance.restore(data, given.file, key=given.key))
            case "export":
                return _export(data / maintenance.LOG_FILE, given)
            case _:
                findings = maintenance.check(data)
                _write_lines(findings or ["no damage found"])
                return ExitCode.ERROR if findings else ExitCode.DONE
        return 0

    return _guarded(parser.prog, run)


def _export(source: Path, given: argparse.Namespace) -> int:
    draw = maintenance.json_of if given.json else _exported_line
    maintenance.export(source, given.file, draw, room=given.room, since_ms=given.since, force=given.force)
    return 0


def _exported_line(exported: Exported) -> str:
    """`2026-01-31T23:59:59.123Z [lobby] <bob> text`; in a conversation `[@alice] <bob> text`: whom it was said to."""
    line = message_line(maintenance.room_of(exported), exported.nick, exported.text, exported.kind)
    return printable(f"{iso_time(exported.time_ms)} {line}")


# --- The client ----------


def client(
    argv: Sequence[str] | None = None, *, program: str = "udpchat-client", remarks: Sequence[Phrase] = ()
) -> int:
    """Run a client, or one of its operations on what it has stored; the exit code.

    `remarks` were printed before, and are shown again on a full screen, which hides them.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["export"]:
        return _export_replica(words[1:], program)
    if words[:1] == ["outbox"]:
        return _outbox(words[1:], program)
    if words[:1] == [parsers.CONFIG]:
        return _show_config(words[1:], program, of_server=False)
    if words[:1] == ["password"]:
        return _set_password(words[1:], program)
    parser = parsers.client_parser(program)
    arguments = parser.parse_args(words)
    choices = _chat_choices(parser, arguments)
    streams = open_streams(choices.form)
    if streams.screen is not None:
        streams.screen.remarks = [f"-- {text_of(remark)}" for remark in remarks]
    if arguments.id and streams.is_typed:
        _report_failure(program, Phrase("usage.label_at_terminal"), as_json=streams.as_json)
        return ExitCode.USAGE
    wanted = _client_options(choices, arguments, is_drawn=streams.is_drawn)

    def run() -> int:
        proof = _proof(choices, arguments)
        return client_app.run(wanted, streams.frontend(choices, wanted, partial(_kept, wanted), proof))

    return _guarded(program, run, as_json=streams.as_json)


def _proof(choices: options.ClientChoices, given: argparse.Namespace) -> Proof | None:
    """What a person gave to show that they may go by a nick. Raises `PasswordUnread`, `LocalError`."""
    password = password_at(choices.password)
    if given.link is not None:
        return Proof(True, secret_of(given.link or " ", is_code=True))
    return Proof(False, secret_of(password, is_code=False)) if password else None


def _set_password(argv: Sequence[str], program: str) -> int:
    """Set or change the password of a nick; the exit code."""
    parser = parsers.password_parser(program)
    given = parser.parse_args(argv)
    flags = {name: value for name, value in vars(given).items() if name != "link"}
    choices = _chat_choices(parser, argparse.Namespace(**flags, plain=True))
    is_person = all(map(is_terminal, (sys.stdin, sys.stderr)))
    hidden = HiddenLine(standard_input())

    def run() -> int:
        proof = _proof(choices, given)
        password = new_password(choices.password, choices.nick, hidden if is_person else None)
        if not password:
            parser.error(sentence("password.not_given"))
        wanted = _client_options(choices, argparse.Namespace(id="", discard=False), is_drawn=False)
        login = Login(proof, can_ask=is_person)
        return client_app.run(wanted, password_frontend(set_password(password), login, hidden))

    return _guarded(parser.prog, run)


def _client_options(
    choices: options.ClientChoices, given: argparse.Namespace, *, is_drawn: bool
) -> client_app.ClientOptions:
    history, to_screen = choices.history, is_terminal(sys.stdout)
    return client_app.ClientOptions(
        nick=choices.nick,
        server=choices.server,
        rooms=choices.rooms,
        data=choices.data,
        history=history if history is not None else options.HISTORY_ON_SCREEN if to_screen else 0,
        timeout_s=choices.end.timeout_s,
        port=choices.port,
        label_id=given.id or "",
        discards=given.discard,
        receipts=choices.shown.receipts,
        remembers_nick=to_screen and is_terminal(sys.stdin) and choices.form != "json",
        shows_progress=is_terminal(sys.stderr) and not is_drawn,  # what draws shows it
    )


def _client_choices(
    parser: parsers.Parser, given: argparse.Namespace, *, needs_nick: bool = True
) -> options.ClientChoices:
    """What was chosen, in the environment and the config file too; what is wrong ends the program with one line."""
    try:
        return options.client_choices(
            _flags(given),
            os.environ,
            default_config=options.client_config(),
            needs_nick=needs_nick,
            table=parsers.key_table(),
        )
    except options.OptionError as problem:
        parser.error(text_of(problem.phrase))


def _chat_choices(parser: parsers.Parser, given: argparse.Namespace) -> options.ClientChoices:
    """What was chosen to chat with; where no nick was, that of a person at a terminal is the one used last, or asked.

    The output is prepared then.
    """
    choices = _client_choices(parser, given, needs_nick=False)
    prepare_output()
    is_person = choices.form != "json" and all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr)))
    if choices.nick:
        return choices
    nick = last_nick(choices.data) if is_person else ""
    if nick:
        _say(sentence("nick.used_last", nick=nick))
    elif is_person and (nick := ask_nick(standard_input(), _say_phrase, suggestion=login_nick())):
        with suppress(DataUnusable):  # reported when the folder is opened to chat
            remember_nick(open_folder(choices.data), nick)
        _say(sentence("nick.chosen", nick=nick))
    return choices.changed(nick=nick) if nick else _client_choices(parser, given)  # which says how to name one


def host_or_join(words: Sequence[str], *, program: str) -> int:
    """Join the server used last, or one of this LAN; if there is none, host one in the background and join it.

    `words` are those of a client, and --host to host in any case. The exit code.
    """
    parser = parsers.client_parser(program, hosts=True)
    given = parser.parse_args(words)
    choices = _chat_choices(parser, given)  # a wrong option must not leave a server behind
    words = [*(word for word in words if word != "--host"), "--nick", choices.nick]
    if choices.server is not None and not given.host:
        return client(words, program=program)
    found: list[str] = []
    remarks: list[Phrase] = []

    def report(phrase: Phrase) -> None:
        _remark(phrase)
        remarks.append(phrase)

    def find() -> int:
        wanted = _hosting(choices, program)
        is_person = choices.form != "json" and all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr)))
        choose = Chooser(standard_input(), _say_phrase) if is_person else None
        server = find_or_host(wanted, insists=given.host, choose=choose, report=report)
        found.extend([] if server is None else ["--server", server.address])
        return 0

    return _guarded(program, find, as_json=choices.form == "json") or client(
        [*words, *found], program=program, remarks=remarks
    )


def stop(words: Sequence[str], *, program: str) -> int:
    """Stop the server that `host_or_join` left in the background; the exit code."""
    parser = parsers.background_parser(program, "stop")
    choices = _client_choices(parser, parser.parse_args(words), needs_nick=False)
    prepare_output()

    def run() -> int:
        hosting.stop(_hosting(choices, program), _remark)
        return ExitCode.DONE

    return _guarded(parser.prog, run)


def status(words: Sequence[str], *, program: str) -> int:
    """Say whether a server is hosted here; the exit code, DONE if there is one and ERROR if not."""
    parser = parsers.background_parser(program, "status")
    given = parser.parse_args(words)
    choices = _client_choices(parser, argparse.Namespace(**{**vars(given), "json": None}), needs_nick=False)
    prepare_output()

    def run() -> int:
        wanted = _hosting(choices, program)
        found = hosting.status(wanted)
        line = json_line(found) if given.json else printable(text_of(hosting.status_phrase(wanted, found)))
        writing_to(sys.stdout)(f"{line}\n")
        return ExitCode.DONE if found["running"] else ExitCode.ERROR

    return _guarded(parser.prog, run, as_json=given.json)


def servers(words: Sequence[str], *, program: str) -> int:
    """List the servers that answer on this LAN; the exit code, DONE if there is one and NO_SERVER if not."""
    parser = parsers.servers_parser(program)
    given = parser.parse_args(words)
    prepare_output()
    port = _client_choices(parser, argparse.Namespace(port=given.port), needs_nick=False).port
    write_out = writing_to(sys.stdout)

    def show(server: FoundServer, is_there: bool) -> None:
        said = listing.as_object(server, is_there=is_there) if given.json else None
        line = printable(text_of(listing.phrase_of(server, is_there=is_there))) if said is None else json_line(said)
        write_out(f"{line}\n")

    def run() -> int:
        if listing.show_servers(port, show, watches=given.watch):
            return ExitCode.DONE
        raise NoServer("no_server.none_on_lan", port=port)

    return _guarded(parser.prog, run)


def doctor(words: Sequence[str], *, program: str) -> int:
    """Say what keeps one from chatting with a server; the exit code, DONE if nothing does and NO_SERVER otherwise."""
    from udpchat import doctor

    parser = parsers.doctor_parser(program)
    given = parser.parse_args(words)
    flags = argparse.Namespace(data=given.data, config=given.config)
    choices = _client_choices(parser, flags, needs_nick=False)
    prepare_output()

    def run() -> int:
        lines, code = doctor.run(
            given.server, choices.data, as_json=given.json, timeout_s=given.timeout or doctor.TIMEOUT_S
        )
        _write_lines(lines)
        return code

    return _guarded(parser.prog, run, as_json=given.json)


def _hosting(choices: options.ClientChoices, program: str) -> hosting.Hosting:
    return hosting.Hosting(choices.data, choices.port, choices.config, program)


def _kept(used: client_app.ClientOptions, server: str) -> str:
    """What becomes of lines that are not confirmed, and what can be done about it."""
    whose = f"--nick {used.nick} --server {server}"
    if used.data != options.data_folder():
        whose += f" --data {shlex.quote(str(used.data))}"
    return sentence("kept_here", whose=whose)


def _outbox(argv: Sequence[str], program: str) -> int:
    parser = parsers.outbox_parser(program)
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


def _store_choices(parser: parsers.Parser, given: argparse.Namespace) -> options.ClientChoices:
    """Which store is meant: of the options of these commands, those that a client has too."""
    flags = {name: getattr(given, name) for name in ("nick", "server", "data", "config")}
    return _client_choices(parser, argparse.Namespace(**flags))


def _export_replica(argv: Sequence[str], program: str) -> int:
    parser = parsers.export_parser(program)
    given = parser.parse_args(argv)
    choices = _store_choices(parser, given)
    prepare_output()

    def run() -> int:
        return _export(maintenance.replica_of(choices.data, choices.nick, choices.server), given)

    return _guarded(parser.prog, run)


# --- Both ----------


def _show_config(argv: Sequence[str], program: str, *, of_server: bool) -> int:
    """Show the settings of a program, an example of a config file, or what is wrong; the exit code."""
    parser = parsers.config_parser(program, of_server=of_server)
    given = parser.parse_args(argv)
    flags = {**_flags(given), "json": None}  # here it says how to show them
    settings = options.SERVER_SETTINGS if of_server else options.CLIENT_SETTINGS
    default, table = (None, None) if of_server else (options.client_config(), parsers.key_table())
    prepare_output()

    def run() -> int:
        if given.example:
            explained = (parsers.server_parser if of_server else parsers.client_parser)(program).explained
            head = [sentence("example.head", program=program), sentence("example.order")]
            return _write_lines([*head, *config_report.example(settings, explained, table)])
        found = options.choices(settings, flags, os.environ, default_config=default, table=table)
        faults = found.faults or _faults_together(flags, of_server=of_server)
        if given.check:
            lines = [text_of(fault) for fault in faults] or [sentence("config.fine", path=found.config)]
            return _write_lines(lines) or (ExitCode.ERROR if faults else ExitCode.DONE)
        for fault in faults:
            parser.error(text_of(fault))
        found = found if of_server else config_report.with_used_last(found)
        if given.json:
            return _write_lines([json_line(config_report.as_object(found))])
        _say(sentence("config.read" if found.config else "config.not_read", path=found.config or default))
        return _write_lines(aligned(config_report.rows(found)))

    return _guarded(parser.prog, run)


def _faults_together(flags: Mapping[str, Any], *, of_server: bool) -> Sequence[Phrase]:
    """What is wrong with settings that are right one by one."""
    try:
        if of_server:
            _server_options(flags)
        else:
            options.client_choices(flags, os.environ, default_config=options.client_config(), needs_nick=False)
    except options.OptionError as problem:
        return [problem.phrase]
    return []


def _write_lines(lines: Iterable[str]) -> int:
    writing_to(sys.stdout)("".join(f"{printable(line)}\n" for line in lines))
    return ExitCode.DONE


def _say(line: str, write: Callable[[str], object] = remark) -> None:
    """Write one line, made safe."""
    write(f"{printable(line)}\n")


def _say_phrase(phrase: Phrase, write: Callable[[str], object] = remark) -> None:
    _say(text_of(phrase), write)


def _remark(phrase: Phrase) -> None:
    _say(f"-- {text_of(phrase)}")


def _report_failure(program: str, reason: Phrase, *, as_json: bool) -> None:
    """One line for people; and for programs an event, if the output can still take it."""
    _say(f"{program}: {text_of(reason)}")
    if as_json:
        with suppress(BrokenPipeError, OutputFailed):
            event = events.Error(reason.key, reason.values)
            writing_to(sys.stdout)(f"{json_line(json_event(event))}\n")


def _guarded(program: str, run: Callable[[], int], *, shows_traces: bool = False, as_json: bool = False) -> int:
    """The exit code of `run`, whatever it raises: a person gets one line, and a program an `error` event if `as_json`.

    Where nobody reads the output any more it is ERROR, and nothing is printed.
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
