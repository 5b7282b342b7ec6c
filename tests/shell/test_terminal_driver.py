"""What Textual's driver of a terminal is changed for: old codes of keys, and a terminal that is slow or gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest
from textual.app import App

if os.name == "nt":
    pytest.skip("Windows has a driver of its own", allow_module_level=True)

from udpchat.shell.full_screen import write_within
from udpchat.shell.terminal_driver import (
    CLOSING_S_MAX,
    WAITING_MAX,
    TerminalDriver,
    TerminalOutput,
    driver_class,
    with_key_codes,
)

TAKEN_MAX = 1024 * 1024  # bytes: more than any terminal takes ahead


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The far end of a terminal that is the standard input and output of this process, and takes no more."""
    far, near = os.openpty()
    former = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)}
    with open(near, "rb", buffering=0) as read, open(near, "w", encoding="utf-8", closefd=False) as written:
        monkeypatch.setattr(sys, "__stdin__", read)
        monkeypatch.setattr(sys, "__stdout__", written)
        assert not write_within(near, bytes(TAKEN_MAX), 0.2)
        yield far
        for number, handler in former.items():
            signal.signal(number, handler)
    os.close(far)


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


def test_what_is_drawn_on_a_terminal_that_takes_nothing_is_dropped_and_neither_that_nor_the_end_waits(
    unread: int,
) -> None:
    async def draw() -> None:
        driver = TerminalDriver(App())
        driver.start_application_mode()
        for _ in range(2 * WAITING_MAX):
            driver.write("drawn")
        assert driver.is_behind
        assert driver.take_dropped() and not driver.take_dropped()
        began_s = time.monotonic()
        driver.stop_application_mode()
        driver.close()
        assert time.monotonic() - began_s < 5 * CLOSING_S_MAX

    asyncio.run(asyncio.wait_for(draw(), 10 * CLOSING_S_MAX))


def test_a_terminal_that_takes_what_is_drawn_is_not_behind_and_gets_all_before_the_end(unread: int) -> None:
    async def draw() -> None:
        driver = TerminalDriver(App())
        while not write_within(sys.__stdout__.fileno(), b"x", 0.0):  # type: ignore[union-attr]
            os.read(unread, TAKEN_MAX)
        driver.start_application_mode()
        driver.stop_application_mode()
        driver.close()
        assert not driver.is_behind and not driver.take_dropped()

    asyncio.run(draw())


def test_nothing_is_awaited_from_a_terminal_that_takes_nothing(unread: int) -> None:
    descriptor = sys.__stdout__.fileno()  # type: ignore[union-attr]
    assert not write_within(descriptor, b"more", 0.1)
    assert os.get_blocking(descriptor)
