"""Which form a client takes on which terminal, and that only the full screen loads what draws it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shell.waiting import LIMIT_S, ROOT, clean_environment, free_port
from udpchat.streams import is_terminal, open_streams

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo terminals of this kind")


def loaded_by(*arguments: str | Path, source: int = subprocess.DEVNULL) -> str:
    """The modules that a client loads until it has found that there is no server."""
    command = [sys.executable, "-X", "importtime", "-m", "udpchat", "client", "--nick", "alice", *map(str, arguments)]
    command += ["--server", f"127.0.0.1:{free_port()}"]
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environment(), stdin=source, capture_output=True, text=True, timeout=LIMIT_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    return done.stderr


@pytest.mark.parametrize("form", [(), ("--plain",), ("--json",)])
def test_line_mode_never_loads_what_draws_the_full_screen(form: tuple[str, ...], tmp_path: Path) -> None:
    loaded = loaded_by("--data", tmp_path, *form)
    assert "udpchat.ui.line_mode" in loaded
    assert "textual" not in loaded and "rich" not in loaded


def test_a_pipe_is_no_terminal_whatever_the_form() -> None:
    with open(os.devnull) as pipe:
        assert not is_terminal(pipe)
    assert not is_terminal(None)


class Tty:
    """A stream that says whether it is a terminal."""

    def __init__(self, is_terminal: bool) -> None:
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize(
    ("form", "is_typed", "is_shown", "term", "drawn_by"),
    [
        ("", True, True, "xterm", "screen"),
        ("plain", True, True, "xterm", "editor"),
        ("json", True, True, "xterm", ""),
        ("", False, True, "xterm", ""),
        ("", True, False, "xterm", ""),
        ("", True, True, "dumb", ""),
    ],
)
def test_the_terminal_and_the_form_decide_what_draws(
    form: str, is_typed: bool, is_shown: bool, term: str, drawn_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr("udpchat.shell.full_screen.terminal_size", lambda: (80, 24))
    monkeypatch.setattr("udpchat.shell.editor.LineEditor", lambda is_secret: "the editor")
    monkeypatch.setattr(sys, "stdin", Tty(is_typed))
    monkeypatch.setattr(sys, "stdout", Tty(is_shown))
    streams = open_streams(form)
    assert (streams.screen is not None, streams.editor is not None) == (drawn_by == "screen", drawn_by == "editor")
    assert streams.is_drawn == bool(drawn_by)
    assert streams.is_for_person == (is_typed and is_shown and form != "json")


def test_a_dumb_terminal_is_told_why_it_gets_line_mode(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    for name in ("stdin", "stdout"):
        monkeypatch.setattr(sys, name, Tty(True))
    assert not open_streams("").is_drawn
    assert capsys.readouterr().err.count("\n") == 1
    assert not open_streams("plain").is_drawn
    assert not capsys.readouterr().err
