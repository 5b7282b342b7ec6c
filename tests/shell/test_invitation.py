"""How others join: the command, and a QR code where there is room for it; nothing where nobody reads it."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import pytest

from tests.shell.waiting import free_port
from udpchat.shell import invitation as module
from udpchat.shell.invitation import QUIET_MODULES, invitation, qr_lines, show_invitation

URL = "udpchat://192.168.1.20:47747#uxqrbmt4tv4bgfyv5rster7dgusudbkr"


def modules(lines: list[str]) -> list[list[bool]]:
    """Which modules are dark."""
    upper = {" ": True, "\u2580": False, "\u2584": True, "\u2588": False}
    lower = {" ": True, "\u2580": True, "\u2584": False, "\u2588": False}
    return [[half[character] for character in line] for line in lines for half in (upper, lower)]


def test_the_code_is_drawn_light_on_dark_two_rows_a_line() -> None:
    import segno

    drawn = modules(qr_lines(URL))
    expected = [[bool(module) for module in row] for row in segno.make(URL, error="l", micro=False).matrix]
    side = len(expected)
    inner = [row[QUIET_MODULES : QUIET_MODULES + side] for row in drawn[QUIET_MODULES : QUIET_MODULES + side]]
    assert inner == expected
    assert not any(any(row) for row in drawn[:QUIET_MODULES])
    assert len(drawn) // 2 < 24, "it fits the rows of a terminal"


@pytest.mark.parametrize(
    ("size", "can_write", "is_drawn"),
    [((80, 24), True, True), ((80, 12), True, False), ((30, 24), True, False), ((80, 24), False, False)],
)
def test_it_is_drawn_where_there_is_room_and_the_characters(
    size: tuple[int, int], can_write: bool, is_drawn: bool
) -> None:
    text = invitation(URL, is_found=True, size=size, can_write=lambda text: can_write)
    assert ("\u2588" in text) is is_drawn
    assert "udpchat --nick NAME\n" in text and f"--server '{URL}'" in text


def test_who_cannot_be_found_is_named() -> None:
    text = invitation(URL, is_found=False, size=(10, 10), can_write=lambda text: True)
    assert text == f"others join with:  udpchat --nick NAME --server '{URL}'\n"


def test_in_a_pipe_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(module.sys, "stderr", pipe)
    show_invitation(URL, is_found=True)
    monkeypatch.setattr(module.sys, "stderr", None)
    show_invitation(URL, is_found=True)
    assert pipe.getvalue() == ""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_a_server_at_a_terminal_shows_it_behind_its_ready_line(tmp_path: Path) -> None:
    from tests.shell.terminal import Terminal  # not on Windows

    server = ("-m", "udpchat", "server", "--port", str(free_port()), "--data", str(tmp_path))
    with Terminal(columns=100, environment={}, program=server) as terminal:
        terminal.wait_for("ready udpchat://")
        terminal.wait_for("udpchat --nick NAME")
        terminal.wait_for("\u2588\u2588\u2588")
        os.kill(terminal.process.pid, signal.SIGTERM)
        assert terminal.code() == 0
