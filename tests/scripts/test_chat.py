"""scripts/chat: checks its options first, then hosts and joins; as a process too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.scripts.loading import SCRIPTS, load
from tests.shell.waiting import free_port
from udpchat.shell import maintenance
from udpchat.storage.lock import holder_of

chat = load("chat")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """What the script has the program do, in an environment that is set up and names no nick."""
    from udpchat import cli

    calls: list[tuple[str, list[str]]] = []

    def record(name: str) -> Any:
        def run(arguments: list[str], *, program: str) -> int:
            calls.append((name, arguments))
            return 7

        return run

    monkeypatch.setattr(cli, "main", record("main"))
    monkeypatch.setattr(chat.environment, "enter", lambda: calls.append(("enter", [])))
    monkeypatch.setattr(chat.environment, "is_set_up", lambda: True)
    for name in ("UDPCHAT_NICK", "UDPCHAT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return calls


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(chat.sys, "argv", ["chat", *arguments])
    code: int = chat.main()
    return code


@pytest.mark.parametrize("arguments", [["--nick", "a", "--host"], [], ["stop", "--data", "d"], ["--version"]])
def test_it_is_the_command_udpchat_in_an_environment_of_its_own(
    called: list[tuple[str, list[str]]], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    assert run(monkeypatch, *arguments) == 7
    assert called == [("enter", []), ("main", arguments)]


def test_without_a_nick_nothing_is_set_up(
    called: list[tuple[str, list[str]]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chat.environment, "is_set_up", lambda: False)
    assert run(monkeypatch, "--plain") == 2
    assert called == [] and "scripts/chat --nick NICK" in capsys.readouterr().err
    monkeypatch.setenv("UDPCHAT_NICK", "alice")
    assert run(monkeypatch) == 7
    assert run(monkeypatch, "stop") == 7  # which needs none


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_it_hosts_joins_and_stops_and_a_wrong_option_leaves_no_server_behind(tmp_path: Path) -> None:
    from tests.shell.terminal import Terminal  # not on Windows

    if not chat.environment.is_set_up():
        pytest.skip("set-up needs a network, and takes longer than a test")
    environment = {"UDPCHAT_DATA": str(tmp_path), "UDPCHAT_PORT": str(free_port())}

    def script(*arguments: str) -> Terminal:
        return Terminal(*arguments, program=(SCRIPTS / "chat",), columns=300, environment=environment)

    for wrong in (["--plain", "--json"], ["--nick", "a b"], ["--nick", "alice", "--count", "0"]):
        with script(*wrong) as refused:
            assert refused.code() == 2
            assert refused.text.count("\n") == 0 and "hosting" not in refused.text
    assert holder_of(tmp_path / maintenance.LOG_FILE) is None
    try:
        with script("--plain") as alice:
            alice.wait_for("which nick do you want to go by?")
            assert holder_of(tmp_path / maintenance.LOG_FILE) is None
            alice.enter("alice")
            alice.wait_for("hosting udpchat://")
            alice.wait_for("to stop it: scripts/chat stop")
            alice.wait_for(f"connected to udpchat://127.0.0.1:{environment['UDPCHAT_PORT']} as alice")
            with script("--nick", "bob", "--plain") as bob:
                bob.wait_for("joining the server of this machine")
                alice.wait_for("bob joined lobby")
                bob.enter("/quit")
                assert bob.code() == 0
            alice.enter("/quit")
            assert alice.code() == 0
        with script("stop") as first:
            assert first.code() == 0 and "stopped the server" in first.text
        with script("stop") as second:
            assert second.code() == 0 and "no server runs on" in second.text
    finally:
        with script("stop") as last:
            last.code()
