"""Which server is used: by name, by memory, by a person's word, and never by itself in place of another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.worded import worded
from udpchat.chat.phrase import Phrase
from udpchat.shell.addresses import ServerAddress, parse_server
from udpchat.shell.choosing import NobodyAnswers
from udpchat.shell.net import finding
from udpchat.shell.net.finding import Found, find, until_back
from udpchat.shell.net.reach import Answer, NoServer, NoSuchHost
from udpchat.ui.phrases import text_of
from udpchat.wire.packets import Address

OFFICE = ServerAddress("office", 6)


class Net:
    """Which hosts answer, by how many times they were asked; what was asked, chosen and reported."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answers: dict[str, Answer | list[Answer]]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, float]] = []
        self.reported: list[str] = []
        self.offered: list[list[str]] = []
        self.takes_s = 0.0
        monkeypatch.setattr(finding, "resolve", self.resolve)
        monkeypatch.setattr(finding, "find_server", self.find_server)

    async def resolve(self, host: str, port: int) -> list[Address]:
        if host == "unknown":
            raise NoSuchHost("no_server.host", host=host, reason="not known")
        return [(host, port)]

    async def find_server(
        self, addresses: list[Address], *, limit_s: float, refused_limit_s: float
    ) -> tuple[Answer, Address | None]:
        host = addresses[0][0]
        self.asked.append((host, limit_s))
        await asyncio.sleep(self.takes_s)
        answer = self.answers.get(host, Answer.SILENCE)
        if isinstance(answer, list):
            answer = answer.pop(0)
        return answer, addresses[0] if answer is Answer.SERVES else None

    def find(self, named: ServerAddress | None, last: str | None, *, choice: str = "", port: int = 47747) -> Found:
        """`choice`: how the option begins that a person takes; empty: there is nobody to be asked."""

        async def choose(question: Phrase, options: Sequence[Phrase]) -> int:
            self.offered.append(list(map(text_of, options)))
            if choice == "nothing":
                raise NobodyAnswers
            return next(index for index, option in enumerate(self.offered[-1]) if option.startswith(choice))

        chooser = choose if choice else None
        return asyncio.run(
            find(named, last=parse_server(last) if last else None, port=port, choose=chooser, report=self.report)
        )

    def report(self, phrase: Phrase) -> None:
        self.reported.append(text_of(phrase))


# --- Named ----------


def test_a_named_server_is_the_only_one_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, {"a": Answer.SERVES})
    found = Found(ServerAddress("a", 5), ("a", 5))
    assert net.find(ServerAddress("a", 5), "b:6") == found
    assert net.asked == [("a", 10.0)]
    assert net.reported == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer.SILENCE, "a:5 does not answer.*firewall.*no machine.*UDP port 5"),
        (Answer.REFUSED, "nobody listens at a:5.*start udpchat-server"),
        (Answer.NO_ROUTE, "no route to a:5.*Wi-Fi.*address"),
        (Answer.NO_HOST, "no machine answers at a.*check the address.*firewall rejects"),
        (Answer.FORBIDDEN, "does not let packets out to a:5.*firewall"),
        (Answer.OTHER_VERSION, "another version.*update"),
    ],
)
def test_why_a_named_server_cannot_be_used_is_told_apart_with_advice(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, words: str
) -> None:
    with worded(NoServer, match=words):
        Net(monkeypatch, {"a": answer}).find(ServerAddress("a", 5), None, choice="use")


def test_a_name_that_means_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with worded(NoServer, match="cannot find the host unknown"):
        Net(monkeypatch, {}).find(ServerAddress("unknown"), None)


def test_what_is_looked_for_is_reported_within_300_ms_if_it_is_not_found_by_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert finding.REPORTED_AFTER_S <= 0.3
    monkeypatch.setattr(finding, "REPORTED_AFTER_S", 0.0)
    for named, last, subject in (
        (OFFICE, None, "udpchat://office:6, for up to 10 s"),
        (None, "office:6", "udpchat://office:6, the server used last, for up to 10 s"),
        (None, None, "a server on this machine, UDP port 47747, for up to 3 s"),
    ):
        net = Net(monkeypatch, {"office": Answer.SERVES, "127.0.0.1": Answer.SERVES})
        net.takes_s = 0.01
        net.find(named, last)
        assert net.reported[0] == f"-- looking for {subject} ..."


