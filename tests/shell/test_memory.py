"""The memory of this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from udpchat.shell.memory import resident_bytes

MIB = 2**20


@pytest.mark.skipif(sys.platform == "win32", reason="nothing tells it there")
def test_what_is_resident_is_more_than_an_interpreter_and_less_than_all() -> None:
    assert 5 * MIB < resident_bytes() < 100_000 * MIB


@pytest.mark.skipif(sys.platform == "win32", reason="the size of a page is not known there")
def test_the_second_number_of_linux_counts_pages(tmp_path: Path) -> None:
    (tmp_path / "statm").write_text("900 7 3 1 0 5 0\n")
    assert resident_bytes(tmp_path / "statm") == 7 * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform == "win32", reason="nothing tells it there")
def test_where_linux_does_not_tell_it_is_the_most_so_far(tmp_path: Path) -> None:
    assert resident_bytes(tmp_path / "nowhere") > 5 * MIB
