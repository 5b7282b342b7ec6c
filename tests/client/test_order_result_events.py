"""What the results of requests about accounts and order become."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.chat.codes import digest_of
from udpchat.chat.ids import AUDIT_LOG
from udpchat.client.order_result_events import OrderAnswers
from udpchat.wire import content, requests
from udpchat.wire.frames import encode

CHANCE = bytes(range(10))
CODE = "000G-40R4-0M30-E209"


class Answered:
    """Answers, and what they ask for in turn."""

    def __init__(self) -> None:
        self.asked: list[requests.RequestBody] = []
        self.answers = OrderAnswers(self.asked.append)

    def on(self, request: requests.RequestBody, body: requests.ResultBody) -> list[events.ClientEvent]:
        return self.answers.on_result(request, body, is_quiet=False)


def test_a_code_is_shown_once_when_the_server_has_made_it_valid() -> None:
    here = Answered()
    request = here.answers.make_code(CHANCE, requests.INVITE, "eve")
    assert request == requests.AddCode(digest_of(CODE.replace("-", "")), requests.INVITE, "eve")
    assert here.on(request, requests.Done()) == [events.CodeMade(CODE, "invite", "eve", 30 * 86_400)]
    assert here.on(request, requests.Done()) == []


def test_a_code_that_is_refused_is_not_shown() -> None:
    here = Answered()
    request = here.answers.make_code(CHANCE, requests.LINK, "")
    here.answers.on_failed(request)
    assert here.on(request, requests.Done()) == []


def test_few_codes_wait_at_once() -> None:
    here = Answered()
    first = here.answers.make_code(CHANCE, requests.LINK, "")
    for at in range(8):
        here.answers.make_code(bytes((at + 1, *CHANCE[1:])), requests.LINK, "")
    assert here.on(first, requests.Done()) == []


def sanction(nick: str, kind: int = content.BAN) -> requests.SanctionItem:
    return requests.SanctionItem("tea", kind, nick, "ann", "spam", 1_000, 2_000)


def test_a_list_of_bans_is_fetched_page_by_page() -> None:
    here = Answered()
    first = requests.ListSanctions("tea")
    assert here.on(first, requests.SanctionPage([sanction("bob")], True)) == []
    assert here.asked == [requests.ListSanctions("tea", 1)]
    (listed,) = here.on(here.asked[0], requests.SanctionPage([sanction("eve", content.MUTE)], False))
    assert listed == events.SanctionList("tea", (
        events.Sanctioned("banned", "tea", "bob", "ann", "spam", 1_000, 2_000),
        events.Sanctioned("muted", "tea", "eve", "ann", "spam", 1_000, 2_000),
    ))  # fmt: skip


def test_a_page_that_is_empty_or_of_a_later_version_ends_the_list() -> None:
    here = Answered()
    assert here.on(requests.ListSanctions(None), requests.SanctionPage([], True)) == [events.SanctionList("", ())]
    page = requests.SanctionPage([sanction("bob", 7)], True)
    assert here.on(requests.ListSanctions(None), page) == [events.SanctionList("", ())]
    assert here.asked == []


def act(sequence: int, log: str = AUDIT_LOG) -> requests.LogEntry:
    entry = content.Act(sequence * 1_000, "ann", bytes(8), "kick", "tea", "bob", "", "spam")
    return requests.LogEntry(log, sequence, encode(entry))


def test_acts_of_order_are_fetched_until_there_are_enough() -> None:
    here = Answered()
    assert here.on(requests.GetHistory(AUDIT_LOG, None, None, 3), requests.EntryList([act(8), act(9)])) == []
    assert here.asked == [requests.GetHistory(AUDIT_LOG, 8, None, 1)]
    (listed,) = here.on(here.asked[0], requests.EntryList([act(7)]))
    assert isinstance(listed, events.AuditList) and [each.seq for each in listed.acts] == [7, 8, 9]
    assert listed.acts[0] == events.Audited(7, 7_000, "ann", "kick", "tea", "bob", "", "spam")


def test_what_is_no_act_is_left_out_of_the_audit() -> None:
    here = Answered()
    items = [requests.LogEntry(AUDIT_LOG, 1, b"\xff"), requests.LogEntry(AUDIT_LOG, 2, encode(content.Tombstone(1)))]
    assert here.on(requests.GetHistory(AUDIT_LOG, None, None, 2), requests.EntryList(items)) == [events.AuditList(())]


def test_modes_that_were_asked_for_name_nobody() -> None:
    here = Answered()
    page = requests.MemberPage(3, [], False, content.Modes(is_moderated=True, slow_s=5))
    modes = events.Modes(is_moderated=True, slow_s=5)
    assert here.on(requests.ListMembers("tea", ""), page) == [events.ModesChanged("tea", modes, "")]
    assert here.answers.on_result(requests.ListMembers("tea", ""), page, is_quiet=True) == []


def test_who_one_is_has_roles_by_name() -> None:
    body = requests.Self(["ann"], "abc", 5, [requests.RoleItem("tea", 3)], 2, True, False)
    expected = events.Whoami(("ann",), "abc", "admin", (events.RoomRole("tea", "operator"),), 2, True, "strangers")
    assert Answered().on(requests.GetSelf(), body) == [expected]


def test_what_no_log_shows_is_a_notice() -> None:
    here = Answered()
    done = requests.Done()
    assert here.on(requests.SetPassword("swordfish"), done) == [events.notice("password.set")]
    assert here.on(requests.SetPassword(""), done) == [events.notice("password.removed")]
    assert here.on(requests.AcceptFrom(True), done) == [events.notice("accept.contacts")]
    assert here.on(requests.Kick(None, "bob"), done) == [events.notice("kicked_from_server", nick="bob")]
    assert here.on(requests.Kick("tea", "bob"), done) == []


def test_a_list_of_bans_comes_to_an_end_whatever_the_server_sends() -> None:
    here = Answered()
    item = requests.SanctionItem("", content.BAN, "x" * 400, "ann", "y" * 400, 0, 0)
    request: requests.RequestBody = requests.ListSanctions(None)
    pages = 0
    while not (told := here.on(request, requests.SanctionPage([item] * 10, True))):
        pages, request = pages + 1, here.asked[-1]
    (listed,) = told
    assert isinstance(listed, events.SanctionList) and len(listed.sanctions) == 10 * (pages + 1) < 1_300


def test_a_list_that_is_asked_for_twice_is_told_once() -> None:
    here = Answered()
    first = requests.ListSanctions("tea")
    here.on(first, requests.SanctionPage([sanction("bob")], True))
    here.on(first, requests.SanctionPage([sanction("bob")], True))
    pages = [here.on(request, requests.SanctionPage([sanction("eve")], False)) for request in here.asked]
    assert [len(told) for told in pages] == [1, 0]
