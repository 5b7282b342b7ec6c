from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from tests.shell.waiting import ROOT, run_until
from udpchat.chat.exit_codes import ExitCode
from udpchat.shell.signals import STOPPING, Signals, exit_code_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows cannot send itself a signal without ending")

TWICE = """
import asyncio, os, signal
from udpchat.shell.signals import STOPPING, Signals
loop = asyncio.SelectorEventLoop()
order = lambda: print("put in order", flush=True)
signals = Signals(loop, lambda number: None, exit_at_once=lambda number: 77, before_exit=order)
signals.take(*STOPPING)
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGINT)
raise SystemExit(1)
"""


def test_a_signal_wakes_the_loop_and_is_reported_there(loop: asyncio.AbstractEventLoop) -> None:
    got: list[int] = []
    signals = Signals(loop, got.append)
    signals.take(signal.SIGUSR1, signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGTERM)
    run_until(loop, lambda: len(got) == 2)
    assert sorted(got) == sorted([signal.SIGUSR1, signal.SIGTERM])
    signals.close()


def test_afterwards_everything_is_as_it_was(loop: asyncio.AbstractEventLoop) -> None:
    before = [signal.getsignal(number) for number in STOPPING]
    signals = Signals(loop, lambda number: None)
    signals.take(*STOPPING)
    assert [signal.getsignal(number) for number in STOPPING] != before
    signals.close()
    assert [signal.getsignal(number) for number in STOPPING] == before


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, ExitCode.INTERRUPTED),
        (signal.SIGTERM, ExitCode.TERMINATED),
        (signal.SIGHUP, ExitCode.HUNG_UP),
        (21, ExitCode.INTERRUPTED),  # SIGBREAK
    ],
)
def test_a_signal_has_the_exit_code_that_shells_give_it(number: int, code: ExitCode) -> None:
    assert exit_code_of(number) is code


def test_the_second_stop_ends_the_process_whatever_the_loop_does() -> None:
    done = subprocess.run([sys.executable, "-c", TWICE], cwd=ROOT, timeout=20, check=False, capture_output=True)
    assert done.returncode == 77
    assert done.stdout.split() == [b"put", b"in", b"order"]
