"""Requests about accounts: what each answers, to whom; and that a password shows nowhere."""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from tests.server.test_logins import CODE, owner
from tests.server.test_settle_accounts import HOST, give_role, hosted
from udpchat.chat.names import HOST_NICK
from udpchat.chat.permissions import Role
from udpchat.server.accounts import digest_of
from udpchat.server.registry import Peer
from udpchat.session.noise import fingerprint
from udpchat.wire.limits import PASSWORD_CHARACTERS_MIN
from udpchat.wire.requests import (
    INVITE,
    LINK,
    RESET,
    AcceptFrom,
    AccountItem,
    AccountPage,
    AddCode,
    DeviceItem,
    DeviceList,
    Done,
    Failed,
    GetSelf,
    ListAccounts,
    ListDevices,
    RemoveAccount,
    Rename,
    RequestBody,
    ResultBody,
    RevokeDevice,
    RoleItem,
    Say,
    Self,
    SetAway,
    SetPassword,
    Tell,
)


def asked(rig: Rig, peer: Peer, request: RequestBody) -> ResultBody | None:
    """The answer, once all is computed and written."""
    counter = rig.ask(peer, request)
    rig.derive()
    rig.write()
    return rig.result(peer, counter)


def test_a_password_is_hashed_and_then_set_and_lets_another_device_in() -> None:
    rig = Rig()
    alice = rig.device("alice")
    assert asked(rig, alice, SetPassword("correct horse")) == Done()
    second = rig.stranger()
    rig.log_in(second, "alice", "correct horse")
    assert second.nick == "alice" and second.key == alice.key
    assert asked(rig, second, SetPassword("")) == Done()
    assert not rig.chat.commits.durable.accounts.get(alice.key).password


def test_a_password_that_is_too_short_is_refused_and_one_that_cannot_be_hashed_too() -> None:
    rig = Rig()
    alice = rig.device("alice")
    short = "x" * (PASSWORD_CHARACTERS_MIN - 1)
    assert asked(rig, alice, SetPassword(short)) == Failed("bad_password", (str(PASSWORD_CHARACTERS_MIN),))
    counter = rig.ask(alice, SetPassword("correct horse"))
    (derivation,) = rig.server.drain_derivations()
    rig.server.derived(rig.now, derivation, None, 0.1)
    assert rig.result(alice, counter) == Failed("no_passwords")


def test_a_password_that_is_repeated_while_it_is_hashed_is_hashed_and_set_once() -> None:
    rig = Rig()
    alice = rig.device("alice")
    counter = rig.ask(alice, SetPassword("correct horse"))
    rig.ask(alice, SetPassword("correct horse"), counter=counter)
    again = rig.stranger(key=alice.key, instance=b"n" * 16)
    rig.enter(again, "alice")
    assert len(rig.derive()) == 1
    rig.write()
    assert rig.result(alice, counter) == Done()


def test_who_returns_while_its_password_is_hashed_has_it_hashed_once_and_is_answered() -> None:
    rig = Rig()
    alice = rig.device("alice")
    counter = rig.ask(alice, SetPassword("correct horse"))
    (derivation,) = rig.server.drain_derivations()
    rig.leave(alice)
    back = rig.device("alice", key=alice.key, instance=alice.author.instance)
    rig.ask(back, SetPassword("correct horse"), counter=counter)
    rig.server.derived(rig.now, derivation, None, 0.0)
    assert rig.result(back, counter) == Failed("no_passwords")
    assert rig.derive() == []


def test_a_password_is_in_no_text_of_its_request() -> None:
    assert "secret" not in repr(SetPassword("a secret")) and "secret" not in str(SetPassword("a secret"))


