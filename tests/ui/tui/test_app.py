"""The full screen, with real clients behind it: what a person types, and what the screen shows."""

from __future__ import annotations

from tests.ui.tui.desk import Desk, drive
from udpchat.chat.exit_codes import ExitCode


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


def test_a_message_shows_that_it_is_sent_and_how_many_have_it() -> None:
    async def steps(desk: Desk) -> None:
        desk.wire.person("bob")
        desk.wire.is_cut = True
        await desk.type("are you there")
        await desk.press("enter")
        await desk.until("are you there …")
        await desk.until("1 sending")
        desk.wire.is_cut = False
        desk.settle(3.0)
        await desk.until("are you there (1 of 1)")
        assert "1 sending" not in desk.text

    drive(steps)


def test_a_room_is_joined_and_opened() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("/join dev")
        await desk.press("enter")
        await desk.until(">2 dev")
        assert desk.rows[-1].startswith("dev>")

    drive(steps)


def test_who_is_there_is_listed_without_being_asked_for() -> None:
    desk = Desk()
    desk.wire.person("bob")

    async def steps(desk: Desk) -> None:
        await desk.until("2 here")
        assert "in lobby:" not in desk.text

    drive(steps, desk=desk)


def test_who_is_there_is_listed_again_when_a_room_is_joined_again() -> None:
    async def steps(desk: Desk) -> None:
        desk.wire.person("bob")
        desk.settle()
        await desk.until("2 here")
        desk.enter("/part")
        await desk.until("no room")
        desk.enter("/join lobby")
        await desk.until("2 here")
        assert "in lobby:" not in desk.text

    drive(steps)


def test_what_is_open_and_in_focus_is_read_and_all_else_is_counted() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob", "lobby", "dev")
        desk.say(bob, "for all")
        desk.say(bob, "alice: for you", "dev")
        await desk.until(" 2 dev             @1")
        assert desk.client.model.conversation("lobby").unread == 0
        desk.app.app_focus = False
        desk.say(bob, "nobody looks")
        await desk.until("nobody looks")
        assert desk.client.model.conversation("lobby").unread == 1
        await desk.press("alt+a")
        await desk.until("dev>")
        await desk.until("for you")
        assert "--- new ---" in desk.text
        assert desk.client.model.conversation("dev").unread == 0

    drive(steps, "lobby", "dev")


def test_an_answer_that_is_longer_than_the_screen_is_read_from_its_beginning() -> None:
    async def steps(desk: Desk) -> None:
        desk.say(desk.wire.person("bob"), "just before")
        await desk.until("just before")
        await desk.press("f1")
        await desk.until("Enter                      send the line")
        assert "just before" in desk.rows[1] and "more below" in desk.text
        await desk.type("thanks")
        await desk.press("enter")
        await desk.until("alice thanks")
        assert "more below" not in desk.text
        await desk.type("/help me")
        await desk.press("enter")
        await desk.until("/me TEXT")
        assert "alice thanks" in desk.text

    drive(steps, size=(80, 24))


def test_keys_go_from_room_to_room() -> None:
    async def steps(desk: Desk) -> None:
        for key, room in (
            ("ctrl+n", "dev"), ("alt+right", "ops"), ("ctrl+n", "lobby"), ("ctrl+p", "ops"), ("alt+left", "dev"),
            ("alt+1", "lobby"), ("alt+3", "ops"), ("alt+9", "ops"),
        ):  # fmt: skip
            await desk.press(key)
            assert desk.prompt.target == room, key
        await desk.press("escape", "2")
        assert desk.prompt.target == "dev"

    drive(steps, "lobby", "dev", "ops")


def test_a_room_is_chosen_by_a_part_of_its_name() -> None:
    async def steps(desk: Desk) -> None:
        await desk.press("ctrl+k")
        await desk.until("Which room")
        await desk.type("op")
        await desk.press("enter")
        await desk.until(lambda: desk.app.is_drawn)
        assert desk.prompt.target == "ops"
        await desk.press("f2", "escape")
        await desk.until(lambda: desk.app.is_drawn)
        assert desk.prompt.target == "ops"

    drive(steps, "lobby", "dev", "ops")


def test_a_click_on_a_name_opens_the_conversation() -> None:
    desk = Desk("lobby", "dev")
    desk.wire.person("bob")

    async def steps(desk: Desk) -> None:
        await desk.pilot.click("#rooms", offset=(3, 1))
        assert desk.prompt.target == "dev"
        await desk.press("alt+1")
        await desk.until("2 here")
        await desk.pilot.click("#members", offset=(3, 2))
        assert desk.prompt.target == "@bob"
        await desk.type("psst")
        await desk.press("enter")
        assert desk.client.model.items("@bob")[-1].text == "psst"

    drive(steps, desk=desk)


def test_each_conversation_has_its_own_half_typed_line() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("for the lobby")
        await desk.press("ctrl+n")
        await desk.until(lambda: desk.app.typed == "")
        await desk.type("for dev")
        await desk.press("ctrl+n")
        await desk.until(lambda: desk.app.typed == "for the lobby")

    drive(steps, "lobby", "dev")


def test_a_lost_server_is_said_in_words_and_what_is_typed_meanwhile_is_sent_later() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        desk.wire.is_cut = True
        desk.settle(60.0)
        await desk.until("DISCONNECTED")
        await desk.type("later")
        await desk.press("enter")
        await desk.until("1 sending")
        desk.wire.is_cut = False
        desk.settle(60.0)
        await desk.until("connected")
        assert bob.texts() == ["later"]

    drive(steps)


