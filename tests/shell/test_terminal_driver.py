"""What Textual's driver of a terminal is changed for: old codes of keys, and a terminal that is slow or gone."""

from __future__ import annotations

import os
import sys

import pytest

if os.name == "nt":
    pytest.skip("Windows has a driver of its own", allow_module_level=True)

from udpchat.shell.terminal_driver import TerminalDriver, TerminalOutput, driver_class, with_key_codes


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("\x1b\r", "\x1b[13;3u"),
        ("\x1b\n", "\x1b[13;3u"),
        ("a\x1b1b", "a\x1b[49;3ub"),
        ("\x1b[1;3C", "\x1b[1;3C"),
        ("\x1b[200~1\r2\x1b[201~", "\x1b[200~1\r2\x1b[201~"),
        ("\x1ba plain\r", "\x1ba plain\r"),
    ],
)
def test_alt_keys_of_old_terminals_get_the_newer_codes(typed: str, codes: str) -> None:
    assert with_key_codes(typed) == codes


def test_this_driver_is_the_one_for_unix() -> None:
    assert driver_class() is TerminalDriver


def test_what_the_terminal_has_no_character_for_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with open(writing, "w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "__stdout__", stream)
        TerminalOutput().write("caf\u00e9 \x1b[0m")
        assert os.read(reading, 100) == b"caf? \x1b[0m"
    os.close(reading)


def test_what_was_written_is_counted_whether_it_arrived_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with open(writing, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "__stdout__", stream)
        output = TerminalOutput()
        output.write("one")
        os.close(reading)
        output.write("two")
        assert output.written == 2


def test_output_to_a_terminal_that_is_gone_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "__stdout__", stream)
        TerminalOutput().write("nobody reads this")
