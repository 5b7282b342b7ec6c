"""The prompt: carries out what a person types, by a table of commands. Pure.

A line is a message to the current target, `/word ...` a command, `//x` the message `/x`; blanks before the slash do not
count. A line that begins like a command and is none is never sent: a mistyped `/msg` must not send to a room what was
meant for one person. A pasted text may have several lines: it is one message, or the TEXT of a command.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

from udpchat.chat.events import ClientEvent, Error, Notice, notice
from udpchat.chat.names import parse_room
from udpchat.chat.nearest import WORD_CHARACTERS_MAX, nearest
from udpchat.chat.phrase import Phrase, Problem
from udpchat.chat.text import clean_text, control_character
from udpchat.client.core import ClientCore
from udpchat.client.history import Archive, History
from udpchat.client.model import Item, ItemState
from udpchat.ui import message_ids
from udpchat.ui.arguments import ParseTime, WrongUsage, only_word
from udpchat.ui.emoji import expand
from udpchat.ui.input_history import is_secret
from udpchat.ui.preferences import Preferences
from udpchat.wire.fields import Value

PICKED_MAX = 100  # messages that a command may still be about
QUIT: Final = "quit"  # the command that is taken while all is being confirmed


class Group(Enum):
    """The groups of the help, in its order."""

    TALKING = "Talking"
    MESSAGES = "Messages"
    PAST = "What was said"
    ROOMS = "Rooms"
    PEOPLE = "People"
    ACCOUNT = "Account"
    ORDER = "Order"
    CLIENT = "This client"


Handle = Callable[["Prompt", float, str], list[ClientEvent] | None]


class Command(Value, frozen=True):
    """One command. `handle` gets the prompt, the time and what follows the name, and returns events to show, if any.

    It may raise what `arguments` has.
    """

    name: str
    group: Group
    usage: str  # what follows the name; brackets around what may be left out
    summary: str  # one line
    details: str  # after the summary, for those who ask about this command
    handle: Handle
    aliases: tuple[str, ...] = ()

    @property
    def form(self) -> str:
        """How it is written: `/msg NICK TEXT`."""
        return f"/{self.name} {self.usage}".rstrip()

    @property
    def takes_lines(self) -> bool:
        """Whether what follows the name may have several lines: it is said, as it is."""
        return self.group is Group.TALKING or self.usage == "TEXT"


class Prompt:
    """Carries out typed lines: knows the target of a message, and whether the person wants to leave.

    `commands`: the table, to which a program may add some of its own. The past is read from `archive`; `parse_time`
    reads times. `is_typed`: the lines come from a person's keys, and one with a control character is refused as a slip;
    from a program it is sent as it is, and whoever shows it makes it safe. `preferences`: without them, all are at
    default. `open_link` opens a web address, False if it cannot. `ask_password`: asks the person for a new password,
    twice, without showing it, and enters `/password NEW`; set by what has a terminal.
    `quits`: how often /quit was entered, which waits for what is not confirmed, unless it is the second one; the owner
    of the client acts on it.
    """

    def __init__(
        self,
        client: ClientCore,
        commands: Sequence[Command],
        *,
        archive: Archive | None = None,
        parse_time: ParseTime | None = None,
        is_typed: bool = False,
        preferences: Preferences | None = None,
        open_link: Callable[[str], bool] | None = None,
    ) -> None:
        self.client = client
        self._is_typed = is_typed
        self.history = History(client, archive)
        self.parse_time = parse_time
        self.preferences = preferences or Preferences()
        self.open_link = open_link
        self.ask_password: Callable[[], object] | None = None
        self.quits = 0
        self._by_name = {name: command for command in commands for name in (command.name, *command.aliases)}
        assert len(self._by_name) == sum(1 + len(command.aliases) for command in commands), "two of one name"
        self._visited = [*reversed(client.model.rooms)]  # the current room last; first come those that were asked for
        self._person = ""
        self._picked: dict[str, message_ids.ChosenMessage] = {}

    @property
    def commands(self) -> tuple[Command, ...]:
        """The table of commands."""
        return tuple(dict.fromkeys(self._by_name.values()))

    @property
    def wants_quit(self) -> bool:
        """Whether the person wants to leave, once all is confirmed."""
        return self.quits > 0

    @property
    def wants_quit_now(self) -> bool:
        """Whether the person wants to leave at once."""
        return self.quits > 1

    @property
    def target(self) -> str:
        """Where a line goes: a room's name, `@nick`, or empty if there is nowhere to go."""
        return self._person or (self._visited[-1] if self._visited else "")

    def enter(self, now: float, line: str) -> list[ClientEvent]:
        """Carry out `line`; events to show at once, an `Error` if nothing was done or sent."""
        line = line.rstrip("\r\n")
        if not line.strip():
            return []
        try:
            if clean_text(line) is None:
                raise Problem("not_text")
            if self._is_typed and (name := control_character(line)):
                raise Problem("control_character", name=name)
            word = line.lstrip()
            if word.startswith("/") and not word.startswith("//"):
                return self._obey(now, word[1:])
            self._refuse_if_leaving()
            self.say(now, line.replace("//", "/", 1) if word.startswith("//") else line)
        except Problem as problem:
            said = "" if is_secret(line) else line  # it is printed, and stays on the terminal
            return [Error(problem.phrase.key, problem.phrase.values, said=said)]
        return []

    def _obey(self, now: float, line: str) -> list[ClientEvent]:
        word = line.split(maxsplit=1)[0] if line[:1].strip() else ""
        command = self.command(word)
        if command.name != QUIT:
            self._refuse_if_leaving()
        if "\n" in line and not command.takes_lines:
            raise Problem("usage.lines", name=command.name)
        try:
            return command.handle(self, now, line[len(word) + 1 :]) or []
        except WrongUsage:
            raise Problem("usage", form=command.form, name=command.name) from None

    def _refuse_if_leaving(self) -> None:
        if self.wants_quit:
            raise Problem("leaving")

    def command(self, word: str) -> Command:
        """The command of this name or alias, in any letter case. Raises `Problem`, with the nearest name."""
        word = word[:WORD_CHARACTERS_MAX].lower()
        command = self._by_name.get(word)
        if command is not None:
            return command
        near = nearest(word, self._by_name)
        hint = Phrase("unknown_command.near", {"name": near}) if near else Phrase("unknown_command.help")
        raise Problem("unknown_command", word=word, hint=hint)

    # --- For the commands ----------

    def say(self, now: float, text: str, *, is_action: bool = False) -> None:
        """Send a message to the target. Raises `Problem` if there is none, and `LocalError`."""
        self.say_to(now, self._person or self.current_room(), text, is_action=is_action)

    def say_to(self, now: float, target: str, text: str, *, is_action: bool = False) -> None:
        """Send a message to a room that the client is in, or to `@nick`. Raises as `say` does."""
        text = self.typed(text)
        if target.startswith("@"):
            self.client.tell(now, target[1:], text, is_action)
        else:
            self.client.say(now, self._joined(target), text, is_action)

    def typed(self, text: str) -> str:
        """A text as it is sent: with the emoji of shortcodes, if a person typed it and wants that."""
        return expand(text) if self._is_typed and self.preferences.is_on("emoji") else text

    def message(self, word: str, *, is_own: bool) -> message_ids.ChosenMessage:
        """The message of this id, or if there is none, the latest of this user, or of others. Raises `Problem`."""
        model, target = self.client.model, self.target or self.current_room()
        if not word:
            return message_ids.latest(model, target, is_own=is_own)
        found = message_ids.named(model, self.history, self._picked, target, word)
        return found if found.target.startswith("@") else found.changed(target=self._joined(found.target))

    def log_of(self, target: str) -> str:
        """The log of a room or of the conversation with `@nick`. Raises `Problem` if no such conversation is known."""
        log = self.client.timeline.log_of(target)
        if log is None:
            raise Problem("no_conversation", nick=target.removeprefix("@"))
        return log

    def pick(self, item: Item) -> str:
        """A person has picked this message of the target, perhaps from a page: the word that commands know it by."""
        if not item.is_removed and item.state is ItemState.SENT:
            self._picked.pop(item.id, None)
            self._picked[item.id] = message_ids.chosen(self.target, item)
            if len(self._picked) > PICKED_MAX:
                del self._picked[next(iter(self._picked))]
        return item.id

    def current_room(self) -> str:
        """The room that lines go to, or went to before a /query. Raises `Problem`."""
        if not self._visited:
            raise Problem("no_room")
        return self._joined(self._visited[-1])

    def room_or_current(self, rest: str) -> str:
        """The one room named after a command, or else the current one. Raises `Problem`, `WrongUsage`."""
        return parse_room(only_word(rest)) if rest.strip() else self.current_room()

    def turn_to(self, target: str) -> list[ClientEvent]:
        """Lines go to this room or `@nick` from now on. Raises `Problem` if the client is not in the room."""
        if target.startswith("@"):
            self._person = self.client.model.conversation(target).name  # as it is spelled in the list
        else:
            room = self._joined(target)
            self._person = ""
            self._visited = [other for other in self._visited if other != room] + [room]
        return [target_notice(self.target)]

    def turn_from(self, room: str) -> list[ClientEvent]:
        """Lines go to this room no longer, but to where they went before."""
        former = self.target
        self._visited = [other for other in self._visited if other != room and other in self.client.model.rooms]
        return [target_notice(self.target)] if self.target != former else []

    def close_conversation(self) -> list[ClientEvent]:
        """Lines go to the open conversation no longer, and it leaves the list until something is said in it."""
        former, self._person = self._person, ""
        self.client.model.forget(former)
        return [target_notice(self.target)]

    def _joined(self, room: str) -> str:
        # Never another room instead: the message may be meant for this room alone.
        if room not in self.client.model.rooms:
            raise Problem("not_in_room.target", room=room)
        return room


def target_notice(target: str) -> Notice:
    """Says where lines go from now on."""
    return notice("target" if target else "target.none", target=target)
