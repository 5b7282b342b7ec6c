"""The full-screen client: what typed lines and keys do. What it draws is the model; lines go to the prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udpchat.chat.phrase import Problem
from udpchat.chat.text import EDITED_CHARACTERS_MAX
from udpchat.ui.fuzzy import Entry, ranked
from udpchat.ui.local_times import TIME_FORMATS
from udpchat.ui.paste import inputs, pasted
from udpchat.ui.phrases import sentence, text_of
from udpchat.ui.prompt import Prompt
from udpchat.ui.tui import side_and_status
from udpchat.ui.tui.chat_screen import ChatScreen
from udpchat.ui.tui.hidden_box import HiddenBox
from udpchat.ui.tui.picker import Offer, Picker, Question
from udpchat.ui.tui.screen_app import ScreenApp
from udpchat.ui.tui.search_results import Results
from udpchat.ui.tui.side_list import SideList


class ChatApp(ScreenApp):
    """The application. It keeps nothing of the chat: conversations are turned to by the prompt."""

    def __init__(self, prompt: Prompt, **options: Any) -> None:
        """`options`: those of `ScreenApp`."""
        super().__init__(prompt, **options)
        self.chat.input.owner = self

    # --- What is typed ----------

    @property
    def target(self) -> str:
        """The conversation that lines go to."""
        return self.prompt.target

    def send(self, text: str) -> bool:
        """Send a line, or carry out the command; False if nothing was done: it is blank, or has to wait."""
        self.chat.hint("")
        if not text.strip():
            return False
        former = self.prompt.target
        lines = self.board.lines.of(former)
        last = lines[-1].number if lines else 0
        if not self.outside.enter(text):
            self.bell()
            self.chat.hint(sentence("input_full"))
            return False
        if self.prompt.target == former:
            self.messages.jump_to_end()  # else the conversation is left as it is
            self._show_answer(last)
        return True

    def _show_answer(self, last: int) -> None:
        """What was said here behind the line of this number is shown from its beginning, if it is a screen or more; but
        the view is held by messages, and where there are none it stays at the end.
        """
        answer = [line for line in self.board.lines.of(self.prompt.target) if line.number > last]
        if sum(len(line.lines) for line in answer) >= self.messages.size.height and answer[0].after:
            self.messages.renew()
            self.messages.jump_to(answer[0].after)

    def give_back(self, conversation: str, text: str) -> None:
        """A line that was typed in this conversation is refused: put it back there, or say how to have it again."""
        if not self.chat.input.has_typed(conversation, text):
            return
        elsewhere = conversation if conversation != self.prompt.target else ""
        if not self.chat.input.give_back(conversation, text):
            self.chat.hint(sentence("refused.up", target=elsewhere))
        elif elsewhere:
            self.chat.hint(sentence("refused.elsewhere", target=elsewhere))

    def cancel(self) -> bool:
        """End what was begun; whether there was anything."""
        return self.chat.cancel()

    def edited(self) -> None:
        """Others see that a message is being typed."""
        self.chat.hint("")
        text, target = self.chat.input.text, self.prompt.target
        is_message = text.strip() and not text.lstrip().startswith("/")
        if target and is_message and self.prompt.preferences.is_on("typing"):
            self.outside.act(self.prompt.client.notify_typing, target)

    def paste(self, text: str) -> None:
        """Insert the text; ask first what to do with many lines. Nothing of it is run."""
        line = self.chat.input
        paste = pasted(text, line.before_cursor)
        if not paste.answers:
            if not line.write(paste.text):
                values = {"characters": len(paste.text), "characters_max": EDITED_CHARACTERS_MAX}
                self.chat.hint(sentence("not_pasted", **values))
            return
        texts = {str(number): answer for number, answer in enumerate(paste.answers, 1)}

        def send(key: str | None) -> None:
            for part in inputs(paste, texts[key]) if key else ():
                line.remember(part)  # also one that is refused, or has to wait
                if not self.send(part):
                    return

        question = sentence("paste.question", lines=paste.lines)
        answers = {key: sentence(f"paste.{answer.name.lower()}", lines=paste.lines) for key, answer in texts.items()}
        self.push_screen(Question(question, answers), send)

    def ask_hidden(self, question: str, done: Callable[[str], object]) -> None:
        """Ask the person; what they type is not shown, and empty if they give up."""

        def answer(typed: str | None) -> None:
            done(typed or "")

        self.push_screen(HiddenBox(question), answer)

    def offer_to_leave(self) -> None:
        """Say what the keys of `send` and `clear` do now."""
        keys = {name: self.keymap.first(name) for name in ("send", "clear")}
        self.chat.hint(sentence("leave.offer", **keys, waiting=len(self.prompt.client.model.sending)))

    def interrupt(self) -> None:
        self.outside.interrupt()

    def end(self) -> None:
        self.outside.end()

    # --- Other conversations ----------

    def on_side_list_chosen(self, chosen: SideList.Chosen) -> None:
        self._turn_to(chosen.target)

    def _turn_to(self, target: str) -> None:
        try:
            self.prompt.turn_to(target)
        except Problem as problem:  # the room was left meanwhile, or a search found what was said there once
            self.chat.hint(text_of(problem.phrase))
        self.chat.input.turn_to(self.prompt.target)  # now: the next key may have come already
        self.redraw_soon()

    def action_turn_by(self, step: int) -> None:
        """The next conversation of the list, or the one before."""
        names = side_and_status.open_conversations(self.prompt)
        if names:
            at = names.index(self.prompt.target) if self.prompt.target in names else 0
            self._turn_to(names[(at + step) % len(names)])

    def action_turn_to_number(self, number: int) -> None:
        """The conversation of this number, from 1."""
        names = side_and_status.open_conversations(self.prompt)
        if number <= len(names):
            self._turn_to(names[number - 1])

    def action_turn_to_active(self) -> None:
        """The next conversation with something unread, those with mentions first."""
        target = side_and_status.next_active(self.prompt)
        if target:
            self._turn_to(target)
        else:
            self.bell()

    def action_switch(self) -> None:
        """Choose a conversation by a part of its name."""
        model = self.prompt.client.model
        known = [model.conversation(name) for name in side_and_status.open_conversations(self.prompt)]
        entries = [Entry(each.name, each.unread, each.mentions) for each in known]

        def find(typed: str) -> list[Offer]:
            return [Offer(entry.name) for entry in ranked(typed, entries)]

        self.push_screen(Picker(sentence("switch.title"), find), lambda name: self._turn_to(name) if name else None)

    # --- What was found ----------

    def on_chat_screen_search_ended(self, message: ChatScreen.SearchEnded) -> None:
        """Choose from what was found; while something else is done, it is listed."""
        if not self.is_drawn or self.typed:
            self.board.list_found(message.found)
            self.redraw_soon()
            return
        time_format = TIME_FORMATS[self.prompt.preferences.choice("time")]
        results = Results(message.found, self.now_ms(), time_format)
        title = sentence("found.title", count=len(results.messages))

        def show(key: str | None) -> None:
            if key:
                chosen = results.messages[key]
                self._turn_to(chosen.room)
                self.chat.go_to(chosen.room, chosen.seq, chosen.id)

        self.push_screen(Picker(title, results.matching, is_wide=True), show)

    # --- What was typed, and commands ----------

    def action_accept(self) -> None:
        """Join the room of the latest invitation."""
        room = self.board.take_invitation()
        if room and room not in self.prompt.client.model.rooms:
            self.send(f"/join {room}")
        else:
            self.bell()

    def action_type_command(self, command: str) -> None:
        self.send(command)

    def action_search_typed(self) -> None:
        """Choose from what was typed here before."""
        line = self.chat.input

        def find(typed: str) -> list[Offer]:
            return [Offer(text) for text in line.typed_before(typed)]

        self.push_screen(
            Picker(sentence("search_typed.title"), find), lambda found: line.begin(found) if found else None
        )
