"""The echo of a terminal: off while something secret is typed, and then as before."""

from __future__ import annotations

import io
import os
import sys

import pytest

from udpchat.shell.echo import Echo

if sys.platform != "win32":
    import pty
    import termios


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
def test_it_is_hidden_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with open(slave, encoding="utf-8", closefd=False) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        before = termios.tcgetattr(slave)
        echo = Echo()
        for _ in range(2):
            echo.hide()
            assert not termios.tcgetattr(slave)[3] & termios.ECHO
        for _ in range(2):
            echo.restore()
            assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


def test_where_there_is_no_terminal_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (io.StringIO(), None):
        monkeypatch.setattr(sys, "stdin", stream)
        echo = Echo()
        echo.hide()
        echo.restore()
