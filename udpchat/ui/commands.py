"""What a person types, and what the client is to do about it: the table of commands, and the prompt. Pure.

A line is a message to the target of the moment, `/word ...` a command, `//x` the message `/x`. Blanks before the slash
change nothing in that. What begins like a command and is none is never sent: a mistyped `/msg` must not tell a room
what was meant for one person. A pasted text may have several lines: it is one message, or the TEXT of a command.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

from udpchat.chat.events import ClientEvent, Error, Notice
from udpchat.chat.text import clean_text, control_character
from udpchat.client.core import ClientCore, LocalError
from udpchat.ui.arguments import (
    Refusal,
    WrongUsage,
    bounded,
    first_word,
    nick_of,
    nothing,
    only_word,
    room_of,
    some_text,
    target_of,
)
from udpchat.ui.recall import Archive, Moment, Recall
from udpchat.wire import requests
from udpchat.wire.limits import AWAY_BYTES_MAX, TEXT_BYTES_MAX, TOPIC_BYTES_MAX

WORD_CHARACTERS_MAX = 32  # of an unknown command, compared and shown
USAGE_CHARACTERS = 26  # the left column of the help
CLEAR_TOPIC = "-"


class Group(Enum):
    """The groups of the help, in its order."""

    TALKING = "Talking"
    PAST = "What was said"
    ROOMS = "Rooms"
    PEOPLE = "People"
    CLIENT = "This client"


Handle = Callable[["Prompt", float, str], list[ClientEvent]]


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `handle` gets the prompt, the time and what follows the name; it may raise what `arguments` has."""

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
        return self.group is Group.TALKING


# --- What each command does ----------


