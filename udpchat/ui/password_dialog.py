"""How a person is asked for passwords: one where the server wants it, a new one twice. Pure; what asks is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from udpchat.chat.events import PasswordNeeded
from udpchat.ui.phrases import sentence

CHARACTERS_MAX: Final = 256  # more is no password of anybody

Answer = Callable[[str], object]
AskHidden = Callable[[str, Answer], object]
"""Asks a question, and gives the answer, which is not shown while it is typed; an empty one: the person gave up."""


class PasswordDialog:
    """Asks with `ask`. `prove` gets the password that the server wants, empty if there is none; `enter` gets a line, as
    if it was typed, and `say` one for the person. `nick` gives the nick of this user.
    """

    def __init__(
        self,
        ask: AskHidden,
        *,
        prove: Callable[[str], object],
        enter: Callable[[str], object],
        say: Callable[[str], object],
        nick: Callable[[], str],
    ) -> None:
        self._ask = ask
        self._prove = prove
        self._enter = enter
        self._say = say
        self._nick = nick

    def on_needed(self, event: PasswordNeeded) -> None:
        """The server wants the password of a nick."""
        if event.is_wrong:
            question = sentence("password.again", tries=event.tries)
        else:
            question = sentence("password.question", nick=event.nick)
        self._ask(question, lambda typed: self._prove(typed.strip()[:CHARACTERS_MAX]))

    def ask_new(self) -> None:
        """Ask for a new password, twice; if both are the same, it is set."""
        self._ask(sentence("password.new", nick=self._nick()), self._on_first)

    def _on_first(self, first: str) -> None:
        if first.strip():
            self._ask(sentence("password.repeat"), lambda second: self._on_both(first.strip(), second.strip()))
        else:
            self._say(sentence("password.unchanged"))

    def _on_both(self, first: str, second: str) -> None:
        if first == second:
            self._enter(f"/password {first}")
        else:
            self._say(sentence("password.differs"))
