from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from tests.shell.waiting import ROOT
from udpchat.shell import standard
from udpchat.shell.standard import prepare_output, standard_input, writing_to


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


def test_input_is_read_unbuffered_and_an_abandoned_output_makes_no_noise() -> None:
    code = """
import sys
from udpchat.shell.standard import abandon_output, standard_input
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
