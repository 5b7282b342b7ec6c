"""A client's attendance: said until it is answered, said anew in every session, and taken leave of in good time."""

from __future__ import annotations

from udpchat.client.membership import ENTER_RESEND_S_MAX, GOODBYE_RESEND_S, GOODBYES_MAX, Membership
from udpchat.wire.frames import Enter, Follow, Goodbye, Up, pack, parse_up_untrusted


def said(attendance: Membership, now: float) -> list[Up]:
    """What is said now."""
    frames = attendance.drain_frames(now)
    return parse_up_untrusted(pack(frames)) if frames else []


def entered(*rooms: str) -> Membership:
    """One that has been let in everywhere."""
    attendance = Membership("alice", rooms, "test")
    attendance.renew(0.0)
    said(attendance, 0.0)
    attendance.is_welcome = True
    for room in rooms:
        assert attendance.on_followed(room, 0)
    assert said(attendance, 9.0) == [] and attendance.next_timeout() is None
    return attendance


def test_everything_is_said_until_it_is_answered_ever_more_slowly() -> None:
    attendance = Membership("alice", ("lobby", "den"), "test")
    assert attendance.next_timeout() is None and said(attendance, 0.0) == []
    attendance.renew(0.0)
    waits, now = [], 0.0
    for _ in range(12):
        assert said(attendance, now) == [Enter("alice", "test"), Follow("#lobby"), Follow("#den")]
        due = attendance.next_timeout()
        assert due is not None and said(attendance, (now + due) / 2) == []
        waits.append(due - now)
        now = due
    assert waits == sorted(waits) and waits[-1] == ENTER_RESEND_S_MAX
    attendance.is_welcome = True
    attendance.on_followed("lobby", 0)
    assert said(attendance, now) == [Follow("#den")] and not attendance.is_complete
    attendance.on_followed("den", 0)
    assert attendance.is_complete


def test_a_room_wanted_later_is_asked_for_alone() -> None:
    attendance = entered("lobby")
    assert attendance.want(10.0, "den") and not attendance.want(10.0, "den")
    assert said(attendance, 10.0) == [Follow("#den")]
    assert (
        attendance.on_followed("den", 0)
        and not attendance.on_followed("den", 0)
        and not attendance.on_followed("other", 0)
    )


def test_in_a_new_session_everything_is_said_again() -> None:
    attendance = entered("lobby")
    attendance.renew(20.0)
    assert not attendance.is_complete and said(attendance, 20.0) == [
        Enter("alice", "test"),
        Follow("#lobby", is_back=True),
    ]


def test_a_room_that_was_dropped_is_not_asked_for() -> None:
    attendance = entered("lobby", "den")
    assert attendance.drop("den") and not attendance.drop("den")
    attendance.renew(20.0)
    assert said(attendance, 20.0) == [Enter("alice", "test"), Follow("#lobby", True)] and attendance.rooms == ("lobby",)


def test_a_room_that_was_left_and_is_wanted_again_is_asked_for_again() -> None:
    attendance = entered("lobby", "den")
    attendance.drop("den")
    assert attendance.on_left(10.0, "den", 5)
    attendance.want(10.0, "den")
    assert attendance.on_followed("den", 0)  # the server did not know yet that we had wanted to leave
    assert not attendance.on_left(11.0, "den", 5) and said(attendance, 11.0) == [Follow("#den")]


def test_goodbye_is_said_so_often_and_then_it_is_over() -> None:
    attendance = entered("lobby")
    attendance.leave(30.0)
    attendance.leave(30.0)
    now, goodbyes = 30.0, 0
    while not attendance.is_over:
        goodbyes += said(attendance, now) == [Goodbye("quit")]
        now = attendance.next_timeout() or now + 1
    assert goodbyes == GOODBYES_MAX and now <= 30.0 + (GOODBYES_MAX + 1) * GOODBYE_RESEND_S


def test_who_takes_leave_does_not_enter_again_in_a_new_session() -> None:
    attendance = entered("lobby")
    attendance.leave(30.0)
    attendance.renew(30.01)
    assert said(attendance, 30.01) == [Goodbye("quit")]
    due = attendance.next_timeout()
    assert due is not None and due > 30.01


def test_who_is_not_in_has_nothing_to_take_leave_of() -> None:
    attendance = Membership("alice", ("lobby",), "test")
    attendance.leave(1.0)
    assert attendance.is_over


def test_heads_that_were_sent_before_we_left_do_not_answer_the_follow_after_it() -> None:
    attendance = entered("lobby")
    assert not attendance.on_left(10.0, "lobby", 7)  # the Part was from before we wanted the room again
    assert not attendance.on_followed("lobby", 6) and said(attendance, 10.0) == [Follow("#lobby")]
    assert attendance.on_followed("lobby", 8) and said(attendance, 20.0) == []
    assert not attendance.on_left(30.0, "lobby", 9)
    attendance.renew(40.0)
    assert attendance.on_followed("lobby", 0), "counters begin anew with a session"
