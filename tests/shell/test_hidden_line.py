"""A hidden line: what is asked is on standard error, what is typed comes to the loop and nowhere else."""

from __future__ import annotations

import asyncio
import io
import sys

import pytest

from tests.shell.waiting import run_until
from udpchat.shell.hidden_line import HiddenLine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows asks its console")


@pytest.mark.parametrize(
    ("typed", "line"), [(b"correct horse\nmore\n", "correct horse"), (b"no end", "no end"), (b"", "")]
)
def test_the_line_is_reported_once_and_not_printed(
    typed: bytes, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = asyncio.new_event_loop()
    got: list[str] = []
    hidden = HiddenLine(io.BytesIO(typed))
    loop.call_soon(hidden.ask, "password of alice", got.append)
    run_until(loop, lambda: got)
    hidden.restore()
    loop.close()
    assert got == [line]
    printed = capsys.readouterr()
    assert printed.err == "password of alice: \n" and printed.out == ""
