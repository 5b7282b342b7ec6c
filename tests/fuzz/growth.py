"""What a core holds: objects of udpchat by class, and the places in its tables."""

from __future__ import annotations

from collections import Counter, deque
from enum import Enum

from tests.sizes import parts_of
from udpchat.server import credit, quotas
from udpchat.wire import limits

PLACES = "places in tables"


def kept_max() -> dict[str, int]:
    """What stays on purpose, up to a limit, by class."""
    return {
        # Of members, of strangers, of queries and of passwords.
        "udpchat.server.credit.Balance": 4 * credit.BALANCES_MAX,
        "udpchat.server.attempts._Failures": 2 * limits.LOGINS_TRACKED_MAX,  # of accounts and of sources
        "udpchat.wire.content.LoginsFailed": limits.LOGINS_TRACKED_MAX,
        # Of six quotas, by key and by source; and of the handshakes of sources and of hosts.
        "udpchat.session.rate_limit.TokenBucket": 12 * quotas.HOLDERS_MAX + 2 * limits.SOURCES_MAX,
    }


def held_by(core: object) -> Counter[str]:
    """How many objects of each class of udpchat a core leads to, and how many places its tables have in all."""
    found: Counter[str] = Counter()
    for part in parts_of(core):
        kind = type(part)
        if kind.__module__.startswith("udpchat.") and not issubclass(kind, Enum):
            found[f"{kind.__module__}.{kind.__qualname__}"] += 1
        elif isinstance(part, dict | list | set | deque):
            found[PLACES] += len(part)
    return found


def check_not_grown(core: object, fresh: object, *, places: int) -> None:
    """AssertionError if a core holds more objects than a fresh one does, or more than so many further places."""
    grown = held_by(core) - held_by(fresh)
    most = kept_max()
    kept = {name: grown.pop(name, 0) for name in most}
    assert all(count <= most[name] for name, count in kept.items()), f"a core holds {kept}"
    further = grown.pop(PLACES, 0) - sum(kept.values())
    assert not grown, f"a core that nobody uses any more still holds {dict(grown)}"
    assert further <= places, f"a core that nobody uses any more has {further} places more in its tables"
