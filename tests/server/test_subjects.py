"""Whom a text means: people, devices, networks, and what is none of them."""

from __future__ import annotations

import pytest

from tests.server.test_access import ONE, OTHER, state_of
from udpchat.chat.permissions import Role
from udpchat.server.access import Refused
from udpchat.server.subjects import Subject, found_sanction, person, subject_of
from udpchat.session.noise import fingerprint
from udpchat.wire.content import (
    ACCOUNT,
    BAN,
    DEVICE,
    MUTE,
    NETWORK,
    AccountRecord,
    Claim,
    Device,
    RoleRecord,
    SanctionRecord,
)


def test_a_nick_means_its_account_however_it_is_spelled() -> None:
    state = state_of(Claim("Bob", ONE, 1, True))
    assert subject_of(state, "den", "bob") == person(state, "BOB") == Subject(ACCOUNT, ONE, "Bob", ONE)
    with pytest.raises(Refused) as refused:
        subject_of(state, "den", "carol")
    assert refused.value.refusal == ("no_such_nick", ("carol",))


def test_a_fingerprint_means_a_device_and_if_its_account_has_a_role_that_too() -> None:
    name = fingerprint(OTHER)
    device = Subject(DEVICE, name.encode(), f"#{name}")
    assert subject_of(state_of(), "", f"#{name.upper()}") == device
    account = AccountRecord(ONE, (Device(ONE, 0), Device(OTHER, 5)), role=Role.ADMIN)
    assert subject_of(state_of(account), "", f"#{name}") == device.changed(account=ONE)
    of_room = [AccountRecord(ONE, (Device(ONE, 0), Device(OTHER, 5))), RoleRecord("den", ONE, Role.OPERATOR)]
    assert subject_of(state_of(*of_room), "den", f"#{name}") == device.changed(account=ONE)


@pytest.mark.parametrize(
    ("text", "name", "shown"),
    [
        ("192.0.2.7", "192.0.2.7/32", "192.0.2.7"),
        ("192.0.2.7/24", "192.0.2.0/24", "192.0.2.0/24"),
        ("2001:db8::/32", "2001:db8::/32", "2001:db8::/32"),
        ("fe80::1%eth0", "fe80::1/128", "fe80::1"),
        ("::FFFF:192.0.2.7", "192.0.2.7/32", "192.0.2.7"),
    ],
)
def test_on_the_server_an_address_or_a_network_is_meant(text: str, name: str, shown: str) -> None:
    assert subject_of(state_of(), "", text) == Subject(NETWORK, name.encode(), shown)


@pytest.mark.parametrize(
    ("room", "text"),
    [
        ("den", "192.0.2.7"),
        ("", "0.0.0.0/0"),
        ("", "10.0.0.0/7"),
        ("", "::/0"),
        ("", "#short"),
        ("", "#" + "1" * 32),
        ("", "#"),
    ],
)
def test_what_cannot_be_meant_is_refused(room: str, text: str) -> None:
    with pytest.raises(Refused) as refused:
        subject_of(state_of(), room, text)
    assert refused.value.refusal == ("bad_subject", (text,))


def test_a_sanction_is_found_by_its_subject_or_as_it_was_written() -> None:
    made = SanctionRecord(BAN, "", ACCOUNT, ONE, "bob", "alice", "", 1, 0)
    state = state_of(made, Claim("robert", ONE, 1, True), Claim("carol", OTHER, 1, True))
    assert found_sanction(state, BAN, "", "robert", 5) == made == found_sanction(state, BAN, "", "Bob", 5)
    assert found_sanction(state, MUTE, "", "bob", 5) is found_sanction(state, BAN, "den", "bob", 5) is None
    assert found_sanction(state, BAN, "", "carol", 5) is None
