"""The rows around the messages: what they say of the model."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.ui.tui.desk import Desk
from udpchat.ui.phrases import sentence
from udpchat.ui.tui import side_and_status
from udpchat.ui.tui.side_and_status import Look
from udpchat.wire.limits import PEERS_MAX


@pytest.fixture
def desk() -> Desk:
    return Desk("lobby", "dev")


def test_rooms_are_listed_with_what_is_unread_and_mentions_are_marked_by_a_sign(desk: Desk) -> None:
    bob = desk.wire.person("bob", "lobby", "dev")
    for text in ("one", "two", "alice: three"):
        desk.say(bob, text, "dev")
    lobby, dev = side_and_status.conversation_rows(desk.prompt)
    assert (lobby.text, lobby.tail, lobby.look) == (">1 lobby", "", Look.OPEN)
    assert (dev.text, dev.tail, dev.look, dev.target) == (" 2 dev", "@1 3", Look.MENTION, "dev")
    assert side_and_status.active_elsewhere(desk.prompt) == "2 dev @1 3"


def test_a_conversation_is_listed_as_soon_as_lines_go_there(desk: Desk) -> None:
    desk.enter("/query bob")
    assert [row.text for row in side_and_status.conversation_rows(desk.prompt)] == [" 1 lobby", " 2 dev", ">3 @bob"]


def test_the_next_active_conversation_is_one_with_a_mention_if_there_is_one(desk: Desk) -> None:
    bob = desk.wire.person("bob", "lobby", "dev")
    assert side_and_status.next_active(desk.prompt) == ""
    desk.say(bob, "something", "dev")
    assert side_and_status.next_active(desk.prompt) == "dev"
    desk.say(bob, "psst", "@alice")
    assert side_and_status.next_active(desk.prompt) == "@bob"


def test_members_are_counted_and_those_who_are_away_say_so(desk: Desk) -> None:
    desk.wire.person("bob")
    desk.enter("/names")
    desk.enter("/away at lunch")
    desk.settle(1.0)
    title, alice, bob = side_and_status.member_rows(desk.client.model, "lobby")
    assert (title.text, title.look) == ("2 here", Look.TITLE)
    assert (alice.text, alice.look) == (" alice (at lunch)", Look.AWAY)
    assert (bob.text, bob.look, bob.target) == (" bob", Look.PLAIN, "@bob")
    assert [row.text for row in side_and_status.member_rows(desk.client.model, "@bob")] == ["bob"]


def test_the_title_of_members_that_are_not_all_known_fits_above_them() -> None:
    border, scrollbar, columns = 1, 1, 20
    title = sentence("members.partial", count=PEERS_MAX)
    assert cell_len(title) <= columns - border - scrollbar and "so far" in title


def test_the_topic_stands_beside_the_name_and_no_room_is_said(desk: Desk) -> None:
    desk.enter("/topic what we do here")
    assert side_and_status.topic_line(desk.client.model, "lobby") == "lobby: what we do here"
    assert side_and_status.topic_line(desk.client.model, "") == "no room"


def test_nothing_that_others_chose_steers_the_terminal(desk: Desk) -> None:
    desk.enter("/topic \u202eevil")
    desk.wire.person("bob")
    desk.enter("/names")
    rows = [*side_and_status.conversation_rows(desk.prompt), *side_and_status.member_rows(desk.client.model, "lobby")]
    texts = [side_and_status.topic_line(desk.client.model, "lobby"), *(row.text for row in rows)]
    assert not any("\u202e" in text or "\x1b" in text for text in texts)


def test_the_status_says_in_words_how_the_connection_is_and_what_waits(desk: Desk) -> None:
    assert side_and_status.status_line(desk.prompt).startswith("alice  connected  ")
    desk.wire.is_cut = True
    desk.enter("for later")
    desk.settle(30.0)
    assert "DISCONNECTED" in side_and_status.status_line(desk.prompt)
    assert "1 sending" in side_and_status.status_line(desk.prompt)


def test_the_status_says_who_types(desk: Desk) -> None:
    bob = desk.wire.person("bob")
    bob.core.notify_typing(desk.wire.now, "lobby")
    desk.settle(1.0)
    assert "  bob is typing  " in side_and_status.status_line(desk.prompt)
