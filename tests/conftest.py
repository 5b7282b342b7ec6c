"""Settings of every test: hypothesis is deterministic by default; `--hypothesis-profile=long` searches instead.

The time limit of a test (pytest-timeout) stands in setup.cfg.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.sim import audit

# One machine is slow now and then, and a deadline would make that a failure: pytest's timeout bounds a test as a whole.
settings.register_profile("default", max_examples=60, deadline=None, derandomize=True, database=None)
settings.register_profile(
    "long",
    max_examples=5_000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def _audit_ends_with_its_world() -> Iterator[None]:
    """A simulated world audits every seal of the process; the tests after it have keys of their own."""
    yield
    audit.end()
