"""What frames of the server change in what a client is in and reports, without a packet."""

from __future__ import annotations

from random import Random

import pytest

from udpchat.chat import events
from udpchat.chat.ids import inbox_log
from udpchat.chat.phrase import Phrase
from udpchat.client import compose
from udpchat.client.entering import FINAL_REFUSALS
from udpchat.client.participant import Participant
from udpchat.client.profile import Profile
from udpchat.client.stored import AccountKnown, ClientState, RoomsChanged
from udpchat.client.typing import SHOWN_S
from udpchat.session.noise import KeyPair, fingerprint, user_id
from udpchat.sync.uplink import Uplink
from udpchat.wire import content, frames
from udpchat.wire.content import Reason
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import (
    EnterRefused,
    Entries,
    FollowRefused,
    Head,
    Heads,
    Hold,
    Result,
    Standing,
    Welcome,
    encode,
    parse_request_untrusted,
    raw,
)
from udpchat.wire.limits import HOLD_S_MAX, ORDER
from udpchat.wire.requests import Done, Part, RequestBody

NOW = 5.0
KEY = b"k" * 32
WELCOME = Welcome("alice", b"u" * 16, "server", 10_000, 30_000)
ANN = b"a" * 32


def chat_of(*rooms: str, **wishes: bool) -> Participant:
    """A client that wants to be in these rooms, in its first session."""
    random = Random(1)
    profile = Profile(KeyPair(random.randbytes(32)), "alice", rooms, "10.0.0.1:1", lambda _: None, **wishes)
    chat = Participant(profile, ClientState(random.randbytes(16)), Uplink(random.randbytes))
    chat.begin_session(NOW, KEY, 0.01)
    return chat


def follow(chat: Participant, *rooms: str) -> None:
    """The server answers for these rooms."""
    chat.on_heads(NOW, Heads(0, [Head("#" + room, 1, 0, 0, 0) for room in rooms]), 1)


def entered(*rooms: str, **wishes: bool) -> Participant:
    """A client that is in these rooms."""
    chat = chat_of(*rooms, **wishes)
    chat.on_welcome(WELCOME)
    if rooms:
        follow(chat, *rooms)
    chat.drain_events()
    return chat


def counter_of(chat: Participant, request: RequestBody) -> int:
    """Under which counter this is asked, the only time."""
    (counter,) = (
        counter for counter, body in chat.requests.outbox.unanswered() if parse_request_untrusted(body) == request
    )
    return counter


def test_what_the_server_says_to_whoever_enters_is_reported_once() -> None:
    chat = chat_of("lobby")
    welcome = Welcome("alice", b"u" * 16, "server", 10_000, 30_000, motd="be nice")
    chat.on_welcome(welcome)
    follow(chat, "lobby")
    assert chat.drain_events().count(events.Announcement("be nice", "")) == 1
    chat.begin_session(NOW, KEY, 0.01)
    chat.on_welcome(welcome)
    assert events.Announcement("be nice", "") not in chat.drain_events()


def test_a_client_has_connected_once_it_is_welcome_and_in_all_its_rooms() -> None:
    chat = chat_of("lobby", "tea")
    chat.on_welcome(WELCOME)
    follow(chat, "lobby")
    assert chat.drain_events() == [] and not chat.has_connected
    follow(chat, "tea")
    connected = events.Connected("10.0.0.1:1", fingerprint(KEY), "alice", ("lobby", "tea"), "server")
    assert [event for event in chat.drain_events() if not isinstance(event, events.Notice)] == [connected]
    follow(chat, "lobby", "tea")
    assert chat.drain_events() == []


def test_a_room_that_was_joined_later_is_reported_as_joined() -> None:
    chat = entered("lobby")
    chat.membership.want(NOW, "tea", line=None)
    chat.timeline.want("tea")
    follow(chat, "tea")
    assert chat.drain_events()[0] == events.MemberJoined("tea", "alice")


def test_a_room_that_is_not_wanted_is_parted_from() -> None:
    chat = entered("lobby")
    follow(chat, "elsewhere")
    assert counter_of(chat, Part("elsewhere")) and chat.membership.rooms == ("lobby",)


def test_a_room_that_refuses_is_an_error_and_holds_up_nothing() -> None:
    chat = chat_of("lobby", "vault")
    chat.on_welcome(WELCOME)
    follow(chat, "lobby")
    chat.on_follow_refused(FollowRefused("#vault", "too_many_rooms.joined", ("64",)), 1)
    happened = chat.drain_events()
    assert events.error("too_many_rooms.joined", rooms_max="64") in happened
    assert chat.has_connected and chat.membership.rooms == ("lobby",)


def test_a_room_of_the_run_before_that_refuses_is_no_error() -> None:
    chat = chat_of("vault", is_returning=True)
    chat.on_welcome(WELCOME)
    chat.on_follow_refused(FollowRefused("#vault", "too_many_rooms.joined", ("64",)), 1)
    reason = Phrase("too_many_rooms.joined", {"rooms_max": "64"})
    assert events.notice("too_many_rooms.not_rejoined", room="vault", reason=reason) in chat.drain_events()


