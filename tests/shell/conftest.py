"""A loop of the kind that the programs run, closed after each test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.SelectorEventLoop()
    yield made
    made.close()
