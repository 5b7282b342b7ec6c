from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.worded import worded
from udpchat.chat.phrase import Problem
from udpchat.shell import values
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.times import moment_ms


@pytest.mark.parametrize(
    ("parse", "given", "found"),
    [
        (values.addresses, "::ffff:127.0.0.1, [::1],127.0.0.1", ("127.0.0.1", "::1")),
        (values.port, "0", 0),
        (values.path, "x/y", Path("x/y")),
        (values.path, "~", Path.home()),
        (values.name, "home", "home"),
        (values.command, "", []),
        (values.command, f"'{sys.executable}' -c 'a  b' \"$X\" c", [sys.executable, "-c", "a  b", "$X", "c"]),
        (values.label_id, "nightly build", "nightly build"),
        (values.seconds(0.1, 5), "2.5", 2.5),
        (values.whole(1, 9), 9, 9),
        (values.optional(values.whole(1, 9)), None, None),
        (values.one_of(("a", "b")), "b", "b"),
        (values.switch, "Yes", True),
        (values.switch, False, False),
        (values.nick, "", ""),
        (values.room, " #Dev ", "dev"),
        (values.rooms, "a,#A, b", ("a", "b")),
        (values.rooms, "", ()),
        (values.server, "", None),
        (values.server, "host:5", ServerAddress("host", 5)),
        (values.moment, "2026-11-21", moment_ms("2026-11-21")),
    ],
)
def test_a_value_is_read_as_people_write_it(parse: Callable[[Any], Any], given: Any, found: Any) -> None:
    assert parse(given) == found


@pytest.mark.parametrize(
    ("parse", "given", "wanted"),
    [
        (values.addresses, "localhost", "an address of this machine"),
        (values.port, "65536", "65535"),
        (values.port, True, "65535"),
        (values.path, "", "file or folder"),
        (values.name, "a\nb", "one line"),
        (values.command, "x 'y", "each quotation with its end"),
        (values.command, "x\0", "a program and its arguments"),
        (values.command, ["x"], "a program and its arguments"),
        (values.command, 5, "a program and its arguments"),
        (values.command, "no-such-program\x1b -x", "there is no program no-such-program\ufffd that can be run"),
        (values.command, "/", "there is no program / that can be run"),
        (values.name, "x" * 101, "100 bytes"),
        (values.label_id, " ", "one line"),
        (values.seconds(0.1, 5), "0", "from 0.1 to 5"),
        (values.seconds(0.1, 5), "nan", "from 0.1 to 5"),
        (values.seconds(0.1, 5), True, "from 0.1 to 5"),
        (values.whole(1, 9), "10", "from 1 to 9"),
        (values.whole(1, 9), "1.5", "from 1 to 9"),
        (values.whole(1, 9), "9" * 5_000, "from 1 to 9"),
        (values.one_of(("a", "b")), "c", "a, b"),
        (values.switch, "maybe", "true or false"),
        (values.nick, "a b", "space"),
        (values.room, 5, "name"),
        (values.server, "host:port", "port"),
        (values.moment, "noon", "noon"),
    ],
)
def test_what_is_no_such_value_is_refused_with_what_is_wanted(
    parse: Callable[[Any], Any], given: Any, wanted: str
) -> None:
    with worded(Problem, match=wanted):
        parse(given)
