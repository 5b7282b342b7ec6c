"""What an operator's command asks of the server, request by request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from udpchat.chat.codes import digest_of, parse_code
from udpchat.client import operator_dialogues
from udpchat.client.operator_dialogues import Dialogue, RequestRefused
from udpchat.wire import requests
from udpchat.wire.content import Act
from udpchat.wire.frames import encode
from udpchat.wire.limits import NICK_CHARACTERS_MAX, PAST_ENTRIES_MAX

ACT = Act(0, "operator", bytes(8), "kick", "", "bob")


def held(dialogue: Dialogue[Any], results: Sequence[requests.ResultBody]) -> tuple[Any, list[requests.RequestBody]]:
    """What a dialogue returns that gets these results, and what it has asked."""
    asked = [next(dialogue)]
    for result in results:
        try:
            asked.append(dialogue.send(result))
        except StopIteration as ended:
            return ended.value, asked
    raise AssertionError(f"it asks on: {asked[-1]}")


def test_a_refusal_ends_the_dialogue_with_its_reason() -> None:
    with pytest.raises(RequestRefused) as refused:
        held(operator_dialogues.asked(requests.Kick(None, "bob")), [requests.Failed("no_such_nick", ("bob",))])
    assert refused.value.phrase.key == "no_such_nick" and refused.value.phrase.values == {"nick": "bob"}


def test_a_report_is_read_by_name() -> None:
    items = [requests.ReportItem("peers", 3), requests.ReportItem("changed", ("name",))]
    found, asked = held(operator_dialogues.report(requests.STATUS), [requests.Report(items)])
    assert found == {"peers": 3, "changed": ("name",)} and asked == [requests.Operate(requests.STATUS)]


def test_lists_are_asked_for_page_by_page() -> None:
    peers = [requests.PeerItem(nick, "10.0.0.1:5", 1, 0, 900, 1) for nick in ("alice", "bob", "eve")]
    pages = [requests.PeerPage(peers[:2], True), requests.PeerPage(peers[2:], False)]
    assert held(operator_dialogues.peers(), pages) == (peers, [requests.ListPeers(0), requests.ListPeers(2)])
    bans = [requests.SanctionItem("", 0, nick, "operator", "", 1, 0) for nick in ("bob", "eve")]
    sanctions = [requests.SanctionPage(bans[:1], True), requests.SanctionPage(bans[1:], False)]
    asked: list[requests.RequestBody] = [requests.ListSanctions(None, 0), requests.ListSanctions(None, 1)]
    assert held(operator_dialogues.sanctions(), sanctions) == (bans, asked)
    owned = [requests.AccountItem(nick, "k", 5, 0, 1, False) for nick in ("alice", "bob")]
    accounts = [requests.AccountPage(owned[:1], True), requests.AccountPage(owned[1:], False)]
    asked = [requests.ListAccounts(""), requests.ListAccounts("alice")]
    assert held(operator_dialogues.accounts(), accounts) == (owned, asked)


def test_an_empty_page_ends_a_list_that_is_said_to_have_more() -> None:
    assert held(operator_dialogues.peers(), [requests.PeerPage([], True)])[0] == []


def entries(*times_ms: int, first: int) -> requests.EntryList:
    """Acts of these times, from this sequence on."""
    acts = [requests.LogEntry("!audit", first + at, encode(act_at(time))) for at, time in enumerate(times_ms)]
    return requests.EntryList(acts)


def act_at(time_ms: int) -> Act:
    return Act(time_ms, ACT.by, ACT.user, ACT.action, ACT.room, ACT.subject)


def test_the_acts_are_read_backwards_and_given_in_order() -> None:
    found, asked = held(operator_dialogues.acts(), [entries(30, 40, first=3), entries(10, 20, first=1)])
    assert [act.time_ms for act in found] == [10, 20, 30, 40]
    assert asked == [requests.GetHistory("!audit", before, None, PAST_ENTRIES_MAX) for before in (None, 3)]


def test_no_more_acts_are_read_than_were_done_since_then() -> None:
    found, asked = held(operator_dialogues.acts(35), [entries(30, 40, first=3)])
    assert [act.time_ms for act in found] == [40] and len(asked) == 1
    assert held(operator_dialogues.acts(), [requests.EntryList([])])[0] == []


@pytest.mark.parametrize("nick", ["bob", "\u00fcber", "0", "x" * NICK_CHARACTERS_MAX])
def test_one_account_is_found_without_listing_those_before(nick: str) -> None:
    item = requests.AccountItem(nick, "k", 5, 6, 1, False)
    devices = requests.DeviceList(nick, [requests.DeviceItem("k", 5, 0, True)])
    found, asked = held(operator_dialogues.account(nick.upper()), [devices, requests.AccountPage([item], True)])
    assert found.item == item and found.devices == devices
    page = asked[1]
    assert isinstance(page, requests.ListAccounts) and page.after < nick and len(page.after) <= NICK_CHARACTERS_MAX


def test_a_code_is_made_here_and_the_server_learns_its_digest_only() -> None:
    code, asked = held(operator_dialogues.code(bytes, requests.INVITE, "bob"), [requests.Done()])
    assert asked == [requests.AddCode(digest_of(parse_code(code) or ""), requests.INVITE, "bob")]