def test_codes_are_made_by_their_purpose() -> None:
    rig, host = hosted()
    alice = rig.device("alice")
    digest = digest_of(CODE)
    for request, expected in (
        (AddCode(digest, LINK, "alice"), Failed("malformed")),
        (AddCode(digest, RESET), Failed("malformed")),
        (AddCode(digest, INVITE, "no\u202ename"), Failed("bad_nick.character", ("202E",))),
        (AddCode(digest, LINK), Done()),
    ):
        answer = asked(rig, alice, request)
        is_bad = isinstance(answer, Failed) and answer.code.startswith("bad_nick")
        assert is_bad if isinstance(expected, Failed) and expected.detail else answer == expected
    assert asked(rig, host, AddCode(digest_of("X"), LINK)) == Failed("not_allowed")
    assert asked(rig, host, AddCode(digest_of("X"), RESET, "alice")) == Done()


def test_a_person_lists_their_devices_and_others_only_who_may() -> None:
    rig = Rig()
    alice = owner(rig)
    second = rig.stranger()
    rig.log_in(second, "alice", "correct horse")
    rig.leave(alice)
    expected = DeviceList(
        "alice",
        [
            DeviceItem(fingerprint(alice.key), 0, 0, False, False),
            DeviceItem(fingerprint(second.author.device), 100_000, 0, True, True),
        ],
    )
    assert asked(rig, second, ListDevices()) == expected == asked(rig, second, ListDevices("Alice"))
    admin = rig.device("ann")
    assert asked(rig, admin, ListDevices("alice")) == Failed("not_allowed.role", ("devices",))
    give_role(rig, admin, Role.ADMIN)
    found = asked(rig, admin, ListDevices("alice"))
    assert isinstance(found, DeviceList) and [item.is_own for item in found.items] == [False, False]
    assert asked(rig, admin, ListDevices("nobody")) == Failed("no_such_nick", ("nobody",))


def test_a_person_learns_what_the_server_knows_of_them() -> None:
    rig = Rig()
    rig.device("early", "lobby", "den")
    alice = rig.device("alice", "lobby", "den", "attic")
    assert asked(rig, alice, Rename("alice2")) == Done()
    assert asked(rig, alice, AcceptFrom(True)) == Done()
    shown = fingerprint(alice.key)
    expected = Self(["alice", "alice2"], shown, Role.MEMBER, [RoleItem("attic", Role.OPERATOR)], 1, False, True)
    assert asked(rig, alice, GetSelf()) == expected


def test_accounts_are_listed_by_nick_page_by_page_to_who_may() -> None:
    rig, host = hosted()
    nicks = sorted(f"nick-{number:03}" for number in range(100))
    for nick in nicks:
        rig.device(nick)
    assert asked(rig, rig.device("plain"), ListAccounts()) == Failed("not_allowed.role", ("accounts",))
    found: list[AccountItem] = []
    page = AccountPage([], True)
    while page.more:
        answer = asked(rig, host, ListAccounts(found[-1].nick if found else ""))
        assert isinstance(answer, AccountPage) and answer.items
        page, found = answer, [*found, *answer.items]
    assert [item.nick for item in found] == [*nicks, "plain"] and found[0].devices == 1 and not found[0].has_password
    asked(rig, host, RemoveAccount("plain"))
    rig.device("aaa")
    answer = asked(rig, host, ListAccounts())
    assert isinstance(answer, AccountPage) and answer.items[0].nick == "aaa"


def test_a_device_is_revoked_and_its_session_ends() -> None:
    rig = Rig()
    alice = owner(rig)
    second = rig.stranger()
    rig.log_in(second, "alice", "correct horse")
    assert asked(rig, second, RevokeDevice(fingerprint(alice.key)[:8])) == Done()
    assert alice not in rig.chat.registry and second in rig.chat.registry


@pytest.mark.parametrize(
    "request_",
    [
        Say("lobby", 0, "hi"),
        Tell("alice", 0, "hi"),
        Rename("alice2"),
        SetAway("tea"),
        SetPassword("correct horse"),
        RevokeDevice("a"),
        AcceptFrom(True),
    ],
    ids=lambda request: type(request).__name__,
)
def test_who_runs_the_server_is_no_person(request_: RequestBody) -> None:
    rig, host = hosted()
    rig.device("alice")
    assert asked(rig, host, request_) == Failed("not_allowed")
    assert host.nick == HOST_NICK and host.key == HOST and rig.derive() == []
