"""The line mode: a session that carries out typed lines and prints what happens, and knows when to end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.phrase import Phrase
from udpchat.client.core import ClientCore
from udpchat.client.own_requests import RequestSource
from udpchat.client.stored import Label
from udpchat.ui.attention import Alert, Attention
from udpchat.ui.exit_rule import ExitRule
from udpchat.ui.phrases import sentence, text_of
from udpchat.ui.prompt import Prompt
from udpchat.ui.typed_lines import GiveBack, TypedLines


class EventView(Protocol):
    """Where events and lines are shown: a `Printer`, or a screen."""

    def show(self, happened: Iterable[ClientEvent]) -> None:
        """Show these events, in order."""

    def remark(self, *lines: str) -> None:
        """Show these lines about the end, which are not safe for a terminal yet."""

    def show_failure(self, reason: Phrase) -> None:
        """Show an error that ends the program to programs that read events; `remark` says it to people."""


class LineMode:
    """A session in line mode. Its owner reports what happens and stops at the first `exit_code`.

    Ends at /quit or when `rule` allows it, always after everything typed is confirmed and the goodbye is sent.
    `is_for_person`: the program prints what it waits for at the end. `marks_read`: the person sees what is shown, which
    is read thereby. `numbers_lines`: the lines of the input that are not confirmed are named by number. `label_id`:
    line k is the request `label_id`:k, in every run. `kept`: printed after the list of what is not confirmed; says what
    becomes of it. `call` gets what calls the person, as it comes, unless they look at the conversation: `is_watched`.
    `give_back` gets a line that is refused, to be typed anew.
    """

    def __init__(
        self,
        prompt: Prompt,
        printer: EventView,
        rule: ExitRule,
        *,
        is_for_person: bool = False,
        marks_read: bool = False,
        numbers_lines: bool = False,
        label_id: str = "",
        kept: str = "",
        call: Callable[[Alert], object] | None = None,
        is_watched: Callable[[str], bool] = lambda conversation: False,
        give_back: GiveBack | None = None,
    ) -> None:
        self._prompt = prompt
        self._printer = printer
        self._rule = rule
        self._is_for_person = is_for_person
        self._marks_read = marks_read
        self._numbers_lines = numbers_lines
        self._label_id = label_id
        self._kept = kept
        self._call = call
        self._is_watched = is_watched
        self._attention = Attention()
        self._typed = TypedLines(give_back)

    @property
    def _client(self) -> ClientCore:
        return self._prompt.client

    @property
    def exit_code(self) -> ExitCode | None:
        """The exit code, from the moment on at which the program has to end; None: it goes on."""
        return self._rule.code(is_over=self._client.is_over)

    def on_line(self, now: float, text: str) -> None:
        """One line was typed or read, with or without its line break."""
        line = self._typed.add(self._prompt.target, text)
        was_leaving = self._prompt.wants_quit
        label = Label(self._label_id, line) if self._label_id else None
        with self._client.on_behalf_of(RequestSource(line, label)):
            replies = self._prompt.enter(now, text)
        replies = [event.changed(line=line) if isinstance(event, events.Error) else event for event in replies]
        if self._prompt.wants_quit and not was_leaving and not self._client.is_idle:
            replies.append(events.notice("leaving.waits"))
        self._show(replies)
        self._settle(now)

    def on_end_of_input(self, now: float) -> None:
        """No line comes any more."""
        self._rule.note_end_of_input()
        if self._is_for_person and not self._rule.is_following and not self._client.is_idle:
            self._show([events.notice("leaving.input_over")])
        self._settle(now)

    def on_events(self, now: float, happened: Sequence[ClientEvent]) -> None:
        """The client was drained of these events. Call it after every drain, also of none: a result may have come."""
        if self._rule.is_decided:
            return
        shown = self._rule.up_to_the_count(happened, self._client.model.nick, is_idle=self._client.is_idle)
        self._show(shown)
        for event in shown:
            if self._call is not None and isinstance(event, events.MessageReceived) and not event.history:
                self._call_for(now, event)
        if self._marks_read:
            for room in {event.room for event in shown if isinstance(event, events.MessageReceived)}:
                self._client.mark_read(now, room)
        if any(isinstance(event, events.Rejected) for event in shown):
            self._report_unconfirmed()
            self._rule.end_now(ExitCode.REFUSED)
        self._settle(now)

    def on_stop(self, code: ExitCode, reason: Phrase, *, is_error: bool = False) -> None:
        """End at once with this code: a signal, the time limit, or an error.

        Where only the answer to the goodbye is missing, the exit code is the one decided before.
        """
        if not self._rule.end_now(code):
            return
        if is_error:
            self._printer.show_failure(reason)
        self._report_end(reason, is_error=is_error)

    def _call_for(self, now: float, event: events.MessageReceived) -> None:
        """Call the person if this message is to."""
        held = reversed(self._client.model.conversation(event.room).items)
        item = next((each for each in held if each.sequence == event.seq), None)
        if item is None or self._call is None:
            return
        preferences = self._prompt.preferences
        level, words = preferences.level(event.room), preferences.words("highlight")
        is_watched = self._is_watched(event.room)
        alert = self._attention.alert(now, event.room, item, level=level, words=words, is_watched=is_watched)
        if alert is not None:
            self._call(alert)

    def _show(self, happened: Sequence[ClientEvent]) -> None:
        self._rule.note(happened)
        self._printer.show(happened)
        self._typed.note(happened)

    def _settle(self, now: float) -> None:
        """End, if there is nothing left to wait for."""
        if self._rule.is_decided:
            return
        if self._prompt.wants_quit_now:
            if self._client.model.sending:
                self._rule.note_refused()
            self._report_end(Phrase("quit"))
        elif not (self._prompt.wants_quit or self._rule.may_end) or not self._client.is_idle:
            return
        self._rule.end_after_goodbye()
        self._prompt.quits = max(1, self._prompt.quits)  # lines typed from here on are refused, and the person is told
        self._client.quit(now)

    def _report_end(self, reason: Phrase, *, is_error: bool = False) -> None:
        is_error = is_error or bool(self._client.model.sending or self._client.lines_unanswered())
        self._printer.remark(sentence("error", text=reason) if is_error else f"-- {text_of(reason)}")
        self._report_unconfirmed()

    def _report_unconfirmed(self) -> None:
        """Print which lines are not confirmed, and what becomes of them."""
        waiting = self._client.model.sending
        lines = []
        for own in waiting:
            has_number = own.line is not None and self._numbers_lines
            lines.append(sentence("unconfirmed.line" if has_number else "unconfirmed", line=own.line, text=own.summary))
        if waiting and self._kept:
            lines.append(f"-- {self._kept}")
        named = {own.line for own in waiting}
        asked = [line for line in self._client.lines_unanswered() if line not in named]
        lines += [sentence("unanswered", line=line) for line in asked if self._numbers_lines]
        self._printer.remark(*lines)
