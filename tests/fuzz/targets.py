"""What `scripts/fuzz` fuzzes, by name, and where its corpus lies."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.client import ClientTarget
from tests.fuzz.engine import MakeTarget
from tests.fuzz.server import ServerTarget
from tests.fuzz.store import StoreTarget
from tests.fuzz.wire import WireTarget

CORPUS = Path(__file__).resolve().parent / "corpus"
TARGETS: dict[str, MakeTarget] = {
    "server": ServerTarget,
    "client": ClientTarget,
    "wire": WireTarget,
    "store": StoreTarget,
}
