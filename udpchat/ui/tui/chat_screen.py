"""The screen of the client: which parts it has, where they stand, and which of them a narrow terminal folds away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from udpchat.chat.events import HistoryFound, PageFound
from udpchat.client.model import Item
from udpchat.ui.completion import KnownNames, speakers_first
from udpchat.ui.local_times import TIME_FORMATS
from udpchat.ui.phrases import sentence
from udpchat.ui.preferences import Preferences, words_of_usages
from udpchat.ui.prompt import Prompt
from udpchat.ui.tui import side_and_status
from udpchat.ui.tui.board import Board, is_for
from udpchat.ui.tui.cells import safe
from udpchat.ui.tui.input_box import InputBox
from udpchat.ui.tui.local_lines import LocalLine
from udpchat.ui.tui.message_list import MessageList
from udpchat.ui.tui.side_list import SideList
from udpchat.wire.fields import Value

OWN_ONLY: Final = ("edit", "delete")  # commands about messages of one's own
BARE: Final = "-bare"  # the class of a screen with messages and line alone
SHOWN_FROM_COLUMNS: Final = {"rooms": 70, "members": 100}  # the narrowest terminal that has each list, unless told
Want = Callable[[str, int, int], None]  # a page of a conversation: its name, before which sequence, how many


class VisibleParts(Value, frozen=True):
    """What the message list shows of the conversation `name`."""

    name: str
    prompt: Prompt
    board: Board
    want: Want

    def latest(self) -> Sequence[Item]:
        return self.prompt.client.model.items(self.name) if self.name else ()

    def local_lines(self) -> Sequence[LocalLine]:
        return self.board.lines.of(self.name)

    def want_page(self, before: int, count: int) -> None:
        """Ask for `count` messages before this sequence."""
        if self.name:
            self.want(self.name, before, count)


LAYOUT: Final = """
ChatScreen { layout: vertical; background: $background; color: $foreground; }
#topic, #status, #target { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
#topic, #status { background: $panel; }
#topic { text-style: bold; }
#middle { height: 1fr; }
#rooms { width: 22; border-right: vkey $border; }
#members { width: 20; border-left: vkey $border; }
#messages { width: 1fr; }
#bottom { height: auto; }
#target { width: auto; max-width: 40%; text-style: bold; }
#input { width: 1fr; }
ChatScreen.-bare #topic, ChatScreen.-bare #status { display: none; }
"""


class ChatScreen(Screen[None]):
    """Draws the model of `prompt`'s client. It keeps nothing but which parts are shown."""

    DEFAULT_CSS = LAYOUT

    def __init__(self, prompt: Prompt, board: Board, want: Want, *, call_of_key: Mapping[str, str]) -> None:
        super().__init__()
        self.messages = MessageList(id="messages")
        self.rooms = SideList(id="rooms")
        self.members = SideList(id="members")
        self.input = InputBox(self.known, call_of_key)
        self._prompt = prompt
        self._board = board
        self._want = want
        self._chosen: dict[str, bool] = {}  # which lists are shown or hidden whatever the width
        self._hint = ""
        self._before_first = ExitStack()  # nothing is painted before the first draw
        self._seen: tuple[str | None, bool] = (None, False)  # open at the last draw, and whether in focus

    def compose(self) -> ComposeResult:
        """From the top: topic; rooms, messages, members; status; where lines go, and the line."""
        yield Static(id="topic", markup=False)
        with Horizontal(id="middle"):
            yield self.rooms
            yield self.messages
            yield self.members
        yield Static(id="status", markup=False)
        with Horizontal(id="bottom"):
            yield Static(id="target", markup=False)
            yield self.input

    class SearchEnded(Message):
        """A search has found messages."""

        def __init__(self, found: HistoryFound) -> None:
            self.found = found
            super().__init__()

    def on_mount(self) -> None:
        self.input.focus()  # it is drawn when its size is known
        self._before_first.enter_context(self.app.batch_update())

    # --- Drawing ----------

    def draw(self) -> None:
        """Draw what the model holds now; only what differs from before is changed on the terminal."""
        if not (self.is_mounted and self.is_running):
            return  # not yet, or no longer
        prompt, model, target = self._prompt, self._prompt.client.model, self._prompt.target
        conversation = model.conversation(target) if target else None
        seen = (target, self.app.app_focus)
        self.input.turn_to(target)
        unread_after = conversation.read_up_to or 0 if conversation is not None and conversation.unread else None
        board, is_replaced = self._board, target in self._board.replaced
        if target != self._seen[0] or is_replaced or board.has_missed:
            shown = VisibleParts(target, prompt, board, self._want)
            board.has_missed = False  # before pages are asked for
            self.messages.show(shown, unread_after=unread_after, is_replaced=is_replaced)
        elif unread_after is not None and seen != self._seen:
            self.messages.set_unread_after(unread_after)
        else:
            self.messages.renew()
        board.replaced.discard(target)
        self._seen = seen
        self.take_pending()
        if (found := self._board.take_found()) is not None:
            self.post_message(self.SearchEnded(found))
        self.rooms.show(side_and_status.conversation_rows(prompt))
        if self.members.display:
            self.members.show(side_and_status.member_rows(model, target))
        self._write("topic", side_and_status.topic_line(model, target))
        has_rooms, invitation = self.rooms.display, board.invitation_hint
        line = side_and_status.status_line(prompt, has_rooms=has_rooms, invitation=invitation)
        self._write("status", self._hint or line)
        self._write("target", side_and_status.target_line(prompt, board.now_ms()))
        self._before_first.close()

    def take_pending(self) -> None:
        """Give the list the pages that it asked for, and what was said about its messages."""
        model, pending = self._prompt.client.model, self._board.pending
        while pending:
            event = pending.popleft()
            if not is_for(event, self._prompt.target):
                continue
            if isinstance(event, PageFound):
                items = [model.item_of(message) for message in event.messages]
                self.messages.receive_page(event.first, event.before, items)
            else:
                quote = model.conversation(self._prompt.target).quote_after(event)
                self.messages.amend(event.seq, event.id, partial(model.amended, event=event), quote)

    def _write(self, part: str, text: str) -> None:
        line, content = self.query_one(f"#{part}", Static), Content(text)
        if line.content != content:
            line.update(content, layout=part == "target")  # the others are as wide as the screen

    def hint(self, text: str) -> None:
        """Show a line in the place of the status, until the next one, which may be empty."""
        if text != self._hint:
            self._hint = safe(text)
            self.draw()

    def known(self) -> KnownNames:
        """What can be completed here; nicks only that are drawn as they are, as all nicks are that may be taken."""
        prompt, model = self._prompt, self._prompt.client.model
        items = model.conversation(prompt.target).items if prompt.target else []
        members = model.members(prompt.target) if prompt.target in model.rooms else ()
        nicks = [
            nick for nick in speakers_first(items, [one.nick for one in members], model.nick) if safe(nick) == nick
        ]
        return KnownNames(nicks, model.rooms, prompt.commands, words_of_usages())

    def apply(self, preferences: Preferences) -> None:
        """Draw as the person prefers."""
        self.messages.set_form(
            time_format=TIME_FORMATS[preferences.choice("time")],
            is_formatted=preferences.is_on("formatting"),
            has_nick_colours=preferences.is_on("nick-colours") and not self.app.no_color,
        )

    # --- What is shown ----------

    def on_resize(self, event: events.Resize) -> None:
        """Fold the lists that a narrow terminal has no room for, unless the person chose them."""
        self._fold(event.size.width)

    def _fold(self, columns: int) -> None:
        for name, least in SHOWN_FROM_COLUMNS.items():
            is_wanted = self._chosen.get(name, columns >= least)
            self.query_one(f"#{name}").display = is_wanted and not self.is_bare
        self.draw()

    @property
    def is_bare(self) -> bool:
        """Whether it has only messages and the line."""
        return self.has_class(BARE)

    def toggle_bare(self) -> None:
        """Only messages and the line, or all again."""
        self.toggle_class(BARE)
        self._fold(self.size.width)

    def action_toggle_list(self, name: str) -> None:
        """Show a side list, or hide it."""
        self._chosen[name] = not self.query_one(f"#{name}").display
        self._fold(self.size.width)

    def cancel(self) -> bool:
        """End what was begun: nothing is selected any more, and no hint shown. False if there was nothing to end."""
        had_any = bool(self._hint or self.messages.selected or self.get_selected_text())
        self.messages.unselect()
        self.clear_selection()
        self.hint("")
        return had_any

    # --- Messages ----------

    def on_message_list_link_pressed(self, pressed: MessageList.LinkPressed) -> None:
        """Copy the address: a browser may have no screen but this one."""
        self.app.copy_to_clipboard(pressed.url)
        self.hint(sentence("copied", text=pressed.url))

    def action_scroll(self, step: int) -> None:
        """A page up or down."""
        self.messages.scroll_pages(step)

    def action_scroll_to_start(self) -> None:
        self.messages.jump_to(1)

    def action_scroll_to_end(self) -> None:
        self.messages.unselect()
        self.messages.jump_to_end()

    def go_to(self, room: str, sequence: int, identity: str) -> None:
        """Select this message, which is in the conversation that lines go to now."""
        self.draw()  # of the other conversation, if it was not the open one
        if self._seen[0] == room:
            self.messages.go_to(sequence, identity)

    def action_go_to_unread(self) -> None:
        self.messages.jump_to_unread()

    def action_go_to_mention(self, step: int) -> None:
        """Select the next message that mentions this user, or the one before; from the end, the latest one."""
        items = self._items()
        selected = self.messages.selected
        at = items.index(selected) if selected in items else len(items)
        later = items[at + 1 :] if step > 0 else items[:at][::-1]
        mention = next((item for item in later if item.is_mention), None)
        if mention is None or not self.messages.select(mention.id):
            self.app.bell()

    def _items(self) -> list[Item]:
        target = self._prompt.target
        return self._prompt.client.model.conversation(target).items if target else []

    def action_select(self, step: int) -> None:
        """Select the message above, or below."""
        self.messages.select_by(step)

    def action_begin(self, command: str) -> None:
        """Begin the command that is about the selected message, else the one that the command means without an ID.

        Of who may remove what others say, a delete of that is a redact, which takes a reason.
        A reply begins with what is half typed, if that is no command. An edit begins with the text of the message;
        if none is selected, it is that of one's latest message.
        """
        item = self.messages.selected
        if command == "delete" and item is not None and not item.is_own and side_and_status.may_redact(self._prompt):
            command = "redact"
        if command in OWN_ONLY and item is not None and not item.is_own:
            self.hint(sentence("not_allowed.not_own", nick=item.nick))
            self.app.bell()
            return
        if command == "edit" and item is None:
            item = next((each for each in reversed(self._items()) if each.is_own and not each.is_removed), None)
        text = f"/{command} {self._prompt.pick(item)} " if item else f"/{command} "
        if command == "edit" and item is not None:
            text += item.text
        half = self.input.text
        if command == "reply" and not half.lstrip().startswith("/"):
            self.input.put(text + half)
        else:
            self.input.begin(text)

    def action_obey(self, command: str) -> None:
        """Carry out the command about the selected message, else about the one that it means without an ID."""
        item = self.messages.selected
        self.input.owner.send(f"/{command} {self._prompt.pick(item)}" if item else f"/{command}")

    def action_begin_search(self) -> None:
        self.input.begin("/search ")
