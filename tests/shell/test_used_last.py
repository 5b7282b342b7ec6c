"""The server used last and another on this machine, as processes: which one is used, and what a person is told."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.shell.net.test_reach import Door
from tests.shell.waiting import Program, chatting, free_port, run_until, serving, texts, url_of
from udpchat.shell.addresses import parse_server
from udpchat.shell.data_folder import open_folder, remember_server

if TYPE_CHECKING:
    from tests.shell.terminal import Terminal

needs_terminal = pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Program]:
    """A server of this machine, which nobody has used."""
    with serving(tmp_path / "here") as running:
        yield running


def office_gone(data: Path) -> str:
    """The name of a server that was used last from this data folder, where nobody listens any more."""
    name = f"127.0.0.1:{free_port()}"
    open_folder(data)
    remember_server(data, name)
    return name


def port_of(here: Program) -> dict[str, str]:
    return {"UDPCHAT_PORT": str(parse_server(url_of(here)).port)}


def chatting_at_terminal(
    nick: str, data: Path, *, environment: dict[str, str], program: tuple[str, ...] = ("-m", "udpchat", "client")
) -> Terminal:
    """A client at a terminal that is wide enough for each of its lines."""
    from tests.shell.terminal import Terminal  # not on Windows

    arguments = ("--nick", nick, "--data", data, "--plain")
    return Terminal(*arguments, columns=300, environment=environment, program=program)


def test_a_pipe_does_not_go_to_another_server_and_ends_with_3(here: Program, tmp_path: Path) -> None:
    data = tmp_path / "alice"
    office = office_gone(data)
    with Program("client", "--nick", "alice", "--data", data, environment=port_of(here)) as alice:
        alice.type("anybody?")
        alice.end_input()
        assert alice.code() == 3
        assert alice.rest_of(alice.out) == []
        said = alice.rest_of(alice.err)
    assert said[0] == f"-- looking for udpchat://{office}, the server used last, for up to 10 s ..."
    assert len(said) == 2 and office in said[1] and "--server" in said[1] and "nobody listens" in said[1]
    assert (data / "last_server").read_text().strip() == office


@needs_terminal
def test_a_person_uses_another_server_this_time_and_the_one_used_last_stays_it(here: Program, tmp_path: Path) -> None:
    data = tmp_path / "alice"
    office = office_gone(data)
    environment = port_of(here)
    with chatting_at_terminal("alice", data, environment=environment) as alice:
        alice.wait_for(f"THE SERVER USED LAST DOES NOT ANSWER: nobody listens at {office}")
        alice.wait_for(f"1: keep trying udpchat://{office} (or just Enter)")
        alice.wait_for(f"at udpchat://127.0.0.1:{environment['UDPCHAT_PORT']}, fingerprint")
        alice.wait_for("3: quit")
        alice.enter("2")
        alice.wait_for(f"connected to udpchat://127.0.0.1:{environment['UDPCHAT_PORT']} as alice")
        alice.enter("/quit")
        assert alice.code() == 0
    assert (data / "last_server").read_text().strip() == office


@needs_terminal
def test_while_another_is_used_the_person_is_told_once_when_the_one_used_last_is_back(
    here: Program, tmp_path: Path
) -> None:
    data = tmp_path / "alice"
    office = office_gone(data)
    patched = (
        "from udpchat import cli; from udpchat.shell.net import server_choice; "
        "server_choice.LOOK_AGAIN_S = 0.1; cli.client()"
    )
    with chatting_at_terminal("alice", data, environment=port_of(here), program=("-c", patched)) as alice:
        alice.wait_for("3: quit")
        alice.enter("2")
        alice.wait_for("as alice")
        port = str(parse_server(office).port)
        with Program("server", "--bind", "127.0.0.1", "--port", port, "--data", tmp_path / "office") as back:
            url_of(back)
            alice.wait_for(f"the server used last answers again: udpchat://{office}; to go back to it: /quit")
            alice.enter("/quit")
            assert alice.code() == 0
    assert alice.text.count("answers again") == 1


@needs_terminal
def test_a_person_who_keeps_trying_is_connected_when_it_is_back(here: Program, tmp_path: Path) -> None:
    data = tmp_path / "alice"
    office = office_gone(data)
    with chatting_at_terminal("alice", data, environment=port_of(here)) as alice:
        alice.wait_for("3: quit")
        alice.enter("")
        alice.wait_for(f"trying udpchat://{office} until it answers; Ctrl+C quits")
        port = str(parse_server(office).port)
        with Program("server", "--bind", "127.0.0.1", "--port", port, "--data", tmp_path / "office") as back:
            url_of(back)
            alice.wait_for(f"connected to udpchat://{office} as alice")
            alice.enter("/quit")
            assert alice.code() == 0


@needs_terminal
@pytest.mark.parametrize(("typed", "code"), [("3", 3), ("\x04", 3), ("\x03", 130)])
def test_a_person_may_leave_at_the_question(here: Program, tmp_path: Path, typed: str, code: int) -> None:
    data = tmp_path / "alice"
    office_gone(data)
    with chatting_at_terminal("alice", data, environment=port_of(here)) as alice:
        alice.wait_for("3: quit")
        alice.enter(typed)
        assert alice.code() == code
        assert "Traceback" not in alice.text


def test_the_first_server_found_on_this_machine_becomes_the_one_used_last(here: Program, tmp_path: Path) -> None:
    environment = port_of(here)
    with Program("client", "--nick", "alice", "--data", tmp_path / "alice", environment=environment) as alice:
        alice.end_input()
        assert alice.code() == 0
    name = (tmp_path / "alice" / "last_server").read_text().strip()
    assert name == f"127.0.0.1:{environment['UDPCHAT_PORT']}"


def test_the_rooms_one_was_in_are_joined_again_in_their_order(here: Program, tmp_path: Path) -> None:
    url, data = url_of(here), tmp_path / "alice"

    def rooms(*options: str, typed: tuple[str, ...] = ()) -> list[str]:
        with chatting("alice", url, data, *options) as alice:
            connected = json.loads(alice.line(where='"connected"'))
            alice.type(*typed)
            alice.end_input()
            assert alice.code() == 0
        found: list[str] = connected["rooms"]
        return found

    assert rooms(typed=("/join ops", "/join attic", "/part lobby")) == ["lobby"]
    assert rooms() == ["ops", "attic"]
    assert rooms("--room", "den") == ["den"]
    assert rooms(typed=("/part den",)) == ["den"]
    assert rooms() == ["lobby"]


def test_a_client_takes_its_choices_from_the_environment(here: Program, tmp_path: Path) -> None:
    environment = {
        "UDPCHAT_NICK": "alice",
        "UDPCHAT_SERVER": url_of(here),
        "UDPCHAT_DATA": str(tmp_path / "alice"),
        "UDPCHAT_ROOM": "ops,den",
        "UDPCHAT_JSON": "true",
    }
    with Program("client", environment=environment) as alice:
        connected = json.loads(alice.line(where='"connected"'))
        assert (connected["nick"], connected["rooms"]) == ("alice", ["ops", "den"])
        alice.type("hello")
        alice.end_input()
        assert alice.code() == 0
        assert texts(alice.rest_of(alice.out), "sent") == ["hello"]


def test_a_server_that_answers_and_does_not_let_in_is_reported_too(
    loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    door = Door(loop)  # takes part in the handshake, and no further
    name = f"127.0.0.1:{door.endpoint.address[1]}"
    with chatting("alice", name, tmp_path / "alice", "--timeout", "2") as alice:
        run_until(loop, lambda: alice.process.poll() is not None)
        assert alice.code() == 5, alice.rest_of(alice.err)
        assert f"-- udpchat://{name} answers; entering ..." in alice.rest_of(alice.err)
    door.endpoint.close()


def test_within_300_ms_an_attempt_says_what_it_is_doing(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(20)
        url = f"udpchat://127.0.0.1:{silent.getsockname()[1]}"
        with chatting("alice", url, tmp_path / "alice", "--timeout", "2") as alice:
            silent.recv(2048)  # the attempt begins
            began = time.monotonic()
            assert alice.line(of=alice.err) == f"-- looking for {url}, for up to 10 s ..."
            assert time.monotonic() - began < 1.0  # 0.3 s, and what a loaded machine adds
            assert alice.code() == 5
