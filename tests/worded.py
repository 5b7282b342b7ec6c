"""The words of a problem, for tests of what a person reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from udpchat.chat.phrase import Problem
from udpchat.ui.phrases import text_of


@contextmanager
def worded(kind: type[Problem], match: str) -> Iterator[None]:
    """What is inside raises this problem, and its sentence matches."""
    with pytest.raises(kind) as caught:
        yield
    assert re.search(match, text := text_of(caught.value.phrase)), text
