"""What a terminal sends, divided into what was typed and what was pasted (bracketed paste). Pure.

Nothing but the marks around a pasted text keeps its line breaks and escape sequences from being keys. Not every
terminal takes an end mark out of the text itself, so a paste ends with the last end mark before a pause: a person does
not paste again that soon. What follows that mark is typed.
"""

from __future__ import annotations

from typing import Final

from udpchat.wire.fields import Value

START: Final = "\x1b[200~"
END: Final = "\x1b[201~"
UNENDED_S_MAX: Final = 5.0  # of silence: then the end mark was lost, and what came is the text
BUSY_S_MAX: Final = 1.0  # without a pause behind an end mark: then it is the end (a mouse that moves is reported too)


class PastePart(Value, frozen=True):
    """Some of what the terminal sent, in its order; never empty if it was typed."""

    text: str
    is_pasted: bool = False


class PasteDivider:
    """Give `feed` what was read, and call `pause` when nothing came for a moment; both return finished parts."""

    def __init__(self) -> None:
        self._beginning = ""  # of a start mark, as far as it came
        self._typed_count = 0  # of its characters: given as typed, as there was a pause
        self._pasted: list[str] | None = None  # since the start mark; None: nothing is being pasted
        self._tail = ""  # the last of it: an end mark may come in pieces
        self._ended_s: float | None = None  # when the first end mark came
        self._heard_s = 0.0

    def feed(self, text: str, now_s: float) -> list[PastePart]:
        """Take what was read."""
        self._heard_s = now_s
        if self._pasted is not None:
            return self._collect(text, now_s)
        typed, mark, pasted = (self._beginning + text).partition(START)
        begun = "" if mark else _begun(typed)
        given = typed[self._typed_count : len(typed) - len(begun)]
        if begun != typed:
            self._typed_count = 0
        self._beginning = begun
        parts = [PastePart(given)] if given else []
        if mark:
            self._pasted = []
            parts += self._collect(pasted, now_s)
        return parts

    def pause(self, now_s: float) -> list[PastePart]:
        """Nothing came for a moment: a paste with its end mark is over, and half a start mark was typed."""
        if self._pasted is not None:
            is_over = self._ended_s is not None or now_s - self._heard_s >= UNENDED_S_MAX
            return self._end(now_s) if is_over else []
        typed = self._beginning[self._typed_count :]
        self._typed_count = len(self._beginning)
        return [PastePart(typed)] if typed else []

    def _collect(self, text: str, now_s: float) -> list[PastePart]:
        assert self._pasted is not None
        self._pasted.append(text)
        recent = self._tail + text
        if self._ended_s is None and END in recent:
            self._ended_s = now_s
        self._tail = recent[1 - len(END) :]
        return self._end(now_s) if self._ended_s is not None and now_s - self._ended_s >= BUSY_S_MAX else []

    def _end(self, now_s: float) -> list[PastePart]:
        """The paste is over: several, if one began where another ended."""
        assert self._pasted is not None
        text, mark, typed = "".join(self._pasted).rpartition(END)
        if not mark:
            text, typed = typed, ""
        self._pasted, self._tail, self._ended_s = None, "", None
        self._beginning, self._typed_count = "", 0
        return [*(PastePart(pasted, is_pasted=True) for pasted in text.split(END + START)), *self.feed(typed, now_s)]


def _begun(text: str) -> str:
    """As much of a start mark as the text ends with."""
    return next((START[:count] for count in range(len(START) - 1, 0, -1) if text.endswith(START[:count])), "")
