"""What a client asks: written down first, asked under one id for ever, and told once."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.chat.asks import UNWRITABLE_RETRY_S, Asks
from udpchat.chat.message import message_id
from udpchat.chat.transcript import Transcript
from udpchat.chat.writes import Answered, Asked, Saved
from udpchat.sync.parts import split
from udpchat.wire.bodies import Done, Failed, Found, Names, Page, Rename, Say, Stored, Tell
from udpchat.wire.frames import Result, ResultPart, encode, encode_request

INSTANCE = b"i" * 16


def asks(saved: Saved | None = None) -> tuple[Asks, Transcript]:
    """With the transcript that tells of it."""
    transcript = Transcript(history=0, saved={})
    return Asks(saved or Saved(INSTANCE), transcript), transcript


def test_nothing_is_asked_before_it_is_written_down() -> None:
    client, _ = asks()
    client.ask(Say("lobby", 0, "hello"))
    body = encode(Say("lobby", 0, "hello"))
    assert client.outbox.drain_frames(1.0) == [] and client.outbox.next_timeout() is None
    assert client.drain_writes() == [Asked(1, body)] and client.drain_writes() == []
    assert client.outbox.drain_frames(1.0) == []
    client.persisted(1.0, 1)
    assert client.outbox.drain_frames(1.0) == [encode_request(1, 1, body)]


def test_an_answer_is_told_once_and_not_waited_for_any_more() -> None:
    client, transcript = asks()
    client.ask(Say("lobby", 0, "hello"))
    client.drain_writes()
    client.persisted(0.0, 1)
    for _ in range(2):
        assert client.on_result(1.0, Result(1, Stored("#lobby", 7))) == []
    assert transcript.drain_events() == [
        events.Sent("lobby", 7, message_id(INSTANCE, 1).hex(), "hello", "text", 0)
    ]
    assert client.is_idle and client.drain_writes() == [Answered(1)]


def test_an_answer_to_nothing_says_nothing() -> None:
    client, transcript = asks()
    assert client.on_result(1.0, Result(9, Stored("#lobby", 7))) == [] == transcript.drain_events()
    assert client.on_part(1.0, ResultPart(9, 0, 2, b"x")) == []


def test_a_failure_is_told_and_the_message_is_not_waited_for() -> None:
    client, transcript = asks()
    client.ask(Say("lobby", 0, "hello"))
    assert client.on_result(1.0, Result(1, Failed("too_long", "no"))) == [events.Error("too_long", "no", "hello")]
    assert transcript.unconfirmed() == [] and client.is_idle


def test_who_tells_somebody_who_is_away_is_told_so() -> None:
    client, _ = asks()
    for reason, text in (("lunch", "bob is away: lunch"), ("not here; later", "bob is not here; later")):
        client.ask(Tell("bob", 0, "hi"))
        counter = client.outbox.next_counter - 1
        assert client.on_result(1.0, Result(counter, Stored("@x", 1, reason))) == [events.Notice("away", text)]


def test_a_long_answer_comes_in_parts_in_any_order() -> None:
    client, _ = asks()
    client.ask(Names("lobby", ""))
    parts = split(encode(Page([f"nick{number}" for number in range(300)], False)))
    assert len(parts) > 2
    told = []
    for index in reversed(range(len(parts))):
        told += client.on_part(1.0, ResultPart(1, index, len(parts), parts[index]))
    assert told == [events.Names("lobby", tuple(f"nick{number}" for number in range(300)))]


def test_the_past_is_told_as_messages() -> None:
    client, _ = asks()
    client.ask(Names("lobby", ""))
    assert client.on_result(1.0, Result(1, Found([]))) == [events.Past(())]


# --- What an earlier run left ----------


def test_messages_of_an_earlier_run_are_asked_again_under_their_ids_and_questions_are_not() -> None:
    unanswered = (
        (3, encode(Say("lobby", 0, "three"))),
        (4, encode(Rename("carol"))),
        (6, encode(Tell("bob", 1, "six"))),
    )
    client, transcript = asks(Saved(INSTANCE, 9, unanswered))
    assert [said.text for said in transcript.unconfirmed()] == ["three", "six"]
    assert client.outbox.unanswered() == [unanswered[0], unanswered[2]] and client.outbox.next_counter == 9
    assert client.drain_writes() == [Answered(4)]  # or the disk would keep it for good
    assert len(client.outbox.drain_frames(0.0)) == 2
    client.on_result(1.0, Result(3, Stored("#lobby", 5)))
    (sent,) = transcript.drain_events()
    assert isinstance(sent, events.Sent) and sent.id == message_id(INSTANCE, 3).hex()


# --- Disks that are full ----------


def test_a_server_that_cannot_write_is_told_of_once_and_asked_again_later() -> None:
    client, _ = asks()
    client.ask(Say("lobby", 0, "hello"))
    client.drain_writes()
    client.persisted(0.0, 1)
    assert len(client.on_unwritable(1.0, "full")) == 1
    assert client.on_unwritable(1.0, "full") == [] == client.on_unwritable(1.0 + 2 * UNWRITABLE_RETRY_S, "full")
    assert client.outbox.drain_frames(1.0) == [] and len(client.outbox.drain_frames(9.0)) == 1
    client.on_result(9.0, Result(1, Stored("#lobby", 1)))
    assert len(client.on_unwritable(10.0, "full")) == 1


def test_a_client_that_cannot_write_asks_all_the_same_and_says_so_once() -> None:
    client, _ = asks()
    for number in range(3):
        client.ask(Say("lobby", 0, str(number)))
        client.drain_writes()
        told = client.rejected(1.0, "full")
        assert [event.code for event in told if isinstance(event, events.Error)] == ["unwritable_here"] * (not number)
    assert len(client.outbox.drain_frames(1.0)) == 3
    client.ask(Say("lobby", 0, "3"))
    assert client.drain_notices() == []
    client.persisted(2.0, len(client.drain_writes()))
    assert [notice.code for notice in client.drain_notices()] == ["writable_here"] and client.drain_notices() == []
    client.ask(Say("lobby", 0, "4"))
    client.drain_writes()
    assert len(client.rejected(3.0, "full")) == 1


def test_a_rename_is_known_when_it_is_done() -> None:
    client, _ = asks()
    client.ask(Rename("carol"))
    assert client.on_result(1.0, Result(1, Done())) == [] and client.answers.take_renamed() == "carol"
