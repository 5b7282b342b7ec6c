"""Line mode on a terminal, with real processes on pseudo terminals: what a person types, and what the screen shows."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

if os.name == "nt":
    pytest.skip("Windows has no pseudo terminals of this kind", allow_module_level=True)

from tests.shell.terminal import Terminal, at_terminal, telling
from tests.shell.waiting import Program, chatting, serving, url_of

LEFT, UP, HOME = "\x1b[D", "\x1b[A", "\x1b[H"
CTRL_C, CTRL_D, CTRL_U = "\x03", "\x04", "\x15"
ROOMS: dict[str, int] = {}  # name of a test -> number of its room


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("terminal")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """Of one server for all: each test has a room of its own."""
    with serving(folder / "server") as running:
        yield url_of(running)


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    return f"room{ROOMS.setdefault(request.node.name, len(ROOMS)):02d}"


@pytest.fixture
def alice(url: str, folder: Path, room: str) -> Iterator[Terminal]:
    with at_terminal("alice", url, folder / "alice", "--room", room, "--history", "0") as terminal:
        terminal.wait_for("connected to")
        terminal.wait_for_prompt(f"{room}>")
        yield terminal


@pytest.fixture
def bob(url: str, folder: Path, room: str) -> Iterator[Program]:
    with chatting("bob", url, folder / "bob", "--room", room) as program:
        program.line(where='"connected"')
        yield program


def next_text(program: Program) -> str:
    """The text of the next message in a room: what was told to one person may come again in a later test."""
    while True:
        message = json.loads(program.line(where='"message"'))
        if not message["room"].startswith("@"):
            return str(message["text"])


def test_a_pasted_line_of_16000_characters_arrives_whole(alice: Terminal, bob: Program) -> None:
    text = "".join(f"{number:07d} " for number in range(2_000))
    alice.paste(text)
    alice.enter("")
    assert next_text(bob) == text


def test_a_line_beyond_the_limit_is_refused_whole_not_cut(alice: Terminal, bob: Program) -> None:
    alice.paste("x" * 20_000)
    alice.enter("")
    alice.wait_for("a message has at most 16384 bytes, this one 20000")
    alice.type(CTRL_C)
    alice.enter("short")
    assert next_text(bob) == "short"


def test_a_long_line_typed_without_paste_marks_arrives_whole(alice: Terminal, bob: Program) -> None:
    text = "".join(f"{number:07d} " for number in range(1_000))
    alice.enter(text)
    assert next_text(bob) == text


def test_a_half_typed_line_stays_whole_while_messages_arrive(alice: Terminal, room: str, bob: Program) -> None:
    alice.type("half of a")
    alice.wait_for_prompt(f"{room}> half of a")
    bob.type(*(f"number {number}" for number in range(40)))
    alice.wait_for(f"[{room}] <bob> number 39")
    alice.wait_for_prompt(f"{room}> half of a")
    assert alice.text.count("half of a") == 1
    alice.enter(" line")
    assert next_text(bob) == "half of a line"


def test_keys_edit_the_line_and_send_no_escape_codes(alice: Terminal, bob: Program) -> None:
    alice.enter(f"wrld{LEFT}{LEFT}{LEFT}o{HOME}hello ")
    assert next_text(bob) == "hello world"
    alice.enter(f"{UP}!")
    assert next_text(bob) == "hello world!"
    alice.enter(f"not this{CTRL_U}but this")
    assert next_text(bob) == "but this"
    assert "^[" not in alice.text


def test_ctrl_r_searches_what_was_typed(alice: Terminal, room: str, bob: Program) -> None:
    for line in ("a red fox", "a grey hound"):
        alice.enter(line)
        assert next_text(bob) == line
    alice.type("\x12red")
    alice.wait(lambda: any(f"{room}> a red fox" in row for row in alice.rows))
    alice.enter("")
    alice.enter("")
    assert next_text(bob) == "a red fox"


def test_what_is_sent_is_shown_once_where_it_stands_in_the_log(alice: Terminal, room: str, bob: Program) -> None:
    bob.type("first")
    alice.wait_for("<bob> first")
    alice.enter("second")
    alice.wait_for("<alice> second")
    bob.type("third")
    alice.wait_for("<bob> third")
    said = [row[6:] for row in alice.rows if f"[{room}] <" in row]  # the echo of the test before may come late
    assert said == [f"[{room}] <bob> first", f"[{room}] <alice> second", f"[{room}] <bob> third"]
    assert all(row[2] == ":" and row[:2].isdigit() and row[3:5].isdigit() for row in alice.rows if "] <" in row)


def test_a_pasted_text_of_several_lines_is_one_message_on_enter(alice: Terminal, room: str, bob: Program) -> None:
    alice.paste("one\n/quit\nthree\n")
    alice.wait(lambda: alice.rows[-3:] == [f"{room}> one", "      | /quit", "      | three"])
    alice.enter("")
    assert next_text(bob) == "one\n/quit\nthree"


def test_a_pasted_text_of_several_lines_never_runs_a_command_that_takes_one(alice: Terminal, bob: Program) -> None:
    alice.paste("/quit\nor not\n")
    alice.enter("")
    alice.wait_for("/quit takes one line")
    alice.type(CTRL_C)
    alice.enter("still here")
    assert next_text(bob) == "still here"


def test_a_blank_before_a_command_does_not_send_it_to_the_room(alice: Terminal, bob: Program) -> None:
    alice.enter(" /msg bob secret")
    assert json.loads(bob.line(where='"secret"'))["room"] == "@alice"


def test_a_control_character_is_refused_and_the_text_stays_to_be_seen(
    alice: Terminal, room: str, bob: Program
) -> None:
    alice.paste("evil \x1b[2J screen")
    alice.enter("")
    alice.wait_for("not sent: it holds the control character ESC (U+001B)")
    alice.wait_for("(Up brings it back)")
    alice.wait_for_prompt(f"{room}> evil ^[[2J screen")
    alice.type(CTRL_C)
    alice.enter("plain")
    assert next_text(bob) == "plain"


def test_what_peers_say_cannot_steer_the_terminal(alice: Terminal, bob: Program) -> None:
    bob.type("\x1b[2J\x1b]0;owned\x07over \u202etxt.exe")
    alice.wait_for("over txt.exe")
    alice.wait_for("connected to")
    assert b"\x1b]0;owned" not in alice.raw


def test_a_mention_rings_the_bell_and_what_mentions_nobody_does_not(alice: Terminal, bob: Program) -> None:
    bob.type("hello all")
    alice.wait_for("hello all")
    assert b"\a" not in alice.raw
    bob.type("hello alice")
    alice.wait(lambda: b"\a" in alice.raw)


def test_settings_hold_and_are_kept_for_the_next_run(url: str, folder: Path, room: str, bob: Program) -> None:
    for line, expected in ((":tada:", "\U0001f389"), (":tada:", ":tada:")):
        with at_terminal("erin", url, folder / "erin", "--room", room, "--history", "0") as erin:
            erin.wait_for("connected to")
            erin.enter(line)
            assert next_text(bob) == expected
            erin.enter("/set emoji off")
            erin.wait_for("emoji is now off")
            erin.enter("/quit")
            assert erin.code() == 0


def test_the_prompt_names_where_a_line_goes(alice: Terminal, room: str, bob: Program) -> None:
    alice.enter("/query bob")
    alice.wait_for_prompt("@bob>")
    alice.enter("/join dev")
    alice.wait_for_prompt("dev>")
    alice.enter("/part")
    alice.wait_for_prompt(f"{room}>")
    alice.enter("/part")
    alice.wait_for_prompt("no room>")


def test_the_prompt_shows_that_the_server_is_gone_and_that_lines_wait(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server, at_terminal("alice", url_of(server), tmp_path / "alice") as alice:
        alice.wait_for_prompt("lobby>")
        server.process.terminate()
        assert server.code() == 0
        alice.wait_for_prompt("lobby (disconnected)>")
        alice.enter("for later")
        alice.wait_for_prompt("lobby (disconnected, 1 sending)>")
        alice.type(CTRL_C)
        assert alice.code() == 130
        assert "not confirmed: for later" in alice.text


def test_the_entry_says_where_one_is_and_how_to_go_on(alice: Terminal, room: str, url: str) -> None:
    begin = next(index for index, row in enumerate(alice.rows) if "connected to" in row)
    entry = "\n".join(alice.rows[begin : begin + 10])
    for words in (url.split("#")[0], "alice", room, "/help", "/msg NICK", "/quit", "Ctrl+D"):
        assert words in entry


def test_ctrl_d_leaves_once_all_is_confirmed(alice: Terminal, room: str, bob: Program) -> None:
    alice.type("half")
    alice.wait_for_prompt(f"{room}> half")
    alice.type(f"{CTRL_U}last{CTRL_D}")  # on a line that is not empty it deletes what is under the cursor: nothing
    alice.wait_for_prompt(f"{room}> last")
    alice.type(f"\r{CTRL_D}")
    assert alice.code() == 0
    assert alice.is_as_before
    assert next_text(bob) == "last"


def test_ctrl_c_clears_a_half_typed_line_and_then_leaves_with_130(alice: Terminal, room: str) -> None:
    alice.type("half of a line")
    alice.wait_for_prompt(f"{room}> half of a line")
    alice.type(CTRL_C)
    alice.wait_for_prompt(f"{room}>")
    alice.type(CTRL_C)
    assert alice.code() == 130
    assert alice.is_as_before
    assert "-- interrupted" in alice.text


@pytest.mark.parametrize("count", [1, 2])
def test_a_signal_leaves_the_terminal_as_it_was(alice: Terminal, room: str, count: int) -> None:
    alice.type("half")
    alice.wait_for_prompt(f"{room}> half")
    assert not alice.is_as_before
    for _ in range(count):
        alice.process.send_signal(signal.SIGTERM)
    assert alice.code() != 0
    assert alice.is_as_before
    assert alice.raw.rfind(b"\x1b[?2004l") > alice.raw.rfind(b"\x1b[?2004h")


def test_a_new_size_of_the_window_breaks_no_line(alice: Terminal, room: str, bob: Program) -> None:
    half = "word " * 12 + "end"
    alice.type(half)
    alice.wait_for_prompt(f"{room}> {half}")
    alice.resize(24, 40)
    bob.type("after the change")
    alice.wait_for("<bob> after the change")
    alice.wait(lambda: f"{room}> {half}" in "".join(row.ljust(40) for row in alice.rows[-2:]).rstrip())
    alice.enter("")
    assert next_text(bob) == half


def test_a_dumb_terminal_is_read_plainly(url: str, tmp_path: Path) -> None:
    arguments = ("client", "--nick", "carol", "--server", url, "--data", tmp_path, "--room", "lobby", "--plain")
    with Terminal(*arguments, term="dumb") as carol:
        carol.wait_for("connected to")
        carol.type("/rooms\n")
        carol.wait_for("-- rooms: lobby")
        carol.type(CTRL_D)
        assert carol.code() == 0
        assert b"\x1b" not in carol.raw


def test_a_program_is_run_for_a_mention(url: str, room: str, bob: Program, tmp_path: Path) -> None:
    told = tmp_path / "told"
    options = ("--room", room, "--notify-command", telling(told))
    with at_terminal("dora", url, tmp_path / "dora", *options) as dora:
        dora.wait_for_prompt(f"{room}>")
        bob.type("nobody", "dora: $(x) `y`")
        dora.wait(lambda: told.exists() and told.read_text())
        assert told.read_text() == f"mention {room} bob dora: $(x) `y`\n"
