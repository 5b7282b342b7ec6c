"""How much memory something holds, for tests of what is bounded: measured from outside, whatever it is made of."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)  # of the program, not of one object


def parts_of(thing: object) -> Iterator[object]:
    """A thing and everything that it leads to, each once."""
    found: dict[int, object] = {}
    waiting = [thing]
    while waiting:
        part = waiting.pop()
        if id(part) not in found and not isinstance(part, SHARED):
            found[id(part)] = part
            waiting += gc.get_referents(part)
            yield part


def size_of(thing: object) -> int:
    """The bytes of a thing and of everything that it leads to."""
    return sum(map(sys.getsizeof, parts_of(thing)))
