"""Setting a password from outside of a chat: what is asked, what is told, and how it ends."""

from __future__ import annotations

import pytest

from tests.ui.entering import NOW, prompt_in
from udpchat.chat import events
from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.phrase import Phrase
from udpchat.client.compose import set_password
from udpchat.client.core import ClientCore
from udpchat.shell.password_change import PasswordChange
from udpchat.ui.phrases import text_of

CONNECTED = events.Connected("udpchat://here:1", "abcd", "alice", ())


class Desk:
    """A change that was begun, and what the person is told."""

    def __init__(self) -> None:
        self.core: ClientCore = prompt_in().client
        self.told: list[str] = []
        request = set_password("correct horse")
        self.change = PasswordChange(self.core, request, lambda phrase: self.told.append(text_of(phrase)))

    def happen(self, *happened: events.ClientEvent) -> None:
        self.change.on_events(NOW, happened)


def test_it_is_set_once_the_client_is_in_and_then_the_client_leaves() -> None:
    desk = Desk()
    desk.happen(CONNECTED)
    assert desk.change.exit_code is None and desk.told == []
    desk.happen(events.notice("password.set"))
    assert desk.core.is_over and desk.change.exit_code == ExitCode.DONE
    assert desk.told == ["your password is set"]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (events.error("log_full"), ExitCode.ERROR),
        (events.Rejected("wrong_password"), ExitCode.REFUSED),
    ],
)
def test_a_refusal_ends_it_with_its_code_and_one_line(event: events.ClientEvent, code: ExitCode) -> None:
    desk = Desk()
    desk.happen(CONNECTED, event)
    assert desk.change.exit_code == code
    assert len(desk.told) == 1 and desk.told[0].startswith("error: ")


def test_a_new_password_that_is_refused_as_too_fast_ends_it_and_one_that_only_waits_does_not() -> None:
    """As found: it waited for ever for a request that was answered."""
    desk = Desk()
    desk.happen(CONNECTED, events.error("too_fast.held", retry_s=2.0))
    assert desk.change.exit_code is None
    desk.happen(events.error("too_fast.wait", retry_s=2.0, wait_s="2"))
    assert desk.change.exit_code == ExitCode.ERROR


def test_who_logs_in_too_fast_is_told_and_goes_on() -> None:
    desk = Desk()
    desk.happen(events.error("too_fast.wait", retry_s=2.0, wait_s="2"))
    assert desk.change.exit_code is None and "wait 2 s" in desk.told[0]


def test_a_signal_ends_it_at_once() -> None:
    desk = Desk()
    desk.change.on_stop(ExitCode.INTERRUPTED, Phrase("stopped.interrupted"))
    assert desk.change.exit_code == ExitCode.INTERRUPTED


def test_nothing_that_is_typed_matters() -> None:
    desk = Desk()
    desk.change.on_line(NOW, "/quit")
    desk.change.on_end_of_input(NOW)
    assert desk.change.exit_code is None and desk.told == []
