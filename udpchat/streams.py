"""How a client meets its person or program: a full screen, an edited line, plain lines, or JSON."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TextIO

from udpchat.chat.events import ClientEvent, PasswordNeeded
from udpchat.chat.phrase import Phrase
from udpchat.chat.text import printable
from udpchat.client.core import ClientCore
from udpchat.client.login import Login
from udpchat.shell.choosing import Chooser
from udpchat.shell.client_app import Call, ClientOptions, Frontend, UserInterface
from udpchat.shell.client_state import store_folder
from udpchat.shell.desktop import Desktop
from udpchat.shell.full_screen import FullScreen, obstacle, remark_within
from udpchat.shell.hidden_line import HiddenLine
from udpchat.shell.line_reader import LineReader
from udpchat.shell.notify_command import NotifyCommand
from udpchat.shell.options import ClientChoices, PasswordPlace
from udpchat.shell.password_change import PasswordChange
from udpchat.shell.password_source import PasswordUnread, password_at
from udpchat.shell.preference_file import PreferenceFile
from udpchat.shell.stdio import remark, standard_input, writing_to
from udpchat.shell.typed_times import moment_ms, now_ms
from udpchat.shell.web_links import open_link
from udpchat.storage.store_interfaces import ClientStore
from udpchat.ui.attention import Alert, Signal, terminal_text, variables
from udpchat.ui.commands import COMMANDS
from udpchat.ui.exit_rule import ExitRule
from udpchat.ui.input_history import is_secret
from udpchat.ui.line_mode import LineMode
from udpchat.ui.password_dialog import AskHidden, PasswordDialog
from udpchat.ui.phrases import sentence, text_of
from udpchat.ui.preferences import Preferences
from udpchat.ui.printing import Draw, Printer, plain_lines
from udpchat.ui.prompt import Prompt
from udpchat.ui.terminal_lines import ScreenLines, prompt_of
from udpchat.ui.tui.keys import Keymap
from udpchat.wire.fields import Value
from udpchat.wire.frames import Proof
from udpchat.wire.requests import SetPassword

if TYPE_CHECKING:
    from udpchat.shell.editor import LineEditor
    from udpchat.ui.tui.app import ChatApp

NO_COLOR: Final = "NO_COLOR"  # in the environment of all programs: see no-color.org
NO_COLOR_FORM: Final = "no-color"
Kept = Callable[[str], str]  # what becomes of lines that a server at this address has not confirmed


class Streams(Value, frozen=True):
    """Where the lines of a client come from and go to.

    `is_for_person`: both are terminals, and a person reads. `screen`, else `editor`: what draws there, if anything can.
    """

    as_json: bool
    is_typed: bool  # the input is a terminal
    is_for_person: bool
    screen: FullScreen | None = None
    editor: LineEditor | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether something draws on the terminal, which others must not write to meanwhile."""
        return self.screen is not None or self.editor is not None

    def write_err(self, text: str) -> None:
        """Write whole lines, which are safe for a terminal, to standard error, or where the terminal has room."""
        drawn = self.screen or self.editor
        write = remark if drawn is None or not is_terminal(sys.stderr) else drawn.write
        write(text)

    def say(self, phrase: Phrase) -> None:
        """Write one line outside of the chat."""
        self.write_err(f"{printable(text_of(phrase))}\n")

    def frontend(
        self, choices: ClientChoices, wanted: ClientOptions, kept: Kept, proof: Proof | None = None
    ) -> Frontend:
        """The person's side of a client; `proof`: what they gave to show that they may go by the nick."""
        raw = standard_input()
        choose = Chooser(raw, self.say) if self.is_for_person and is_terminal(sys.stderr) else None
        source = self.screen or self.editor or LineReader(raw)
        passwords = PasswordQuestions(source.ask_hidden, self.write_err)

        def attach(call: Call) -> None:
            passwords.call = call
            if self.screen is not None:
                self.screen.attach(call)

        return Frontend(
            partial(self._interface, choices, wanted, kept, passwords),
            source,
            self.say,
            choose,
            attach,
            is_live=self.screen is not None,
            login=Login(proof, can_ask=self.is_for_person),
            watch=passwords.watch,
        )

    def _interface(
        self,
        choices: ClientChoices,
        wanted: ClientOptions,
        kept: Kept,
        passwords: PasswordQuestions,
        core: ClientCore,
        store: ClientStore,
    ) -> UserInterface:
        keymap = Keymap(choices.shown.keys)
        file = PreferenceFile(store_folder(wanted.data, wanted.nick), self.say)
        prompt = Prompt(
            core,
            COMMANDS if self.screen is None else (*COMMANDS, keymap.command),
            archive=store,
            parse_time=moment_ms,
            is_typed=self.is_for_person,
            preferences=Preferences(file.load(), file.save),
            open_link=open_link if self.is_for_person else None,
        )
        has_colours = choices.form != NO_COLOR_FORM
        app = None if self.screen is None else _drawn_on(self.screen, prompt, keymap, has_colours=has_colours)
        lines = LineMode(
            prompt,
            self._printer(prompt) if app is None else app.board,
            ExitRule(count=choices.end.count, follow=choices.end.follow),
            is_for_person=self.is_for_person,
            marks_read=self.is_for_person and app is None,
            numbers_lines=not self.is_typed,
            label_id=wanted.label_id,
            kept=kept(core.model.connection.server) if store.is_durable else sentence("not_kept"),
            call=self._caller(prompt.preferences, choices.shown.notify_command) if self.is_for_person else None,
            is_watched=(lambda conversation: False) if app is None else app.is_watched,
            give_back=app.give_back if app is not None else None if self.editor is None else self.editor.give_back,
        )
        passwords.attach(core, lines.on_line)
        prompt.ask_password = passwords.dialog.ask_new if self.is_for_person else None
        return lines

    def _printer(self, prompt: Prompt) -> Printer:
        draw: Draw = partial(plain_lines, zone=None, numbers_lines=not self.is_typed)
        if self.is_for_person:
            draw = ScreenLines(
                nick=lambda: prompt.client.model.nick,
                now_ms=now_ms,
                is_edited=self.editor is not None,
                time_format=partial(prompt.preferences.choice, "time"),
            ).draw
        if self.editor is not None:
            self.editor.prompt = lambda: prompt_of(prompt, now_ms())
        write_out = writing_to(sys.stdout) if self.editor is None else self.editor.write
        return Printer(write_out, self.write_err, draw=draw, as_json=self.as_json)

    def _caller(self, preferences: Preferences, words: Sequence[str]) -> Callable[[Alert], None]:
        """A function that calls the person as they have set; `words`: a program to run for that, if any."""
        desktop, command = Desktop(self.say), NotifyCommand(words, self.say)
        drawn = self.screen or self.editor
        signal = writing_to(sys.stdout) if drawn is None else drawn.signal

        def call(alert: Alert) -> None:
            signals = preferences.signals()
            if sequence := terminal_text(alert, signals):
                signal(sequence)
            if Signal.DESKTOP in signals:
                desktop.show(alert.title, alert.body)
            if words:
                command.run(variables(alert))

        return call