def _me(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    prompt.say(now, some_text(rest), is_action=True)
    return []


def _say(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    prompt.say(now, some_text(rest))
    return []


def _msg(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    target, text = first_word(rest)
    prompt.say_to(now, target_of(target), some_text(text))
    return []


def _query(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    if not rest.strip():
        return prompt.turn_to(prompt.current_room())
    target, text = first_word(rest)
    person = "@" + nick_of(target)
    if text:
        prompt.say_to(now, person, text)
    return prompt.turn_to(person)


def _join(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    room = room_of(only_word(rest))
    prompt.client.join(now, room)
    return prompt.turn_to(room)


def _part(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    room = prompt.room_or_current(rest)
    prompt.client.part(now, room)
    return prompt.turn_from(room)


def _room_command(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    if rest.strip():
        return prompt.turn_to(target_of(only_word(rest), bare_is_room=True))
    rooms = prompt.client.rooms
    where = f"you are in {', '.join(rooms)}" if rooms else "you are in no room"
    return [Notice("room", f"{where}; {_talking_to(prompt.target)}")]


def _rooms(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    nothing(rest)
    prompt.client.ask(now, requests.ListRooms(""))
    return []


def _names(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    prompt.client.ask(now, requests.ListMembers(prompt.room_or_current(rest), ""))
    return []


def _topic(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    topic = rest.strip()
    if topic.startswith("#"):
        word, topic = first_word(topic)
        room = room_of(word)
    else:
        room = prompt.current_room()
    if not topic:
        prompt.client.ask(now, requests.GetTopic(room))
    else:
        topic = "" if topic == CLEAR_TOPIC else bounded(topic, TOPIC_BYTES_MAX, "topic")
        prompt.client.ask(now, requests.SetTopic(room, topic))
    return []


def _history(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    return prompt.recall.history(now, prompt.target or prompt.current_room(), rest)


def _search(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    return prompt.recall.search(now, rest)


def _nick_command(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    prompt.client.ask(now, requests.Rename(nick_of(only_word(rest))))
    return []


def _whois(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    prompt.client.ask(now, requests.Whois(nick_of(only_word(rest))))
    return []


def _away(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    prompt.client.ask(now, requests.SetAway(bounded(rest.strip() or "away", AWAY_BYTES_MAX, "reason")))
    return []


def _back(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    nothing(rest)
    prompt.client.ask(now, requests.SetAway(""))
    return []


def _ignore(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    if not rest.strip():
        ignored = prompt.client.ignored()
        return [Notice("ignored", f"you ignore {', '.join(ignored)}" if ignored else "you ignore nobody")]
    nick = nick_of(only_word(rest))
    prompt.client.ignore(nick)
    return [Notice("ignored", f"you ignore {nick}")]


def _unignore(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    nick = nick_of(only_word(rest))
    was_ignored = prompt.client.unignore(nick)
    return [Notice("ignored", f"you no longer ignore {nick}" if was_ignored else f"you did not ignore {nick}")]


def _help(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    if not rest.strip():
        return _help_lines(_overview(prompt.commands))
    command = prompt.command(only_word(rest).removeprefix("/"))
    also = f"  (also {', '.join(f'/{alias}' for alias in command.aliases)})" if command.aliases else ""
    details = f" {command.details}" if command.details else ""
    return _help_lines([f"{command.form}{also}", f"  {_sentence(command.summary)}{details}"])


def _overview(commands: Sequence[Command]) -> list[str]:
    lines = ["A line is a message, /word a command; //x sends /x. /help COMMAND explains one."]
    for group in Group:
        members = [command for command in commands if command.group is group]
        if members:
            lines.append(group.value)
            lines += [f"  {command.form:<{USAGE_CHARACTERS}} {command.summary}" for command in members]
    return lines


def _help_lines(lines: list[str]) -> list[ClientEvent]:
    return [Notice("help", line) for line in lines]


def _quit(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    prompt.wants_quit_now = prompt.wants_quit
    prompt.wants_quit = True
    return []


def _talking_to(target: str) -> str:
    return f"what you type goes to {target}" if target else "what you type goes nowhere: /join ROOM"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


# --- The table ----------

_T, _B, _R, _P, _C = Group.TALKING, Group.PAST, Group.ROOMS, Group.PEOPLE, Group.CLIENT
COMMANDS: tuple[Command, ...] = (
    Command("me", _T, "TEXT", "say what you do", "/me waves is shown as: * alice waves", _me),
    Command("msg", _T, "NICK TEXT", "tell one person something",
            "They get it when they come back if they are not here. #ROOM in place of NICK says it in that room.",
            _msg, ("m", "tell")),
    Command("query", _T, "[NICK [TEXT]]", "talk with one person: lines go to them from now on",
            "Alone it goes back to the room.", _query, ("q",)),
    Command("say", _T, "TEXT", "say something, whatever it begins with", "/say /help says /help, as //help does.",
            _say),
    Command("history", _B, "[N] [before TIME]", "show what was said here before",
            "TIME is 14:30, 2026-11-21, both with a T between, or 2h or 3d for ago. It works without a server too.",
            _history),
    Command("search", _B, "WORDS [from:NICK] [in:ROOM] [since:DATE]", "find messages that hold all the words",
            "In all rooms and your conversations, unless told. DATE is as TIME of /history; from:NICK needs no WORDS.",
            _search),
    Command("join", _R, "ROOM", "enter a room and talk in it", "The # before a room's name may be left out.",
            _join, ("j",)),
    Command("part", _R, "[ROOM]", "leave a room", "Without a name it is the current one.", _part, ("leave",)),
    Command("room", _R, "[ROOM]", "talk in another of your rooms, or see which it is",
            "Nothing is joined or left; @NICK talks with a person.", _room_command),
    Command("rooms", _R, "", "list the rooms of the server", "", _rooms, ("list",)),
    Command("names", _R, "[ROOM]", "list who is in a room", "Without a name it is the current one.", _names, ("who",)),
    Command("topic", _R, "[#ROOM] [TEXT]", "see or set a room's topic",
            f"Here the # is needed. {CLEAR_TOPIC} in place of TEXT clears the topic.", _topic, ("t",)),
    Command("nick", _P, "NICK", "go by another nick", "It must be free or yours; the one before stays yours.",
            _nick_command),
    Command("whois", _P, "NICK", "see who somebody is", "Whether they are here, in which rooms, idle for how long.",
            _whois),
    Command("away", _P, "[REASON]", "say that you are away", "Whoever writes to you is told the reason. /back ends it.",
            _away),
    Command("back", _P, "", "be away no longer", "", _back),
    Command("ignore", _P, "[NICK]", "see nothing of what somebody says", "Alone it lists whom you ignore.", _ignore),
    Command("unignore", _P, "NICK", "see again what somebody says", "", _unignore),
    Command("help", _C, "[COMMAND]", "list the commands, or explain one", "", _help),
    Command("quit", _C, "", "leave, once all that you said is confirmed",
            "A second /quit leaves at once. Words after it are not sent.", _quit, ("exit",)),
)  # fmt: skip


class Prompt:
    """Where a person types: whom a line goes to, and whether the person wants to leave.

    A program may add `commands` of its own to the table. The past is read from `archive`, and times by `moment`.
    `is_typed`: lines come from a person's keys, and a control character among them is a slip that is refused; what a
    program writes is sent as it is, for whoever shows it to make it safe.
    `wants_quit` is set by /quit, which waits for what is not confirmed, `wants_quit_now` by a second one; whoever
    drives the client acts on them.
    """

    def __init__(
        self,
        client: ClientCore,
        commands: Sequence[Command] = COMMANDS,
        *,
        archive: Archive | None = None,
        moment: Moment | None = None,
        is_typed: bool = False,
    ) -> None:
        self.client = client
        self._is_typed = is_typed
        self.recall = Recall(client, archive, moment)
        self.commands = tuple(commands)
        self.wants_quit = False
        self.wants_quit_now = False
        self._by_name = {name: command for command in self.commands for name in (command.name, *command.aliases)}
        assert len(self._by_name) == sum(1 + len(command.aliases) for command in self.commands), "two of one name"
        self._visited = list(reversed(client.rooms))  # the current room last; first come those that were asked for
        self._person = ""

    @property
    def target(self) -> str:
        """Where a line goes: a room's name, `@nick`, or empty if there is nowhere to go."""
        return self._person or (self._visited[-1] if self._visited else "")

    def enter(self, now: float, line: str) -> list[ClientEvent]:
        """Do what `line` asks; what the person is to be told at once, an `Error` if nothing was done or sent."""
        line = line.rstrip("\r\n")
        if not line.strip():
            return []
        try:
            if clean_text(line) is None:
                raise Refusal("not_text", "not sent: it holds characters that UTF-8 does not have")
            if self._is_typed and (name := control_character(line)):
                raise Refusal("control_character", f"not sent: it holds the control character {name}; type it without")
            word = line.lstrip()
            if word.startswith("/") and not word.startswith("//"):
                return self._obey(now, word[1:])
            self._refuse_if_leaving()
            self.say(now, line.replace("//", "/", 1) if word.startswith("//") else line)
        except Refusal as refusal:
            return [Error(refusal.code, refusal.text, said=line)]
        except LocalError as error:
            return [Error(error.code, str(error), said=line)]
        return []

    def _obey(self, now: float, line: str) -> list[ClientEvent]:
        word = line.split(maxsplit=1)[0] if line[:1].strip() else ""
        command = self.command(word)
        if command.handle is not _quit:
            self._refuse_if_leaving()
        if "\n" in line and not command.takes_lines:
            text = f"nothing was done: /{command.name} takes one line; to send a text that begins so, put a / before it"
            raise Refusal("usage", text)
        try:
            return command.handle(self, now, line[len(word) + 1 :])
        except WrongUsage:
            raise Refusal("usage", f"usage: {command.form}   (/help {command.name} explains it)") from None

    def _refuse_if_leaving(self) -> None:
        if self.wants_quit:
            raise Refusal("leaving", "not sent: you are leaving")

    def command(self, word: str) -> Command:
        """The command of this name or alias, in any letter case. Raises `Refusal`, with the nearest name."""
        word = word[:WORD_CHARACTERS_MAX].lower()
        command = self._by_name.get(word)
        if command is not None:
            return command
        near = get_close_matches(word, self._by_name, n=1)
        hint = f"did you mean /{near[0]}?" if near else "/help lists them."
        text = f"unknown command /{word}, nothing was sent: {hint} A line that begins with // is sent with one / less."
        raise Refusal("unknown_command", text)

    # --- For the commands ----------

    def say(self, now: float, text: str, *, is_action: bool = False) -> None:
        """Say it to the target. Raises `Refusal` if there is none or the text is too long, and `LocalError`."""
        self.say_to(now, self._person or self.current_room(), text, is_action=is_action)

    def say_to(self, now: float, target: str, text: str, *, is_action: bool = False) -> None:
        """Say it in a room that the client is in, or to `@nick`. Raises as `say` does."""
        text = bounded(text, TEXT_BYTES_MAX, "message")
        if target.startswith("@"):
            self.client.tell(now, target[1:], text, is_action)
        else:
            self.client.say(now, self._joined(target), text, is_action)

    def current_room(self) -> str:
        """The room that lines go to, or went to before the person talked with somebody. Raises `Refusal`."""
        if not self._visited:
            raise Refusal("no_room", "you are in no room: /join ROOM")
        return self._joined(self._visited[-1])

    def room_or_current(self, rest: str) -> str:
        """The one room named after a command, or else the current one. Raises `Refusal`, `WrongUsage`."""
        return room_of(only_word(rest)) if rest.strip() else self.current_room()

    def turn_to(self, target: str) -> list[ClientEvent]:
        """Lines go to this room or `@nick` from now on. Raises `Refusal` if the client is not in the room."""
        if target.startswith("@"):
            self._person = target
        else:
            room = self._joined(target)
            self._person = ""
            self._visited = [other for other in self._visited if other != room] + [room]
        return [Notice("target", _talking_to(self.target))]

    def turn_from(self, room: str) -> list[ClientEvent]:
        """Lines go to this room no longer, but to where they went before."""
        former = self.target
        self._visited = [other for other in self._visited if other != room and other in self.client.rooms]
        return [Notice("target", _talking_to(self.target))] if self.target != former else []

    def _joined(self, room: str) -> str:
        # Not silently another room: what is typed for a room that was refused may be meant for it alone.
        if room not in self.client.rooms:
            raise Refusal("not_in_room", f"you are not in {room}: /join {room}, or /room for another")
        return room
