from __future__ import annotations

import asyncio
import sys
from types import ModuleType, SimpleNamespace

import pytest

from udpchat.chat.phrase import Phrase
from udpchat.shell.desktop import APP_NAME, Desktop

LIMIT_S = 10.0


class FakeNotifier:
    """Stands for the library: keeps what it is told."""

    shown: list[tuple[str, str, str]]
    fails = False

    def __init__(self, app_name: str) -> None:
        self._app_name = app_name

    async def send(self, title: str, message: str) -> None:
        if self.fails:
            raise OSError("no service")
        self.shown.append((self._app_name, title, message))


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> type[FakeNotifier]:
    made = type("DesktopNotifier", (FakeNotifier,), {"shown": []})
    module = ModuleType("desktop_notifier")
    module.__dict__["DesktopNotifier"] = made
    monkeypatch.setitem(sys.modules, "desktop_notifier", module)
    return made


def run_with(*batches: list[str]) -> list[str]:
    """The codes of what is reported while these are shown: those of a list at once, each list when all before is done.
    """
    reported: list[Phrase] = []

    async def show_all() -> None:
        desktop = Desktop(reported.append)
        for bodies in batches:
            for body in bodies:
                desktop.show("bob", body)
            showing = asyncio.all_tasks() - {asyncio.current_task()}
            if showing:
                _, late = await asyncio.wait(showing, timeout=LIMIT_S)
                assert not late

    asyncio.run(show_all())
    return [phrase.key for phrase in reported]


def test_a_notification_is_shown(library: type[FakeNotifier]) -> None:
    assert run_with(["hello"], ["again"]) == []
    assert library.shown == [(APP_NAME, "bob", "hello"), (APP_NAME, "bob", "again")]


@pytest.mark.parametrize(
    ("system", "message"),
    [("linux", "&lt;img src=x&gt; &amp; 'this'"), ("freebsd14", "&lt;img src=x&gt; &amp; 'this'")]
    + [(system, "<img src=x> & 'this'") for system in ("win32", "darwin")],
)
def test_what_a_peer_wrote_is_no_markup_where_the_desktop_reads_some(
    system: str, message: str, library: type[FakeNotifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("udpchat.shell.desktop.sys", SimpleNamespace(platform=system))
    assert run_with(["<img src=x> & 'this'"]) == []
    assert library.shown == [(APP_NAME, "bob", message)]


def test_while_one_is_on_its_way_no_other_is_begun(library: type[FakeNotifier]) -> None:
    assert run_with(["one", "two"], ["three"]) == []
    assert [body for _, _, body in library.shown] == ["one", "three"]


def test_a_missing_library_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "desktop_notifier", None)  # the import fails
    assert run_with(["one"], ["two"]) == ["desktop.missing"]


def test_a_desktop_that_fails_is_said_once(library: type[FakeNotifier]) -> None:
    library.fails = True
    assert run_with(["one"], ["two"]) == ["desktop.failed"]
