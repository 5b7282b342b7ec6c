from __future__ import annotations

import asyncio

import pytest

from udpchat.shell import finding
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.finding import NoServer, find
from udpchat.shell.reach import Answer, NoSuchHost
from udpchat.wire.packets import Address


class Net:
    """Which hosts answer; what was asked, and for how long."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answers: dict[str, Answer]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, float]] = []
        self.said: list[str] = []
        monkeypatch.setattr(finding, "resolve", self.resolve)
        monkeypatch.setattr(finding, "find_server", self.find_server)

    async def resolve(self, host: str, port: int) -> list[Address]:
        if host == "unknown":
            raise NoSuchHost("cannot find the host unknown: not known")
        return [(host, port)]

    async def find_server(
        self, addresses: list[Address], *, limit_s: float, refused_limit_s: float
    ) -> tuple[Answer, Address | None]:
        host = addresses[0][0]
        self.asked.append((host, limit_s))
        answer = self.answers.get(host, Answer.NOTHING)
        return answer, addresses[0] if answer is Answer.SERVES else None

    def find(self, named: ServerAddress | None, last: str | None) -> tuple[ServerAddress, Address]:
        return asyncio.run(find(named, last=last, say=self.said.append))


def test_a_named_server_is_the_only_one_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, {"a": Answer.SERVES})
    assert net.find(ServerAddress("a", 5), "b:6") == (ServerAddress("a", 5), ("a", 5))
    assert net.asked == [("a", 10.0)]
    assert net.said == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer.NOTHING, "does not answer"),
        (Answer.REFUSED, "nobody listens at a:5"),
        (Answer.OTHER_VERSION, "another version.*update"),
    ],
)
def test_a_named_server_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, words: str
) -> None:
    with pytest.raises(NoServer, match=words):
        Net(monkeypatch, {"a": answer}).find(ServerAddress("a", 5), None)


def test_a_name_that_means_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoServer, match="cannot find the host unknown"):
        Net(monkeypatch, {}).find(ServerAddress("unknown"), None)


def test_without_a_name_the_one_used_last_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, {"last": Answer.SERVES, "127.0.0.1": Answer.SERVES})
    assert net.find(None, "last:6") == (ServerAddress("last", 6), ("last", 6))
    assert net.asked == [("last", 3.0)]
    assert net.said == ["no server was named; using the one used last: last:6"]


def test_then_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, {"::1": Answer.SERVES})
    assert net.find(None, "last:6") == (ServerAddress("::1"), ("::1", 47747))
    assert [host for host, _ in net.asked] == ["last", "127.0.0.1", "::1"]


def test_nothing_is_tried_twice_and_what_is_no_address_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for last in ("127.0.0.1:47747", "not an address"):
        net = Net(monkeypatch, {})
        with pytest.raises(NoServer):
            net.find(None, last)
        assert [host for host, _ in net.asked] == ["127.0.0.1", "::1"]


def test_if_there_is_none_it_says_all_that_was_tried_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoServer) as failure:
        Net(monkeypatch, {"127.0.0.1": Answer.REFUSED}).find(None, "last:6")
    line = str(failure.value)
    for part in ("last:6 does not answer", "127.0.0.1:47747", "[::1]:47747", "udpchat-server", "--server"):
        assert part in line
