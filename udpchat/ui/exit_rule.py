"""When line mode ends, and with which exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.names import nick_key

SENT_LATER: Final = frozenset(
    {"unwritable", "unwritable_here", "too_fast"}
)  # errors of no line, after which all is still sent
NOT_COUNTED: Final = "leaving"  # the code of lines typed after /quit: nobody promised to read them


class ExitRule:
    """Watches events and input, and decides.

    Line mode may end once `count` live messages from others are printed, or, if it neither counts nor has to `follow`,
    at the end of the input. It ends with ERROR if a line was refused for good, here or by the server.
    """

    def __init__(self, *, count: int | None = None, follow: bool = False) -> None:
        self.is_following = follow or count is not None
        self._count = count
        self._printed = 0  # live messages from others
        self._has_connected = False
        self._is_input_over = False
        self._is_refused = False
        self._after_goodbye: ExitCode | None = None
        self._now: ExitCode | None = None

    def code(self, *, is_over: bool) -> ExitCode | None:
        """The exit code if the program has to end now; `is_over`: the goodbye is answered. None: it goes on."""
        return self._after_goodbye if self._now is None and is_over else self._now

    @property
    def is_decided(self) -> bool:
        """Whether the exit code is decided, though the goodbye may still be on its way."""
        return self._now is not None or self._after_goodbye is not None

    @property
    def may_end(self) -> bool:
        """Whether nothing more has to be read from the input or from others."""
        is_read = self._is_input_over and not self.is_following and self._has_connected
        return is_read or (self._count is not None and self._printed >= self._count)

    def note(self, happened: Iterable[ClientEvent]) -> None:
        """These events were shown."""
        for event in happened:
            self._has_connected = self._has_connected or isinstance(event, events.Connected)
            if isinstance(event, events.Error) and event.code != NOT_COUNTED:
                self._is_refused = self._is_refused or event.line is not None or event.code not in SENT_LATER

    def note_refused(self) -> None:
        """A line was not confirmed and is given up."""
        self._is_refused = True

    def note_end_of_input(self) -> None:
        self._is_input_over = True

    def up_to_the_count(self, happened: Sequence[ClientEvent], nick: str, *, is_idle: bool) -> Sequence[ClientEvent]:
        """The events to print: none after the last message that is wanted, except confirmations and refusals.

        `nick` is one's own. Unless the client `is_idle`, it goes on for its confirmations, and prints all.
        """
        end = None
        for index, event in enumerate(happened):
            if isinstance(event, events.MessageReceived) and _is_counted(event, nick):
                self._printed += 1
                if self._printed == self._count:
                    end = index + 1
            elif end is not None and _is_awaited(event):
                end = index + 1
        return happened if end is None or not is_idle else happened[:end]

    def end_after_goodbye(self) -> None:
        """All is done: end when the goodbye is answered."""
        self._after_goodbye = ExitCode.ERROR if self._is_refused else ExitCode.DONE

    def end_now(self, code: ExitCode) -> bool:
        """End at once with this code; False if a code was decided before, which holds, now without the goodbye."""
        is_new = not self.is_decided
        if self._now is None:
            self._now = code if self._after_goodbye is None else self._after_goodbye
        return is_new


def _is_awaited(event: ClientEvent) -> bool:
    """Whether it is what became of a line of the input."""
    is_confirmation = isinstance(event, events.Amendment) and event.is_confirmation
    return is_confirmation or isinstance(event, events.MessageSent | events.Error | events.Rejected)


def _is_counted(message: events.MessageReceived, nick: str) -> bool:
    return not message.history and nick_key(message.nick) != nick_key(nick)
