"""The commands of an operator, with real servers: each while it runs, and where none does."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.shell.waiting import Program, chatting, serving, url_of, wait_for
from udpchat import operator_commands
from udpchat.parsers import NEEDING_SERVER, OPERATOR_COMMANDS
from udpchat.shell.addresses import parse_server
from udpchat.shell.operating.address_file import ADDRESS_FILE, write_address

posix = pytest.mark.skipif(os.name == "nt", reason="Windows cannot send SIGTERM or SIGHUP")
STOPS_WITHIN_S = 2.0


class Told(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: list[str]
    err: list[str]

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out]


def command(data: Path, *words: str) -> Told:
    """Run one of the commands on the server of this folder."""
    with Program("server", *words, "--data", data) as program:
        code = program.code()
        return Told(code, program.rest_of(program.out), program.rest_of(program.err))


def done(data: Path, *words: str) -> Told:
    """The same; it works."""
    told = command(data, *words)
    assert told.code == 0, told
    return told


def refused(data: Path, *words: str, code: int = 1) -> str:
    """The one line that a command which does not work prints."""
    told = command(data, *words)
    assert told.code == code and len(told.err) == 1, told
    return told.err[0]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "server"


@pytest.fixture
def running(data: Path) -> Iterator[Program]:
    """A server in which alice and bob have been, and have gone."""
    with serving(data, "--name", "den", "--motd", "be nice") as server:
        url = server.line(where="ready ").removeprefix("ready ")
        server.printed[:] = [url]
        for nick in ("alice", "bob"):
            with chatting(nick, url, data.parent / nick) as client:
                assert "be nice" in client.line(where="be nice")
                client.type(f"{nick} was here")
                client.end_input()
                assert client.code() == 0
        yield server


def stop(server: Program) -> None:
    server.process.send_signal(signal.SIGTERM)
    assert server.code() == 0


def test_status_and_who_say_what_there_is(running: Program, data: Path) -> None:
    with chatting("alice", running.printed[0], data.parent / "alice", "--follow") as alice:
        alice.line(where='"connected"')
        (status,) = done(data, "status", "--json").objects
        assert {name: status[name] for name in ("name", "peers", "people", "rooms", "messages", "drops")} == {
            "name": "den", "peers": 1, "people": 1, "rooms": 1, "messages": 2, "drops": {},
        }  # fmt: skip
        assert status["process"] == running.process.pid and status["memory_bytes"] > 1_000_000
        assert status["uptime_s"] >= 0 and isinstance(status["version"], str) and status["limits"]["peers"] > 0
        (peer,) = done(data, "who", "--json").objects
        assert peer["nick"] == "alice" and peer["address"].startswith("127.0.0.1:") and peer["rooms"] == 1
        assert done(data, "who").out[0].startswith("alice  127.0.0.1:")
        assert any(line.split() == ["peers", "1"] for line in done(data, "status").out)
        alice.type("/quit")
        assert alice.code() == 0
    assert "nobody is here" in wait_for(lambda: done(data, "who").err, 10.0, "alice is gone")[0]


@posix
def test_order_is_kept_while_the_server_runs_and_where_it_does_not(running: Program, data: Path) -> None:
    url = running.printed[0]
    assert "alice is not there" in refused(data, "kick", "alice")
    with chatting("bob", url, data.parent / "bob", "--follow") as bob:
        bob.line(where='"connected"')
        done(data, "announce", "tea", "is", "ready")
        assert json.loads(bob.line(where='"announcement", "text": "tea'))["text"] == "tea is ready"
        assert "kicked" in done(data, "kick", "bob", "--reason", "enough").err[0]
        bob.line(where="kicked")
    for is_running in (True, False):
        if not is_running:
            stop(running)
        done(data, "ban", "bob", "--for", "2h", "--reason", "spam")
        done(data, "ban", "10.0.0.0/24")
        done(data, "mute", "alice")
        found = {(ban["kind"], ban["subject"]): ban for ban in done(data, "bans", "--json").objects}
        assert set(found) == {("ban", "bob"), ("ban", "10.0.0.0/24"), ("mute", "alice")}
        ban = found["ban", "bob"]
        assert (ban["room"], ban["by"], ban["reason"]) == ("", "operator", "spam")
        assert ban["until"] > ban["time"] and found["mute", "alice"]["until"] is None
        assert len(done(data, "bans").out) == 3
        if is_running:
            with chatting("bob", url, data.parent / "bob") as bob:
                bob.line(where='"banned"')
                assert bob.code() == 4
        done(data, "unban", "bob")
        done(data, "unban", "10.0.0.0/24")
        done(data, "unmute", "alice")
        assert "nobody is banned" in done(data, "bans").err[0]
        assert refused(data, "unban", "bob")
        assert refused(data, "ban", "nobody-at-all")
        assert refused(data, "ban", "10.0.0.0/99")
    acts = done(data, "audit", "--json").objects
    assert [act["action"] for act in acts].count("server ban") == 4 and acts[0]["action"] == "announce"
    assert all(act["by"] == "operator" for act in acts) and len(done(data, "audit").out) == len(acts)
    assert done(data, "audit", "--since", "2100-01-01", "--json").out == []


@posix
def test_roles_and_accounts_while_the_server_runs_and_where_it_does_not(running: Program, data: Path) -> None:
    for is_running in (True, False):
        if not is_running:
            stop(running)
        done(data, "role", "alice", "owner")
        assert done(data, "role", "alice").out == ["owner"]
        done(data, "role", "alice", "member")
        assert done(data, "role", "alice").out == ["member"]
        assert refused(data, "role", "nobody-at-all", "owner")
        found = {account["nick"]: account for account in done(data, "account", "list", "--json").objects}
        assert set(found) == ({"alice", "bob"} if is_running else {"alice"})
        assert (found["alice"]["devices"], found["alice"]["password"]) == (int(is_running), False)  # then it is reset
        (shown,) = done(data, "account", "show", "alice", "--json").objects
        assert shown["nick"] == "alice" and len(shown["devices"]) == 1
        assert len(done(data, "account", "show", "alice").out) == 2  # the account, and its device
        assert done(data, "account", "list").out[0].startswith("alice")
        for words in (("invite",), ("invite", "carol" if is_running else "dave"), ("account", "reset", "alice")):
            (code,) = done(data, *words).out
            assert len(code) == 19 and code.count("-") == 3
        if is_running:
            done(data, "account", "remove", "bob")
            assert refused(data, "account", "show", "bob")


def test_a_code_of_the_operator_lets_a_new_device_in_once(running: Program, data: Path) -> None:
    (code,) = done(data, "account", "reset", "alice").out
    for place, exit_code in (("new", 0), ("third", 4)):
        with chatting("alice", running.printed[0], data.parent / place, "--link", code) as alice:
            alice.end_input()
            assert alice.code() == exit_code


@posix
def test_what_a_person_said_is_erased(running: Program, data: Path) -> None:
    url = running.printed[0]
    assert "1 message" in done(data, "erase", "bob").err[0]
    with chatting("alice", url, data.parent / "alice", "--history", "10", "--follow") as alice:
        alice.line(where="alice was here")
        alice.type("/search here")
        assert "bob" not in alice.line(where='"past"')
    stop(running)
    assert "1 message" in done(data, "erase", "alice").err[0]
    stored = done(data, "export").out
    assert not any("was here" in line for line in stored)
    activity = (data / "activity.log").read_text(encoding="utf-8")
    assert "operator: erase bob" in activity  # what was done stays, and where those people were does not
    assert not any(f"{nick} {what}" in activity for nick in ("alice", "bob") for what in ("entered", "left"))
    assert refused(data, "erase", "alice")


@posix
def test_roles_bans_and_accounts_move_to_another_machine(running: Program, data: Path, tmp_path: Path) -> None:
    moved, file = tmp_path / "moved", tmp_path / "backup"
    done(data, "role", "alice", "owner")
    done(data, "ban", "bob", "--reason", "spam")
    done(data, "erase", "bob")
    lists = [("account", "list", "--json"), ("bans", "--json"), ("audit", "--json")]
    here = [done(data, *words).objects for words in lists]
    with Program("server", "backup", file, "--data", data) as backup:
        assert backup.code() == 0
    stop(running)
    with Program("server", "restore", file, "--data", moved) as restore:
        assert restore.code() == 0
    assert [done(moved, *words).objects for words in lists] == here
    assert done(moved, "role", "alice").out == ["owner"]
    with serving(moved) as server:
        url_of(server)
        assert [done(moved, *words).objects for words in lists] == here


@posix
def test_the_server_stops_when_it_is_told_to(running: Program, data: Path) -> None:
    assert (data / ADDRESS_FILE).exists()
    assert "stopped" in done(data, "stop").err[0]
    assert running.code(STOPS_WITHIN_S) == 0 and not (data / ADDRESS_FILE).exists()
    for name in sorted(NEEDING_SERVER):
        words = {"kick": ["bob"], "announce": ["hello"]}.get(name, [])
        assert "no server runs on" in refused(data, name, *words)


def test_commands_need_the_folder_of_a_server(tmp_path: Path) -> None:
    assert "no server has ever run on" in refused(tmp_path, "bans")
    assert "no server has ever run on" in refused(tmp_path / "nowhere", "status", "--json")
    assert list(tmp_path.iterdir()) == []


@posix
def test_another_server_in_the_place_of_this_one_is_not_obeyed_to(running: Program, data: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "other") as other:
        write_address(data, parse_server(url_of(other)))
        assert "another server" in refused(data, "stop")
        assert other.process.poll() is None and running.process.poll() is None


@posix
@pytest.mark.parametrize("way", ["reload", "SIGHUP"])
def test_the_config_is_read_again_and_a_bad_one_changes_nothing(tmp_path: Path, way: str) -> None:
    config, data = tmp_path / "server.toml", tmp_path / "server"
    config.write_text('name = "den"\nmotd = "be nice"\n', encoding="utf-8")
    with serving(data, "--config", str(config)) as server:
        url = url_of(server)

        def again(text: str, where: str) -> str:
            config.write_text(text, encoding="utf-8")
            if way == "SIGHUP":
                server.process.send_signal(signal.SIGHUP)
                return server.line(of=server.err, where=where)
            told = command(data, "reload")
            server.line(of=server.err, where=where)
            assert (told.code != 0) == ("line" in told.err[0])
            return "\n".join(told.err)

        changed = again('name = "barn"\nmotd = "be very nice"\ndurability = "os"\n', "changed: name, motd")
        assert "name, motd" in changed
        again('name = "barn"\nmotd = "be very nice"\ndurability = "os"\n', "changed: nothing")
        server.line(of=server.err, where="next start on: durability")
        assert "line 2" in again('name = "hut"\nmotdd = "x"\n', "all stays as it was")
        with chatting("alice", url, tmp_path / "alice") as alice:
            alice.line(where="be very nice")
        (status,) = done(data, "status", "--json").objects
        assert status["name"] == "barn"


@pytest.mark.parametrize(
    "words",
    [
        ["kick"], ["ban"], ["role"], ["announce"], ["erase"], ["account"], ["account", "show"], ["account", "dance"],
        ["account", "list", "alice"], ["role", "alice", "king"], ["ban", "bob", "--for", "0s"], ["status", "now"],
        ["ban", "bob", "--for", "soon"], ["mute", "bob", "--for", "9999999d"], ["audit", "--since", "whenever"],
        ["announce", " "], ["kick", "x" * 99], ["ban", "bob", "--reason", "two\nlines"], ["bans", "--jsn"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_makes_no_sense_is_one_line_and_changes_nothing(tmp_path: Path, words: list[str]) -> None:
    refused(tmp_path / "nowhere", *words, code=2)
    assert list(tmp_path.iterdir()) == []


def test_every_command_has_its_help() -> None:
    for name in OPERATOR_COMMANDS:
        with Program("server", name, "--help") as program:
            assert program.code() == 0
            assert program.rest_of(program.out)[0].startswith(f"usage: udpchat server {name}")


def test_a_status_is_an_object_with_its_groups() -> None:
    found = {"peers": 3, "drops.rate limited": 2, "list": ("a", "b"), "used.peers": 1}
    assert operator_commands.nested(found) == {
        "peers": 3, "list": ["a", "b"], "drops": {"rate limited": 2}, "used": {"peers": 1},
    }  # fmt: skip
    assert operator_commands.nested({})["drops"] == {}


def test_roles_have_names() -> None:
    names = [operator_commands.role_name(role) for role in (0, 4, 5, 6, 7)]
    assert names == ["member", "moderator", "admin", "owner", "host"]
