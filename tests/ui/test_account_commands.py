"""The commands about one's own account."""

from __future__ import annotations

import pytest

from tests.ui.entering import NOW, asked, entered, prompt_in, refused
from udpchat.chat.events import Error
from udpchat.client.stored import RequestAdded
from udpchat.ui.phrases import text_of
from udpchat.wire.requests import LINK, AcceptFrom, AddCode, GetSelf, ListDevices, RequestBody, RevokeDevice


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("/whoami", GetSelf()),
        ("/devices", ListDevices()),
        ("/revoke ABCD", RevokeDevice("abcd")),
        ("/accept strangers", AcceptFrom(False)),
        ("/accept Contacts", AcceptFrom(True)),
    ],
)
def test_a_command_of_the_account_asks_for_what_it_says(line: str, request_: RequestBody) -> None:
    assert entered(line) == [request_]


def test_a_code_for_another_device_is_made_here_and_the_server_learns_its_digest_only() -> None:
    (request,) = entered("/link")
    assert isinstance(request, AddCode) and request.purpose == LINK and len(request.digest) == 16


def test_a_password_behind_the_command_is_asked_for_without_a_trace_on_the_disk() -> None:
    prompt = prompt_in("lobby")
    assert prompt.enter(NOW, "/password correct horse") == []
    assert not [write for write in prompt.client.drain_writes() if isinstance(write, RequestAdded)]
    assert prompt.client.drain_events() == []


def test_a_password_that_is_too_short_is_refused_without_repeating_it() -> None:
    error = refused(prompt_in("lobby"), "/password hunter2")
    assert error.code == "bad_password" and error.said == "" and "hunter2" not in text_of(error)


def test_alone_it_has_the_terminal_ask() -> None:
    prompt = prompt_in("lobby")
    calls: list[str] = []
    prompt.ask_password = lambda: calls.append("asked")
    assert prompt.enter(NOW, "/password") == [] and asked(prompt) == []
    assert calls == ["asked"]


def test_where_nobody_can_be_asked_the_person_is_told_what_to_do() -> None:
    (error,) = prompt_in("lobby").enter(NOW, "/password")
    assert isinstance(error, Error) and "--password-file" in text_of(error)


@pytest.mark.parametrize("line", ["/accept", "/accept all", "/revoke", "/revoke a b", "/whoami me", "/link x"])
def test_a_wrong_usage_shows_the_usage(line: str) -> None:
    assert refused(prompt_in("lobby"), line).code == "usage"
