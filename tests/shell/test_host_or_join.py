"""Host or join: what is on the LAN is joined, else one is hosted, and of two that were hosted at once one stays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.shell.net.test_server_choice import KEY, OTHER_KEY, lan_server
from tests.shell.test_hosting import Reports
from tests.shell.waiting import free_port
from tests.worded import worded
from udpchat.chat.phrase import Phrase
from udpchat.client.server_search import FoundServer
from udpchat.shell import host_or_join as module
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.data_folder import KnownServers, remember_server
from udpchat.shell.host_or_join import find_or_host
from udpchat.shell.hosting import Hosting, host, own_fingerprint, stop
from udpchat.shell.maintenance import LOG_FILE
from udpchat.shell.net.reach import NoServer
from udpchat.shell.net.server_choice import Impostor
from udpchat.storage.lock import holder_of
from udpchat.ui.phrases import text_of

OWN = "m" * 32  # of the server of this machine


class Lan:
    """What each search in turn finds, and what is hosted here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, data: Path, *searches: list[FoundServer]) -> None:
        self.hosting = Hosting(data, 47747, None, "udpchat")
        self.searches = list(searches)
        self.reports = Reports()
        self.offered: list[list[str]] = []
        self.is_hosted = False
        for name in ("look_now", "host", "stop", "own_fingerprint"):
            monkeypatch.setattr(module, name, getattr(self, name))

    def look_now(self, port: int, **_: float) -> list[FoundServer]:
        return self.searches.pop(0) if self.searches else []

    def host(self, hosting: Hosting, report: Any) -> ServerAddress:
        self.is_hosted = True
        return ServerAddress("127.0.0.1", hosting.port)

    def stop(self, hosting: Hosting, report: Any) -> None:
        assert self.is_hosted
        self.is_hosted = False

    def own_fingerprint(self, hosting: Hosting) -> str:
        return OWN if self.is_hosted else ""

    def server(self, *, insists: bool = False, choice: int | None = None) -> str:
        """The host of the server that is joined; empty: that used last."""

        async def choose(question: Phrase, options: Sequence[Phrase]) -> int:
            self.offered.append([text_of(option) for option in options])
            assert choice is not None
            return choice

        chooser = choose if choice is not None else None
        found = find_or_host(self.hosting, insists=insists, choose=chooser, report=self.reports.add)
        return found.host if found is not None else ""


def ours(people: int = 0) -> FoundServer:
    return lan_server("127.0.0.1", OWN).changed(people=people)


def theirs(people: int, key: str = KEY) -> FoundServer:
    return lan_server("10.0.0.9", key).changed(people=people)


def test_the_server_of_the_lan_is_joined_and_must_show_its_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lan = Lan(monkeypatch, tmp_path, [theirs(0)])
    found = find_or_host(lan.hosting, insists=False, choose=None, report=lan.reports.add)
    assert found == ServerAddress("10.0.0.9", 47747, KEY) and not lan.is_hosted
    assert "found by broadcast" in lan.reports[0]


def test_without_any_one_is_hosted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lan = Lan(monkeypatch, tmp_path, [], [ours()])
    assert lan.server() == "127.0.0.1" and lan.is_hosted


@pytest.mark.parametrize(
    ("rival", "people_here", "stays"),
    [
        (theirs(0, "a" * 32), 0, False),  # the smaller fingerprint
        (theirs(0, "z" * 32), 0, True),
        (theirs(1, "z" * 32), 0, False),  # somebody is there
        (theirs(5, "a" * 32), 1, True),  # somebody is here by now
    ],
)
def test_of_two_hosted_at_once_both_sides_choose_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rival: FoundServer, people_here: int, stays: bool
) -> None:
    lan = Lan(monkeypatch, tmp_path, [], [ours(people_here), rival])
    assert lan.server() == ("127.0.0.1" if stays else "10.0.0.9")
    assert lan.is_hosted is stays
    assert stays or "is joined, and the one here is stopped" in lan.reports[0]