@pytest.mark.parametrize("code", sorted(FINAL_REFUSALS))
def test_a_final_refusal_ends_it_and_is_reported_once(code: str) -> None:
    chat = chat_of("lobby")
    for _ in range(2):
        chat.receive(NOW, EnterRefused(f"{code}.later", ("no",)), 1)
    (rejected,) = chat.drain_events()
    assert isinstance(rejected, events.Rejected) and rejected.code == code and chat.membership.is_over


def test_a_refusal_of_a_later_version_ends_nothing() -> None:
    chat = chat_of("lobby")
    chat.receive(NOW, EnterRefused("a_code_of_later"), 1)
    assert chat.drain_events() == [] and not chat.membership.is_over


def test_a_loss_and_the_return_are_reported_once_and_only_after_the_first_entry() -> None:
    chat = chat_of("lobby")
    chat.on_lost("silence")
    assert chat.drain_events() == []
    chat = entered("lobby")
    for _ in range(2):
        chat.on_lost("silence")
    for _ in range(2):
        chat.on_found()
    assert [type(event) for event in chat.drain_events()] == [events.Disconnected, events.Reconnected]


def test_a_late_copy_of_a_welcome_does_not_undo_a_rename() -> None:
    chat = entered("lobby")
    chat.membership.nick = "queen"
    chat.on_welcome(WELCOME)
    assert chat.membership.nick == "queen"


def test_a_room_is_left_when_the_server_has_answered_and_the_disk_learns_it() -> None:
    chat = entered("lobby", "tea")
    assert RoomsChanged(("lobby", "tea")) in chat.drain_writes()
    chat.membership.drop("tea")
    chat.requests.ask(Part("tea"))
    writes = chat.drain_writes()
    assert RoomsChanged(("lobby",)) in writes
    chat.persisted(NOW, len(writes))
    chat.on_result(NOW, Result(counter_of(chat, Part("tea")), Done()), 2)
    assert events.MemberLeft("tea", "alice", Reason.PARTED) in chat.drain_events()


def test_of_a_conversation_that_is_not_known_no_typing_is_shown() -> None:
    chat = entered("lobby")
    chat.receive(NOW, frames.UserTyping("@0123", "bob"), 1)
    chat.receive(NOW, frames.UserTyping("#lobby", "bob"), 1)
    assert chat.drain_events() == [events.MemberTyping("lobby", "bob", True)]
    assert chat.next_timeout() == NOW + SHOWN_S
    chat.timeline.report(events.MemberLeft("lobby", "bob", "quit"))
    assert chat.drain_events()[1:] == [events.MemberTyping("lobby", "bob", False)]


@pytest.mark.parametrize("is_wanted", [True, False])
def test_receipts_of_ones_own_messages_are_requested_if_they_are_wanted(is_wanted: bool) -> None:
    chat = entered("lobby", wants_receipts=is_wanted)
    chat.timeline.report(events.MessageSent("lobby", 7, "0a", "hi", "text", 1))
    chat.drain_events()
    assert chat.receipts.drain_frames(NOW) == [encode(frames.GetReceipt("#lobby", 7))] * is_wanted
    chat.receive(NOW, frames.Receipt("#lobby", 7, 1, 1), 1)
    assert chat.drain_events() == [events.MessageDelivered("lobby", 7, "0a", 1, 1)] * is_wanted


def test_that_the_server_carries_out_later_what_was_said_is_reported_once_with_the_seconds() -> None:
    chat = entered("lobby")
    chat.drain_events()
    chat.receive(NOW, frames.Hold(2_500), 2)
    chat.receive(NOW + 1.0, frames.Hold(1_500), 2)
    assert chat.drain_events() == [events.Error("too_fast.held", {}, retry_s=2.5)]
    chat.receive(NOW + 100.0, frames.Hold(3_600_000), 2)
    assert chat.drain_events() == [events.Error("too_fast.held", {}, retry_s=HOLD_S_MAX)], "as long as is believed"


def test_who_is_kicked_from_the_server_does_not_come_back_by_itself() -> None:
    chat = entered("lobby")
    chat.on_goodbye(Reason.STOPPING)
    assert chat.drain_events() == []
    for _ in range(2):
        chat.on_goodbye(Reason.KICKED)
    assert chat.drain_events() == [events.Rejected("kicked.server")] and chat.membership.is_over


def test_who_is_held_back_is_told_so() -> None:
    chat = entered("lobby")
    chat.receive(NOW, Hold(4_000), 2)
    assert chat.drain_events() == [events.error("too_fast.held", retry_s=4.0)]


# --- Accounts and order ----------


