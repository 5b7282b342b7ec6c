"""Notices: what they follow from, and to which conversation they belong. Their parts: test_typing, test_receipts."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.client.notices import Notices
from udpchat.client.profile import Profile
from udpchat.client.stored import ClientState
from udpchat.client.timeline import Timeline
from udpchat.client.typing import SHOWN_S
from udpchat.session.noise import KeyPair
from udpchat.sync.uplink import Uplink
from udpchat.wire.frames import GetReceipt, Receipt, UserTyping, encode


def notices(*, wants_receipts: bool = True) -> Notices:
    profile = Profile(KeyPair(bytes(32)), "me", (), "server", lambda key: None)
    return Notices(
        Timeline(Uplink(bytes), profile=profile, saved=ClientState(bytes(16))), wants_receipts=wants_receipts
    )


SENT = events.MessageSent("lobby", 7, "0a", "hi", "text", 1)


def test_of_a_conversation_that_is_not_known_no_typing_is_shown() -> None:
    view = notices()
    assert view.receive(1.0, UserTyping("@0123", "bob")) == []
    assert view.receive(1.0, UserTyping("#lobby", "bob")) == [events.MemberTyping("lobby", "bob", True)]
    assert view.next_timeout() == 1.0 + SHOWN_S
    assert view.follow_up(events.MemberLeft("lobby", "bob", "quit")) == [events.MemberTyping("lobby", "bob", False)]


def test_receipts_of_ones_own_messages_are_requested_if_they_are_wanted() -> None:
    for is_wanted, requested in ((True, [encode(GetReceipt("#lobby", 7))]), (False, [])):
        view = notices(wants_receipts=is_wanted)
        view.follow_up(SENT)
        assert view.drain_frames(5.0) == requested
    assert notices().receive(1.0, Receipt("#lobby", 7, 1, 1)) == []
