"""Settling what concerns accounts: codes, devices, removal, closed accounts; and what each leaves."""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from tests.server.test_logins import CODE, COUNTERS, decide, linked, owner, refusal
from udpchat.chat.events import AccountErased
from udpchat.chat.ids import AUDIT_LOG, DIRECTORY_LOG
from udpchat.chat.names import HOST_NICK
from udpchat.chat.permissions import Action, Role
from udpchat.server.accounts import digest_of
from udpchat.server.admission import Settings
from udpchat.server.proposals import Action as Wanted
from udpchat.server.proposals import ActionProposal, SendResult
from udpchat.server.registry import Peer
from udpchat.server.settle import settle
from udpchat.server.settle_accounts import KeepPassword
from udpchat.session.noise import fingerprint
from udpchat.sync.log import Append
from udpchat.wire.content import Act, Reason
from udpchat.wire.frames import EnterRefused, encode
from udpchat.wire.limits import CODES_PER_ACCOUNT_MAX, DEVICES_PER_ACCOUNT_MAX, LINK_CODE_S, NICK_TRIED_KEPT_S
from udpchat.wire.requests import (
    INVITE,
    LINK,
    RESET,
    AcceptFrom,
    AddCode,
    Done,
    Failed,
    RemoveAccount,
    ResultBody,
    RevokeDevice,
    SetTopic,
    Tell,
)

HOST = b"h" * 32
OTHER_CODE = CODE[::-1]


def result(rig: Rig, peer: Peer, decision: Wanted) -> ResultBody:
    """The answer to a decision of a peer; nothing is written."""
    assert peer.nick is not None
    proposal = ActionProposal(peer.author, peer.nick, next(COUNTERS), int(rig.now * 1000), decision)
    settlement = settle(rig.chat.commits.settled, proposal)
    (answer,) = (effect.result for effect in settlement.effects if isinstance(effect, SendResult))
    assert bool(settlement.appends) == (not isinstance(answer, Failed)), "what is refused changes nothing"
    return answer


def give_role(rig: Rig, peer: Peer, role: Role) -> None:
    """As if somebody had given it."""
    durable = rig.chat.commits.durable
    record = durable.accounts.get(peer.key).changed(role=role)
    append = Append(DIRECTORY_LOG, durable.head(DIRECTORY_LOG) + 1, encode(record), None)
    rig.log.append([append])
    durable.apply(append.log, append.sequence, append.entry)


def hosted(settings: Settings | None = None) -> tuple[Rig, Peer]:
    rig = Rig(settings=(settings or Settings()).changed(host=HOST))
    return rig, rig.device(HOST_NICK, key=HOST)


def acts(rig: Rig) -> list[tuple[str, str, str]]:
    """The audit log: by whom, what, on whom."""
    entries = [rig.entry(AUDIT_LOG, at) for at in range(1, rig.log.extent(AUDIT_LOG).head + 1)]
    return [(entry.by, entry.action, entry.subject) for entry in entries if isinstance(entry, Act)]


def code(number: int, purpose: int = LINK, nick: str | None = None) -> AddCode:
    return AddCode(digest_of(f"CODE{number}"), purpose, nick)


# --- Passwords and codes ----------


def test_a_password_is_kept_as_its_hash_and_removed_by_an_empty_one() -> None:
    rig = Rig()
    peer = owner(rig)
    accounts = rig.chat.commits.durable.accounts
    assert accounts.get(peer.key).password == "hash of correct horse"
    decide(rig, peer, KeepPassword(""))
    assert accounts.get(peer.key).password == ""
    other = rig.stranger()
    rig.log_in(other, "alice", "correct horse")
    assert refusal(rig, other) == "wrong_password"


def test_so_many_codes_of_an_account_are_valid_at_once_and_those_that_expired_are_given_back() -> None:
    rig = Rig()
    peer = rig.device("alice")
    for number in range(CODES_PER_ACCOUNT_MAX):
        decide(rig, peer, code(number))
    assert result(rig, peer, code(99)) == Failed("too_many_codes")
    rig.now += LINK_CODE_S
    decide(rig, peer, code(100))
    decide(rig, peer, code(101))
    codes = rig.chat.commits.durable.accounts.codes()
    assert len(codes) == CODES_PER_ACCOUNT_MAX - 2 and digest_of("CODE0") not in {each.digest for each in codes}


