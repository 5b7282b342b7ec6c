"""Setting the password of a nick from outside of a chat: a client that enters no room, sets it, and leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from udpchat.chat import events
from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.phrase import Phrase
from udpchat.client.core import ClientCore
from udpchat.wire.requests import SetPassword


class PasswordChange:
    """The `Interface` of such a client: has `request` carried out once it is in, and ends with what came of it.

    `say` gets one line for the person.
    """

    def __init__(self, core: ClientCore, request: SetPassword, say: Callable[[Phrase], object]) -> None:
        self._core = core
        self._request = request
        self._say = say
        self._code: ExitCode | None = None
        self._is_asked = False  # the request: errors before are about entering, which goes on by itself

    @property
    def exit_code(self) -> ExitCode | None:
        """The exit code, once the goodbye is answered, or it ends without."""
        return self._code if self._code is None or self._code > ExitCode.ERROR or self._core.is_over else None

    def on_line(self, now: float, text: str) -> None:
        """Nobody types here."""

    def on_end_of_input(self, now: float) -> None:
        """Nobody types here."""

    def on_events(self, now: float, happened: Sequence[events.ClientEvent]) -> None:
        """The core was drained of these events."""
        for event in happened if self._code is None else ():
            match event:
                case events.Connected():
                    self._core.ask(now, self._request)
                    self._is_asked = True
                case events.Notice(code="password"):
                    self._end(now, ExitCode.DONE, event)
                case events.Error() if self._is_asked and event.key != "too_fast.held":
                    self._end(now, ExitCode.ERROR, Phrase("error", {"text": event}))
                case events.Rejected():
                    self._end(now, ExitCode.REFUSED, Phrase("error", {"text": event}))
                case events.Error() | events.Disconnected():
                    self._say(event)

    def _end(self, now: float, code: ExitCode, told: Phrase) -> None:
        self._code = code
        self._say(told)
        if not self._core.is_over:
            self._core.quit(now)

    def on_stop(self, code: ExitCode, reason: Phrase, *, is_error: bool = False) -> None:
        """End at once: a signal, the time limit, or an error."""
        if self._code is None or code > ExitCode.ERROR:
            self._code = code
            self._say(Phrase("error", {"text": reason}) if is_error else reason)
