"""What is said beside messages: where each line stands, and which are the last words."""

from __future__ import annotations

from tests.ui.tui.desk import Desk
from udpchat.chat import events
from udpchat.chat.events import notice
from udpchat.ui.tui.board import PENDING_MAX


def lines(desk: Desk, room: str) -> list[str]:
    """The lines of a conversation, one below the other."""
    return [text for line in desk.app.board.lines.of(room) for text in line.lines]


def removed(sequence: int) -> events.Redacted:
    """Bob removed the message of this sequence in the lobby."""
    return events.Redacted("lobby", sequence, "00", "bob", sequence + 1, 0, b"", "")


def test_a_line_stands_in_the_room_that_it_is_about() -> None:
    desk = Desk("lobby", "dev")
    desk.settle()
    desk.wire.person("bob", "dev")
    desk.settle()
    assert lines(desk, "dev") == ["-- bob joined dev"]
    bob = desk.wire.people[-1]
    desk.enter("/nick alicia")
    assert all("alice is now alicia" in lines(desk, room)[-1] for room in ("lobby", "dev"))
    desk.wire.leave(bob)


def test_another_nick_stands_in_all_rooms_also_before_all_of_them_have_it() -> None:
    desk = Desk("lobby", "dev", "den")
    desk.settle()
    desk.wire.person("bob", "lobby", "dev")
    desk.settle()
    desk.app.board.show([events.MemberRenamed("bob", "robert")])
    told = {room for room in ("lobby", "dev", "den") if any("robert" in text for text in lines(desk, room))}
    assert told == {"lobby", "dev"}


def test_an_answer_stands_where_it_was_asked_for() -> None:
    desk = Desk("lobby", "dev")
    desk.settle()
    desk.enter("/room dev")
    desk.enter("/whoops")
    assert any("unknown command" in text for text in lines(desk, "dev"))
    assert not any("unknown command" in text for text in lines(desk, "lobby"))


def test_a_line_stands_behind_the_message_before_it_also_if_both_come_at_once() -> None:
    desk = Desk()
    desk.settle()
    bob = desk.wire.person("bob")
    desk.say(bob, "one")
    first = desk.client.model.items("lobby")[-1].sequence
    bob.core.say(desk.wire.now, "lobby", "two")
    desk.wire.settle(0.5)
    desk.wire.person("carol")
    bob.core.say(desk.wire.now, "lobby", "three")
    desk.settle(0.5)
    (joined,) = [line for line in desk.app.board.lines.of("lobby") if "carol" in line.lines[0]]
    assert joined.after == first + 1


def test_that_one_is_connected_stands_behind_what_is_shown_on_entry() -> None:
    desk = Desk()
    desk.settle()
    desk.say(desk.wire.person("bob"), "one")
    (item,) = desk.client.model.items("lobby")
    shown = events.MessageReceived("lobby", item.sequence, "bob", "one", "text", item.time_ms, item.id, history=True)
    connected = next(event for event in desk.alice.events if isinstance(event, events.Connected))
    desk.app.board.show([connected, shown])
    assert [line.after for line in desk.app.board.lines.of("lobby")[-2:]] == [item.sequence] * 2


def test_what_the_screen_shows_anyway_is_no_line() -> None:
    desk = Desk("lobby", "dev")
    desk.settle()
    before = lines(desk, "lobby"), lines(desk, "dev")
    board = desk.app.board
    board.show([notice("target", target="dev"), notice("history", room="lobby", count=3)])
    board.show([events.MessageDelivered("lobby", 1, "00", 1, 2), events.MemberTyping("lobby", "bob", True)])
    assert (lines(desk, "lobby"), lines(desk, "dev")) == before


def test_the_members_that_the_screen_asked_for_are_no_line_and_those_of_a_person_are() -> None:
    desk = Desk()
    desk.settle()
    board = desk.app.board
    assert board.wants_members("lobby") and not board.wants_members("lobby")
    board.show([events.MemberList("lobby", ("alice",))])
    assert not any("in lobby:" in text for text in lines(desk, "lobby"))
    board.show([events.MemberList("lobby", ("alice",))])
    assert lines(desk, "lobby")[-1] == "-- in lobby: alice"


def test_a_list_that_was_asked_for_in_two_sessions_is_shown_for_neither() -> None:
    desk = Desk()
    desk.settle()
    board = desk.app.board
    assert board.wants_members("lobby")
    board.show([events.Reconnected("found")])
    assert board.wants_members("lobby")
    before = lines(desk, "lobby")
    board.show(2 * [events.MemberList("lobby", ("alice",))])
    assert lines(desk, "lobby") == before
    board.show([events.MemberList("lobby", ("alice",))])
    assert lines(desk, "lobby") != before


def test_a_refusal_is_among_the_last_words_and_so_is_the_end() -> None:
    desk = Desk()
    board = desk.app.board
    assert list(board.last_words()) == []
    desk.settle()
    assert list(board.last_words()) == ["-- left"]
    board.show([events.Rejected("nick_taken", {"nick": "alice"})])
    board.remark("not confirmed: \x1b[2J")
    first, second = board.last_words()
    assert first.startswith("error: the nick alice is held")
    assert "\x1b" not in second


def test_other_messages_in_the_place_of_those_before_leave_no_lines_of_before() -> None:
    desk = Desk()
    desk.settle()
    assert lines(desk, "lobby")
    desk.app.board.show([events.HistoryReplaced("lobby")])
    assert lines(desk, "lobby") == []
    assert desk.app.board.replaced == {"lobby"}


def test_more_than_is_kept_for_the_list_has_it_read_all_anew() -> None:
    desk = Desk()
    desk.settle()
    board = desk.app.board
    board.show([events.PageFound("lobby", 50, 100)])
    board.show([removed(1)] * (PENDING_MAX - 1))
    assert len(board.pending) == PENDING_MAX and not board.has_missed
    board.show([removed(2)])
    assert list(board.pending) == [removed(2)] and board.has_missed and not board.replaced