def test_a_code_that_is_valid_is_not_made_again_by_somebody_else() -> None:
    rig = Rig()
    alice, bob = rig.device("alice"), rig.device("bob")
    linked(rig, alice)
    assert result(rig, bob, AddCode(digest_of(CODE), LINK)) == Failed("too_many_codes")


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.INVITED, Role.VOICE, Role.OPERATOR, 7)])
def test_only_the_table_says_who_invites_resets_and_removes(role: Role) -> None:
    rig = Rig()
    peer = rig.device("alice")
    rig.device("bob")
    give_role(rig, peer, role)
    for action, decision, least in (
        (Action.ADD_INVITATION, code(1, INVITE), Role.ADMIN),
        (Action.RESET_ACCOUNT, code(2, RESET, "bob"), Role.OWNER),
        (Action.REMOVE_ACCOUNT, RemoveAccount("bob"), Role.OWNER),
        (Action.ERASE, RemoveAccount("bob", erases=True), Role.OWNER),
    ):
        expected = Done() if role >= least else Failed("not_allowed.role", (action,))
        assert result(rig, peer, decision) == expected


def test_nobody_resets_or_removes_an_equal_nor_the_unknown() -> None:
    rig = Rig()
    alice, bob = rig.device("alice"), rig.device("bob")
    for peer in (alice, bob):
        give_role(rig, peer, Role.OWNER)
    for nick, expected in (("bob", "not_allowed.outranked"), ("x", "no_such_nick")):
        for decision in (code(1, RESET, nick), RemoveAccount(nick)):
            assert result(rig, alice, decision) == Failed(expected, (nick,))


def second_device(rig: Rig, first: Peer) -> Peer:
    """Another device of alice, which is in."""
    linked(rig, first)
    second = rig.stranger()
    rig.log_in(second, "alice", CODE, is_code=True)
    assert second.nick == "alice"
    return second


def test_who_has_a_stolen_device_cannot_come_back_with_a_code_or_a_password_that_was_made_on_it() -> None:
    rig = Rig()
    first = owner(rig)
    stolen = second_device(rig, first)
    decide(rig, stolen, KeepPassword("hash of stolen horse"))
    decide(rig, stolen, AddCode(digest_of(OTHER_CODE), LINK))
    decide(rig, first, RevokeDevice(fingerprint(stolen.author.device)))
    for secret, is_code in ((OTHER_CODE, True), ("stolen horse", False)):
        thief = rig.stranger()
        rig.log_in(thief, "alice", secret, is_code=is_code)
        assert refusal(rig, thief) == ("wrong_password.code" if is_code else "wrong_password")
    assert rig.chat.commits.durable.accounts.get(first.key).password == ""


def test_a_password_that_was_set_elsewhere_stays_also_if_one_revokes_the_device_one_is_at() -> None:
    rig = Rig()
    first = owner(rig)
    second = second_device(rig, first)
    decide(rig, first, RevokeDevice(fingerprint(second.author.device)))
    assert rig.chat.commits.durable.accounts.get(first.key).password == "hash of correct horse"
    decide(rig, first, RevokeDevice(fingerprint(first.author.device)))
    assert rig.chat.commits.durable.accounts.get(first.key).password == "hash of correct horse"


def test_a_reset_ends_all_sessions_and_takes_password_and_devices_and_its_code_lets_one_in() -> None:
    rig, host = hosted()
    first = owner(rig)
    decide(rig, host, AddCode(digest_of(CODE), RESET, "Alice"))
    assert first not in rig.chat.registry and acts(rig) == [(HOST_NICK, "reset account", "alice")]
    stolen, guesser, rightful = rig.stranger(key=first.key), rig.stranger(), rig.stranger()
    rig.enter(stolen, "alice")
    assert refusal(rig, stolen) == "key_revoked"
    rig.log_in(guesser, "alice", "correct horse")
    assert refusal(rig, guesser) == "wrong_password"
    rig.log_in(rightful, "alice", CODE, is_code=True)
    assert rightful.nick == "alice" and rightful.key == first.key
    restarted = Rig(rig.log)
    again = restarted.stranger(key=first.key)
    restarted.enter(again, "alice")
    assert refusal(restarted, again) == "key_revoked"


# --- Devices ----------


def test_a_device_that_is_revoked_is_told_why_as_its_session_ends_and_never_enters_again() -> None:
    rig = Rig()
    first = rig.device("alice", "lobby")
    linked(rig, first)
    second = rig.stranger()
    rig.log_in(second, "alice", CODE, is_code=True)
    rig.server.drain_transmits()
    decision = RevokeDevice(fingerprint(second.author.device)[:6])
    rig.chat.propose_action(rig.now, first, 900, decision)
    rig.write_down()
    (ending,) = rig.chat.registry.drain_endings()
    assert ending.peer is second and ending.reason is Reason.KICKED
    assert ending.frames[-1] == encode(EnterRefused("key_revoked"))
    rig.leave(second)
    for nick in ("alice", "fresh"):
        peer = rig.stranger(key=second.author.device)
        rig.enter(peer, nick)
        assert refusal(rig, peer) == "key_revoked"
    assert first.nick == "alice"


