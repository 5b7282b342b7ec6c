"""Logging in at a terminal, with real processes on pseudo terminals: what is asked, and that no password is shown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if os.name == "nt":
    pytest.skip("Windows has no pseudo terminals of this kind", allow_module_level=True)

from tests.shell.terminal import Terminal
from tests.shell.waiting import Program, chatting, serving, url_of

PASSWORD = "correct horse"
QUESTION = "alice is in use already; its password (just Enter to give up):"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a server that knows alice and her password."""
    with serving(tmp_path_factory.mktemp("server")) as running:
        url = url_of(running)
        with chatting("alice", url, tmp_path_factory.mktemp("alice")) as alice:
            alice.type(f"/password {PASSWORD}")
            alice.line(where='"your password is set"')
            alice.end_input()
            assert alice.code() == 0
        yield url


def device(url: str, data: Path, *options: str, **how: Any) -> Terminal:
    """Another device that wants to be alice."""
    return Terminal("client", "--nick", "alice", "--server", url, "--data", data, *options, **how)


@pytest.mark.parametrize("options", [(), ("--plain",)], ids=["full screen", "line mode"])
def test_the_password_is_asked_for_and_not_shown(url: str, tmp_path: Path, options: tuple[str, ...]) -> None:
    with device(url, tmp_path, *options) as alice:
        alice.wait_for(QUESTION)
        alice.type("wrong horse\r")
        alice.wait_for("wrong; once more (2 tries left):")
        alice.type(f"{PASSWORD}\r")
        alice.wait_for("lobby>")
        for secret in (PASSWORD, "wrong horse"):
            assert secret.encode() not in alice.raw
        alice.type("/quit\r")
        assert alice.code() == 0
        assert alice.is_as_before


def test_a_terminal_that_only_prints_lines_asks_too(url: str, tmp_path: Path) -> None:
    with device(url, tmp_path, term="dumb") as alice:
        alice.wait_for(QUESTION)
        alice.type(f"{PASSWORD}\n")
        alice.wait_for("connected to")
        assert PASSWORD.encode() not in alice.raw
        alice.type("/quit\n")
        assert alice.code() == 0
        assert alice.is_as_before


@pytest.mark.parametrize("options", [(), ("--plain",)], ids=["full screen", "line mode"])
def test_who_gives_up_is_refused_and_the_terminal_is_as_before(
    url: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with device(url, tmp_path, *options) as alice:
        alice.wait_for(QUESTION)
        alice.type("\r")
        alice.wait_for("--password-file FILE")
        assert alice.code() == 4
        assert alice.is_as_before


def test_a_pipe_is_not_asked_and_told_what_to_do(url: str, tmp_path: Path) -> None:
    with Program("client", "--nick", "alice", "--server", url, "--data", tmp_path) as piped:
        piped.end_input()
        assert piped.code() == 4
        piped.line(of=piped.err, where="--password-file FILE")


def test_a_wrong_password_or_code_has_its_error_code(url: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("wrong horse\n", encoding="utf-8")
    for number, options in enumerate([("--password-file", str(file)), ("--link", "xyz"), ("--link", "A" * 16)]):
        with chatting("alice", url, tmp_path / str(number), *options) as piped:
            piped.end_input()
            assert piped.code() == 4
            codes = [event["code"] for event in piped.events("error")]  # maybe it had to wait, after other tests
            assert codes[-1] == "wrong_password" and set(codes) <= {"too_fast", "wrong_password"}


def test_a_password_is_set_at_a_terminal_by_typing_it_twice(url: str, tmp_path: Path) -> None:
    words = ("client", "password", "--nick", "dora", "--server", url, "--data", tmp_path / "dora")
    with Terminal(*words) as setting:
        for question in ("new password for dora:", "the same once more:"):
            setting.wait_for(question)
            setting.type(f"{PASSWORD}\r")
        setting.wait_for("your password is set")
        assert setting.code() == 0 and PASSWORD.encode() not in setting.raw
        assert setting.is_as_before
    with Terminal(*words[:-1], tmp_path / "other") as setting:
        for question, answer in (
            ("new password for dora:", "battery staple"),
            ("the same once more:", "battery staple"),
            ("dora is in use already; its password (just Enter to give up):", PASSWORD),
        ):
            setting.wait_for(question)
            setting.type(f"{answer}\r")
        setting.wait_for("your password is set")
        assert setting.code() == 0


def test_without_a_terminal_or_a_file_there_is_nothing_to_set(url: str, tmp_path: Path) -> None:
    with Program("client", "password", "--nick", "emil", "--server", url, "--data", tmp_path) as setting:
        setting.end_input()
        assert setting.code() == 2
        setting.line(of=setting.err, where="--password-file FILE")
