from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.worded import worded
from udpchat.chat.phrase import Problem
from udpchat.shell import values
from udpchat.shell.addresses import ListenAddress, ServerAddress
from udpchat.shell.typed_times import moment_ms


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
        (values.size(1 << 16, 1 << 30), "63K", "from 64K to 1G"),
        (values.size(1 << 16, 1 << 30), "2G", "from 64K to 1G"),
        (values.size(1 << 16, 1 << 30), "1.5M", "like 10M"),
        (values.size(1 << 16, 1 << 30), True, "like 10M"),
        (values.size(1, 5), "9" * 5_000, "from 1 to 5"),
        (values.metrics, "x", "TCP port"),
        (values.metrics, ":9747", "TCP port"),
        (values.metrics, "::1:9747", "TCP port"),
        (values.metrics, "localhost:9747", "TCP port"),
        (values.metrics, True, "TCP port"),
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


@pytest.mark.parametrize(
    ("given", "size"), [("65536", 65_536), (65_536, 65_536), ("64k", 65_536), (" 10M ", 10 << 20), ("1G", 1 << 30)]
)
def test_a_size_is_a_number_of_bytes_or_of_their_multiples(given: object, size: int) -> None:
    assert values.size(1 << 16, 1 << 30)(given) == size


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("", None), (9747, ("127.0.0.1", 9747)), ("9747", ("127.0.0.1", 9747)), ("0.0.0.0:0", ("0.0.0.0", 0)),
        ("[::1]:9747", ("::1", 9747)), ("[::]:9747", ("::", 9747)),
    ],
)  # fmt: skip
def test_where_metrics_are_given_is_a_port_and_maybe_an_address(
    given: object, place: tuple[str, int] | None
) -> None:
    assert values.metrics(given) == (None if place is None else ListenAddress(*place))


def test_without_the_library_of_metrics_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "METRICS_LIBRARY", "no_library_has_this_name")
    with worded(Problem, match=r"^it needs a library that is not here: pip install 'udpchat\[metrics\]'$"):
        values.metrics("9747")
    assert values.metrics("") is None
