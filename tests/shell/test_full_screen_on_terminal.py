"""The full screen with real processes on pseudo terminals: how it begins, how it ends, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

if os.name == "nt":
    pytest.skip("Windows has no pseudo terminals of this kind", allow_module_level=True)

from tests.shell.terminal import Terminal, telling
from tests.shell.waiting import LIMIT_S, Program, chatting, serving, url_of

ENTERED, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"  # the other screen of a terminal
ALT_ENTER, CTRL_C, CTRL_D, CTRL_Z = "\x1b\r", "\x03", "\x04", "\x1a"
BREAKING = """
import sys
from udpchat.ui.tui.chat_screen import ChatScreen
from udpchat.cli import main
draw = ChatScreen.draw
def broken(screen):
    if screen.input.text == "break":
        raise ZeroDivisionError("broken for a test")
    draw(screen)
ChatScreen.draw = broken
sys.exit(main())
"""

UNDER_NOHUP = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from udpchat.cli import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield url_of(running)


def client(url: str, data: Path, *options: str, nick: str = "alice", **how: Any) -> Terminal:
    """A client on the full screen of a terminal of its own."""
    return Terminal("client", "--nick", nick, "--server", url, "--data", data, *options, **how)


def after_the_screen(terminal: Terminal) -> str:
    """What was printed once the other screen was left."""
    assert ENTERED in terminal.raw
    return terminal.raw.rpartition(LEFT)[2].decode()


def test_one_joins_chats_and_leaves_a_clean_terminal(url: str, tmp_path: Path) -> None:
    with (
        chatting("bob", url, tmp_path / "bob", "--room", "one") as bob,
        client(url, tmp_path / "alice", "--room", "one") as alice,
    ):
        bob.line(where='"connected"')
        alice.wait_for("one>")
        assert b"first contact" in alice.raw.partition(ENTERED)[0]
        alice.type(f"first{ALT_ENTER}second\rthen\r")
        for text in ("first\nsecond", "then"):
            assert json.loads(bob.line(where='"message"'))["text"] == text
        bob.type("hello alice")
        alice.wait_for("bob hello alice")
        alice.paste("/quit\nis a text")
        alice.type("\r")
        assert json.loads(bob.line(where='"message"'))["text"] == "/quit\nis a text"
        alice.type(CTRL_D)
        assert alice.code() == 0
        assert alice.is_as_before
        assert after_the_screen(alice).endswith("-- left\r\n")


def test_nothing_of_a_paste_with_escape_sequences_is_run(url: str, tmp_path: Path) -> None:
    with (
        chatting("karl", url, tmp_path / "karl", "--room", "five") as karl,
        client(url, tmp_path / "lea", "--room", "five", nick="lea", columns=120) as lea,
    ):
        karl.line(where='"connected"')
        lea.wait_for("five>")
        lea.paste("\x1b[31mERROR\x1b[0m build\x1b[201~\n/quit\nmore log")
        lea.wait_for("more log")
        lea.type("\r")
        lea.wait_for("not sent: it holds the control character ESC (U+001B)")
        assert b"\x1b[31mERROR" not in lea.raw
        lea.type(CTRL_C + "still here\r")
        assert json.loads(karl.line(where='"message"'))["text"] == "still here"


def test_ctrl_c_asks_once_and_says_what_is_not_confirmed(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server, client(url_of(server), tmp_path / "alice") as alice:
        alice.wait_for("lobby>")
        server.process.terminate()
        assert server.code() == 0
        alice.wait_for("DISCONNECTED")
        alice.type("for later\r")
        alice.wait_for("1 sending")
        alice.type(CTRL_C)
        alice.wait_for("Ctrl+C: leave at once (1 not confirmed)")
        alice.type(CTRL_C)
        assert alice.code() == 130
        assert alice.is_as_before
        assert "not confirmed: for later" in after_the_screen(alice)


def drawn_after_a_stop(terminal: Terminal, stop: Callable[[], None]) -> None:
    """Stop the client and continue it, as `fg` does, on a screen that has lost what was drawn: wait for all of it."""
    process = terminal.process.pid
    stop()
    terminal.wait(lambda: os.waitid(os.P_PID, process, os.WSTOPPED | os.WNOHANG))
    drawn = terminal.raw.count(ENTERED)
    terminal.screen.reset()
    os.kill(process, signal.SIGCONT)
    terminal.wait(lambda: terminal.raw.count(ENTERED) > drawn)
    for shown in ("lobby\n", "F1 lists the keys", "connected", "lobby> half"):
        terminal.wait_for(shown)


def test_all_is_drawn_again_after_a_suspension(url: str, tmp_path: Path) -> None:
    with client(url, tmp_path / "alice", nick="mona") as mona:
        mona.wait_for("lobby>")
        mona.type("half")
        mona.wait_for("lobby> half")
        for _ in range(2):
            drawn_after_a_stop(mona, lambda: mona.type(CTRL_Z))
        drawn_after_a_stop(mona, lambda: mona.process.send_signal(signal.SIGSTOP))
        mona.paste(" pasted")
        mona.wait_for("lobby> half pasted")
        mona.type(CTRL_C + CTRL_D)
        assert mona.code() == 0
        assert mona.is_as_before


def test_the_keys_of_the_config_file_hold(url: str, tmp_path: Path) -> None:
    config = tmp_path / "client.toml"
    config.write_text('[keys]\nkeys = "Ctrl+G"\nselect_down = []\nclear = "Ctrl+V"\n')
    with client(url, tmp_path / "alice", "--config", config, nick="keyed") as alice:
        alice.wait_for("lobby>")
        alice.wait_for("Ctrl+G lists the keys")
        alice.type("\x03\x07")
        alice.wait_for("undo a change")
        alice.type("\x16")
        alice.wait_for("Ctrl+V: leave at once.")
        alice.type("\r")
        assert alice.code() == 0


def test_a_program_is_run_for_what_is_not_in_sight(url: str, tmp_path: Path) -> None:
    told = tmp_path / "told"
    with (
        chatting("fay", url, tmp_path / "fay") as fay,
        client(url, tmp_path / "alice", "--notify-command", telling(told), nick="erin") as erin,
    ):
        fay.line(where='"connected"')
        erin.wait_for("lobby>")
        fay.type("erin: in sight", "/msg erin psst")
        erin.wait(lambda: told.exists() and told.read_text())
        assert told.read_text() == "private @fay fay psst\n"


@pytest.mark.parametrize("count", [1, 2])
def test_a_signal_leaves_the_terminal_as_it_was(url: str, tmp_path: Path, count: int) -> None:
    with client(url, tmp_path / "alice", nick=f"carol{count}") as alice:
        alice.wait_for("lobby>")
        assert not alice.is_as_before
        for _ in range(count):
            alice.process.send_signal(signal.SIGTERM)
        assert alice.code() == 143
        assert alice.is_as_before
        assert alice.raw.rfind(LEFT) > alice.raw.rfind(ENTERED)


@pytest.mark.parametrize(("program", "code"), [(("-m", "udpchat"), 129), (("-c", UNDER_NOHUP), 143)])
def test_a_terminal_that_vanishes_ends_the_client_and_keeps_what_was_not_sent(
    tmp_path: Path, program: tuple[str, str], code: int
) -> None:
    with serving(tmp_path / "server") as server:
        url = url_of(server)
        with client(url, tmp_path / "alice", program=program) as alice:
            alice.wait_for("lobby>")
            server.process.terminate()
            assert server.code() == 0
            alice.wait_for("DISCONNECTED")
            alice.type("for later\r")
            alice.wait_for("1 sending")
            alice.hang_up()
            assert alice.process.wait(LIMIT_S) == code
    with Program("client", "outbox", "--nick", "alice", "--server", url, "--data", tmp_path / "alice") as outbox:
        assert "for later" in outbox.line(of=outbox.out)


def test_a_terminal_that_nobody_reads_does_not_stop_the_client(url: str, tmp_path: Path) -> None:
    with (
        chatting("gina", url, tmp_path / "gina", "--room", "three", "--receipts") as gina,
        client(url, tmp_path / "hal", "--room", "three", nick="hal") as hal,
    ):
        gina.line(where='"connected"')
        hal.wait_for("three>")
        for number in range(300):  # far more than a terminal takes ahead: its screen is drawn after each
            gina.type(f"{number} " * 100)
            gina.line(where='"sent"')
        gina.type("the last")
        identity = json.loads(gina.line(where='"the last"'))["id"]
        gina.line(where=f'"id": "{identity}", "have": 1')
        hal.wait_for("the last")


def test_a_signal_ends_a_client_on_a_terminal_that_nobody_reads(url: str, tmp_path: Path) -> None:
    with (
        chatting("iris", url, tmp_path / "iris", "--room", "four", "--receipts") as iris,
        client(url, tmp_path / "jack", "--room", "four", nick="jack") as jack,
    ):
        iris.line(where='"connected"')
        jack.wait_for("four>")
        for number in range(150):  # more than a terminal takes ahead: its screen is drawn after each
            iris.type(f"{number} " * 100)
            sent = iris.line(where='"sent"')
        iris.line(where=f'"id": "{json.loads(sent)["id"]}", "have": 1')
        jack.process.send_signal(signal.SIGTERM)
        assert jack.process.wait(LIMIT_S) == 143
        assert jack.is_as_before
        iris.line(where='"left"')


def test_an_error_of_the_screen_is_one_line_and_loses_nothing(url: str, tmp_path: Path) -> None:
    program = ("-c", BREAKING)
    with (
        chatting("finn", url, tmp_path / "finn", "--room", "two") as bob,
        client(url, tmp_path / "dora", "--room", "two", nick="dora", program=program, columns=300) as dora,
    ):
        bob.line(where='"connected"')
        dora.wait_for("two>")
        dora.type("said before\rbreak")
        assert json.loads(bob.line(where='"message"'))["text"] == "said before"
        bob.type("to be drawn")
        assert dora.code() == 1
        assert dora.is_as_before
        printed = after_the_screen(dora)
        assert "internal error, please report it: ZeroDivisionError: broken for a test" in printed
        assert "Traceback" not in dora.text and printed.count("\n") == 1


def test_a_small_terminal_gets_line_mode_and_is_told_so(url: str, tmp_path: Path) -> None:
    with client(url, tmp_path / "emil", nick="emil", columns=200, rows=7) as emil:
        emil.wait_for("line mode instead")
        emil.wait_for_prompt("lobby>")
        assert ENTERED not in emil.raw
