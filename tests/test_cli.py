"""The console scripts: options, usage errors, and what a person is told when something breaks."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, NoReturn

import pytest

from udpchat import __version__, cli
from udpchat.chat.phrase import Problem
from udpchat.shell import editor, server_app
from udpchat.shell.addresses import ListenAddress, ServerAddress
from udpchat.shell.client_app import ClientOptions, Frontend
from udpchat.shell.data_folder import DataUnusable, remember_server
from udpchat.shell.ending import TimedOut
from udpchat.shell.hosting import Hosting
from udpchat.shell.logging_setup import LogOptions
from udpchat.shell.maintenance import OperationFailed
from udpchat.shell.net.endpoint import EndpointError
from udpchat.shell.net.server_choice import NoServer
from udpchat.shell.options import PresenceTimes, ServerOptions, data_folder
from udpchat.shell.retention import Retention
from udpchat.storage.store_interfaces import Durability, StoreUnusable
from udpchat.streams import Streams, open_streams
from udpchat.ui.phrases import text_of

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def no_choices_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.os, "environ", {})
    monkeypatch.setattr(cli.options, "client_config", lambda: Path("no such folder") / "client.toml")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServerOptions]:
    runs: list[ServerOptions] = []
    monkeypatch.setattr(server_app, "run", lambda options, reread: runs.append(options) or 0)
    return runs


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> list[ClientOptions]:
    runs: list[ClientOptions] = []

    def run(options: ClientOptions, _: Frontend) -> int:
        runs.append(options)
        return 0

    monkeypatch.setattr(cli.client_app, "run", run)
    return runs


def usage_error(capsys: Capture, arguments: list[str]) -> str:
    """The one line that is said; asserts exit code 2."""
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1 and said.err.endswith("--help\n")
    return said.err


def test_a_server_needs_no_option(served: list[ServerOptions]) -> None:
    assert cli.server([]) == 0
    assert (served[0].bind, served[0].port, served[0].data) == (("::",), 47747, data_folder())


def test_every_option_of_the_server_arrives(served: list[ServerOptions], tmp_path: Path) -> None:
    given = ["--bind", "127.0.0.1", "--bind", "::1", "--port", "0", "--data", str(tmp_path), "--name", "home"]
    given += ["--heartbeat", "1", "--expiry", "3", "--durability", "os", "--retention", "1h,9", "--yes"]
    given += ["--log-level", "error", "--log-format", "json", "--log-file", str(tmp_path / "log"), "--log-files", "2"]
    given += ["--log-file-size", "1M", "--log-addresses", "no", "--metrics", "[::1]:9747"]
    assert cli.main(["server", *given]) == 0
    kept = Retention(3_600, 9)
    bind = ("127.0.0.1", "::1")
    presence, log = PresenceTimes(1.0, 3.0), LogOptions("error", "json", tmp_path / "log", 1 << 20, 2, False)
    metrics = ListenAddress("::1", 9747)
    assert served == [ServerOptions(bind, 0, tmp_path, "home", presence, Durability.OS, kept, log, metrics)]


def test_a_client_needs_a_nick_only(joined: list[ClientOptions]) -> None:
    assert cli.client(["--nick", "alice"]) == 0
    assert joined == [ClientOptions(nick="alice", server=None, rooms=(), data=data_folder())]


def test_every_option_of_the_client_arrives(joined: list[ClientOptions], tmp_path: Path) -> None:
    given = ["--nick", "alice", "--server", "udpchat://host:5", "--room", "#Ops", "--room", "lobby", "--room", "ops"]
    given += ["--data", str(tmp_path), "--history", "7", "--timeout", "2.5", "--json", "--follow", "--count", "3"]
    given += ["--id", "nightly build", "--discard", "--receipts"]
    assert cli.main(["client", *given]) == 0
    wanted = ClientOptions(
        "alice", ServerAddress("host", 5), ("ops", "lobby"), tmp_path, 7, 2.5, "nightly build", True, receipts=True
    )
    assert joined == [wanted]


def test_an_option_of_two_words_arrives(joined: list[ClientOptions], monkeypatch: pytest.MonkeyPatch) -> None:
    forms: list[str] = []

    def opened(form: str) -> Streams:
        forms.append(form)
        return open_streams(form)

    monkeypatch.setattr(cli, "open_streams", opened)
    assert cli.client(["--nick", "alice", "--no-color"]) == 0
    assert forms == ["no-color"]


def test_a_client_takes_its_choices_from_the_environment_and_its_file_too(
    joined: list[ClientOptions], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "client.toml"
    config.write_text('nick = "bob"\nroom = ["ops"]\n')
    monkeypatch.setattr(cli.options, "client_config", lambda: config)
    monkeypatch.setattr(cli.os, "environ", {"UDPCHAT_SERVER": "host", "UDPCHAT_PORT": "5", "UDPCHAT_HISTORY": "3"})
    assert cli.client(["--data", str(tmp_path)]) == 0
    assert joined == [ClientOptions("bob", ServerAddress("host"), ("ops",), tmp_path, 3, port=5)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "UDPCHAT_NICK"),
        (["--nick", "a", "stop"], "the command comes first: udpchat stop"),
        (["status", "--josn"], "did you mean --json"),
        (["serve"], "serve"),
        (["client"], "UDPCHAT_NICK"),
        (["client", "export"], "UDPCHAT_NICK"),
        (["client", "--nick", "a", "--config", "/no/such/file"], "/no/such/file"),
        (["client", "--nick", "a b"], "space"),
        (["client", "--nick", "a\x1b[2Jb"], "U+001B"),
        (["client", "--nick", "x" * 33], "32"),
        (["client", "--nick", "a", "--server", "host:0"], "port"),
        (["client", "--nick", "a", "--server", "host#x"], "fingerprint"),
        (["client", "--nick", "a", "--room", "a b"], "space"),
        (["client", "--nick", "a", "--plain", "--json"], "not allowed"),
        (["client", "--nick", "a", "--count", "0"], "--count"),
        (["client", "--nick", "a", "--history", "-1"], "--history"),
        (["client", "--nick", "a", "--timeout", "nan"], "--timeout"),
        (["client", "--nick", "a", "--id", ""], "--id"),
        (["client", "--nick", "a", "--id", "x\x1b[2J"], "--id"),
        (["client", "--nick", "a", "--id", "x" * 65], "64"),
        (["client", "outbox", "--nick", "a", "burn"], "burn"),
        (["client", "--nick", "a", "--fol"], "--fol"),
        (["client", "--nick", "a", "--\x1b[2J"], "unrecognized"),
        (["server", "--port", "x"], "--port"),
        (["server", "--config", "/no/such/file"], "/no/such/file"),
        (["server", "--heartbeat", "30"], "longer"),
        (["server", "extra"], "extra"),
        (["server", "backup", "one", "two"], "unrecognized argument two"),
        (["server", "--data", "here", "backup", "file"], "the command comes first: udpchat server backup"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_2(capsys: Capture, arguments: list[str], words: str) -> None:
    said = usage_error(capsys, arguments)
    assert words in said and "\x1b" not in said


@pytest.mark.parametrize("retention", ["2s", "59m", "30", "30d,999", "2s,10000"])
def test_a_retention_that_deletes_nearly_all_is_repeated_with_yes_wherever_it_stands(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, served: list[ServerOptions], tmp_path: Path, retention: str
) -> None:
    config = tmp_path / "server.toml"
    config.write_text(f'retention = "{retention}"\n')
    data = ["server", "--data", str(tmp_path)]
    for given in (["--retention", retention], ["--config", str(config)]):
        assert "deletes all else for good; if you mean it, add --yes" in usage_error(capsys, data + given)
        assert cli.main([*data, *given, "--yes"]) == 0
    monkeypatch.setattr(cli.os, "environ", {"UDPCHAT_RETENTION": retention})
    assert "add --yes" in usage_error(capsys, data)
    assert cli.main([*data, "--yes"]) == 0
    assert len(served) == 3


@pytest.mark.parametrize("retention", ["", "forever", "1h", "30d", "1000", "1h,1000"])
def test_a_retention_that_keeps_enough_needs_no_yes(
    served: list[ServerOptions], tmp_path: Path, retention: str
) -> None:
    assert cli.main(["server", "--data", str(tmp_path), "--retention", retention]) == 0


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["sevrer"], "there is no command sevrer; did you mean server?"),
        (["clinet", "--nick", "a"], "there is no command clinet; did you mean client?"),
        (["server", "bakcup", "file"], "there is no command bakcup; did you mean backup?"),
        (["server", "restor", "--force"], "there is no command restor; did you mean restore?"),
        (["client", "192.0.2.7"], "192.0.2.7 is no command; to chat on that server: --server 192.0.2.7"),
        (["udpchat://[::1]:5000"], "to chat on that server: --server udpchat://[::1]:5000"),
        (["server", "ops.example"], "there is no command ops.example"),
        (["server", "--heartbeet", "5"], "unrecognized option --heartbeet; did you mean --heartbeat?"),
        (["server", "--retension=3d"], "unrecognized option --retension; did you mean --retention?"),
        (["server", "export", "--rom", "lobby"], "unrecognized option --rom; did you mean --room?"),
        (["client", "--nikc", "alice"], "unrecognized option --nikc; did you mean --nick?"),
        (["client", "-nick", "alice"], "unrecognized option -nick; did you mean --nick?"),
        (["client", "exprot", "--nick", "alice"], "there is no command exprot; did you mean export?"),
        (["client", "export", "--ncik", "alice"], "unrecognized option --ncik; did you mean --nick?"),
    ],
)
def test_what_was_misspelt_gets_a_suggestion(capsys: Capture, arguments: list[str], suggestion: str) -> None:
    assert suggestion in usage_error(capsys, arguments)


@pytest.mark.parametrize("option", ["--plain", "--json"])
@pytest.mark.parametrize(("from_terminal", "to_terminal"), [(True, True), (True, False), (False, True), (False, False)])
def test_lines_are_edited_where_a_person_types_and_reads(
    joined: list[ClientOptions], monkeypatch: pytest.MonkeyPatch, option: str, from_terminal: bool, to_terminal: bool
) -> None:
    opened: list[int] = []
    monkeypatch.setattr(editor, "open_editor", lambda is_secret: opened.append(1))
    monkeypatch.setattr(cli.sys.stdin, "isatty", lambda: from_terminal, raising=False)
    monkeypatch.setattr(cli.sys.stdout, "isatty", lambda: to_terminal, raising=False)
    assert cli.client(["--nick", "alice", option]) == 0
    assert bool(opened) is (from_terminal and to_terminal and option == "--plain")


@pytest.mark.parametrize("arguments", [["--version"], ["server", "--version"], ["client", "--version"]])
def test_the_version_is_said(capsys: Capture, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"{' '.join(['udpchat', *arguments[:-1]])} {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["server", "--help"], ["client", "--help"]])
def test_there_is_help(capsys: Capture, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: udpchat")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (EndpointError("UDP port 5 is in use"), 1, "udpchat-server: UDP port 5 is in use\n"),
        (ValueError("evil\x1b[2J\nlines"), 1, "internal error"),
        (BrokenPipeError(), 1, ""),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_breaks_is_one_line_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, error: BaseException, code: int, words: str
) -> None:
    def fail(options: ServerOptions, reread: object) -> int:
        raise error

    monkeypatch.setattr(server_app, "run", fail)
    monkeypatch.setattr(cli, "abandon_output", lambda: None)
    assert cli.server([]) == code
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == (1 if words else 0) and "\x1b" not in said


@pytest.mark.parametrize(
    ("error", "exit_code", "code"),
    [
        (NoServer("no_server.given_up", url="u"), 3, "no_server"),
        (TimedOut("timed_out"), 5, "timed_out"),
        (DataUnusable("data_unusable.no_key", path="p"), 1, "data_unusable"),
        (StoreUnusable("damaged"), 1, "store_unusable"),
        (EndpointError("no socket"), 1, "network_unusable"),
        (RuntimeError("ours"), 1, "internal"),
    ],
)
def test_a_client_that_cannot_start_says_why_to_people_and_with_json_to_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, error: Exception, exit_code: int, code: str
) -> None:
    def fail(options: ClientOptions, _: Frontend) -> int:
        raise error

    monkeypatch.setattr(cli.client_app, "run", fail)
    for options in ([], ["--json"]):
        assert cli.client(["--nick", "alice", *options]) == exit_code
        said = capsys.readouterr()
        words = text_of(error.phrase) if isinstance(error, Problem) else str(error)
        assert words in said.err and said.err.count("\n") == 1
        events = [json.loads(line) for line in said.out.splitlines()]
        assert [(event["event"], event["code"]) for event in events] == [("error", code)] * len(options)


def test_an_id_is_not_for_what_is_typed_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, joined: list[ClientOptions]
) -> None:
    monkeypatch.setattr(cli.sys.stdin, "isatty", lambda: True)
    assert cli.client(["--nick", "alice", "--id", "x", "--json"]) == 2
    said = capsys.readouterr()
    assert "--id" in said.err and json.loads(said.out)["code"] == "usage" and joined == []


def test_who_debugs_is_shown_a_traceback(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def fail(options: ServerOptions, reread: object) -> int:
        raise ValueError("inside")

    monkeypatch.setattr(server_app, "run", fail)
    assert cli.server(["--log-level", "debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


# --- Settings ----------


def test_a_client_shows_each_setting_with_its_origin(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "client.toml"
    config.write_text(
        '# mine\nnick = "file"\nhistory = 7\nheartbeat = 5\nkeys.reply = ["f10", "alt+r"]\nkeys.suspend = []\n'
    )
    monkeypatch.setattr(cli.options, "client_config", lambda: config)
    monkeypatch.setattr(cli.os, "environ", {"UDPCHAT_ROOM": "ops,dev"})
    remember_server(tmp_path, "10.0.0.5:47747")
    words = ["client", "config", "--data", str(tmp_path), "--nick", "alice"]
    assert cli.main(words) == 0
    said = capsys.readouterr()
    assert said.err == f"-- config file: {config}\n"
    rows = [re.split(" {2,}", line) for line in said.out.splitlines()]
    assert {row[0] for row in rows} == {*cli.options.CLIENT_SETTINGS, *cli.parsers.key_table().settings}
    for expected in (
        ["nick", "alice", "--nick"], ["room", "ops, dev", "UDPCHAT_ROOM"], ["history", "7", f"{config}, line 3"],
        ["server", "udpchat://10.0.0.5:47747", "used last"], ["follow", "false", "default"], ["count", "-", "default"],
        ["keys.reply", "F10, Alt+R", f"{config}, line 5"], ["keys.suspend", "-", f"{config}, line 6"],
        ["keys.edit", "Alt+E, F5", "default"],
    ):  # fmt: skip
        assert expected in rows
    assert cli.main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["history"] == {"value": 7, "source": "file", "place": str(config), "line": 3}
    assert found["keys.suspend"] == {"value": [], "source": "file", "place": str(config), "line": 6}
    assert found["room"] == {"value": ["ops", "dev"], "source": "environment", "place": "UDPCHAT_ROOM", "line": None}
    assert found["nick"] == {"value": "alice", "source": "flag", "place": "--nick", "line": None}
    assert found["server"]["source"] == "used_last" and found["json"]["value"] is False


@pytest.mark.parametrize("program", ["server", "client"])
def test_the_example_sets_everything_to_its_default_and_is_right(capsys: Capture, program: str, tmp_path: Path) -> None:
    assert cli.main([program, "config", "--example"]) == 0
    text = capsys.readouterr().out
    config = tmp_path / "example.toml"
    config.write_text(text, encoding="utf-8")
    assert cli.main([program, "config", "--check", "--config", str(config)]) == 0
    assert capsys.readouterr().out == f"nothing is wrong (config file: {config})\n"
    settings = cli.options.SERVER_SETTINGS if program == "server" else cli.options.CLIENT_SETTINGS
    defaults = cli.options.choices(settings, {}, {}).values
    found = cli.options.choices(settings, {"config": str(config)}, {})
    assert found.values == defaults
    text, _, keys = text.partition("\n[keys]\n")
    named = {line.removeprefix("# ").partition(" = ")[0] for line in text.splitlines() if " = " in line}
    assert named == set(settings), "each is there, also where nothing is its default"
    assert bool(keys) is (program == "client") and all(line.startswith("# ") for line in keys.splitlines())
    commented = text.replace("# history", "history").replace("# count", "count").replace("# timeout", "timeout")
    assert set(tomllib.loads(commented)) == set(settings)


def test_a_check_prints_everything_that_is_wrong_and_ends_with_1(capsys: Capture, tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text('prot = 5\n\nname = "x"\nport = 99999\nnick = "other program"\n')
    words = ["server", "config", "--config", str(config)]
    assert cli.main([*words, "--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{config}, line 1: there is no setting 'prot'; did you mean port?",
        f"{config}, line 4: port cannot be '99999': a port is a number from 0 (any free one) to 65535",
    ]
    assert "line 1: there is no setting" in usage_error(capsys, words)


@pytest.mark.parametrize(
    ("program", "text", "said"),
    [
        ("server", "heartbeat = 30", "must be longer than --heartbeat"),
        ("server", 'retention = "30"', "deletes all else for good"),
        ("client", "plain = true\njson = true", "plain and json are not allowed together"),
    ],
)
def test_a_check_finds_what_is_wrong_together(
    capsys: Capture, tmp_path: Path, program: str, text: str, said: str
) -> None:
    config = tmp_path / "a.toml"
    config.write_text(text)
    assert cli.main([program, "config", "--check", "--config", str(config), "--data", str(tmp_path)]) == 1
    assert said in capsys.readouterr().out


def test_wrong_keys_are_named_with_their_lines_and_keep_a_client_from_starting(capsys: Capture, tmp_path: Path) -> None:
    config = tmp_path / "a.toml"
    config.write_text('nick = "alice"\n[keys]\nreply = "F4"\nsend = []\nedti = "F10"\nbare = "Ctlr+G"\ndelete = "x"\n')
    words = ["--config", str(config), "--data", str(tmp_path)]
    assert cli.main(["client", "config", "--check", *words]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{config}, line 5: there is no setting 'keys.edti'; did you mean keys.edit?",
        f"{config}, line 7: keys.delete cannot be 'x': 'x' is typed, and so are all characters: take a key like F10,"
        " Ctrl+G or Alt+G",
        f"{config}, line 6: keys.bare cannot be 'Ctlr+G': there is no key 'Ctlr+G'; did you mean Ctrl+G?",
        f"{config}, line 4: keys.send cannot be '': this action has to have a key",
        f"{config}, line 3: keys.reply cannot be 'F4': F4 is a key of active too: give that another, or this",
    ]
    assert "line 5: there is no setting 'keys.edti'" in usage_error(capsys, ["client", *words])


def test_a_server_ignores_the_keys_of_a_client_that_shares_its_file(capsys: Capture, tmp_path: Path) -> None:
    config = tmp_path / "a.toml"
    config.write_text("port = 5\n[keys]\nsend = 5\n")
    assert cli.main(["server", "config", "--check", "--config", str(config), "--data", str(tmp_path)]) == 0
    capsys.readouterr()


def test_a_program_to_run_that_is_not_there_is_one_line(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    said = usage_error(capsys, ["client", "--nick", "a", "--notify-command", "no-such-program x"])
    assert "--notify-command cannot be 'no-such-program x': there is no program no-such-program that can be run" in said
    monkeypatch.setenv("UDPCHAT_NOTIFY_COMMAND", "'")
    assert "UDPCHAT_NOTIFY_COMMAND cannot be" in usage_error(capsys, ["client", "--nick", "a"])


def test_without_a_config_file_it_is_said_where_one_would_be_read(capsys: Capture) -> None:
    assert cli.main(["client", "config"]) == 0
    path = cli.options.client_config()
    assert capsys.readouterr().err == f"-- no config file is read; there is none at {path}\n"
    assert cli.main(["server", "config"]) == 0
    assert capsys.readouterr().err == "-- no config file is read\n"


# --- Hosting ----------


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Hosting, bool]]:
    """What was to be hosted, and whether the person insisted; it is hosted at 127.0.0.1:5 then."""
    found: list[tuple[Hosting, bool]] = []

    def host(wanted: Hosting, *, insists: bool, choose: Any, report: Any) -> ServerAddress:
        found.append((wanted, insists))
        return ServerAddress("127.0.0.1", 5)

    monkeypatch.setattr(cli, "find_or_host", host)
    return found


def test_it_hosts_and_joins_what_it_hosts_with_one_port_and_folder(
    hosted: list[tuple[Hosting, bool]], joined: list[ClientOptions], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cli.os, "environ", {"UDPCHAT_PORT": "5000", "UDPCHAT_DATA": str(tmp_path)})
    for words, insists in ((["--nick", "alice"], False), (["--nick", "alice", "--host"], True)):
        assert cli.host_or_join(words, program="scripts/chat") == 0
        assert hosted.pop() == (Hosting(tmp_path, 5000, None, "scripts/chat"), insists)
        expected = ClientOptions("alice", ServerAddress("127.0.0.1", 5), (), tmp_path, port=5000)
        assert joined.pop() == expected


def test_with_a_server_named_nothing_is_hosted_but_by_insisting(
    hosted: list[tuple[Hosting, bool]], joined: list[ClientOptions]
) -> None:
    assert cli.host_or_join(["--nick", "alice", "--server", "there"], program="scripts/chat") == 0
    assert hosted == [] and joined.pop().server == ServerAddress("there")
    assert cli.host_or_join(["--nick", "alice", "--server", "there", "--host"], program="scripts/chat") == 0
    assert len(hosted) == 1 and joined.pop().server == ServerAddress("127.0.0.1", 5)


def test_a_server_used_elsewhere_is_left_to_the_client(
    joined: list[ClientOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "find_or_host", lambda *_, **__: None)
    assert cli.host_or_join(["--nick", "alice"], program="scripts/chat") == 0
    assert joined.pop().server is None


def test_what_cannot_be_hosted_is_one_line_and_nothing_is_joined(
    joined: list[ClientOptions], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise OperationFailed("failed.hosting", reason="the disk is full")

    monkeypatch.setattr(cli, "find_or_host", fail)
    assert cli.host_or_join(["--nick", "alice"], program="scripts/chat") == 1
    assert joined == [] and capsys.readouterr().err == "scripts/chat: cannot host: the disk is full\n"


def test_a_wrong_option_hosts_nothing(hosted: list[tuple[Hosting, bool]], capsys: Capture) -> None:
    for words in ([], ["--nick", "a b"], ["--nick", "alice", "--cuont", "3"]):
        with pytest.raises(SystemExit) as ended:
            cli.host_or_join(words, program="scripts/chat")
        assert ended.value.code == 2 and hosted == []
        assert capsys.readouterr().err.startswith("scripts/chat: ")


def test_stop_needs_no_nick(monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path) -> None:
    assert cli.stop(["--data", str(tmp_path)], program="scripts/chat") == 0
    assert capsys.readouterr().err == f"-- no server runs on {tmp_path}\n"


@pytest.mark.parametrize(
    ("words", "program", "arguments"),
    [
        (["server", "--port", "0"], "server", ["--port", "0"]),
        (["client", "--nick", "a"], "client", ["--nick", "a"]),
        (["stop"], "stop", []),
        (["status", "--json"], "status", ["--json"]),
        (["servers", "--watch"], "servers", ["--watch"]),
        (["export", "--nick", "a"], "client", ["export", "--nick", "a"]),
        (["--nick", "a", "--host"], "host_or_join", ["--nick", "a", "--host"]),
        ([], "host_or_join", []),
    ],
)
def test_udpchat_hosts_or_joins_unless_the_first_word_is_a_command(
    monkeypatch: pytest.MonkeyPatch, words: list[str], program: str, arguments: list[str]
) -> None:
    called: list[tuple[str, list[str]]] = []
    for name in ("server", "client", "stop", "status", "servers", "host_or_join"):
        monkeypatch.setattr(cli, name, lambda rest, *, program, name=name: called.append((name, rest)) or 7)
    assert cli.main(words) == 7
    assert called == [(program, arguments)]


def test_status_without_a_server_says_so_and_ends_with_1(capsys: Capture, tmp_path: Path) -> None:
    for form, said in (([], f"no server runs on {tmp_path}\n"), (["--json"], '"running": false')):
        assert cli.main(["status", "--data", str(tmp_path), *form]) == 1
        assert said in capsys.readouterr().out
