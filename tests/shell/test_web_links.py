"""Links are opened on a desktop that the person sees, by no shell, and nothing but web addresses."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from threading import Thread

import pytest

from tests.shell.waiting import LIMIT_S, wait_for
from udpchat.shell import web_links
from udpchat.shell.web_links import has_desktop, open_link

URL = "https://example.org/?q=a&b=$(touch%20x);'`#~"


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ""}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, "linux", False),
        ({}, "darwin", True),
        ({"SSH_TTY": "/dev/ttys001"}, "darwin", False),
        ({}, "win32", True),
    ],
)
def test_a_desktop_is_one_that_the_person_sees(environment: dict[str, str], platform: str, expected: bool) -> None:
    assert has_desktop(environment, platform) is expected


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a browser of our own keeps what it is told, and what its standard output is."""
    browser, told = tmp_path / "browser", tmp_path / "told"
    browser.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >{told}.new\necho noise\nmv {told}.new {told}\n")
    browser.chmod(0o700)
    for name in web_links.REMOTE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("BROWSER", str(browser))
    return told


@pytest.mark.skipif(sys.platform == "win32", reason="the browser of this test is a script of sh")
def test_a_link_is_given_to_the_browser_as_it_is_and_nothing_is_written_here(
    opened: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert open_link(URL)
    wait_for(opened.exists, LIMIT_S, "the browser is told")
    assert opened.read_text() == f"{URL}\n"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "javascript:alert(1)", "smb://host/x", "-version", "http:", "x-http://a", "", "a.b"]
)
def test_nothing_but_a_web_address_is_opened(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_links, "Thread", None)
    monkeypatch.setattr(os, "environ", {"DISPLAY": ":0"})
    assert not open_link(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://b\u0430nk.example/", "https://bank.example@evil.example", "https://bank.example\\@evil.example",
        "https://bank\u3164.example", "HTTPS://a\u200db.example?q", "https://a.example\u3002evil.example#x",
    ],
)  # fmt: skip
def test_a_host_that_may_be_taken_for_another_is_not_opened(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_links, "Thread", None)
    monkeypatch.setattr(os, "environ", {"DISPLAY": ":0"})
    assert not open_link(url)


@pytest.mark.parametrize("url", ["https://a.example/\u0437?q=b@c", "http://[fe80::1]:80", "https://xn--80ak6aa92e.com"])
def test_a_host_that_is_plain_to_read_is_opened(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[object] = []
    monkeypatch.setattr(web_links, "Thread", lambda **options: threads.append(options) or Thread(target=bool))
    monkeypatch.setattr(os, "environ", {"DISPLAY": ":0"})
    assert open_link(url) and len(threads) == 1


def test_without_a_desktop_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_links, "Thread", None)
    monkeypatch.setattr(os, "environ", {"DISPLAY": ":0", "SSH_TTY": "/dev/pts/0"})
    assert not open_link(URL)
