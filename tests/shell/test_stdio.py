from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shell.waiting import ROOT
from udpchat.shell import stdio as standard
from udpchat.shell.stdio import OutputFailed, prepare_output, remark, standard_input, writing_to


def test_without_a_standard_input_it_is_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert standard_input().read(1) == b""
    monkeypatch.setattr(sys, "stdin", io.StringIO("not a file"))
    assert standard_input().read(1) == b""


def test_a_pipe_gets_utf_8_whatever_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    monkeypatch.setattr(standard.sys, "stdout", stream)
    prepare_output()
    writing_to(stream)("grün \ud800\n")
    assert raw.getvalue() == "grün ?\n".encode()


def test_writing_to_nothing_is_quiet() -> None:
    writing_to(None)("lost")


class Failing(io.StringIO):
    """A stream that cannot be written to."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def flush(self) -> None:
        raise self._error


def test_what_cannot_be_written_is_one_line_and_a_reader_that_has_gone_is_not_that() -> None:
    with pytest.raises(OutputFailed, match="cannot write to standard output: No space left on device"):
        writing_to(Failing(OSError(28, "No space left on device")))("lost")
    with pytest.raises(BrokenPipeError):
        writing_to(Failing(BrokenPipeError()))("lost")


def test_a_remark_that_nobody_can_read_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (OSError(28, "No space left on device"), BrokenPipeError(), ValueError("closed")):
        monkeypatch.setattr(sys, "stderr", Failing(error))
        remark("lost")


STREAMS = """
import os, sys
from udpchat.shell.stdio import complete_streams
complete_streams()
print(sys.stdin.fileno(), sys.stdout.fileno(), sys.stderr.fileno(), os.open(os.devnull, os.O_RDONLY), file=sys.stdout)
sys.stdout.buffer.raw  # there is a buffer in between
open(sys.argv[1], "w").write(repr([sys.stdin.fileno(), sys.stdout.fileno(), sys.stderr.fileno()]))
"""


@pytest.mark.skipif(os.name == "nt", reason="a shell closes the streams")
@pytest.mark.parametrize("closed", ["", "<&-", ">&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_no_file_is_given_the_number_of_a_closed_stream(closed: str, unbuffered: str, tmp_path: Path) -> None:
    script = f'exec "$0" -c "$1" "$2" {closed}'
    command = ["sh", "-c", script, sys.executable, STREAMS, str(tmp_path / "numbers")]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "numbers").read_text() == "[0, 1, 2]"


def test_input_is_read_unbuffered_and_an_abandoned_output_makes_no_noise() -> None:
    code = """
import sys
from udpchat.shell.stdio import abandon_output, standard_input
assert standard_input().read(100) == b"hello"
print("buffered")
abandon_output()
"""
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=buffered, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, said = process.communicate(b"hello", timeout=20)
    assert (process.returncode, said) == (0, b"")
