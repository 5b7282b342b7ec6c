"""What others chose (nick, topic, text, reaction, reply, away text, room), in every place that the full screen has.

Nowhere does it steer the terminal, break a line or take more cells than the place has. Rows of messages: `test_rows`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import Phase as HypothesisPhase
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Input

from tests.ui.tui.desk import Desk, drive
from tests.ui.tui.messages import NASTY, WIDE, texts
from tests.ui.tui.messages import item as message
from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.chat.text import masked, printable
from udpchat.client.model import Connection, Conversation, Phase, Standing
from udpchat.ui.attention import (
    BODY_CHARACTERS_MAX,
    TITLE_CHARACTERS_MAX,
    Attention,
    Level,
    Signal,
    terminal_text,
    variables,
)  # fmt: skip
from udpchat.ui.phrases import sentence
from udpchat.ui.prompt import Prompt
from udpchat.ui.terminal_lines import prompt_of
from udpchat.ui.tui import side_and_status
from udpchat.ui.tui.cells import safe, unjoined
from udpchat.ui.tui.input_box import InputBox
from udpchat.ui.tui.local_lines import LocalLines
from udpchat.ui.tui.picker import Offer, Picker
from udpchat.ui.tui.rows import PieceRole, RowPlace, line_rows
from udpchat.ui.tui.search_results import Results
from udpchat.ui.tui.side_list import row_text

NOW = 5.0
ONE_ROW = ("topic", "status", "target")
SCREENS_MAX = 12  # a screen takes a tenth of a second
JOINERS = "\u200d" * 40 + "\U0001f469" * 40  # drawn over what stands beside it, if it is measured as one emoji


class Members(list[Any]):
    """Members of a room; others may be there."""

    is_complete = False

    def get(self, nick: str) -> Any:
        return next((member for member in self if member.nick == nick), None)


def model_of(name: str, other: str, words: str) -> Any:
    """A model in which all that others choose is one of these texts."""
    rooms = ("lobby", name, other)
    conversations = [Conversation(each) for each in (*rooms, f"@{name}")]
    for conversation in conversations:
        conversation.topic, conversation.unread, conversation.mentions = words, 7, 1
    return SimpleNamespace(
        rooms=rooms,
        nick="alice",
        connection=Connection(words, Phase.ONLINE, 0.1, 0.1, 3),
        sending=[None],
        conversations=lambda: conversations,
        conversation=lambda wanted: next((each for each in conversations if each.name == wanted), conversations[0]),
        members=lambda room: Members(
            [SimpleNamespace(nick=name, away=words, role=0), SimpleNamespace(nick=other, away=None, role=6)]
        ),
        standing=lambda room, time_ms=0: Standing(
            "owner", events.Modes(is_moderated=True, slow_s=5), 7, may_speak=False
        ),
        typing=lambda room: [name, other],
        amended=lambda item, event: item,
    )


def events_of(name: str, other: str, words: str) -> Iterator[ClientEvent]:
    """Events that make lines of these texts."""
    quote = events.Quote("1", other, words)
    yield from (events.MemberJoined("lobby", name), events.MemberLeft("lobby", other, words))
    yield from (events.MemberRenamed(name, other), events.MemberJoined(other, name))
    yield from (events.TopicChanged("lobby", words, name), events.MemberAway("lobby", name, words))
    yield from (events.MemberList("lobby", (name, other)), events.RoomList((name, other)))
    yield events.Edited("lobby", 7, "1", name, 8, 0, b"", words, target=quote)
    yield events.Redacted("lobby", 7, "1", name, 8, 0, b"", words, target=quote)
    yield events.Reacted("lobby", 7, "1", name, 8, 0, b"", words, True, target=quote)
    yield events.HistoryFound((events.MessageReceived(other, 7, name, words, "text", 1, "1", True, quote),))
    yield events.notice("whois", nick=name, rooms=(other, words), idle_s=5, away=words, fingerprint=words)
    yield from (events.RoleChanged("lobby", name, words, other), events.Invited(name, other, 1))
    yield from (events.MemberLeft("lobby", name, "kicked", other, words), events.Announcement(words, name))
    yield from (events.Banned("lobby", name, other, words, 7), events.Muted("", words, other, words, 0))
    yield from (events.Unbanned("lobby", words, name, words), events.Unmuted("", name, other, words))
    yield events.SanctionList("", (events.Sanctioned("banned", name, words, other, words, 1, 2),))
    yield events.AuditList((events.Audited(1, 2, name, words, other, words, words, words),))
    yield from (events.DeviceList(name, (events.DeviceItem(words, 1, 1, True, True),)), events.LoginsFailed(1, 2, 3))
    yield events.Whoami((name, other), words, words, (events.RoomRole(name, words),), 1, True, words)
    yield from (events.error("banned", by=name, reason=words, until_ms=words), events.CodeMade(words, "link", name, 1))
    yield from (events.error("of_later", key=name, detail=words), events.notice("target", target=name))
    yield from (events.Disconnected("lost.reason", {"reason": words}), events.Connected(words, words, name, (other,)))


def assert_safe(text: str, cells_max: int | None = None) -> None:
    assert safe(text) == text and "\n" not in text
    assert cells_max is None or cell_len(text) <= cells_max, (text, cells_max)


CHOSEN = NASTY | st.just(JOINERS)


@given(CHOSEN, CHOSEN, CHOSEN, st.integers(0, 60))
def test_the_lists_the_topic_the_status_and_the_prompt(name: str, other: str, words: str, width: int) -> None:
    model = model_of(name, other, words)
    for target in (name, f"@{name}"):
        prompt: Any = SimpleNamespace(client=SimpleNamespace(model=model), target=target, wants_quit=False)
        rows = [*side_and_status.conversation_rows(prompt), *side_and_status.member_rows(model, target)]
        assert len(rows) >= 4
        for row in rows:
            assert_safe(row.text)
            assert_safe(row_text(row, width))
            assert cell_len(row_text(row, width)) == width
        invitation = sentence("status.invited", room=name, key="")
        for line in (
            side_and_status.topic_line(model, target),
            side_and_status.status_line(prompt, has_rooms=False, invitation=invitation),
            side_and_status.target_line(prompt),
        ):
            assert_safe(line)
        assert_safe(side_and_status.active_elsewhere(prompt))
        assert "\n" not in prompt_of(prompt)[0] and "\x1b" not in prompt_of(prompt)[0]


@given(CHOSEN, CHOSEN, CHOSEN, st.integers(4, 100))
def test_the_lines_of_this_client_and_what_is_said_last(name: str, other: str, words: str, width: int) -> None:
    for joins in ("all", "fold"):
        lines = LocalLines(joins=joins)
        for event in events_of(name, other, words):
            lines.add("lobby", event, after=0, time_ms=1)
        assert len(lines.of("lobby")) > 10
        form = type(WIDE)(width, WIDE.zone)
        for line in lines.of("lobby"):
            for text in texts(line_rows(line.lines, PieceRole.LOCAL, RowPlace(), line.time_ms, form)):
                assert_safe(text, width)


@given(CHOSEN, CHOSEN, CHOSEN, st.sampled_from(["lobby", "@bob"]))
def test_a_notification_by_the_terminal_the_desktop_or_a_program(name: str, room: str, words: str, where: str) -> None:
    said = message(words, nick=name)
    for conversation in (where, room, f"@{room}"):
        alert = Attention().alert(NOW, conversation, said, level=Level.ALL, is_watched=False)
        assert alert is not None
        for text in (alert.title, alert.body, html.escape(alert.body, quote=False), *variables(alert).values()):
            assert printable(text) == text  # whoever shows it cuts it
        assert len(alert.title) <= TITLE_CHARACTERS_MAX
        assert max(map(len, variables(alert).values())) <= max(BODY_CHARACTERS_MAX, TITLE_CHARACTERS_MAX)
        sent = terminal_text(alert, [Signal.OSC9, Signal.OSC777])
        assert (sent.count("\x1b"), sent.count("\a")) == (2, 2)


@given(CHOSEN)
def test_a_line_that_is_edited(words: str) -> None:
    drawn = unjoined(masked(words))
    assert len(drawn) == len(words) and unjoined(masked(drawn)) == drawn
    assert not re.search("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", drawn)


# --- On the screen ----------


def assert_drawn_safely(desk: Desk) -> None:
    """Of every part of the screen, each row; Textual cuts it at the edge of the part, so it is measured there."""
    for widget in desk.app.screen.walk_children(Widget):
        if widget.is_container or not widget.display:
            continue
        for strip in widget.render_lines(Region(0, 0, *widget.region.size)):
            if isinstance(widget, InputBox | Input):  # what is edited keeps its length, and all its marks
                assert unjoined(masked(strip.text)) == strip.text
            else:
                assert_safe(strip.text)
            assert cell_len(strip.text) <= widget.region.width
            assert not any(segment.control for segment in strip)
            assert strip.cell_length == cell_len(strip.text)


@pytest.mark.parametrize("size", [(120, 30), (40, 12)])
@settings(max_examples=SCREENS_MAX, phases=[HypothesisPhase.generate])
@given(CHOSEN, CHOSEN, CHOSEN)
def test_the_whole_screen(size: tuple[int, int], name: str, other: str, words: str) -> None:
    desk = Desk("lobby")
    chosen = model_of(name, other, words)
    chosen.items = lambda wanted: [message(words, nick=name), message(other, nick=other, sequence=8)]

    async def steps(desk: Desk) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for target in ("lobby", name, f"@{name}"):
                patch.setattr(Prompt, "target", property(lambda _, target=target: target))
                patch.setattr(desk.client, "model", chosen)
                desk.app.board.show(list(events_of(name, other, words)))
                desk.app.chat.draw()
                assert all(safe(nick) == nick for nick in desk.app.chat.known().nicks)
                await desk.pilot.pause()
                assert_drawn_safely(desk)
                heights = {part: desk.app.chat.query_one(f"#{part}").size.height for part in ONE_ROW}
                assert heights == dict.fromkeys(ONE_ROW, 1), target
            desk.app.chat.hint(words)
            desk.app.chat.input.put(f"{name} {words}")
            await desk.pilot.pause()
            assert_drawn_safely(desk)
            found = events.HistoryFound((events.MessageReceived(other, 7, name, words, "text", 1, "1", True),), words)
            offers = [*map(Offer, (name, other, words)), *Results(found, 1, "%H:%M").matching("")]
            picker = Picker("Which?", lambda typed: offers)
            desk.app.push_screen(picker)
            await desk.pilot.pause()
            picker.query_one(Input).value = name
            await desk.pilot.pause()
            assert_drawn_safely(desk)

    drive(steps, size=size, desk=desk)
