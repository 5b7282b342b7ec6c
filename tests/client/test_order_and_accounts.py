"""Accounts and order between clients and the server's core: who is removed, muted, invited, promoted, logged in.

What must be so holds without loss and with it: half of all datagrams to somebody are lost.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.client.pair import Person, Wire
from udpchat.chat import events
from udpchat.chat.amendments import Reference
from udpchat.chat.permissions import Role
from udpchat.client import compose
from udpchat.client.login import Login
from udpchat.client.model import Phase
from udpchat.wire.frames import Proof
from udpchat.wire.limits import ORDER
from udpchat.wire.requests import LogEntry

LOSSES = [0.0, 0.5]
lossy = pytest.mark.parametrize("loss", LOSSES)


def chat(loss: float, *rooms: str) -> tuple[Wire, Person, Person]:
    """Ann, who opened the rooms, and bob, who is in them."""
    wire = Wire()
    ann, bob = (wire.person(nick, *rooms, capabilities=(ORDER,)) for nick in ("ann", "bob"))
    ann.loss = bob.loss = loss
    ann.events.clear()
    bob.events.clear()
    return wire, ann, bob


def act(wire: Wire, person: Person, request: Any) -> None:
    person.core.ask(wire.now, request)
    wire.settle(30.0)


@lossy
def test_who_is_kicked_leaves_and_comes_back_by_hand_only(loss: float) -> None:
    wire, ann, bob = chat(loss, "tea")
    act(wire, ann, compose.kick("tea", "bob", "spam"))
    left = events.MemberLeft("tea", "bob", "kicked", "ann", "spam")
    assert ann.of(events.MemberLeft) == [left] == bob.of(events.MemberLeft)
    assert bob.core.model.rooms == () and bob.store.load().rooms == ()
    assert bob.core.model.conversations() == [] and not list(bob.core.model.members("tea"))
    act(wire, ann, compose.say("tea", "they are gone"))
    assert bob.texts() == [] and bob.core.model.conversation("tea").unread == 0
    bob.is_cut = True  # a new session
    wire.settle(60.0)
    bob.is_cut = False
    wire.settle(30.0)
    assert bob.core.model.connection.phase is Phase.ONLINE and bob.core.model.rooms == ()
    bob.core.join(wire.now, "tea")
    wire.settle(30.0)
    bob.core.say(wire.now, "tea", "sorry")
    wire.settle(30.0)
    assert bob.core.model.rooms == ("tea",) and ann.texts() == ["sorry"] and bob.codes() == []
    assert bob.texts() == ["they are gone"]  # a kick is no obstacle to reading what was said meanwhile, once back
    assert bob.of(events.MemberLeft) == [left]


@lossy
def test_who_is_banned_from_a_room_leaves_and_what_they_say_there_is_given_back(loss: float) -> None:
    wire, ann, bob = chat(loss, "tea")
    act(wire, ann, compose.ban("tea", "bob", 3_600, "spam"))
    (until_ms,) = {event.until_ms for event in (*ann.of(events.Banned), *bob.of(events.Banned))}
    assert ann.of(events.Banned) == [events.Banned("tea", "bob", "ann", "spam", until_ms)] and until_ms > 0
    assert bob.of(events.MemberLeft) == [events.MemberLeft("tea", "bob", "kicked", "ann", "spam")]
    act(wire, bob, compose.say("tea", "still here"))
    (refused,) = bob.of(events.Error)
    assert (refused.key, refused.said) == ("banned.room", "still here") and ann.texts() == []
    bob.core.join(wire.now, "tea")
    wire.settle(10.0)
    assert bob.codes() == ["banned", "banned"] and bob.core.model.rooms == ()
    act(wire, ann, compose.unban("tea", "bob"))
    assert ann.of(events.Unbanned) == [events.Unbanned("tea", "bob", "ann", "")]
    bob.core.join(wire.now, "tea")
    wire.settle(10.0)
    assert bob.core.model.rooms == ("tea",)


@lossy
def test_who_is_muted_is_told_and_shown_so_until_it_is_lifted(loss: float) -> None:
    wire, ann, bob = chat(loss, "tea")
    act(wire, ann, compose.mute("tea", "bob", 0, "loud"))
    muted = events.Muted("tea", "bob", "ann", "loud", 0)
    assert ann.of(events.Muted) == [muted] == bob.of(events.Muted)
    standing = bob.core.model.standing("tea")
    assert not standing.may_speak and standing.muted_until_ms == 0
    act(wire, bob, compose.say("tea", "hello?"))
    assert bob.codes() == ["muted"] and ann.texts() == []
    act(wire, ann, compose.unmute("tea", "bob"))
    assert bob.of(events.Unmuted) == [events.Unmuted("tea", "bob", "ann", "")]
    assert bob.core.model.standing("tea").may_speak
    act(wire, bob, compose.say("tea", "hello"))
    assert ann.texts() == ["hello"]


@lossy
def test_who_opened_a_room_is_its_operator_and_all_see_the_roles(loss: float) -> None:
    wire, ann, bob = chat(loss, "tea")
    assert ann.core.model.standing("tea").role == "operator" and bob.core.model.standing("tea").role == "member"
    act(wire, ann, compose.set_role("tea", "bob", Role.VOICE))
    changed = events.RoleChanged("tea", "bob", "voice", "ann")
    assert ann.of(events.RoleChanged) == [changed] == bob.of(events.RoleChanged)
    assert bob.core.model.standing("tea").role == "voice"
    act(wire, bob, compose.set_role("tea", "ann", Role.MEMBER))
    assert bob.codes() == ["not_allowed"]
    act(wire, bob, compose.list_members("tea"))
    roles = {member.nick: member.role for member in bob.core.model.members("tea")}
    assert roles == {"ann": Role.OPERATOR, "bob": Role.VOICE}


@lossy
def test_the_modes_of_a_room_are_known_to_who_is_there_and_to_who_comes_later(loss: float) -> None:
    wire, ann, bob = chat(loss, "tea")
    act(wire, ann, compose.set_modes("tea", is_moderated=True, is_topic_locked=True, slow_s=5))
    modes = events.Modes(is_moderated=True, is_topic_locked=True, slow_s=5)
    assert bob.of(events.ModesChanged) == [events.ModesChanged("tea", modes, "ann")]
    eve = wire.person("eve", "tea", capabilities=(ORDER,))
    wire.settle(10.0)
    for person in (bob, eve):
        standing = person.core.model.standing("tea")
        assert standing.modes == modes and not standing.may_speak and not standing.may_set_topic
    assert ann.core.model.standing("tea").may_speak and eve.of(events.ModesChanged) == []
    act(wire, eve, compose.get_modes("tea"))
    assert eve.of(events.ModesChanged) == [events.ModesChanged("tea", modes, "")]
    act(wire, eve, compose.say("tea", "may I?"))
    assert eve.codes() == ["not_allowed"]


@lossy
def test_who_is_invited_is_told_also_when_they_come_later(loss: float) -> None:
    wire, ann, bob = chat(loss, "lobby", "tea")
    wire.leave(bob)
    act(wire, ann, compose.set_modes("tea", is_invite_only=True))
    eve = wire.person("eve", "lobby", capabilities=(ORDER,))
    eve.loss = loss
    eve.core.join(wire.now, "tea")
    wire.settle(10.0)
    assert eve.codes() == ["not_allowed"] and eve.core.model.rooms == ("lobby",)
    for nick in ("eve", "bob"):
        act(wire, ann, compose.invite("tea", nick))
    wire.start(bob, "lobby", capabilities=(ORDER,))
    wire.settle(10.0)
    for person in (eve, bob):
        (invited,) = person.of(events.Invited)
        assert (invited.room, invited.by) == ("tea", "ann")
        person.core.join(wire.now, "tea")
        wire.settle(10.0)
        assert person.core.model.rooms == ("lobby", "tea")


@lossy
def test_what_an_operator_removes_is_gone_for_all(loss: float) -> None:
    wire, ann, bob = chat(loss, "tea")
    act(wire, bob, compose.say("tea", "rude"))
    (item,) = ann.core.model.items("tea")
    act(wire, ann, compose.redact("tea", "manners", Reference(item.sequence, bytes.fromhex(item.id))))
    for person in (ann, bob):
        (item,) = person.core.model.items("tea")
        assert item.is_removed
    (redacted,) = bob.of(events.Redacted)
    assert (redacted.nick, redacted.reason, redacted.is_by_right) == ("ann", "manners", True)


@lossy
def test_bans_of_a_room_are_listed(loss: float) -> None:
    wire, ann, _ = chat(loss, "tea")
    act(wire, ann, compose.ban("tea", "bob", 0, "spam"))
    act(wire, ann, compose.list_sanctions("tea"))
    (listed,) = ann.of(events.SanctionList)
    (ban,) = listed.sanctions
    assert (ban.kind, ban.room, ban.nick, ban.by, ban.reason, ban.until_ms) == (
        "banned", "tea", "bob", "ann", "spam", 0
    )  # fmt: skip


def with_owner(loss: float) -> tuple[Wire, Person, Person]:
    """Ann, who is the owner of the server, and bob."""
    wire, ann, bob = chat(loss, "lobby")
    act(wire, wire.host(), compose.set_role("", "ann", Role.OWNER))
    return wire, ann, bob


@lossy
def test_who_is_banned_from_the_server_is_told_why_and_until_when_and_may_not_enter_again(loss: float) -> None:
    wire, ann, bob = with_owner(loss)
    act(wire, ann, compose.ban("", "bob", 3_600, "spam"))
    (banned,) = ann.of(events.Banned)
    assert (banned.room, banned.nick, banned.by, banned.reason) == ("", "bob", "ann", "spam")
    for _ in range(2):
        (rejected,) = bob.of(events.Rejected)
        assert rejected == events.Rejected(
            "banned", {"by": "ann", "reason": "spam", "until_ms": str(banned.until_ms)}
        )
        assert bob.core.is_over
        wire.start(bob, "lobby", capabilities=(ORDER,))
        wire.settle(30.0)
    act(wire, ann, compose.unban("", "bob"))
    wire.start(bob, "lobby", capabilities=(ORDER,))
    wire.settle(30.0)
    assert bob.core.model.connection.phase is Phase.ONLINE


def test_who_is_kicked_from_the_server_comes_back_with_another_start_only() -> None:
    wire, ann, bob = with_owner(0.0)
    act(wire, ann, compose.kick("", "bob", "spam"))
    assert bob.codes() == ["kicked"] and bob.core.is_over
    assert events.notice("kicked_from_server", nick="bob") in ann.events
    wire.start(bob, "lobby", capabilities=(ORDER,))
    assert bob.core.model.connection.phase is Phase.ONLINE


@lossy
def test_roles_on_the_server_and_announcements_reach_everybody(loss: float) -> None:
    wire, ann, bob = with_owner(loss)
    changed = events.RoleChanged("", "ann", "owner", "operator")
    assert ann.of(events.RoleChanged) == [changed] == bob.of(events.RoleChanged)
    assert ann.core.model.standing("lobby").role == "owner" and bob.core.model.standing("").role == "member"
    act(wire, ann, compose.announce("it is late"))
    told = events.Announcement("it is late", "ann")
    assert ann.of(events.Announcement) == [told] == bob.of(events.Announcement)
    wire.leave(ann)
    wire.start(ann, "lobby", capabilities=(ORDER,))
    wire.settle(30.0)
    assert ann.core.model.standing("lobby").role == "owner" and ann.of(events.Announcement) == []


@lossy
def test_who_has_no_role_on_the_server_any_more_is_shown_with_the_one_in_the_room(loss: float) -> None:
    wire, ann, bob = with_owner(loss)
    for person in (bob, ann):
        person.core.join(wire.now, "den")
        wire.settle(10.0)
    act(wire, ann, compose.set_role("", "bob", Role.MODERATOR))
    bobby = wire.person("bobby", "den", capabilities=(ORDER,))
    wire.settle(10.0)
    act(wire, bobby, compose.list_members("den"))
    shown = bobby.core.model.members("den").get("bob")
    assert shown is not None and shown.role == Role.MODERATOR
    bobby.events.clear()
    act(wire, ann, compose.set_role("", "bob", Role.MEMBER))
    shown = bobby.core.model.members("den").get("bob")
    assert shown is not None and shown.role == Role.OPERATOR
    assert bobby.of(events.MemberList) == [] and len(bobby.core.model.members("den")) == 3


@lossy
def test_acts_of_order_are_read_by_who_may(loss: float) -> None:
    wire, ann, bob = with_owner(loss)
    act(wire, ann, compose.mute("", "bob", 60, "loud"))
    act(wire, bob, compose.audit())
    assert bob.codes() == ["not_allowed"] and bob.of(events.AuditList) == []
    act(wire, ann, compose.audit(1))
    (listed,) = ann.of(events.AuditList)
    (last,) = listed.acts
    assert (last.nick, last.action, last.subject, last.reason) == ("ann", "server mute", "bob", "loud")


# --- Accounts ----------


def log_in(wire: Wire, nick: str, login: Login | None, *rooms: str, loss: float = 0.0) -> Person:
    """Another device of somebody."""
    device = wire.person(nick, *(rooms or ("lobby",)), capabilities=(ORDER,), login=login)
    device.loss = loss
    wire.settle(30.0)
    return device


@lossy
def test_a_password_lets_another_device_in_which_then_is_the_same_person(loss: float) -> None:
    wire, ann, bob = chat(loss, "lobby")
    act(wire, ann, compose.set_password("swordfish"))
    assert events.notice("password.set") in ann.events
    assert b"swordfish" not in b"".join(body for _, body in ann.store.unanswered())
    laptop = log_in(wire, "ann", Login(Proof(False, "swordfish")), loss=loss)
    assert laptop.core.model.connection.phase is Phase.ONLINE and laptop.codes() == []
    assert laptop.core.model.user == ann.core.model.user != bob.core.model.user
    act(wire, bob, compose.tell("ann", "both of you"))
    assert ann.texts() == laptop.texts() == ["both of you"]
    act(wire, ann, compose.say("lobby", "from the phone"))
    (item,) = [item for item in laptop.core.model.items("lobby") if item.text == "from the phone"]
    assert item.is_own
    wire.leave(laptop)
    wire.start(laptop, "lobby", capabilities=(ORDER,))  # it needs no password again
    wire.settle(30.0)
    assert laptop.core.model.connection.phase is Phase.ONLINE
    assert laptop.core.model.user == ann.core.model.user


@lossy
def test_a_wrong_password_is_refused_and_a_person_may_try_again(loss: float) -> None:
    wire, ann, _ = chat(loss, "lobby")
    act(wire, ann, compose.set_password("swordfish"))
    script = log_in(wire, "ann", Login(Proof(False, "haddock!")), loss=loss)
    assert script.codes() == ["wrong_password"] and script.core.is_over
    person = log_in(wire, "ann", Login(can_ask=True), loss=loss)
    assert person.of(events.PasswordNeeded) == [events.PasswordNeeded("ann", False, 3)]
    person.core.prove(wire.now, "trout fish")
    wire.settle(60.0)
    assert person.of(events.PasswordNeeded)[-1] == events.PasswordNeeded("ann", True, 2)
    person.core.prove(wire.now, "swordfish")
    wire.settle(60.0)
    assert person.core.model.connection.phase is Phase.ONLINE and not person.core.is_over
    wire.leave(ann)
    wire.start(ann, "lobby", capabilities=(ORDER,))
    wire.settle(30.0)


@lossy
def test_a_code_lets_one_device_in_once(loss: float) -> None:
    wire, ann, _ = chat(loss, "lobby")
    ann.core.make_code(wire.now)
    wire.settle(10.0)
    (made,) = ann.of(events.CodeMade)
    secret = compose.secret_of(made.code.lower(), is_code=True)
    phone = log_in(wire, "ann", Login(Proof(True, secret)), loss=loss)
    assert phone.core.model.user == ann.core.model.user and phone.codes() == []
    thief = log_in(wire, "ann", Login(Proof(True, secret)), loss=loss)
    assert thief.codes() == ["wrong_password"] and thief.core.is_over


@lossy
def test_a_device_that_is_revoked_is_thrown_out_and_does_not_come_back(loss: float) -> None:
    wire, ann, _ = chat(loss, "lobby")
    ann.core.make_code(wire.now)
    wire.settle(10.0)
    (made,) = ann.of(events.CodeMade)
    stolen = log_in(wire, "ann", Login(Proof(True, compose.secret_of(made.code, is_code=True))), loss=loss)
    act(wire, ann, compose.list_devices())
    (listed,) = ann.of(events.DeviceList)
    (other,) = [device for device in listed.devices if not device.is_own]
    assert other.is_here and not other.revoked_ms
    act(wire, ann, compose.revoke_device(other.fingerprint[:8]))
    assert events.notice("device_revoked", fingerprint=other.fingerprint[:8]) in ann.events
    assert stolen.core.is_over and stolen.codes()[-1] in ("key_revoked", "kicked")
    wire.start(stolen, "lobby", capabilities=(ORDER,))
    wire.settle(30.0)
    assert stolen.core.is_over and stolen.codes() == ["key_revoked"]


@lossy
def test_who_one_is(loss: float) -> None:
    wire, ann, _ = chat(loss, "tea")
    act(wire, ann, compose.say("tea", "first"))
    act(wire, ann, compose.whoami())
    (who,) = ann.of(events.Whoami)
    assert who.nicks == ("ann",) and who.role == "member" and not who.has_password
    assert events.RoomRole("tea", "operator") in who.roles


@lossy
def test_failed_logins_and_invitations_are_told_once_also_to_who_was_away(loss: float) -> None:
    wire, ann, bob = chat(loss, "lobby", "tea")
    act(wire, bob, compose.set_password("swordfish"))
    wire.leave(bob)
    log_in(wire, "bob", Login(Proof(False, "haddock!")), loss=loss)
    act(wire, ann, compose.set_modes("tea", is_invite_only=True))
    act(wire, ann, compose.invite("tea", "bob"))
    wire.settle(120.0)
    wire.start(bob, "lobby", capabilities=(ORDER,))
    wire.settle(30.0)
    (failed,) = bob.of(events.LoginsFailed)
    assert failed.count == 1 and len(bob.of(events.Invited)) == 1
    wire.leave(bob)
    wire.start(bob, "lobby", capabilities=(ORDER,))
    wire.settle(30.0)
    assert bob.of(events.LoginsFailed) == [] == bob.of(events.Invited)


def test_a_device_knows_its_account_also_where_no_server_answers() -> None:
    wire, ann, _ = chat(0.0, "lobby")
    act(wire, ann, compose.set_password("swordfish"))
    laptop = log_in(wire, "ann", Login(Proof(False, "swordfish")))
    act(wire, ann, compose.say("lobby", "from the phone"))
    wire.leave(laptop)
    wire.is_cut = True
    wire.start(laptop, "lobby", capabilities=(ORDER,))
    laptop.core.restore(LogEntry("#lobby", *item) for item in laptop.store.last("#lobby", 9))
    (item,) = laptop.core.model.items("lobby")
    assert item.is_own and laptop.core.model.user == ann.core.model.user
