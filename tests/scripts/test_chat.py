"""scripts/chat: hosts in the background and says where, or says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts.loading import load

chat = load("chat")
WAIT_S_MAX = 10.0


def server(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(chat, "SERVER", ["-c", program])


def test_hosting_waits_for_the_ready_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "data" / "server.log"
    server(monkeypatch, "print('warming up'); print('ready udpchat://127.0.0.1:47747#abc')")
    chat.host(log).wait(WAIT_S_MAX)
    said = capsys.readouterr().err
    assert "hosting udpchat://127.0.0.1:47747#abc in the background" in said
    assert str(log) in said
    assert "warming up" in log.read_text()


def test_the_ready_line_of_an_earlier_server_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "server.log"
    log.write_text("ready udpchat://127.0.0.1:1#old\n")
    server(monkeypatch, "import sys; sys.exit('port 47747 is in use')")
    chat.host(log).wait(WAIT_S_MAX)
    said = capsys.readouterr().err
    assert "joining the server of this machine" in said
    assert "old" not in said


def test_a_server_that_never_gets_ready_is_not_waited_for_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chat, "READY_S_MAX", 0.0)
    server(monkeypatch, "")
    chat.host(tmp_path / "server.log").wait(WAIT_S_MAX)
    assert "not ready after 0 s" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "hosts"),
    [(["--nick", "a"], True), (["--nick", "a", "--server", "h"], False), (["--nick=a", "--server=h"], False)],
)
def test_it_hosts_unless_told_which_server(
    arguments: list[str], hosts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted: list[Path] = []
    became: list[list[str]] = []
    monkeypatch.setattr(chat, "host", hosted.append)
    monkeypatch.setattr(chat.environment, "enter", lambda: None)
    monkeypatch.setattr(chat.environment, "execute", became.append)
    monkeypatch.setattr(chat.sys, "argv", ["chat", *arguments])
    chat.main()
    assert bool(hosted) is hosts
    assert became[0][1:] == ["-m", "udpchat", "client", *arguments]
