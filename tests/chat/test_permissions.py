"""The table of who may do what: every action by every role, of oneself and of every other person."""

from __future__ import annotations

from itertools import product

import pytest

from udpchat.chat.permissions import PERMISSIONS, ROOM_ROLES, SERVER_ROLES, Action, Role, may


def test_every_action_has_its_right_and_its_name_fits_the_audit() -> None:
    assert set(PERMISSIONS) == set(Action)
    assert all(0 < len(action) <= 32 for action in Action)


@pytest.mark.parametrize("action", list(Action))
def test_who_has_the_least_role_and_every_higher_one_may(action: Action) -> None:
    allowed = [role for role in Role if may(action, role)]
    assert allowed == [role for role in Role if role >= PERMISSIONS[action].least] and Role.HOST in allowed


@pytest.mark.parametrize("action", list(Action))
def test_what_is_done_to_a_person_takes_a_higher_role_than_theirs(action: Action) -> None:
    for actor, subject in product(Role, Role):
        outranked = subject < actor or not PERMISSIONS[action].outranks
        assert may(action, actor, subject) is (may(action, actor) and outranked)


def test_a_member_may_do_nothing_that_the_table_names() -> None:
    assert [action for action in Action if may(action, Role.MEMBER)] == []


def test_no_role_of_a_room_does_anything_on_the_server() -> None:
    in_rooms = {
        Action.SPEAK, Action.JOIN, Action.HURRY, Action.SET_TOPIC, Action.SET_MODES, Action.SET_ROOM_ROLE,
        Action.INVITE, Action.REDACT, Action.KICK, Action.BAN, Action.UNBAN, Action.MUTE, Action.UNMUTE,
        Action.LIST_SANCTIONS,
    }  # fmt: skip
    assert {action for action in Action if may(action, Role.OPERATOR)} == in_rooms


def test_nobody_can_be_given_the_role_of_the_host_and_nobody_acts_on_them() -> None:
    assert Role.HOST not in {*ROOM_ROLES, *SERVER_ROLES}
    assert not any(
        may(action, actor, Role.HOST) for action, actor in product(Action, Role) if PERMISSIONS[action].outranks
    )


def test_a_role_of_the_server_outranks_each_of_a_room() -> None:
    assert max(ROOM_ROLES) < min(set(SERVER_ROLES) - {Role.MEMBER})
