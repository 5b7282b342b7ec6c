"""What happens to a pasted text: it is inserted, or the person is asked first. It is text, never a command. Pure."""

from __future__ import annotations

from enum import Enum
from typing import Final

from udpchat.chat.text import pasted_text
from udpchat.wire.fields import Value

LINES_UNASKED_MAX: Final = 5  # more are often pasted by mistake
LINES_SENT_MAX: Final = 100  # line by line: more would flood the conversation


class PasteAnswer(Enum):
    """What to do with a pasted text of many lines."""

    ONE_MESSAGE = "send it as one message"
    LINE_BY_LINE = "send each line as a message"
    CANCEL = "send nothing"


class Paste(Value, frozen=True):
    """A pasted text, to be inserted at the cursor if there are no `answers` to choose from."""

    text: str
    lines: int
    answers: tuple[PasteAnswer, ...] = ()


def pasted(data: str, before: str = "") -> Paste:
    """What to do with `data` from the terminal or the clipboard; `before`: what stands in front of the cursor.

    Where it would be the beginning of the input, a slash is put before one that it begins with: Enter sends it as it
    was pasted.
    """
    text = pasted_text(data)
    count = text.count("\n") + 1
    if count <= LINES_UNASKED_MAX:
        return Paste(text if before.strip() else as_text(text), count)
    offered = (answer for answer in PasteAnswer if answer is not PasteAnswer.LINE_BY_LINE or count <= LINES_SENT_MAX)
    return Paste(text, count, tuple(offered))


def inputs(paste: Paste, answer: PasteAnswer) -> list[str]:
    """The inputs that send the text as the person answered, each for `Prompt.enter`; blank lines are left out."""
    if answer is PasteAnswer.ONE_MESSAGE:
        return [as_text(paste.text)]
    lines = paste.text.split("\n") if answer is PasteAnswer.LINE_BY_LINE else []
    return [as_text(line) for line in lines if line.strip()]


def as_text(text: str) -> str:
    """The input that sends this text, also where it begins like a command."""
    at = len(text) - len(text.lstrip())
    return f"{text[:at]}/{text[at:]}" if text.startswith("/", at) else text