def test_the_first_key_of_an_account_is_revoked_like_any_other_and_gets_its_answer_before() -> None:
    rig = Rig()
    first = owner(rig)
    second = rig.stranger()
    rig.log_in(second, "alice", "correct horse")
    rig.chat.propose_action(rig.now, first, 900, RevokeDevice(fingerprint(first.author.device)))
    rig.write_down()
    (ending,) = rig.chat.registry.drain_endings()
    assert ending.peer is first and len(ending.frames) == 2
    rig.leave(first)
    peer = rig.stranger(key=first.key)
    rig.enter(peer, "alice")
    assert refusal(rig, peer) == "key_revoked" and second.nick == "alice" and second.key == first.key


def test_what_a_revoked_device_asked_in_the_same_batch_behind_it_is_refused() -> None:
    rig = Rig()
    first = owner(rig)
    second = rig.stranger()
    rig.log_in(second, "alice", "correct horse")
    rig.chat.propose_action(rig.now, first, 900, RevokeDevice(fingerprint(second.author.device)))
    assert result(rig, second, KeepPassword("hash of the thief's")) == Failed("not_allowed")
    assert result(rig, second, RevokeDevice(fingerprint(first.author.device))) == Failed("not_allowed")


def test_a_device_is_named_by_the_beginning_of_its_fingerprint_if_that_is_one() -> None:
    rig = Rig()
    first = owner(rig)
    for wanted in ("", "#", "0", "zzzz", fingerprint(b"x" * 32)):
        assert result(rig, first, RevokeDevice(wanted)) == Failed("no_such_device", (wanted,))
    shown = fingerprint(first.key)
    assert result(rig, first, RevokeDevice("#" + shown.upper())) == Done()


def test_the_last_device_is_not_revoked_where_nothing_else_lets_anybody_in() -> None:
    rig = Rig()
    first = rig.device("alice")
    assert result(rig, first, RevokeDevice(fingerprint(first.key))) == Failed("not_allowed.last_device")


def test_a_device_that_proves_anew_that_it_may_is_one_again() -> None:
    rig = Rig()
    first = owner(rig)
    decide(rig, first, RevokeDevice(fingerprint(first.key)))
    back = rig.stranger(key=first.key)
    rig.log_in(back, "alice", "correct horse")
    assert back.nick == "alice"
    devices = rig.chat.commits.durable.accounts.get(first.key).devices
    assert [device.key for device in devices] == [first.key] and not devices[0].revoked_ms


def test_of_revoked_devices_the_latest_are_remembered_and_the_first_key_always() -> None:
    rig = Rig()
    first = owner(rig)
    keys = []
    for _ in range(2 * DEVICES_PER_ACCOUNT_MAX):
        rig.now += 1
        peer = rig.stranger()
        rig.log_in(peer, "alice", "correct horse")
        decide(rig, peer, KeepPassword("hash of correct horse"))  # that of the device before ends with that device
        keys.append(peer.author.device)
        if len(keys) == 1:
            decide(rig, peer, RevokeDevice(fingerprint(first.key)))
        else:
            decide(rig, peer, RevokeDevice(fingerprint(keys[-2])))
        rig.leave(peer)
    devices = rig.chat.commits.durable.accounts.get(first.key).devices
    revoked = [device.key for device in devices if device.revoked_ms]
    assert set(revoked) == {first.key, *keys[-DEVICES_PER_ACCOUNT_MAX - 1 : -1]}


# --- Strangers ----------


def test_strangers_begin_no_conversation_with_who_wants_none_and_the_person_begins_them() -> None:
    rig = Rig()
    alice, bob = rig.device("alice"), rig.device("bob")
    known = rig.device("carol")
    rig.ask(known, Tell("alice", 0, "hi"))
    rig.write()
    decide(rig, alice, AcceptFrom(True))
    counter = rig.ask(bob, Tell("alice", 0, "hi"))
    assert rig.result(bob, counter) == Failed("not_allowed.contacts", ("alice",))
    counter = rig.ask(known, Tell("alice", 0, "still there?"))
    rig.write()
    assert not isinstance(rig.result(known, counter), Failed)
    rig.ask(alice, Tell("bob", 0, "hi"))
    rig.write()
    counter = rig.ask(bob, Tell("alice", 0, "hi"))
    rig.write()
    assert not isinstance(rig.result(bob, counter), Failed)
    decide(rig, alice, AcceptFrom(False))
    dave = rig.device("dave")
    counter = rig.ask(dave, Tell("alice", 0, "hi"))
    rig.write()
    assert not isinstance(rig.result(dave, counter), Failed)


# --- Closed accounts and invitations ----------


