"""Order: modes, roles and sanctions of records alone, and one state over another."""

from __future__ import annotations

import pytest

from udpchat.chat.permissions import Role
from udpchat.server.order import SERVER, Order, holds, name_of_device
from udpchat.wire.content import ACCOUNT, BAN, DEVICE, MUTE, NETWORK, Modes, RoleRecord, RoomRecord, SanctionRecord

ONE, OTHER, DEVICE_KEY = b"1" * 32, b"2" * 32, b"d" * 32


def sanction(
    kind: int = BAN,
    room: str = "den",
    of: int = ACCOUNT,
    subject: bytes = ONE,
    *,
    until_ms: int = 0,
    lifted: bool = False,
) -> SanctionRecord:
    return SanctionRecord(kind, room, of, subject, "bob", "alice", "enough", 5, until_ms, lifted)


def test_a_room_without_a_record_has_no_modes_and_its_opener_is_its_operator() -> None:
    order = Order()
    assert order.room("den") is None and order.modes("den") == Modes() and len(order) == 0
    assert order.role("den", ONE) is Role.MEMBER
    assert order.role("den", ONE, opener=ONE) is Role.OPERATOR and order.role("den", OTHER, opener=ONE) is Role.MEMBER


def test_nobody_is_the_operator_of_the_lobby_for_they_were_first() -> None:
    assert Order().role("lobby", ONE, opener=ONE) is Role.MEMBER


def test_once_a_room_has_a_record_only_its_roles_count() -> None:
    order = Order()
    order.apply(RoomRecord("den", ONE, Modes(is_moderated=True)))
    assert order.modes("den") == Modes(is_moderated=True) and order.role("den", ONE, opener=ONE) is Role.MEMBER
    order.apply(RoleRecord("den", OTHER, Role.OPERATOR))
    assert order.role("den", OTHER) is Role.OPERATOR and order.roles("den") == {OTHER: Role.OPERATOR}
    assert order.role("attic", OTHER) is Role.MEMBER and len(order) == 2


def test_the_role_of_a_member_is_no_role() -> None:
    order = Order()
    order.apply(RoleRecord("den", ONE, Role.VOICE))
    order.apply(RoleRecord("den", ONE, Role.MEMBER))
    order.apply(RoleRecord("den", OTHER, Role.MEMBER))
    assert order.roles("den") == {} and len(order) == 0


def test_a_sanction_is_of_its_kind_its_room_and_its_subject() -> None:
    order = Order()
    order.apply(sanction())
    assert order.sanction(BAN, "den", ONE, ONE, 7) == sanction()
    for kind, room, account in ((MUTE, "den", ONE), (BAN, "attic", ONE), (BAN, "", ONE), (BAN, "den", OTHER)):
        assert order.sanction(kind, room, account, DEVICE_KEY, 7) is None


def test_a_sanction_of_the_server_holds_in_every_room() -> None:
    order = Order()
    order.apply(sanction(MUTE, SERVER))
    assert order.sanction(MUTE, "den", ONE, ONE, 7) == order.sanction(MUTE, "", ONE, ONE, 7) == sanction(MUTE, SERVER)


def test_a_device_is_meant_whichever_account_it_uses() -> None:
    order = Order()
    order.apply(sanction(of=DEVICE, subject=name_of_device(DEVICE_KEY)))
    assert order.sanction(BAN, "den", OTHER, DEVICE_KEY, 7) is not None
    assert order.sanction(BAN, "den", DEVICE_KEY, OTHER, 7) is None, "an account of that name is another subject"


def test_a_sanction_ends_at_its_time_and_one_without_never() -> None:
    order = Order()
    order.apply(sanction(until_ms=100))
    assert order.sanction(BAN, "den", ONE, ONE, 99) is not None and order.sanction(BAN, "den", ONE, ONE, 100) is None
    assert list(order.sanctions("den", 99)) == [sanction(until_ms=100)] and not list(order.sanctions("den", 100))
    assert order.find(BAN, "den", ACCOUNT, ONE) == sanction(until_ms=100), "also if its time is over"
    assert holds(sanction(), 2**62)


def test_a_later_sanction_takes_the_place_of_the_former_and_lifting_it_ends_it() -> None:
    order = Order()
    order.apply(sanction(until_ms=100))
    order.apply(sanction(subject=OTHER))
    order.apply(sanction(until_ms=50))
    assert list(order.sanctions("den", 7)) == [sanction(until_ms=50), sanction(subject=OTHER)] and len(order) == 2
    order.apply(sanction(lifted=True))
    order.apply(sanction(MUTE, lifted=True))
    assert list(order.sanctions("den", 7)) == [sanction(subject=OTHER)]
    order.apply(sanction(subject=OTHER, lifted=True))
    assert len(order) == 0


@pytest.mark.parametrize(
    ("network", "host", "is_banned"),
    [
        ("10.0.0.0/24", "10.0.0.7", True),
        ("10.0.0.0/24", "10.0.1.7", False),
        ("10.0.0.0/24", "::ffff:10.0.0.7", True),
        ("10.0.0.7/32", "10.0.0.7", True),
        ("fe80::/10", "fe80::1%eth0", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("::/0", "10.0.0.7", False),
    ],
)
def test_an_address_is_banned_by_each_network_that_it_lies_in(network: str, host: str, is_banned: bool) -> None:
    order = Order()
    assert order.network_ban(host, 7) is None
    order.apply(sanction(room=SERVER, of=NETWORK, subject=network.encode(), until_ms=100))
    assert (order.network_ban(host, 99) is not None) is is_banned
    assert order.network_ban(host, 100) is None


def test_what_is_not_durable_hides_the_rest_until_it_is_dropped() -> None:
    durable = Order()
    settled = Order(durable)
    for record in (RoomRecord("den", ONE), RoleRecord("den", ONE, Role.OPERATOR), sanction(subject=OTHER)):
        durable.apply(record)
    for later in (
        RoomRecord("den", ONE, Modes(is_invite_only=True)), RoleRecord("den", ONE, Role.MEMBER),
        RoleRecord("den", OTHER, Role.INVITED), sanction(subject=OTHER, lifted=True),
    ):  # fmt: skip
        settled.apply(later)
    assert settled.modes("den").is_invite_only and settled.roles("den") == {OTHER: Role.INVITED}
    assert settled.sanction(BAN, "den", OTHER, OTHER, 7) is None and len(settled) == 2
    assert durable.roles("den") == {ONE: Role.OPERATOR} and len(durable) == 3
    settled.clear()
    assert settled.modes("den") == Modes() and settled.roles("den") == durable.roles("den")
    assert settled.sanction(BAN, "den", OTHER, OTHER, 7) is not None


def test_a_room_is_open_unless_a_mode_or_a_sanction_says_otherwise() -> None:
    order = Order()
    assert order.is_open("den") and order.is_open(SERVER)
    order.apply(RoomRecord("den", ONE, Modes(is_topic_locked=True, slow_s=9)))
    assert order.is_open("den")
    order.apply(RoomRecord("den", ONE, Modes(is_moderated=True)))
    order.apply(sanction(MUTE, "attic"))
    assert not order.is_open("den") and not order.is_open("attic") and order.is_open("lobby") and order.is_open(SERVER)
    order.apply(sanction(MUTE, SERVER))
    assert not order.is_open("lobby") and not order.is_open(SERVER)
