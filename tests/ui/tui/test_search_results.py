"""What a search has found: rows to choose from, and the way to the message."""

from __future__ import annotations

from datetime import UTC

from tests.ui.tui.desk import Desk, drive
from tests.ui.tui.messages import NOON_MS
from udpchat.chat.events import HistoryFound, MessageReceived
from udpchat.client.history import History
from udpchat.ui.tui.search_results import Results, excerpt

DAY_MS = 24 * 3600 * 1000


def message(text: str, *, seq: int = 1, time_ms: int = NOON_MS, nick: str = "bob") -> MessageReceived:
    return MessageReceived("lobby", seq, nick, text, "text", time_ms, f"{seq:032x}", True)


def rows(results: Results, typed: str = "") -> list[str]:
    return [str(offer.prompt) for offer in results.matching(typed)]


def test_the_latest_message_comes_first_and_an_earlier_day_is_named() -> None:
    found = HistoryFound((message("old tea", time_ms=NOON_MS - DAY_MS), message("new tea", seq=2)), "tea")
    results = Results(found, NOON_MS, "%H:%M", UTC)
    assert rows(results) == ["12:00 lobby bob: new tea", "2023-11-14 12:00 lobby bob: old tea"]
    assert [results.messages[offer.answer].seq for offer in results.matching("")] == [2, 1]


def test_what_is_typed_narrows_the_rows_word_by_word() -> None:
    found = HistoryFound((message("green tea"), message("black tea", seq=2, nick="Carol")), "tea")
    results = Results(found, NOON_MS, "%H:%M", UTC)
    assert rows(results, "carol BLACK") == ["12:00 lobby Carol: black tea"]
    assert rows(results, "coffee") == []


def test_an_excerpt_begins_a_little_before_the_first_word_that_was_found() -> None:
    assert excerpt("one\ntwo  three", ["three"]) == "one two three"
    long = "x" * 50 + " put the kettle on for the tea"
    assert excerpt(long, ["nothing", "tea"]) == "…on for the tea"
    assert excerpt(long, []) == long
    assert len(excerpt("y" * 10_000, ["y"])) <= 201


def test_a_row_holds_nothing_that_controls_the_terminal() -> None:
    found = HistoryFound((message("a\x1b[2Jb\u202ec", nick="b\x07ob"),), "a")
    (row,) = rows(Results(found, NOON_MS, "%H:%M", UTC))
    assert not any(character in row for character in "\x1b\x07\u202e")


def test_the_one_that_is_chosen_is_selected_where_it_was_said() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob", "lobby", "dev")
        desk.say(bob, "the key is under the kettle", "dev")
        for number in range(40):
            desk.say(bob, f"line {number}", "dev")
        await desk.type("/search kettle")
        await desk.press("enter")
        await desk.until("1 message found")
        assert desk.app.prompt.target == "lobby"
        await desk.press("enter")
        await desk.until(lambda: desk.app.is_drawn and desk.app.messages.selected is not None)
        assert desk.app.prompt.target == "dev"
        assert desk.app.messages.selected.text == "the key is under the kettle"
        await desk.until("bob the key is under the kettle")

    drive(steps, "lobby", "dev", size=(80, 24))


def test_a_message_that_the_model_let_go_is_fetched_and_selected() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        desk.say(bob, "the key is under the kettle")
        for number in range(600):
            desk.say(bob, f"line {number}")
        await desk.type("/search kettle")
        await desk.press("enter")
        await desk.until("1 message found")
        await desk.press("enter")
        await desk.until(lambda: desk.app.is_drawn and desk.app.messages.selected is not None)
        await desk.until("bob the key is under the kettle")

    drive(steps, size=(80, 24))


def test_while_something_else_is_typed_what_was_found_is_listed() -> None:
    async def steps(desk: Desk) -> None:
        desk.say(desk.wire.person("bob"), "tea is ready")
        await desk.until("tea is ready")
        await desk.type("half")
        desk.enter("/search tea")
        await desk.until("<bob> tea is ready")
        assert desk.app.is_drawn and desk.app.typed == "half"

    drive(steps)


def test_who_moves_on_before_a_found_message_has_come_is_not_taken_there_later() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        desk.say(bob, "the key is under the kettle")
        for number in range(600):
            desk.say(bob, f"line {number}")
        messages, history = desk.app.messages, desk.prompt.history
        await desk.type("/search kettle")
        await desk.press("enter")
        await desk.until("1 message found")
        desk.prompt.history = History(desk.client, None)
        with desk.delayed():
            await desk.press("enter")
            await desk.until(lambda: desk.app.is_drawn)
            await desk.press("alt+end")
        desk.prompt.history = history
        await desk.until(lambda: messages.is_at_end)
        await desk.press("alt+up")
        await desk.until(lambda: messages.selected is not None and messages.selected.text == "line 599")
        await desk.press("escape", "alt+home")
        await desk.until("the key is under the kettle")
        assert messages.selected is None

    drive(steps, size=(80, 24))


def test_a_message_of_a_room_that_one_is_not_in_says_so_when_it_is_chosen() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob", "dev")
        desk.say(bob, "the key is under the kettle", "dev")
        desk.enter("/leave dev")
        desk.settle(1.0)
        await desk.type("/search kettle")
        await desk.press("enter")
        await desk.until("1 message found")
        await desk.press("enter")
        await desk.until("you are not in dev")
        assert desk.app.prompt.target == "lobby" and desk.app.messages.selected is None

    drive(steps, "lobby", "dev", size=(80, 24))
