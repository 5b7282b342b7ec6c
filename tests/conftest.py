"""Settings of every test: hypothesis tries the same examples each time, and others only where it is told to.

    scripts/test tests                                               what never changes
    scripts/test --hypothesis-profile=random                         other examples and other worlds, for some seconds
    scripts/test --hypothesis-profile=random --hypothesis-seed=7     those of seed 7, again
    scripts/test --hypothesis-profile=long tests/wire                a search, for minutes

The random profile selects the tests that have something to vary: those of hypothesis, and those marked `fresh`. The
time limit of a test (pytest-timeout) stands in setup.cfg.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, settings

from tests.sim import audit
from udpchat.server import pace

RANDOM = "random"

# One machine is slow now and then, and a deadline would make that a failure: pytest's timeout bounds a test as a whole.
settings.register_profile("default", max_examples=60, deadline=None, derandomize=True, database=None)
settings.register_profile(
    RANDOM,
    max_examples=10,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "long",
    max_examples=5_000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")


def pytest_configure(config: pytest.Config) -> None:
    """The marks of our own."""
    config.addinivalue_line("markers", f"fresh: runs in the hypothesis profile {RANDOM!r} only, on numbers drawn anew")


@pytest.hookimpl(trylast=True)  # after hypothesis has marked what is its own
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the random profile what has something to vary, else what has not only that."""
    is_random = config.getoption("--hypothesis-profile") == RANDOM

    def is_wanted(item: pytest.Item) -> bool:
        is_fresh = item.get_closest_marker("fresh") is not None
        return is_fresh or item.get_closest_marker("hypothesis") is not None if is_random else not is_fresh

    left = [item for item in items if not is_wanted(item)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if is_wanted(item)]


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> Random:
    """A source of numbers for a `fresh` test: another for each test and each run, the same again for the same seed."""
    seed = request.config.getoption("--hypothesis-seed")
    return Random(f"{seed if seed is not None else secrets.randbits(64)} {request.node.nodeid}")


@pytest.fixture(autouse=True)
def _audit_ends_with_its_world() -> Iterator[None]:
    """A simulated world audits every seal of the process; the tests after it have keys of their own."""
    yield
    audit.end()


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The turns of servers are short, as while somebody writes who uses little."""
    monkeypatch.setattr(pace, "LONG", pace.SHORT)