def welcome_of(account: bytes) -> Welcome:
    """That of a server with accounts and order."""
    standing = Standing(account)
    return Welcome("alice", b"u" * 8, "server", 10_000, 30_000, capabilities=(ORDER,), standing=standing)


ORDERED = welcome_of(b"")


def of_order(*rooms: str) -> Participant:
    """A client in these rooms of a server that has roles, which has asked for modes."""
    chat = chat_of(*rooms)
    chat.on_welcome(ORDERED)
    follow(chat, *rooms)
    chat.on_heads(NOW, Heads(0, [Head("%" + room, 1, 0, 0, 0) for room in rooms]), 1)
    chat.drain_events()
    return chat


def test_modes_are_asked_for_when_a_roster_begins_of_a_server_that_has_roles() -> None:
    chat = of_order("lobby", "tea")
    for room in ("lobby", "tea"):
        assert counter_of(chat, compose.get_modes(room))
    former = entered("lobby")
    former.on_heads(NOW, Heads(0, [Head("%lobby", 1, 0, 0, 0)]), 1)
    asked = [parse_request_untrusted(body) for _, body in former.requests.outbox.unanswered()]
    assert compose.get_modes("lobby") not in asked


def test_who_was_removed_from_a_room_leaves_it_for_good() -> None:
    chat = of_order("lobby", "tea")
    chat.drain_writes()
    chat.receive(NOW, FollowRefused("#tea", "kicked", ("ann", "spam")), 9)
    assert chat.drain_events() == [events.MemberLeft("tea", "alice", "kicked", "ann", "spam")]
    assert chat.membership.rooms == ("lobby",) and RoomsChanged(("lobby",)) in chat.drain_writes()
    chat.receive(NOW, FollowRefused("#tea", "kicked", ("ann", "spam")), 10)
    assert chat.drain_events() == []


def test_a_late_copy_of_a_removal_does_not_end_the_next_membership() -> None:
    chat = of_order("lobby", "tea")
    kicked = FollowRefused("#tea", "kicked", ("ann", "spam"))
    chat.receive(NOW, kicked, 9)
    chat.membership.want(NOW, "tea")
    chat.timeline.want("tea")
    chat.receive(NOW, kicked, 10)  # before the Follow has come
    chat.on_heads(NOW, Heads(0, [Head("#tea", 1, 0, 0, 0)]), 12)
    chat.receive(NOW, kicked, 11)
    assert chat.membership.rooms == ("lobby", "tea") and not chat.membership.awaits("tea")
    assert [type(event) for event in chat.drain_events()][:2] == [events.MemberJoined, events.Notice]
    chat.receive(NOW, kicked, 13)
    assert chat.membership.rooms == ("lobby",)


def test_who_was_banned_while_away_is_told_so_and_not_that_a_request_failed() -> None:
    chat = of_order("lobby", "tea")
    chat.begin_session(NOW, KEY, None)
    chat.on_welcome(ORDERED)
    chat.receive(NOW, FollowRefused("#tea", "banned.room", ("ann", "spam", "7")), 1)
    banned = events.Banned("tea", "alice", "ann", "spam", 7)
    left = events.MemberLeft("tea", "alice", "kicked", "ann", "spam")
    assert chat.drain_events() == [banned, left] and chat.membership.rooms == ("lobby",)


def test_a_room_that_the_roster_says_one_was_removed_from_is_parted_from() -> None:
    chat = of_order("lobby", "tea")
    left = encode(content.Left("alice", chat.timeline.people.me, Reason.KICKED, "ann", "spam"))
    chat.receive_entries(NOW, Entries("%tea", 1, 1, 0, [raw(left)]))
    assert chat.drain_events() == [events.MemberLeft("tea", "alice", "kicked", "ann", "spam")]
    chat.receive(NOW, Result(counter_of(chat, Part("tea")), Done()), 3)
    assert chat.drain_events() == [] and chat.membership.rooms == ("lobby",)


def test_the_account_that_the_server_names_is_kept() -> None:
    chat = chat_of("lobby")
    own = chat.profile.static.public
    chat.on_welcome(welcome_of(ANN))
    assert AccountKnown(ANN) in chat.drain_writes()
    assert chat.timeline.people.me == user_id(ANN) and chat.timeline.logs.inbox == inbox_log(ANN)
    assert chat.timeline.people.mine == {user_id(ANN), user_id(own)}
    chat.begin_session(NOW, KEY, None)
    chat.on_welcome(welcome_of(ANN))
    assert AccountKnown(ANN) not in chat.drain_writes()
    chat.begin_session(NOW, KEY, None)
    chat.on_welcome(welcome_of(b""))
    assert AccountKnown(b"") in chat.drain_writes() and chat.timeline.people.me == user_id(own)


def test_a_welcome_of_an_account_that_is_no_key_is_not_taken() -> None:
    chat = chat_of("lobby")
    with pytest.raises(BadDatagram):
        chat.on_welcome(welcome_of(b"short"))
    assert not chat.membership.is_welcome and chat.drain_writes() == []