# --- Used last ----------


def test_without_a_name_the_one_used_last_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, {"office": Answer.SERVES, "127.0.0.1": Answer.SERVES})
    for choice in ("", "use"):
        found = net.find(None, "office:6", choice=choice)
        assert found == Found(OFFICE, ("office", 6))
        assert net.reported.pop() == "-- no server was named; using the one used last: office:6"
    assert [host for host, _ in net.asked] == ["office", "office"] and net.offered == []


def test_a_pipe_never_changes_server_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, {"127.0.0.1": Answer.SERVES})
    with pytest.raises(NoServer) as failure:
        net.find(None, "office:6")
    assert net.asked == [("office", 10.0)]
    for part in ("used last", "office:6 does not answer", "--server", "try again"):
        assert part in text_of(failure.value.phrase)


def test_a_person_is_told_loudly_and_chooses_another_for_this_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, {"office": Answer.REFUSED, "127.0.0.1": Answer.SERVES})
    found = net.find(None, "office:6", choice="use")
    here = ServerAddress("127.0.0.1")
    assert found == Found(here, ("127.0.0.1", 47747), instead_of=OFFICE)
    assert net.reported[0].startswith("-- THE SERVER USED LAST DOES NOT ANSWER: nobody listens at office:6")
    (options,) = net.offered
    assert list(options) == [
        "keep trying udpchat://office:6",
        "use udpchat://127.0.0.1:47747, found on this machine, this time only",
        "quit",
    ]


def test_a_person_may_keep_trying_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    silences = [Answer.SILENCE, Answer.SILENCE, Answer.NO_ROUTE, Answer.SERVES]
    net = Net(monkeypatch, {"office": silences, "127.0.0.1": Answer.SERVES})
    found = net.find(None, "office:6", choice="keep")
    assert found == Found(OFFICE, ("office", 6))
    assert "trying udpchat://office:6 until it answers" in net.reported[1]
    assert [line.split(":")[0] for line in net.reported[2:]] == ["-- still trying", "-- still trying"]


def test_a_person_may_quit_and_is_offered_only_what_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    for choice in ("quit", "nothing"):
        net = Net(monkeypatch, {})
        with worded(NoServer, match=r"office:6 was used last.*--server"):
            net.find(None, "office:6", choice=choice)
        assert [list(options) for options in net.offered] == [["keep trying udpchat://office:6", "quit"]]


def test_the_one_used_last_is_not_offered_in_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, {"127.0.0.1": [Answer.REFUSED], "::1": Answer.SERVES})
    found = net.find(None, "127.0.0.1:47747", choice="use")
    assert found.address == ("::1", 47747)


def test_when_the_one_used_last_is_back_that_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "LOOK_AGAIN_S", 0.0)
    net = Net(monkeypatch, {"office": [Answer.SILENCE, Answer.REFUSED, Answer.SERVES]})
    asyncio.run(until_back(OFFICE))
    assert net.asked == [("office", finding.LOOK_AGAIN_S_MAX)] * 3


# --- Nothing used before ----------


def test_where_nothing_was_used_before_this_machine_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, {"::1": Answer.SERVES})
    found = net.find(None, None, port=5)
    assert found == Found(ServerAddress("::1", 5), ("::1", 5))
    assert net.reported == ["-- no server was named; using the one found on this machine: [::1]:5"]


def test_if_there_is_none_it_says_all_that_was_tried_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoServer) as failure:
        Net(monkeypatch, {"127.0.0.1": Answer.REFUSED}).find(None, None)
    line = text_of(failure.value.phrase)
    for part in ("nobody listens at 127.0.0.1:47747", "[::1]:47747", "udpchat-server", "--server"):
        assert part in line
