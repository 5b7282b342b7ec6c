"""What a person is asked for passwords, and what becomes of the answers."""

from __future__ import annotations

from udpchat.chat.events import PasswordNeeded
from udpchat.ui.password_dialog import CHARACTERS_MAX, Answer, PasswordDialog


class Desk:
    """Answers what is asked, in order."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.done: list[tuple[str, str]] = []
        self.dialog = PasswordDialog(
            self.ask,
            prove=lambda text: self.done.append(("prove", text)),
            enter=lambda text: self.done.append(("enter", text)),
            say=lambda text: self.done.append(("say", text)),
            nick=lambda: "alice",
        )

    def ask(self, question: str, answer: Answer) -> None:
        self.asked.append(question)
        answer(self.answers.pop(0))


def test_the_server_gets_what_was_typed_and_nothing_of_it_is_said() -> None:
    desk = Desk(" correct horse ")
    desk.dialog.on_needed(PasswordNeeded("alice", False, 3))
    assert desk.asked == ["alice is in use already; its password (just Enter to give up)"]
    assert desk.done == [("prove", "correct horse")]


def test_a_wrong_one_is_asked_for_again_with_the_tries_that_are_left() -> None:
    desk = Desk("", "x" * 1_000)
    desk.dialog.on_needed(PasswordNeeded("alice", True, 2))
    desk.dialog.on_needed(PasswordNeeded("alice", True, 1))
    assert desk.asked == ["wrong; once more (2 tries left)", "wrong; once more (1 try left)"]
    assert desk.done == [("prove", ""), ("prove", "x" * CHARACTERS_MAX)]


def test_a_new_one_is_typed_twice() -> None:
    desk = Desk("correct horse", "correct horse")
    desk.dialog.ask_new()
    assert desk.asked == ["new password for alice", "the same once more"]
    assert desk.done == [("enter", "/password correct horse")]


def test_two_that_differ_change_nothing() -> None:
    desk = Desk("correct horse", "correct house")
    desk.dialog.ask_new()
    assert desk.done == [("say", "these two differ: nothing was changed")]


def test_who_gives_up_is_not_asked_again() -> None:
    desk = Desk("  ")
    desk.dialog.ask_new()
    assert len(desk.asked) == 1 and desk.done == [("say", "nothing was changed")]
