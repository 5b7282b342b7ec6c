"""What a client asks: written down first, asked under one id for ever, and told once."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.chat.ids import message_id
from udpchat.client.own_requests import Requests, RequestSource
from udpchat.client.postponed import UNWRITABLE_RETRY_S
from udpchat.client.profile import Profile
from udpchat.client.stored import LABELS_MAX, ClientState, Label, Labelled, RequestAdded, RequestDone, Write, digest_of
from udpchat.client.timeline import Timeline
from udpchat.session.noise import KeyPair
from udpchat.sync.fragments import split
from udpchat.sync.uplink import Uplink
from udpchat.wire.frames import Result, ResultFragment, encode, encode_request
from udpchat.wire.limits import REQUESTS_IN_FLIGHT_MAX
from udpchat.wire.requests import (
    Absent,
    Away,
    Done,
    EntryList,
    Failed,
    GetHistory,
    ListMembers,
    Member,
    MemberPage,
    Rename,
    RequestBody,
    Say,
    SetPassword,
    SetTopic,
    Stored,
    Tell,
)

INSTANCE = b"i" * 16


def asks(saved: ClientState | None = None) -> tuple[Requests, Timeline]:
    """With the transcript that tells of it."""
    state = saved or ClientState(INSTANCE)
    profile = Profile(KeyPair(bytes(32)), "alice", (), "server", lambda key: None)
    timeline = Timeline(Uplink(bytes), profile=profile, saved=state)
    return Requests(state, timeline), timeline


def test_nothing_is_asked_before_it_is_written_down() -> None:
    client, _ = asks()
    client.ask(Say("lobby", 0, "hello"))
    body = encode(Say("lobby", 0, "hello"))
    assert client.outbox.drain_frames(1.0) == [] and client.outbox.next_timeout() is None
    assert client.drain_writes() == [RequestAdded(1, body)] and client.drain_writes() == []
    assert client.outbox.drain_frames(1.0) == []
    client.persisted(1.0, 1)
    assert client.outbox.drain_frames(1.0) == [encode_request(1, 1, body)]


def test_an_answer_is_told_once_and_not_waited_for_any_more() -> None:
    client, timeline = asks()
    client.ask(Say("lobby", 0, "hello"))
    client.drain_writes()
    client.persisted(0.0, 1)
    for _ in range(2):
        assert client.on_result(1.0, Result(1, Stored("#lobby", 7))) == []
    assert timeline.drain_events() == [
        events.MessageSent("lobby", 7, message_id(INSTANCE, 1).hex(), "hello", "text", 0)
    ]
    assert client.is_idle and client.drain_writes() == [RequestDone(1)]


def test_no_more_is_asked_than_the_server_recalls_while_answers_are_not_written_down() -> None:
    client, _ = asks()
    for number in range(2 * REQUESTS_IN_FLIGHT_MAX):
        client.ask(Say("lobby", 0, str(number)))
    client.persisted(0.0, len(client.drain_writes()))
    assert len(client.outbox.drain_frames(0.0)) == REQUESTS_IN_FLIGHT_MAX
    for counter in range(1, REQUESTS_IN_FLIGHT_MAX + 1):
        client.on_result(0.1, Result(counter, Stored("#lobby", counter)))
    answered = client.drain_writes()
    assert client.outbox.drain_frames(0.1) == []
    client.persisted(0.2, len(answered))
    assert len(client.outbox.drain_frames(0.2)) == REQUESTS_IN_FLIGHT_MAX


def test_an_answer_to_nothing_says_nothing() -> None:
    client, timeline = asks()
    assert client.on_result(1.0, Result(9, Stored("#lobby", 7))) == [] == timeline.drain_events()
    assert client.on_fragment(1.0, ResultFragment(9, 0, 2, b"x")) == []


def test_a_failure_is_told_and_the_message_is_not_waited_for() -> None:
    client, timeline = asks()
    client.ask(Say("lobby", 0, "hello"))
    assert client.on_result(1.0, Result(1, Failed("too_long.topic", ("9",)))) == [
        events.error("too_long.topic", said="hello", bytes_max="9")
    ]
    assert timeline.own.unconfirmed() == [] and client.is_idle


def test_who_tells_somebody_who_is_away_is_told_so() -> None:
    client, _ = asks()
    told = (
        (Away("lunch"), events.notice("away", nick="bob", reason="lunch")),
        (Away("not here till five"), events.notice("away", nick="bob", reason="not here till five")),
        (Absent(), events.notice("away.absent", nick="bob")),
    )
    for presence, notice in told:
        client.ask(Tell("bob", 0, "hi"))
        counter = client.outbox.next_counter - 1
        stored = Result(counter, Stored("@" + "7" * 20, 1, presence))
        assert client.on_result(1.0, stored) == [notice]


def test_a_long_answer_comes_in_parts_in_any_order() -> None:
    client, _ = asks()
    client.ask(ListMembers("lobby", ""))
    parts = split(encode(MemberPage(0, [Member(f"nick{number}", bytes(8), None) for number in range(100, 400)], False)))
    assert len(parts) > 2
    told = []
    for index in reversed(range(len(parts))):
        told += client.on_fragment(1.0, ResultFragment(1, index, len(parts), parts[index]))
    assert told == [events.MemberList("lobby", tuple(f"nick{number}" for number in range(100, 400)))]


def test_the_past_is_told_as_messages() -> None:
    client, _ = asks()
    client.ask(GetHistory("#lobby", None, None, 20))
    assert client.on_result(1.0, Result(1, EntryList([]))) == [events.HistoryFound(())]


# --- What an earlier run left ----------


def test_messages_of_an_earlier_run_are_asked_again_under_their_ids_and_questions_are_not() -> None:
    unanswered = (
        (3, encode(Say("lobby", 0, "three"))),
        (4, encode(Rename("carol"))),
        (6, encode(Tell("bob", 1, "six"))),
    )
    client, timeline = asks(ClientState(INSTANCE, 9, unanswered))
    assert [said.text for said in timeline.own.unconfirmed()] == ["three", "six"]
    assert client.outbox.unanswered() == [unanswered[0], unanswered[2]] and client.outbox.next_counter == 9
    assert client.drain_writes() == [RequestDone(4)]  # or the disk would keep it for good
    assert len(client.outbox.drain_frames(0.0)) == 2
    client.on_result(1.0, Result(3, Stored("#lobby", 5)))
    (sent,) = timeline.drain_events()
    assert isinstance(sent, events.MessageSent) and sent.id == message_id(INSTANCE, 3).hex()


# --- Lines of the input ----------


def ask_line(client: Requests, line: int, request: RequestBody, label_id: str = "") -> list[Write]:
    """Ask it for a line of the input; what is to be written of it."""
    with client.on_behalf_of(RequestSource(line, Label(label_id, line) if label_id else None)):
        client.ask(request)
    return client.drain_writes()


def test_a_failure_names_the_line_that_asked_for_it_whenever_it_comes() -> None:
    client, timeline = asks()
    ask_line(client, 2, Say("lobby", 0, "fine"))
    ask_line(client, 5, Tell("nobody", 0, "hi"))
    assert client.lines_unanswered() == [2, 5] and client.line is None
    assert [said.line for said in timeline.own.unconfirmed()] == [2, 5]
    refused = events.error("no_such_nick", line=5, said="hi", nick="bob")
    assert client.on_result(1.0, Result(2, Failed("no_such_nick", ("bob",)))) == [refused]
    client.ask(Say("lobby", 0, "of no line"))
    assert client.on_result(1.0, Result(3, Failed("empty"))) == [events.error("empty", said="of no line")]
    assert client.lines_unanswered() == [2]


def test_a_message_and_a_topic_of_a_labelled_line_are_written_with_the_label_and_their_results_too() -> None:
    client, _ = asks()
    for counter, request in enumerate((Say("lobby", 0, "x"), Tell("bob", 0, "x"), SetTopic("lobby", "x")), 1):
        assert ask_line(client, counter, request, "job") == [
            RequestAdded(counter, encode(request), Label("job", counter))
        ]
    assert ask_line(client, 4, Rename("carol"), "job") == [RequestAdded(4, encode(Rename("carol")))]
    client.on_result(1.0, Result(1, Stored("#lobby", 7)))
    client.on_result(1.0, Result(4, Done()))
    assert client.drain_writes() == [RequestDone(1, encode(Stored("#lobby", 7))), RequestDone(4)]


def again(request: RequestBody, *, result: bytes = b"", is_open: bool = False) -> tuple[Requests, Timeline]:
    """A run whose input has been given before; its line 2 was this request, under counter 9."""
    body = encode(request)
    unanswered = ((9, body),) if is_open else ()
    labelled = frozenset([9] if is_open else [])
    return asks(
        ClientState(INSTANCE, 50, unanswered, labels={2: Labelled(9, digest_of(body), result)}, labelled=labelled)
    )


def test_a_line_that_was_confirmed_before_is_reported_as_sent_again_and_not_asked() -> None:
    request = Say("lobby", 1, "waves")
    client, timeline = again(request, result=encode(Stored("#lobby", 7)))
    assert ask_line(client, 2, request, "job") == [] and client.is_idle
    sent = events.MessageSent("lobby", 7, message_id(INSTANCE, 9).hex(), "waves", "action", 0, again=True)
    assert timeline.drain_events() == [sent]


def test_a_line_that_was_refused_before_is_refused_again() -> None:
    client, timeline = again(Tell("bob", 0, "hi"), result=encode(Failed("no_such_nick", ("bob",))))
    assert ask_line(client, 2, Tell("bob", 0, "hi"), "job") == []
    assert timeline.drain_events() == [events.error("no_such_nick", line=2, nick="bob")]


def test_a_line_that_is_asked_already_is_not_asked_twice_and_its_result_is_this_lines() -> None:
    for request in (Say("lobby", 0, "hi"), SetTopic("lobby", "tea")):
        client, timeline = again(request, is_open=True)
        assert client.resumed == 1 and len(client.outbox) == 1
        assert ask_line(client, 2, request, "job") == [] and len(client.outbox) == 1
        assert client.lines_unanswered() == [2]
        assert [said.line for said in timeline.own.unconfirmed()] == [2] * isinstance(request, Say)
        said = "hi" if isinstance(request, Say) else ""
        assert client.on_result(1.0, Result(9, Failed("not_allowed"))) == [
            events.error("not_allowed", line=2, said=said)
        ]
        assert client.drain_writes() == [RequestDone(9, encode(Failed("not_allowed")))]


def test_a_result_that_comes_before_its_line_is_read_again_is_that_lines_all_the_same() -> None:
    request, stored = Say("lobby", 0, "hi"), Stored("#lobby", 7)
    client, timeline = again(request, is_open=True)
    client.on_result(1.0, Result(9, stored))
    assert ask_line(client, 2, request, "job") == [RequestDone(9, encode(stored))]
    (sent,) = timeline.drain_events()
    assert isinstance(sent, events.MessageSent) and not sent.again and client.lines_unanswered() == []


def test_a_label_of_another_text_or_of_a_discarded_request_is_an_error_and_nothing_is_asked() -> None:
    for text, code in (("other", "id_reused"), ("hi", "discarded")):
        client, timeline = again(Say("lobby", 0, "hi"))
        assert ask_line(client, 2, Say("lobby", 0, text), "job") == []
        (error,) = timeline.drain_events()
        assert isinstance(error, events.Error) and (error.code, error.line) == (code, 2)


def test_an_input_with_labels_has_so_many_lines_at_most() -> None:
    client, timeline = asks()
    assert len(ask_line(client, LABELS_MAX, Say("lobby", 0, "hi"), "job")) == 1
    assert ask_line(client, LABELS_MAX + 1, Say("lobby", 0, "hi"), "job") == []
    assert [event.code for event in timeline.drain_events() if isinstance(event, events.Error)] == ["too_many_lines"]


def test_what_has_a_label_is_never_sent_without_being_written_down() -> None:
    client, timeline = asks()
    ask_line(client, 1, Say("lobby", 0, "kept"), "job")
    ask_line(client, 2, Say("lobby", 0, "not kept"))
    (error,) = client.rejected(1.0, "full")
    assert isinstance(error, events.Error) and (error.code, error.line) == ("unwritable_here", 1)
    assert [said.text for said in timeline.own.unconfirmed()] == ["not kept"]
    assert client.outbox.drain_frames(1.0) == [encode_request(2, 2, encode(Say("lobby", 0, "not kept")))]


# --- Disks that are full ----------


def test_a_server_that_cannot_write_is_told_of_once_and_asked_again_later() -> None:
    client, _ = asks()
    client.ask(Say("lobby", 0, "hello"))
    client.drain_writes()
    client.persisted(0.0, 1)
    (error,) = client.delays.on_unwritable(1.0, "full")
    assert isinstance(error, events.Error) and (error.code, error.retry_s) == ("unwritable", UNWRITABLE_RETRY_S)
    assert (
        client.delays.on_unwritable(1.0, "full")
        == ()
        == client.delays.on_unwritable(1.0 + 2 * UNWRITABLE_RETRY_S, "full")
    )
    assert client.outbox.drain_frames(1.0) == [] and len(client.outbox.drain_frames(9.0)) == 1
    client.on_result(9.0, Result(1, Stored("#lobby", 1)))
    assert len(client.delays.on_unwritable(10.0, "full")) == 1


def test_a_client_that_cannot_write_asks_all_the_same_and_says_so_once() -> None:
    client, _ = asks()
    for number in range(3):
        client.ask(Say("lobby", 0, str(number)))
        client.drain_writes()
        told = client.rejected(1.0, "full")
        assert [event.code for event in told if isinstance(event, events.Error)] == ["unwritable_here"] * (not number)
    assert len(client.outbox.drain_frames(1.0)) == 3
    client.ask(Say("lobby", 0, "3"))
    (notice,) = client.persisted(2.0, len(client.drain_writes()))
    assert isinstance(notice, events.Notice) and notice.code == "writable_here"
    client.ask(Say("lobby", 0, "4"))
    client.drain_writes()
    assert len(client.rejected(3.0, "full")) == 1


def test_a_rename_is_known_when_it_is_done() -> None:
    client, _ = asks()
    client.ask(Rename("carol"))
    assert client.on_result(1.0, Result(1, Done())) == [] and client.answers.take_renamed() == "carol"


def test_a_password_is_on_no_disk_and_its_counter_serves_no_other_request() -> None:
    client, _ = asks()
    client.ask(Rename("anna"))
    client.ask(SetPassword("swordfish"))
    client.ask(Rename("ann"))
    writes = client.drain_writes()
    assert [write.counter for write in writes if isinstance(write, RequestAdded)] == [1, 3]
    assert "swordfish" not in repr(writes)
    client.persisted(1.0, len(writes))
    bodies = [encode(request) for request in (Rename("anna"), SetPassword("swordfish"), Rename("ann"))]
    assert client.outbox.drain_frames(1.0) == [encode_request(at, 1, body) for at, body in enumerate(bodies, 1)]
    assert list(client.on_result(1.0, Result(2, Done()))) == [events.notice("password.set")]


def test_a_password_is_sent_though_the_disk_fails() -> None:
    client, _ = asks()
    client.ask(SetPassword("swordfish"))
    assert client.drain_writes() == [] and len(client.outbox.drain_frames(1.0)) == 1


def test_who_must_wait_is_told_how_long_and_given_back_what_they_said() -> None:
    client, _ = asks()
    client.ask(Say("tea", 0, "hello"))
    told = client.on_result(1.0, Result(1, Failed("too_fast.wait", ("12",))))
    assert told == [events.Error("too_fast.wait", {"wait_s": "12"}, None, 12.0, "hello")]


def test_who_is_muted_knows_it_from_the_refusal() -> None:
    client, timeline = asks()
    client.ask(Say("tea", 0, "hello"))
    client.on_result(1.0, Result(1, Failed("muted.room", ("ann", "loud", "9"))))
    assert timeline.people.standings.of("tea").muted_until_ms == 9
    client.ask(Say("tea", 0, "hello"))
    client.on_result(1.0, Result(2, Stored("#tea", 1)))
    assert timeline.people.standings.of("tea").may_speak
