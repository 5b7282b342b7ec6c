"""A question with numbered answers for a person at a terminal, before the chat begins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread
from typing import Final

from udpchat.chat.phrase import Phrase
from udpchat.shell.line_reader import Raw, lines_of

UNCLEAR_MAX: Final = 20  # lines that are no answer: after these, nobody reads the question


class NobodyAnswers(Exception):
    """The input ended, or no line of it was an answer."""


class Chooser:
    """Call it with a question and the options: the index of the one chosen; Enter takes the first.

    Raises `NobodyAnswers`. `report` writes one line for the person.
    """

    def __init__(self, raw: Raw, report: Callable[[Phrase], object]) -> None:
        self._raw = raw
        self._report = report

    async def __call__(self, question: Phrase, options: Sequence[Phrase]) -> int:
        self._report(Phrase("choice", {"question": question}))
        numbers = [str(number) for number in range(1, len(options) + 1)]
        for number, option in zip(numbers, options, strict=True):
            values = {"number": number, "option": option}
            self._report(Phrase("choice.first" if number == "1" else "choice.option", values))
        for _ in range(UNCLEAR_MAX):
            answer = (await self._line()).strip()
            if not answer:
                return 0
            if answer in numbers:
                return numbers.index(answer)
            self._report(Phrase("choice.again", {"number_max": len(options)}))
        raise NobodyAnswers

    async def _line(self) -> str:
        """The next line. Raises `NobodyAnswers` at the end of the input."""
        loop = asyncio.get_running_loop()
        read: asyncio.Future[str | None] = loop.create_future()

        def settle(line: str | None) -> None:
            if not read.done():
                read.set_result(line)

        def work() -> None:
            line = next(lines_of(self._raw), None)
            with suppress(RuntimeError):  # the loop is closed: the program is ending
                loop.call_soon_threadsafe(settle, line)

        Thread(target=work, name="choosing", daemon=True).start()  # its read cannot be interrupted
        line = await read
        if line is None:
            raise NobodyAnswers
        return line
