"""What Textual's driver of a terminal is changed for: old codes of keys, and a terminal that is slow or gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import tty
from collections.abc import Iterator

import pytest
from textual import events
from textual.app import App
from textual.message import Message

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

F12 = b"\x1b[24~"
READ_S_MAX = 10.0
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


def read_by_driver(far: int, *written: bytes) -> list[str]:
    """What the driver reports of what a terminal sends: `paste: TEXT`, or the name of a key."""
    reported: list[str] = []

    class Reporting(TerminalDriver):
        def process_message(self, message: Message) -> None:
            if isinstance(message, events.Paste):
                reported.append(f"paste: {message.text}")
            elif isinstance(message, events.Key):
                reported.append(message.key)
            if reported[-1:] == ["f12"]:
                self.exit_event.set()

    async def read() -> None:
        driver = Reporting(App())
        reading = asyncio.create_task(asyncio.to_thread(driver.run_input_thread))
        try:
            for data in (*written, F12):
                os.write(far, data)
                await asyncio.sleep(0.01)  # so that each is read by itself; if not, the result is the same
            await asyncio.wait_for(asyncio.shield(reading), READ_S_MAX)
        finally:
            driver.exit_event.set()

    tty.setraw(far)
    asyncio.run(read())
    assert reported.pop() == "f12"
    return reported


def test_a_paste_is_one_event_with_its_escape_characters_and_no_key(unread: int) -> None:
    pasted = b"\x1b[31mred\x00\x1b\r/quit\r\x1b[A"
    written = (b"a\x1b[200~" + pasted, b"\x1b[20", b"1~\r")
    assert read_by_driver(unread, *written) == ["a", f"paste: {pasted.decode()}", "enter"]


def test_a_character_whose_bytes_come_apart_is_one_key(unread: int) -> None:
    assert read_by_driver(unread, b"\xc3", b"\xa4", b"\x1b", b"\r") == ["\u00e4", "alt+enter"]


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
