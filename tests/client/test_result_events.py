"""What results mean: events, in the words of a person, and pages put together."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.client.result_events import Answers
from udpchat.ui.phrases import text_of
from udpchat.wire import requests
from udpchat.wire.content import TopicSet
from udpchat.wire.requests import (
    Done,
    GetTopic,
    ListMembers,
    ListRooms,
    Member,
    MemberPage,
    Page,
    Part,
    Rename,
    SetAway,
    SetTopic,
    Whois,
)


def page(nicks: list[str], more: bool) -> MemberPage:
    return MemberPage(0, [Member(nick, bytes(8), None) for nick in nicks], more)


class Asked:
    """An `Answers`, and what it asks for."""

    def __init__(self) -> None:
        self.requests: list[requests.RequestBody] = []
        self.answers = Answers(self.requests.append)

    def result(
        self, request: requests.RequestBody, body: requests.ResultBody, *, is_quiet: bool = False
    ) -> list[events.ClientEvent]:
        return self.answers.on_result(request, body, is_quiet=is_quiet)


def test_pages_are_one_answer() -> None:
    asked = Asked()
    assert asked.result(ListMembers("lobby", ""), page(["a", "b"], True)) == []
    assert asked.requests == [ListMembers("lobby", "b")]
    assert asked.result(ListMembers("lobby", "b"), page(["c"], False)) == [events.MemberList("lobby", ("a", "b", "c"))]
    assert asked.result(ListRooms(""), Page(["den"], True)) == []
    assert asked.requests[-1] == ListRooms("den")
    assert asked.result(ListRooms("den"), Page(["lobby"], False)) == [events.RoomList(("den", "lobby"))]


def test_a_long_answer_asked_for_twice_at_once_is_given_once_and_whole() -> None:
    asked = Asked()
    for _ in range(2):
        assert asked.result(ListMembers("lobby", ""), page(["a"], True)) == []
        assert asked.result(ListRooms(""), Page(["den"], True)) == []
    assert asked.requests == [ListMembers("lobby", "a"), ListRooms("den")]
    assert asked.result(ListMembers("lobby", "a"), page(["b"], False)) == [events.MemberList("lobby", ("a", "b"))]
    assert asked.result(ListMembers("lobby", ""), page(["b"], False)) == [events.MemberList("lobby", ("b",))]


def test_names_of_two_rooms_do_not_mix() -> None:
    asked = Asked()
    asked.result(ListMembers("lobby", ""), page(["a"], True))
    assert asked.result(ListMembers("den", ""), page(["z"], False)) == [events.MemberList("den", ("z",))]
    assert asked.result(ListMembers("lobby", "a"), page([], False)) == [events.MemberList("lobby", ("a",))]


def test_a_server_that_promises_more_and_gives_nothing_is_not_asked_for_ever() -> None:
    asked = Asked()
    assert asked.result(ListMembers("lobby", ""), page([], True)) == [events.MemberList("lobby", ())]
    assert asked.requests == []


def test_a_topic_is_told_unless_there_is_none_and_nobody_asked() -> None:
    asked = Asked()
    assert asked.result(GetTopic("lobby"), Done(), is_quiet=True) == []
    assert asked.result(GetTopic("lobby"), TopicSet("", "bob"), is_quiet=True) == []
    assert asked.result(GetTopic("lobby"), Done()) == [events.TopicChanged("lobby", "", "")]
    assert asked.result(GetTopic("lobby"), TopicSet("tea", "bob"), is_quiet=True) == [
        events.TopicChanged("lobby", "tea", "bob")
    ]


def test_being_away_and_back_is_confirmed() -> None:
    asked = Asked()
    assert asked.result(SetAway("lunch"), Done()) == [events.notice("away.set", reason="lunch")]
    assert asked.result(SetAway(None), Done()) == [events.notice("away.back")]


def test_a_person_is_described_in_one_line() -> None:
    asked = Asked()
    (here,) = asked.result(Whois("bob"), requests.Person("bob", "abcd", requests.Away("lunch"), 61, ["den", "lobby"]))
    text = "bob is here, in den, lobby, idle for 1 minute 1 second, away: lunch; key abcd"
    assert text_of(here) == text
    (gone,) = asked.result(Whois("bob"), requests.Person("bob", "abcd", requests.Absent(), 0, []))
    assert gone == events.notice("whois.absent", nick="bob", fingerprint="abcd")


def test_a_part_and_a_rename_are_taken_once() -> None:
    asked = Asked()
    assert asked.result(Part("den"), Done()) == asked.result(Rename("carol"), Done()) == []
    assert asked.answers.drain_parted() == ["den"] and asked.answers.drain_parted() == []
    assert asked.answers.take_renamed() == "carol" and asked.answers.take_renamed() == ""


def test_an_answer_that_does_not_fit_its_question_says_nothing() -> None:
    asked = Asked()
    for request in (Part("den"), SetTopic("den", "x"), ListMembers("den", ""), Whois("bob")):
        assert asked.result(request, TopicSet("x", "y")) == []
    assert asked.answers.drain_parted() == []
