"""Which server is used: by name, by memory, by a person's word, and never by itself in place of another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.worded import worded
from udpchat.chat.phrase import Phrase
from udpchat.client.server_search import FoundServer, Way
from udpchat.shell.addresses import ServerAddress, parse_server
from udpchat.shell.choosing import NobodyAnswers
from udpchat.shell.data_folder import KnownServers
from udpchat.shell.net import server_choice
from udpchat.shell.net.reach import Answer, NoServer, NoSuchHost
from udpchat.shell.net.server_choice import Found, Impostor, find, until_back
from udpchat.ui.phrases import text_of
from udpchat.wire.limits import PROTOCOL_VERSION
from udpchat.wire.packets import Address

OFFICE = ServerAddress("office", 6)


KEY, OTHER_KEY = "a" * 32, "b" * 32


def lan_server(host: str, key: str = KEY, name: str = "den", *, version: int = PROTOCOL_VERSION) -> FoundServer:
    """One that a search finds there."""
    return FoundServer(key, name, 3, version, (Address(host, 47747),), (Way.BROADCAST, Way.MULTICAST))


class Net:
    """Which hosts answer, by how many times they were asked, and who answers a search; what was asked, chosen and
    reported. `known` is empty.
    """

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        answers: dict[str, Answer | list[Answer]],
        *lan: FoundServer,
        data: Path | None = None,
    ) -> None:
        self.answers = answers
        self.lan = list(lan)
        self.known = KnownServers(data or Path("/nowhere"))
        self.looked_for: list[tuple[int, str]] = []
        monkeypatch.setattr(server_choice, "look", self.look)
        self.asked: list[tuple[str, float]] = []
        self.reported: list[str] = []
        self.offered: list[list[str]] = []
        self.takes_s = 0.0
        monkeypatch.setattr(server_choice, "resolve", self.resolve)
        monkeypatch.setattr(server_choice, "find_server", self.find_server)

    async def resolve(self, host: str, port: int) -> list[Address]:
        if host == "unknown":
            raise NoSuchHost("no_server.host", host=host, reason="not known")
        return [Address(host, port)]

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

    async def look(
        self,
        port: int,
        *,
        last: Sequence[Address] = (),
        wanted: str = "",
        on_found: Callable[[list[FoundServer]], object] = lambda found: None,
    ) -> list[FoundServer]:
        self.looked_for.append((port, wanted))
        for end in range(len(self.lan)):
            on_found(self.lan[: end + 1])
            await asyncio.sleep(0)
        return self.lan

    def find(self, named: ServerAddress | None, last: str | None, *, choice: str = "", port: int = 47747) -> Found:
        """`choice`: how the option begins that a person takes; empty: there is nobody to be asked."""

        async def choose(question: Phrase, options: Sequence[Phrase]) -> int:
            self.offered.append(list(map(text_of, options)))
            if choice == "nothing":
                raise NobodyAnswers
            return next(index for index, option in enumerate(self.offered[-1]) if option.startswith(choice))

        chooser = choose if choice else None
        return asyncio.run(
            find(
                named,
                last=parse_server(last) if last else None,
                port=port,
                choose=chooser,
                report=self.report,
                known=self.known,
            )
        )

    def report(self, phrase: Phrase) -> None:
        self.reported.append(text_of(phrase))


# --- Named ----------


def test_a_named_server_is_the_only_one_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, {"a": Answer.SERVES})
    found = Found(ServerAddress("a", 5), Address("a", 5))
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
    assert server_choice.REPORTED_AFTER_S <= 0.3
    monkeypatch.setattr(server_choice, "REPORTED_AFTER_S", 0.0)
    for named, last, subject in (
        (OFFICE, None, "udpchat://office:6, for up to 10 s"),
        (None, "office:6", "udpchat://office:6, the server used last, for up to 10 s"),
        (None, None, "a server on this LAN or this machine, UDP port 47747, for up to 3 s"),
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
        assert found == Found(OFFICE, Address("office", 6))
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
    assert found == Found(here, Address("127.0.0.1", 47747), instead_of=OFFICE)
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
    assert found == Found(OFFICE, Address("office", 6))
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
    assert found.address == Address("::1", 47747)


def test_when_the_one_used_last_is_back_that_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_choice, "LOOK_AGAIN_S", 0.0)
    net = Net(monkeypatch, {"office": [Answer.SILENCE, Answer.REFUSED, Answer.SERVES]})
    asyncio.run(until_back(OFFICE))
    assert net.asked == [("office", server_choice.LOOK_AGAIN_S_MAX)] * 3


# --- Nothing used before ----------


def test_where_nothing_was_used_before_this_machine_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, {"::1": Answer.SERVES})
    found = net.find(None, None, port=5)
    assert found == Found(ServerAddress("::1", 5), Address("::1", 5))
    assert net.reported == ["-- no server was named; using the one found on this machine: [::1]:5"]


def test_if_there_is_none_it_says_all_that_was_tried_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoServer) as failure:
        Net(monkeypatch, {"127.0.0.1": Answer.REFUSED}).find(None, None)
    line = text_of(failure.value.phrase)
    for part in ("nobody listens at 127.0.0.1:47747", "[::1]:47747", "udpchat-server", "--server"):
        assert part in line


# --- On the LAN ----------


def test_the_one_server_of_the_lan_is_used_and_must_show_the_key_it_was_found_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = Net(monkeypatch, {}, lan_server("10.0.0.1"))
    found = net.find(None, None)
    assert found == Found(ServerAddress("10.0.0.1", 47747, KEY), Address("10.0.0.1", 47747))
    assert net.reported == [
        "-- no server was named; using den at udpchat://10.0.0.1:47747, fingerprint " + KEY + ", found by broadcast;"
        " multicast"
    ]


def test_where_two_keys_are_claimed_for_an_address_first_contact_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Net(monkeypatch, {}, lan_server("10.0.0.1").changed(is_disputed=True)).find(None, None)
    assert found.server == ServerAddress("10.0.0.1", 47747)


def test_of_several_a_person_chooses_and_a_pipe_gets_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, {}, lan_server("10.0.0.1"), lan_server("10.0.0.2", OTHER_KEY, "attic"))
    with pytest.raises(NoServer) as failure:
        net.find(None, None)
    line = text_of(failure.value.phrase)
    assert all(part in line for part in ("den at udpchat://10.0.0.1:47747, 3 people", "attic", OTHER_KEY, "--server"))
    assert net.find(None, None, choice="attic").server.host == "10.0.0.2"
    with worded(NoServer, match="no server was chosen"):
        net.find(None, None, choice="nothing")


def test_a_server_of_another_version_is_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, {}, lan_server("10.0.0.1", version=99))
    with worded(NoServer, match="den speaks another version"):
        net.find(None, None)


def test_the_one_used_last_is_followed_to_another_address_by_its_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for answer in (Answer.SILENCE, Answer.REFUSED):
        net = Net(
            monkeypatch, {"office": answer}, lan_server("10.0.0.2", OTHER_KEY), lan_server("10.0.0.9"), data=tmp_path
        )
        net.known.pin("office:6", KEY)
        found = net.find(None, "office:6")
        there = ServerAddress("10.0.0.9", 47747, KEY)
        assert found == Found(there, Address("10.0.0.9", 47747), moved_from=OFFICE)
        assert sorted(net.looked_for) == [(6, KEY), (47747, KEY)], "where it was, and where servers are"
        assert net.reported == ["-- the server used last, office:6, is at 10.0.0.9:47747 now, with the key that it had"]


def test_it_is_followed_also_if_another_server_has_its_address_now(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usurper = FoundServer(OTHER_KEY, "x", 0, PROTOCOL_VERSION, (Address("office", 6),), (Way.USED_LAST,))
    net = Net(monkeypatch, {"office": Answer.SERVES}, usurper, lan_server("10.0.0.9"), data=tmp_path)
    net.known.pin("office:6", KEY)
    assert net.find(None, "office:6").moved_from == OFFICE


def test_one_that_answers_where_it_was_is_not_followed_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = lan_server("10.0.0.9").changed(addresses=(Address("10.0.0.9", 47747), Address("office", 6)))
    net = Net(monkeypatch, {"office": Answer.SERVES}, here, data=tmp_path)
    net.known.pin("office:6", KEY)
    assert net.find(None, "office:6") == Found(OFFICE, Address("office", 6))


def test_a_person_is_offered_what_is_on_the_lan_for_this_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    net = Net(monkeypatch, {"office": Answer.REFUSED}, lan_server("10.0.0.2", OTHER_KEY, "attic"), data=tmp_path)
    net.known.pin("office:6", KEY)
    found = net.find(None, "office:6", choice="use attic at udpchat://10.0.0.2:47747")
    assert found.instead_of == OFFICE and found.server == ServerAddress("10.0.0.2", 47747, OTHER_KEY)
    assert len(net.offered[0]) == 3


# --- Impostors ----------


@pytest.mark.parametrize("name", ["den", "DEN", "d\u0435n"])
@pytest.mark.parametrize("last", [None, "office:6"])
def test_a_known_name_with_another_key_is_refused_loudly_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, last: str | None
) -> None:
    net = Net(monkeypatch, {}, lan_server("10.0.0.66", OTHER_KEY, name), data=tmp_path)
    net.known.pin("office:6", KEY, "den")
    with pytest.raises(Impostor) as failure:
        net.find(None, last)
    line = text_of(failure.value.phrase)
    assert all(part in line for part in ("ANOTHER KEY", KEY, OTHER_KEY, "office:6", "10.0.0.66", str(net.known.path)))


def test_a_person_is_told_of_it_and_not_offered_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    impostor = lan_server("10.0.0.66", OTHER_KEY)
    net = Net(monkeypatch, {"office": Answer.REFUSED}, impostor, data=tmp_path)
    net.known.pin("office:6", KEY, "den")
    with worded(NoServer, match="was used last"):
        net.find(None, "office:6", choice="quit")
    assert net.offered == [["keep trying udpchat://office:6", "quit"]]
    assert net.reported[0].startswith("-- NOT USED: a server at udpchat://10.0.0.66:47747 calls itself den")
    with pytest.raises(Impostor):
        net.find(None, None, choice="quit")


def test_the_server_that_has_the_name_and_the_key_is_used_though_the_impostor_answers_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    net = Net(
        monkeypatch,
        {"office": Answer.REFUSED},
        lan_server("10.0.0.66", OTHER_KEY),
        lan_server("10.0.0.9"),
        data=tmp_path,
    )
    net.known.pin("office:6", KEY, "den")
    assert net.find(None, "office:6").server.host == "10.0.0.9"