class PasswordQuestions:
    """Has a person asked for passwords; `ask` shows nothing of what is typed. `call` is set before that."""

    def __init__(self, ask: AskHidden, write_err: Callable[[str], object]) -> None:
        self.call: Call
        self.dialog: PasswordDialog
        self._ask = ask
        self._write_err = write_err

    def attach(self, core: ClientCore, on_line: Callable[[float, str], object]) -> None:
        """What is asked is for this client; a new password is entered as a line."""
        self.dialog = PasswordDialog(
            lambda question, answer: self._ask(printable(question), answer),
            prove=lambda text: self.call(core.prove, text),
            enter=lambda line: self.call(on_line, line),
            say=lambda text: self._write_err(f"-- {printable(text)}\n"),
            nick=lambda: core.model.nick,
        )

    def watch(self, happened: Sequence[ClientEvent]) -> None:
        """The server may want a password."""
        for event in happened:
            if isinstance(event, PasswordNeeded):
                self.dialog.on_needed(event)


def new_password(place: PasswordPlace, nick: str, hidden: HiddenLine | None) -> str:
    """The password that is to be set: of `place`, or of a person who is asked twice with `hidden`, if they can be.

    Empty if there is none. Raises `PasswordUnread`.
    """
    password = password_at(place)
    if password or hidden is None:
        return password
    typed: list[str] = []
    PasswordDialog(
        lambda question, answer: answer(hidden.read(printable(question))),
        prove=typed.append,
        enter=lambda line: typed.append(line.partition(" ")[2]),
        say=lambda text: remark(f"-- {printable(text)}\n"),
        nick=lambda: nick,
    ).ask_new()
    if not typed:
        raise PasswordUnread("password.unchanged")
    return typed[0]


def password_frontend(request: SetPassword, login: Login, hidden: HiddenLine) -> Frontend:
    """The person's side of a client that only sets a password."""

    def say(phrase: Phrase) -> None:
        remark(f"{printable(text_of(phrase))}\n")

    passwords = PasswordQuestions(hidden.ask, remark)

    def make_interface(core: ClientCore, store: ClientStore) -> UserInterface:
        change = PasswordChange(core, request, say)
        passwords.attach(core, change.on_line)
        return change

    def attach(call: Call) -> None:
        passwords.call = call

    source = LineReader(io.BytesIO())
    return Frontend(make_interface, source, say, attach=attach, login=login, watch=passwords.watch, joins=False)


def open_streams(form: str) -> Streams:
    """The standard streams, for `form` as `options` has it; a terminal that takes no full screen gets one line why."""
    as_json, is_typed = form == "json", is_terminal(sys.stdin)
    is_for_person = is_typed and is_terminal(sys.stdout) and not as_json
    if not is_for_person:
        return Streams(as_json, is_typed, is_for_person)
    problem = obstacle() if form != "plain" else None
    if problem is not None:
        remark(f"-- {printable(text_of(problem))}\n")
    if form != "plain" and problem is None:
        return Streams(as_json, is_typed, is_for_person, FullScreen(remark_within, HiddenLine(standard_input())))
    from udpchat.shell.editor import open_editor  # takes 80 ms to import, which a pipe need not wait for

    return Streams(as_json, is_typed, is_for_person, editor=open_editor(is_secret))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether this is a terminal; None is not."""
    return stream is not None and stream.isatty()


def _drawn_on(screen: FullScreen, prompt: Prompt, keymap: Keymap, *, has_colours: bool) -> ChatApp:
    """What shows the chat on the full screen."""
    from udpchat.shell.terminal_driver import driver_class  # Textual takes 150 ms to import: only if it is to draw
    from udpchat.ui.tui.app import ChatApp

    has_colours = not os.environ.pop(NO_COLOR, "") and has_colours  # Textual would take an empty one for a wish too
    screen.app = app = ChatApp(
        prompt, driver_class=driver_class(), now_ms=now_ms, has_colours=has_colours, keymap=keymap
    )
    return app