def test_a_few_pasted_lines_are_one_message_and_none_is_a_command() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        desk.paste("/quit\nor\r\nnot\n")
        await desk.until("or")
        assert bob.texts() == []
        await desk.press("enter")
        await desk.until(lambda: bob.texts())
        assert bob.texts() == ["/quit\nor\nnot"]
        assert not desk.prompt.wants_quit

    drive(steps)


def test_many_pasted_lines_are_asked_about_first() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        text = "\n".join(["one", "/quit", "three", "four", "five", "six"])
        for key, sent in (("escape", []), ("2", text.split("\n")), ("1", [text])):
            desk.paste(text)
            await desk.until("You pasted 6 lines")
            assert bob.texts() == []
            await desk.press(key)
            await desk.until(lambda: desk.app.is_drawn)
            desk.settle()
            assert bob.texts() == sent
            bob.events.clear()
        assert desk.app.typed == ""

    drive(steps)


def test_a_text_too_long_to_be_edited_is_not_pasted() -> None:
    async def steps(desk: Desk) -> None:
        desk.paste("x" * 70_000)
        await desk.until("not pasted: it has 70000 characters")
        assert desk.app.typed == ""

    drive(steps)


def test_ctrl_c_clears_then_asks_and_only_then_leaves_at_once() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("half of a line")
        await desk.press("ctrl+c")
        assert desk.app.typed == ""
        await desk.press("ctrl+c")
        await desk.until("Ctrl+C: leave at once")
        assert desk.app.typed == "/quit"
        await desk.press("x")
        assert desk.app.typed == "x"
        await desk.press("ctrl+c", "ctrl+c")
        assert desk.lines.exit_code is None
        await desk.press("ctrl+c")
        assert desk.lines.exit_code is ExitCode.INTERRUPTED
        assert list(desk.app.last_words()) == ["-- interrupted"]

    drive(steps)


def test_a_paste_withdraws_the_offer_to_leave() -> None:
    async def steps(desk: Desk) -> None:
        await desk.press("ctrl+c")
        await desk.until("Ctrl+C: leave at once")
        desk.paste("/pasted")
        await desk.until(lambda: desk.app.typed == "//pasted")
        await desk.press("x")
        assert desk.app.typed == "//pastedx"
        assert "leave at once" not in desk.text

    drive(steps)


def test_a_turn_to_another_room_withdraws_the_offer_to_leave() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("half")
        await desk.press("ctrl+n", "ctrl+c")
        await desk.until("Ctrl+C: leave at once")
        await desk.pilot.click("#rooms", offset=(3, 0))
        await desk.until(lambda: desk.app.typed == "half")
        await desk.press("x")
        assert desk.app.typed == "halfx"
        assert "leave at once" not in desk.text
        await desk.press("ctrl+n")
        assert desk.app.typed == ""

    drive(steps, "lobby", "dev")


def test_ctrl_c_and_enter_leave_once_all_is_confirmed() -> None:
    async def steps(desk: Desk) -> None:
        await desk.press("ctrl+c", "enter")
        desk.settle(1.0)
        assert desk.lines.exit_code is ExitCode.DONE
        assert list(desk.app.last_words()) == ["-- left"]

    drive(steps)


def test_ctrl_d_deletes_and_on_an_empty_line_leaves() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("ab")
        await desk.press("home", "ctrl+d", "ctrl+d", "ctrl+d")
        desk.settle(1.0)
        assert desk.lines.exit_code is ExitCode.DONE

    drive(steps)


def test_lines_that_have_to_wait_stay_on_the_line() -> None:
    async def steps(desk: Desk) -> None:
        desk.takes_lines = False
        await desk.type("too soon")
        await desk.press("enter")
        await desk.until("this line has to wait")
        assert desk.app.typed == "too soon"

    drive(steps)


def test_others_see_that_a_message_is_typed_and_not_that_a_command_is() -> None:
    desk = Desk()
    bob = desk.wire.person("bob", capabilities=(1,))

    async def steps(desk: Desk) -> None:
        await desk.type("/names")
        desk.settle(1.0)
        assert bob.core.model.typing("lobby") == []
        await desk.press("ctrl+u")
        await desk.type("hi")
        desk.settle(1.0)
        assert bob.core.model.typing("lobby") == ["alice"]

    drive(steps, desk=desk)


def test_typing_notices_can_be_switched_off() -> None:
    desk = Desk()
    bob = desk.wire.person("bob", capabilities=(1,))
    desk.prompt.preferences.set("typing", "off")

    async def steps(desk: Desk) -> None:
        await desk.type("hi")
        desk.settle(1.0)
        assert bob.core.model.typing("lobby") == []

    drive(steps, desk=desk)


def test_the_keys_are_listed_by_f1() -> None:
    async def steps(desk: Desk) -> None:
        await desk.press("f1")
        await desk.until("undo a change of the line")

    drive(steps)


def test_a_key_that_ends_other_programs_ends_nothing() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("half")
        await desk.press("ctrl+q", "escape")
        await desk.pilot.pause(0.1)
        assert desk.app.is_drawn and desk.app.typed == "half"

    drive(steps)
