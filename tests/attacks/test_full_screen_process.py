"""A real client on the full screen: whatever others chose, none of it reaches its terminal as a control sequence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.shell.waiting import chatting, serving, url_of, wait_for

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo terminals", allow_module_level=True)

from tests.shell.terminal import Terminal

SEQUENCES = (  # title, clipboard, colour, the same with one character of C1, a device string, a mode, reversed text
    "\x1b]0;owned\x07", "\x1b]52;c;b3duZWQ=\x1b\\", "\x1b[2J\x1b[31337m", "\x9b31337m", "\x1bPowned\x1b\\",
    "\x1b[?31337h", "\u202eowned", "\x9d0;owned\x9c",
)  # fmt: skip
FORBIDDEN = (
    b"\x1b]0;",
    b"\x1b]52;",
    b"\x1b[31337",
    b"\x1b[?31337",
    b"\x1bP",
    "\u202e".encode(),
    "\x9b".encode(),
    "\x9d".encode(),
)
ALT_UP, ALT_EDIT, CLEAR_LINE = "\x1b[1;3A", "\x1be", "\x15"


def test_no_text_of_others_reaches_the_terminal_as_a_control_sequence(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server:
        url = url_of(server)
        with (
            Terminal("client", "--nick", "alice", "--server", url, "--data", tmp_path / "alice", columns=120) as alice,
            chatting("eve", url, tmp_path / "eve", "--follow") as eve,
        ):
            alice.wait_for("2 here")
            for number, sequence in enumerate(SEQUENCES):
                eve.type(
                    f"said {number} {sequence} *bold{sequence}* `{sequence}` http://x.y/{sequence}", f"/me {sequence}"
                )
                eve.type(f"/topic {sequence} topic {number}", f"/away {sequence} away {number}")
                eve.type(f"/reply {sequence} answer {number}", f"/msg alice {sequence} private {number}", "/room lobby")
            eve.type("said last")
            wait_for(lambda: any(event["text"] == "said last" for event in eve.events("sent")), 20, "all is said")
            alice.wait_for("said last")
            for number, sequence in enumerate(SEQUENCES):
                alice.type(ALT_UP + ALT_EDIT)
                alice.type(CLEAR_LINE)
                alice.paste(f"{sequence} pasted {number}")
                alice.wait_for(f"pasted {number}")
                alice.type(CLEAR_LINE)
            alice.enter("/history 50")
            alice.enter("/whois eve")
            alice.enter("/query eve")
            alice.wait_for("private 7")
            alice.enter("/quit")
            assert alice.code() == 0
            assert [text for text in FORBIDDEN if text in alice.raw] == []
