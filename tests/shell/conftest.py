"""What ends with each test: a loop of the kind that the programs run, and a server in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shell.waiting import free_port
from udpchat.shell.hosting import Hosting, stop


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.SelectorEventLoop()
    yield made
    made.close()


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Hosting]:
    """What may be hosted; nothing of it runs on afterwards."""
    made = Hosting(tmp_path / "data", free_port(), None, "scripts/chat")
    made.data.mkdir()
    yield made
    stop(made, lambda line: None)
