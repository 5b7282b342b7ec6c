"""What a client believes: every result that an honest server gives, and no frame that contradicts itself."""

from __future__ import annotations

from typing import get_args

import pytest

from udpchat.client.checks import RESULTS, check_frame_untrusted, check_result_untrusted
from udpchat.wire import frames, requests
from udpchat.wire.errors import BadDatagram
from udpchat.wire.limits import LOG_ENTRIES_MAX
from udpchat.wire.requests import EntryList, Failed, GetHistory, ListRooms, LogEntry, Page, Say, Search, Stored


def test_every_request_has_its_results() -> None:
    assert {*RESULTS, requests.Malformed} == set(get_args(requests.RequestBody))
    assert {shape for shapes in RESULTS.values() for shape in shapes} == set(get_args(requests.ResultBody)) - {Failed}


def test_a_room_may_be_spelled_as_its_author_likes() -> None:
    check_result_untrusted(Say("Lobby", 0, "x"), Stored("#lobby", 1))
    with pytest.raises(BadDatagram):
        check_result_untrusted(Say("Lobby", 0, "x"), Stored("#Lobby", 1))


def test_every_request_may_fail() -> None:
    for shape in RESULTS:
        check_result_untrusted(Say("x", 0, "x") if shape is Say else ListRooms(""), Failed("too_fast"))


def test_an_empty_last_page_is_one() -> None:
    check_result_untrusted(ListRooms("z"), Page([], False))
    check_result_untrusted(ListRooms(""), Page(["a", "b"], True))


def test_entries_may_reach_the_end_of_a_log_and_not_beyond() -> None:
    entry = frames.raw(b"\x00")
    check_frame_untrusted(frames.Entries("#lobby", 1, LOG_ENTRIES_MAX - 1, 0, [entry, entry]))
    with pytest.raises(BadDatagram):
        check_frame_untrusted(frames.Entries("#lobby", 1, LOG_ENTRIES_MAX, 0, [entry, entry]))


def test_reactions_are_of_the_log_whose_history_was_requested_and_a_search_has_none() -> None:
    history, search = GetHistory("#lobby", None, None, 9), Search("x", None, None, 0)
    found, elsewhere = (LogEntry(log, 5, b"") for log in ("#lobby", "@elsewhere"))
    check_result_untrusted(history, EntryList([], (found, found)))
    for request, reaction in ((history, elsewhere), (history, LogEntry("#lobby", 2**53, b"")), (search, found)):
        with pytest.raises(BadDatagram):
            check_result_untrusted(request, EntryList([], (reaction,)))
