"""The account of a device, and which inbox follows from it."""

from __future__ import annotations

import pytest

from udpchat.chat.ids import inbox_log
from udpchat.client.inbox import Inbox
from udpchat.client.stored import ClientState
from udpchat.wire.content import ReadMark
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import encode
from udpchat.wire.limits import ACCOUNTS_PER_RUN_MAX

OWN, ANN = b"o" * 32, b"a" * 32
MARK = encode(ReadMark("#tea", 1, 7))


def test_a_device_is_of_its_own_account_until_it_joins_another() -> None:
    inbox = Inbox(OWN, ClientState(bytes(16)))
    assert (inbox.account, inbox.log, inbox.joined) == (OWN, inbox_log(OWN), b"")
    assert not inbox.move(b"") and not inbox.move(OWN)
    assert inbox.move(ANN) and (inbox.account, inbox.log, inbox.joined) == (ANN, inbox_log(ANN), ANN)
    assert not inbox.move(ANN)
    assert inbox.move(b"") and inbox.joined == b""


def test_the_account_of_an_earlier_run_is_known_at_the_start() -> None:
    inbox = Inbox(OWN, ClientState(bytes(16), account=ANN, recent={inbox_log(ANN): [(1, MARK)]}))
    assert inbox.account == ANN == inbox.joined and inbox.marks.get("#tea", 1) == 7


def test_the_marks_of_an_inbox_that_was_followed_before_count_again() -> None:
    inbox = Inbox(OWN, ClientState(bytes(16), recent={inbox_log(ANN): [(1, MARK)]}))
    assert inbox.marks.get("#tea", 1) is None
    inbox.move(ANN)
    assert inbox.marks.get("#tea", 1) == 7


@pytest.mark.parametrize("account", [b"x", b"x" * 31, b"x" * 33])
def test_what_is_no_key_is_no_account(account: bytes) -> None:
    inbox = Inbox(OWN, ClientState(bytes(16)))
    with pytest.raises(BadDatagram) as caught:
        inbox.move(account)
    assert caught.value.reason is Drop.IMPOSSIBLE and inbox.account == OWN


def test_a_server_cannot_make_a_client_follow_one_inbox_after_the_other() -> None:
    inbox = Inbox(OWN, ClientState(bytes(16)))
    for number in range(ACCOUNTS_PER_RUN_MAX):
        assert inbox.move(bytes((number,)) * 32)
    with pytest.raises(BadDatagram) as caught:
        inbox.move(ANN)
    assert caught.value.reason is Drop.RATE_LIMITED
