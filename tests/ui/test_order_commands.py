"""The commands of order: what each asks for, and what is refused with one line before anything is asked."""

from __future__ import annotations

import pytest

from tests.ui.entering import NOW, asked, entered, prompt_in, refused
from udpchat.chat.permissions import Role
from udpchat.client import compose
from udpchat.ui.phrases import text_of
from udpchat.wire.content import BAN, MUTE
from udpchat.wire.requests import (
    INVITE,
    AddCode,
    Announce,
    Invite,
    Kick,
    Lift,
    ListSanctions,
    RequestBody,
    Sanction,
    SetModes,
    SetRole,
)

HOUR = 3_600


@pytest.mark.parametrize(("line", "nick"), [("/invite --server", None), ("/invite --server @Eve", "Eve")])
def test_a_code_for_somebody_new_is_asked_for(line: str, nick: str | None) -> None:
    (request,) = entered(line)
    assert isinstance(request, AddCode) and (request.purpose, request.nick) == (INVITE, nick)


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("/op bob", SetRole("lobby", "bob", Role.OPERATOR)),
        ("/deop @bob", SetRole("lobby", "bob", Role.MEMBER)),
        ("/voice bob:", SetRole("lobby", "bob", Role.VOICE)),
        ("/devoice bob", SetRole("lobby", "bob", Role.MEMBER)),
        ("/role bob admin", SetRole(None, "bob", Role.ADMIN)),
        ("/role bob MEMBER", SetRole(None, "bob", Role.MEMBER)),
        ("/mode", compose.get_modes("lobby")),
        ("/mode den", compose.get_modes("den")),
        ("/mode +moderated", SetModes("lobby", is_moderated=True)),
        ("/mode -MODERATED", SetModes("lobby", is_moderated=False)),
        ("/mode #den +invite-only", SetModes("den", is_invite_only=True)),
        ("/mode den -topic_locked slow=30", SetModes("den", is_topic_locked=False, slow_s=30)),
        ("/mode slow=2m kept=30d", SetModes("lobby", slow_s=120, kept_s=30 * 24 * HOUR)),
        ("/mode slow=0 kept=-", SetModes("lobby", slow_s=0, kept_s=0)),
        ("/mode -slow", SetModes("lobby", slow_s=0)),
        ("/invite bob", Invite("lobby", "bob")),
        ("/invite bob #Den", Invite("den", "bob")),
        ("/kick bob", Kick("lobby", "bob", "")),
        ("/kick bob for spamming", Kick("lobby", "bob", "for spamming")),
        ("/kick --server bob spam", Kick(None, "bob", "spam")),
        ("/ban bob", Sanction("lobby", BAN, "bob", 0, "")),
        ("/ban bob spamming all day", Sanction("lobby", BAN, "bob", 0, "spamming all day")),
        ("/ban bob for 2h", Sanction("lobby", BAN, "bob", 2 * HOUR, "")),
        ("/ban --server bob for 3d  spam ", Sanction(None, BAN, "bob", 72 * HOUR, "spam")),
        ("/ban --server 10.0.0.7/24", Sanction(None, BAN, "10.0.0.0/24", 0, "")),
        ("/ban --server fd00::1 for 90s", Sanction(None, BAN, "fd00::1", 90, "")),
        ("/ban #ABCD", Sanction("lobby", BAN, "#abcd", 0, "")),
        ("/mute bob for 10m", Sanction("lobby", MUTE, "bob", 600, "")),
        ("/mute --server bob", Sanction(None, MUTE, "bob", 0, "")),
        ("/unban bob", Lift("lobby", BAN, "bob")),
        ("/unban --server bob", Lift(None, BAN, "bob")),
        ("/unmute bob", Lift("lobby", MUTE, "bob")),
        ("/bans", ListSanctions("lobby")),
        ("/bans --server", ListSanctions(None)),
        ("/announce tea at four", Announce("tea at four")),
        ("/announce tea\nat four", Announce("tea\nat four")),
        ("/audit", compose.audit(20)),
        ("/audit 5", compose.audit(5)),
    ],
)
def test_a_command_of_order_asks_for_what_it_says(line: str, request_: RequestBody) -> None:
    assert entered(line) == [request_]


@pytest.mark.parametrize(
    "line",
    ["/op", "/op a b", "/voice", "/role bob", "/role bob admin x", "/invite", "/invite a b c",
     "/invite --server a b", "/kick", "/ban",
     "/ban --server", "/ban bob for", "/unban", "/unban a b", "/bans bob", "/announce", "/audit x", "/redact"],
)  # fmt: skip
def test_a_wrong_usage_shows_the_usage(line: str) -> None:
    assert refused(prompt_in("lobby"), line).code == "usage"


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        ("/ban bob for ever", "bad_duration", "no duration: ever; write 90s, 10m, 2h or 3d"),
        ("/ban bob for 0s", "bad_duration", "no sensible duration: 0s"),
        ("/mute bob for 99999d", "bad_duration", "at most 3650d"),
        ("/mute bob for -1h x", "bad_duration", "no duration: -1h"),
        ("/mode slow=soon", "bad_duration", "no duration: soon"),
        ("/mode +moderate", "bad_mode", "did you mean +moderated?"),
        ("/mode +", "bad_mode", "write moderated, invite_only"),
        ("/mode den moderated", "bad_mode", "did you mean"),
        ("/role bob king", "bad_role", "one of owner, admin, moderator, member"),
        ("/role bob ownr", "bad_role", "did you mean owner?"),
        ("/audit 0", "bad_number", "between 1 and 50"),
        ("/kick -x", "bad_nick", "hyphen"),
        ("/ban a/b", "bad_nick", "cannot contain"),
    ],
)
def test_what_makes_no_sense_is_one_clear_line_and_nothing_is_asked(line: str, code: str, text: str) -> None:
    error = refused(prompt_in("lobby"), line)
    assert error.code == code and text in text_of(error)


def test_without_a_room_only_the_whole_server_is_acted_on() -> None:
    prompt = prompt_in()
    assert refused(prompt, "/ban bob").code == refused(prompt, "/mode").code == "no_room"
    prompt.enter(NOW, "/ban --server bob")
    assert asked(prompt) == [Sanction(None, BAN, "bob", 0, "")]


def test_in_a_private_conversation_the_room_before_is_acted_on() -> None:
    prompt = prompt_in("lobby")
    prompt.enter(NOW, "/query bob")
    prompt.enter(NOW, "/kick bob")
    assert asked(prompt) == [Kick("lobby", "bob", "")]
