"""The first run at a terminal: the nick is asked for once, and remembered in the data folder."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shell.waiting import Program, chatting, serving, url_of
from udpchat.chat.phrase import Phrase
from udpchat.shell import first_run
from udpchat.shell.choosing import UNCLEAR_MAX
from udpchat.shell.data_folder import last_nick, remember_nick
from udpchat.shell.first_run import ask_nick, login_nick
from udpchat.ui.phrases import text_of

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")


def ask(typed: str, *, suggestion: str = "") -> tuple[str, list[str]]:
    """The nick, and what the person was told."""
    said: list[Phrase] = []
    nick = ask_nick(io.BytesIO(typed.encode()), said.append, suggestion=suggestion)
    return nick, [text_of(phrase) for phrase in said]


def test_enter_accepts_the_login_name() -> None:
    nick, said = ask("\n", suggestion="alice")
    assert (nick, said) == ("alice", ["-- which nick do you want to go by? (just Enter for alice)"])
    assert ask("bob\n", suggestion="alice")[0] == "bob"


def test_a_wrong_nick_is_explained_and_asked_again() -> None:
    nick, (question, *again) = ask("a b\n\nroot\nbob\n")
    assert (nick, question) == ("bob", "-- which nick do you want to go by?")
    assert [line.partition(":")[0] for line in again] == [
        "-- A nick cannot contain a space",
        "-- A nick cannot be empty",
        "-- The nick root is reserved",
    ]


def test_the_end_of_the_input_and_a_script_that_types_on_are_no_nick() -> None:
    assert ask("")[0] == ""
    nick, said = ask("a b\n" * 2 * UNCLEAR_MAX)
    assert nick == "" and len(said) == 1 + UNCLEAR_MAX


@pytest.mark.parametrize(("login", "nick"), [("Alice", "Alice"), ("root", ""), ("a b", ""), ("x" * 40, "")])
def test_a_login_name_that_can_be_no_nick_is_not_suggested(
    monkeypatch: pytest.MonkeyPatch, login: str, nick: str
) -> None:
    monkeypatch.setattr(first_run.getpass, "getuser", lambda: login)
    assert login_nick() == nick


def test_where_the_system_knows_no_login_name_none_is_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise KeyError("uid 4711")

    monkeypatch.setattr(first_run.getpass, "getuser", fail)
    assert login_nick() == ""


def test_a_nick_is_remembered_until_it_is_forgotten(tmp_path: Path) -> None:
    assert last_nick(tmp_path) == ""
    remember_nick(tmp_path, "alice")
    assert last_nick(tmp_path) == "alice"
    (tmp_path / "last_nick").write_text("not a nick\n")
    assert last_nick(tmp_path) == ""
    remember_nick(tmp_path, "bob")
    remember_nick(tmp_path, "")
    assert last_nick(tmp_path) == "" and len(list(tmp_path.iterdir())) == 1
    remember_nick(tmp_path / "missing", "alice")  # to fail here keeps nobody from chatting


# --- At a terminal ----------


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield url_of(running)


@posix
def test_it_is_asked_for_once_and_the_flag_overrides_it(url: str, tmp_path: Path) -> None:
    from tests.shell.terminal import Terminal  # not on Windows

    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "LOGNAME": "alice"}

    def person(*options: str) -> Terminal:
        words = ("client", "--plain", "--server", url, "--data", tmp_path / "data", *options)
        return Terminal(*words, columns=200, environment=home)

    with person() as first:
        first.wait_for("which nick do you want to go by? (just Enter for alice)")
        first.enter("a b")
        first.wait_for("A nick cannot contain a space: which one instead?")
        first.enter("")
        first.wait_for(
            "you go by alice, next time too (--nick NICK for another); /help lists all commands, /quit leaves"
        )
        first.wait_for("as alice")
        first.enter("/nick carol")
        first.wait_for("alice is now carol")
        first.enter("/quit")
        assert first.code() == 0
    with person() as again:
        again.wait_for("no nick was named; you go by the one used last: carol")
        again.wait_for("as carol")
        assert "which nick" not in again.text
        again.enter("/quit")
        assert again.code() == 0
    with person("--nick", "dave") as other:
        other.wait_for("as dave")
        other.enter("/quit")
        assert other.code() == 0
    assert last_nick(tmp_path / "data") == "dave"
    assert [path.name for path in tmp_path.iterdir()] == ["data"], "no config file is written"


@posix
def test_a_nick_that_is_not_let_in_is_asked_for_again_the_next_time(url: str, tmp_path: Path) -> None:
    from tests.shell.terminal import Terminal  # not on Windows

    with chatting("erin", url, tmp_path / "erin") as erin:
        erin.end_input()
        assert erin.code() == 0
    words = ("client", "--plain", "--server", url, "--data", tmp_path / "data")
    with Terminal(*words, columns=200) as first:
        first.wait_for("which nick")
        first.enter("erin")
        first.wait_for("erin is in use already; its password")
        first.enter("")  # she is somebody else
        assert first.code() == 4
    assert last_nick(tmp_path / "data") == ""


@posix
def test_ctrl_c_and_ctrl_d_at_the_question_leave(tmp_path: Path) -> None:
    from tests.shell.terminal import Terminal  # not on Windows

    for key, code in (("\x03", 130), ("\x04", 2)):
        with Terminal("client", "--data", tmp_path, columns=200) as person:
            person.wait_for("which nick")
            person.type(key)
            assert person.code() == code and "Traceback" not in person.text


def test_a_program_is_never_asked_nor_goes_by_the_nick_of_a_person(url: str, tmp_path: Path) -> None:
    remember_nick(tmp_path, "alice")
    with Program("client", "--server", url, "--data", tmp_path) as pipe:
        pipe.end_input()
        assert pipe.code() == 2
        assert "which nick? Give --nick NICK" in "".join(pipe.rest_of(pipe.err))
    with chatting("ci", url, tmp_path) as named:
        named.end_input()
        assert named.code() == 0
    assert last_nick(tmp_path) == "alice"
