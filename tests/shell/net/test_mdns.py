"""mDNS: a server that is announced is found, and without the library, or a network, nothing happens."""

from __future__ import annotations

import sys
import time
from queue import Queue

import pytest

from udpchat.shell.net import mdns
from udpchat.wire.packets import Address

needs_zeroconf = pytest.mark.skipif(not mdns.IS_INSTALLED, reason="the library zeroconf is not installed")


@needs_zeroconf
def test_what_is_announced_is_found_with_its_port_and_no_longer_when_it_has_ended() -> None:
    found: Queue[Address] = Queue()
    end = mdns.announce("den.of ada", ["127.0.0.1"], 45_678, "x" * 32)
    stop = mdns.browse(found.put)
    try:
        while found.get(timeout=15).port != 45_678:
            pass
    finally:
        stop()
        end()


def test_neither_announcing_nor_browsing_keeps_anybody_waiting() -> None:
    began = time.monotonic()
    end = mdns.announce("den", ["127.0.0.1"], 45_679, "y" * 32)
    stop = mdns.browse(lambda address: None)
    stop()
    assert time.monotonic() - began < 0.5
    end()
    assert time.monotonic() - began < mdns.GOODBYE_S_MAX + 1.0


def test_without_the_library_nothing_is_found_and_nothing_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mdns, "IS_INSTALLED", False)
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    found: Queue[Address] = Queue()
    end, stop = mdns.announce("den", ["127.0.0.1"], 1, "z"), mdns.browse(found.put)
    stop()
    end()
    assert found.empty() and capsys.readouterr() == ("", "")
