"""Options that do not exist."""

from __future__ import annotations

import pytest

from udpchat.shell.suggestions import unknown_option

OPTIONS = ("--heartbeat", "--help", "-h", "--history")


@pytest.mark.parametrize(
    ("arguments", "unknown"),
    [
        (["--heartbeet", "5"], "--heartbeet"),
        (["--heartbeat", "5", "--histroy=3"], "--histroy"),
        (["-nick", "bob"], "-nick"),
        (["--heartbeat=5", "-h"], None),
        (["--history", "-1"], None),
        (["--history", "--is said"], None),
        (["--", "--heartbeet"], None),
        (["-"], None),
    ],
)
def test_an_option_that_does_not_exist_is_found(arguments: list[str], unknown: str | None) -> None:
    assert unknown_option(arguments, OPTIONS) == unknown
