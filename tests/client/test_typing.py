"""Who is typing: shown for some seconds after the last notice, and sent at most every few."""

from __future__ import annotations

from udpchat.chat.events import MemberTyping
from udpchat.client.typing import SHOWN_MAX, SHOWN_S, TypingNotices
from udpchat.wire.frames import Typing, encode
from udpchat.wire.limits import TYPING_INTERVAL_S


def test_a_notice_is_shown_until_it_is_not_repeated_or_the_message_comes() -> None:
    typing = TypingNotices()
    assert typing.receive(10.0, "lobby", "bob") == [MemberTyping("lobby", "bob", True)]
    assert typing.receive(12.0, "lobby", "bob") == [] and typing.names("lobby") == ["bob"]
    assert typing.next_timeout() == 12.0 + SHOWN_S and typing.handle_timeout(11.9 + SHOWN_S) == []
    assert typing.handle_timeout(12.0 + SHOWN_S) == [MemberTyping("lobby", "bob", False)]
    assert typing.names("lobby") == [] and typing.next_timeout() is None
    typing.receive(30.0, "@Bob", "Bob")
    assert typing.names("@bob") == ["Bob"] and typing.end("@bob", "Bob") == [MemberTyping("@bob", "Bob", False)]
    assert typing.end("@bob", "Bob") == []


def test_own_notices_are_some_seconds_apart_except_to_another_conversation() -> None:
    typing = TypingNotices()
    assert typing.notify(10.0, "#lobby") == encode(Typing("#lobby"))
    assert typing.notify(10.0 + TYPING_INTERVAL_S / 2, "#lobby") is None
    assert typing.notify(11.0, "#den") == encode(Typing("#den"))
    assert typing.notify(11.0 + TYPING_INTERVAL_S, "#den") == encode(Typing("#den"))


def test_a_server_cannot_fill_the_memory_with_notices() -> None:
    typing = TypingNotices()
    for number in range(2 * SHOWN_MAX):
        typing.receive(10.0, "lobby", f"nick{number}")
    assert len(typing.names("lobby")) == SHOWN_MAX
