"""What of the options of a server can change while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from udpchat.shell.options import SERVER_SETTINGS, ServerOptions, server_options
from udpchat.shell.reloading import FIXED, LIVE, Reloaded, differences, taken_over

OTHERS = {
    "name": "den",
    "discoverable": "no", "motd": "be nice", "retention": "30d", "log-level": "debug", "log-format": "json",
    "bind": "127.0.0.1", "port": "5", "data": "/elsewhere", "durability": "os", "heartbeat": "5", "expiry": "50",
    "log-file": "/elsewhere.log", "log-file-size": "1M", "log-files": "2", "log-addresses": "no", "metrics": "9747",
    "accounts": "closed", "nick-expiry": "100d",
}  # fmt: skip


def options(**flags: Any) -> ServerOptions:
    return server_options({"data": "/data", **flags}, {})


def test_every_setting_can_change_or_needs_a_restart() -> None:
    assert {*LIVE, *FIXED} == set(SERVER_SETTINGS) == set(OTHERS) and not set(LIVE) & set(FIXED)


@pytest.mark.parametrize(("name", "value"), OTHERS.items())
def test_a_setting_that_changes_is_named(name: str, value: str) -> None:
    former, present = options(), options(**{name: value})
    assert differences(former, present) == (Reloaded((name,)) if name in LIVE else Reloaded((), (name,)))
    after = taken_over(former, present)
    assert differences(after, present) == (Reloaded() if name in LIVE else Reloaded((), (name,)))


def test_nothing_that_needs_a_restart_is_taken_over() -> None:
    after = taken_over(options(), options(**OTHERS))
    assert (after.data, after.port, after.name) == (Path("/data"), options().port, "den")
