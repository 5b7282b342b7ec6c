"""The full screen, with real clients behind it: what a person types, and what the screen shows."""

from __future__ import annotations

from tests.ui.tui.desk import Desk, drive


def test_what_is_said_is_shown_and_what_is_typed_is_said() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        desk.say(bob, "hello there")
        await desk.until("bob hello there")
        await desk.type("hi bob")
        await desk.press("enter")
        await desk.until("alice hi bob")
        assert bob.texts() == ["hi bob"]
        assert desk.app.typed == ""

    drive(steps)