def test_where_accounts_are_closed_only_who_has_one_or_is_invited_claims_a_nick() -> None:
    rig, host = hosted(Settings(is_closed=True))
    peer = rig.stranger()
    rig.enter(peer, "alice")
    assert refusal(rig, peer) == "not_allowed.closed"
    decide(rig, host, AddCode(digest_of(CODE), INVITE, "alice"))
    assert acts(rig) == [(HOST_NICK, "invitation", "alice")]
    wrong = rig.stranger()
    rig.log_in(wrong, "bob", CODE, is_code=True)
    assert refusal(rig, wrong) == "wrong_password.code"
    rig.log_in(peer, "alice", CODE, is_code=True)
    assert peer.nick == "alice" and peer.key == peer.author.device
    again = rig.stranger()
    rig.log_in(again, "alice", CODE, is_code=True)
    assert refusal(rig, again) == "wrong_password.code"
    other = rig.stranger(key=peer.key)
    rig.enter(other, "alice2")
    rig.write_down()
    assert other.nick == "alice2"


def test_an_invitation_to_any_nick_claims_one_free_nick_and_is_not_used_up_by_one_that_is_taken() -> None:
    rig, host = hosted(Settings(is_closed=True))
    decide(rig, host, code(1, INVITE))
    decide(rig, host, code(2, INVITE))
    first, second = rig.stranger(), rig.stranger()
    rig.log_in(first, "alice", "CODE1", is_code=True)
    rig.log_in(second, "Alice", "CODE2", is_code=True)
    assert first.nick == "alice" and (refusal(rig, second) or "").startswith("nick_taken")
    rig.log_in(second, "bob", "CODE2", is_code=True)
    assert second.nick == "bob"
    assert result(rig, host, code(3, INVITE, "bob")) == Failed("nick_taken.account", ("bob",))


def test_who_has_a_role_claims_a_nick_where_accounts_are_closed() -> None:
    rig, host = hosted(Settings(is_closed=True))
    decide(rig, host, code(1, INVITE))
    peer = rig.stranger()
    give_role(rig, peer, Role.ADMIN)
    rig.enter(peer, "admina")
    rig.write_down()
    assert peer.nick == "admina"


# --- Nicks that nobody uses ----------


def test_a_nick_that_nobody_used_for_as_long_as_the_operator_says_is_free_and_stays_with_who_takes_it() -> None:
    rig = Rig(settings=Settings(nick_kept_s=3_600.0))
    rig.leave(rig.device("alice"))
    rig.now += 3_600.0
    peer = rig.stranger()
    rig.enter(peer, "alice")
    assert refusal(rig, peer) == "nick_taken"
    rig.now += 1.0
    rig.enter(peer, "Alice")
    rig.write_down()
    assert peer.nick == "Alice"
    later = Rig(rig.log)  # which keeps nicks for as long as usual
    owner = later.chat.commits.durable.claims.owner("alice")
    assert owner is not None and owner.key == peer.key and NICK_TRIED_KEPT_S > 3_600.0


# --- Removal ----------


def test_a_removed_account_leaves_its_nicks_free_and_its_devices_without_rights() -> None:
    rig, host = hosted()
    first = owner(rig)
    give_role(rig, first, Role.ADMIN)
    linked(rig, first)
    twin = rig.stranger(key=first.key)
    rig.enter(twin, "alice2")
    rig.write_down()
    decide(rig, host, RemoveAccount("Alice"))
    durable = rig.chat.commits.durable
    assert first not in rig.chat.registry and twin not in rig.chat.registry
    assert acts(rig) == [(HOST_NICK, "remove account", "alice")]
    assert durable.claims.owner("alice") is None and durable.claims.owner("alice2") is None
    record = durable.accounts.get(first.key)
    assert not record.password and not record.role and all(device.revoked_ms for device in record.devices)
    assert durable.accounts.codes() == []
    back, other = rig.stranger(key=first.key), rig.stranger()
    rig.enter(back, "alice")
    assert refusal(rig, back) == "key_revoked"
    rig.enter(other, "alice")
    rig.write_down()
    assert other.nick == "alice" and other.key != first.key


def test_an_account_that_is_erased_loses_the_topics_it_has_set_and_its_nicks_are_reported() -> None:
    rig, host = hosted()
    first = owner(rig)
    for peer, room in ((first, "den"), (rig.device("bob"), "barn")):
        rig.follow(peer, f"#{room}")
        rig.ask(peer, SetTopic(room, f"all about {room}"))
    rig.write()
    before = dict(rig.chat.commits.durable.accounts.erased())
    decide(rig, host, RemoveAccount("alice", erases=True))
    durable = rig.chat.commits.durable
    kept = durable.topic("barn")
    assert durable.topic("den") is None and kept is not None and kept.topic == "all about barn"
    assert before == {} and list(durable.accounts.erased()) == [first.key]
    assert AccountErased(("alice",)) in rig.told