def test_of_several_a_person_chooses_and_a_pipe_hosts_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    servers = [theirs(1), lan_server("10.0.0.8", OTHER_KEY)]
    lan = Lan(monkeypatch, tmp_path, servers, servers)
    with worded(NoServer, match="several servers answer"):
        lan.server()
    assert not lan.is_hosted
    assert lan.server(choice=1) == "10.0.0.8"


def test_who_hosted_before_hosts_again_unless_a_person_chooses_what_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    remember_server(tmp_path, "127.0.0.1:47747")
    assert Lan(monkeypatch, tmp_path, [theirs(3)]).server() == "127.0.0.1"
    assert Lan(monkeypatch, tmp_path, [theirs(3)]).server(choice=0) == "127.0.0.1"
    lan = Lan(monkeypatch, tmp_path, [theirs(3)])
    assert lan.server(choice=1) == "10.0.0.9" and not lan.is_hosted


def test_a_server_here_without_people_is_offered_to_be_closed_for_one_with_people(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for choice, joined in ((None, "127.0.0.1"), (0, "127.0.0.1"), (1, "10.0.0.9")):
        lan = Lan(monkeypatch, tmp_path, [ours(), theirs(3)])
        lan.is_hosted = True
        assert lan.server(choice=choice) == joined
        assert lan.is_hosted is (choice != 1)
    lan = Lan(monkeypatch, tmp_path, [ours(2), theirs(3)])
    lan.is_hosted = True
    assert lan.server(choice=1) == "127.0.0.1" and lan.offered == []


def test_an_impostor_is_not_joined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    KnownServers(tmp_path).pin("10.0.0.1:47747", OTHER_KEY, "den")
    with pytest.raises(Impostor):
        Lan(monkeypatch, tmp_path, [theirs(3)]).server()
    lan = Lan(monkeypatch, tmp_path, [theirs(3)])
    assert lan.server(choice=0) == "127.0.0.1" and lan.reports[0].startswith("NOT USED")


# --- Not beside another ----------


def test_nothing_is_hosted_beside_a_server_used_elsewhere_unless_a_person_insists(hosted: Hosting) -> None:
    reports = Reports()
    remember_server(hosted.data, "192.0.2.7:47747")
    assert find_or_host(hosted, insists=False, choose=None, report=reports.add) is None
    (line,) = reports
    assert "joining the server used last, udpchat://192.0.2.7:47747" in line and "scripts/chat --host" in line
    assert holder_of(hosted.data / LOG_FILE) is None
    server = find_or_host(hosted, insists=True, choose=None, report=reports.add)
    assert server == ServerAddress("127.0.0.1", hosted.port)
    assert len(own_fingerprint(hosted)) == 32


@pytest.mark.parametrize("last", ["127.0.0.1", "localhost", "[::1]"])
def test_when_the_last_one_was_its_own_it_is_hosted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, last: str
) -> None:
    remember_server(tmp_path, f"{last}:47747")
    assert Lan(monkeypatch, tmp_path).server() == "127.0.0.1"


@pytest.mark.parametrize("last", ["127.0.0.1:{other}", "no.such.host.invalid:{port}"])
def test_another_server_of_this_machine_is_not_its_own(hosted: Hosting, last: str) -> None:
    remember_server(hosted.data, last.format(port=hosted.port, other=free_port()))
    assert find_or_host(hosted, insists=False, choose=None, report=lambda said: None) is None


def test_its_own_is_known_by_the_port_that_it_had_before(hosted: Hosting) -> None:
    host(hosted, lambda said: None)
    stop(hosted, lambda said: None)
    remember_server(hosted.data, f"127.0.0.1:{hosted.port}")
    moved = Hosting(hosted.data, free_port(), None, "scripts/chat")
    server = find_or_host(moved, insists=False, choose=None, report=lambda said: None)
    assert server == ServerAddress("127.0.0.1", moved.port)
