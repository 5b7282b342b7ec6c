"""The table of commands: how each is written, what it is for, and what it does. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from udpchat.chat.emoji_text import is_emoji
from udpchat.chat.events import ClientEvent, notice
from udpchat.chat.names import parse_room
from udpchat.chat.phrase import Problem
from udpchat.client import compose
from udpchat.client.model import shortened
from udpchat.ui import message_ids
from udpchat.ui.account_commands import ACCOUNT_COMMANDS
from udpchat.ui.arguments import (
    WrongUsage,
    first_word,
    nick_of,
    nothing,
    only_word,
    search_terms_of,
    some_text,
    span_of,
    target_of,
)
from udpchat.ui.emoji import emoji_of
from udpchat.ui.markup import links
from udpchat.ui.order_commands import ORDER_COMMANDS
from udpchat.ui.order_sentences import ROLE_MARKS
from udpchat.ui.phrases import sentence
from udpchat.ui.preferences import SETTINGS, setting_of
from udpchat.ui.prompt import QUIT, Command, Group, Prompt, target_notice

USAGE_CHARACTERS = 26  # the left column of the help
CLEAR = "-"
IDS_LISTED = 10  # if no number is given
AWAY_REASON = "away"  # if the person gives none


# --- What each command does ----------


def _me(prompt: Prompt, now: float, rest: str) -> None:
    prompt.say(now, some_text(rest), is_action=True)


def _say(prompt: Prompt, now: float, rest: str) -> None:
    prompt.say(now, some_text(rest))


def _msg(prompt: Prompt, now: float, rest: str) -> None:
    target, text = first_word(rest)
    prompt.say_to(now, target_of(target), some_text(text))


def _reply(prompt: Prompt, now: float, rest: str) -> None:
    word, text = message_ids.id_and_text(prompt.client.model, rest)
    message = prompt.message(word, is_own=False)
    prompt.client.ask(now, compose.reply(message.target, prompt.typed(text), message.about))


def _edit(prompt: Prompt, now: float, rest: str) -> None:
    word, text = message_ids.id_and_text(prompt.client.model, rest)
    message = message_ids.own(prompt.message(word, is_own=True))
    prompt.client.ask(now, compose.edit(message.target, prompt.typed(text), message.about))


def _react(prompt: Prompt, now: float, rest: str) -> None:
    word, emoji = _id_and_emoji(rest)
    if not emoji:
        raise WrongUsage
    message = prompt.message(word, is_own=False)
    prompt.client.ask(now, compose.react(message.target, emoji, message.about, added=True))


def _unreact(prompt: Prompt, now: float, rest: str) -> None:
    word, emoji = _id_and_emoji(rest)
    model, target = prompt.client.model, prompt.target or prompt.current_room()
    message = prompt.message(word, is_own=False) if word else message_ids.latest_reacted_to(model, target)
    given = [reaction.emoji for reaction in message.reactions if reaction.is_own]
    for each in [emoji] if emoji else given:
        prompt.client.ask(now, compose.react(message.target, each, message.about, added=False))
    if not (emoji or given):
        raise Problem("no_such_message.reacted", target=message.target)


def _id_and_emoji(rest: str) -> tuple[str, str]:
    """`[ID] [EMOJI]`, the emoji also as a shortcode, with or without its colons. Raises `WrongUsage`."""
    words = rest.split()
    if len(words) > 2:
        raise WrongUsage
    emoji = words[-1] if words else ""
    if emoji and not is_emoji(emoji):
        emoji = emoji_of(emoji.strip(":"))
    if len(words) == 2:
        return words[0], emoji or words[1]
    return ("", emoji) if emoji else ("".join(words), "")


def _delete(prompt: Prompt, now: float, rest: str) -> None:
    message = message_ids.own(prompt.message(only_word(rest) if rest.strip() else "", is_own=True))
    prompt.client.ask(now, compose.redact(message.target, "", message.about))


def _receipts(prompt: Prompt, now: float, rest: str) -> None:
    message = message_ids.own(prompt.message(only_word(rest) if rest.strip() else "", is_own=True))
    prompt.client.ask(now, compose.list_holders(prompt.log_of(message.target), message.about))


def _open(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    if rest.strip():
        texts = [prompt.message(only_word(rest), is_own=False).text]
    else:
        texts = [item.text for item in prompt.client.model.conversation(prompt.target or prompt.current_room()).items]
    url = next((found[-1] for found in map(links, reversed(texts)) if found), "")
    if not url:
        raise Problem("no_link")
    is_opened = prompt.open_link is not None and prompt.open_link(url)
    return [notice("opening" if is_opened else "link", url=url)]


def _ids(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    count, _ = span_of(rest, None) if rest.strip() else (IDS_LISTED, 0)
    items = prompt.client.model.conversation(prompt.target or prompt.current_room()).items
    listed = [item for item in items if not item.is_removed][-count:]
    return [notice("id", id=item.id, nick=item.nick, text=shortened(item.text)) for item in listed]


def _query(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    if not rest.strip():
        return prompt.turn_to(prompt.current_room())
    target, text = first_word(rest)
    person = "@" + nick_of(target)
    if text:
        prompt.say_to(now, person, text)
    return prompt.turn_to(person)


def _join(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    room = parse_room(only_word(rest))
    prompt.client.join(now, room)
    return prompt.turn_to(room)


def _part(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    if prompt.target.startswith("@") and not rest.strip():
        return prompt.close_conversation()
    room = prompt.room_or_current(rest)
    prompt.client.part(now, room)
    return prompt.turn_from(room)


def _room_command(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    if rest.strip():
        return prompt.turn_to(target_of(only_word(rest), bare_is_room=True))
    rooms = prompt.client.model.rooms
    return [notice("room" if rooms else "room.none", rooms=rooms, target=target_notice(prompt.target))]


def _rooms(prompt: Prompt, now: float, rest: str) -> None:
    nothing(rest)
    prompt.client.ask(now, compose.list_rooms())


def _names(prompt: Prompt, now: float, rest: str) -> None:
    prompt.client.ask(now, compose.list_members(prompt.room_or_current(rest)))


def _topic(prompt: Prompt, now: float, rest: str) -> None:
    topic = rest.strip()
    if topic.startswith("#"):
        word, topic = first_word(topic)
        room = parse_room(word)
    else:
        room = prompt.current_room()
    if not topic:
        prompt.client.ask(now, compose.get_topic(room))
    else:
        prompt.client.ask(now, compose.set_topic(room, "" if topic == CLEAR else topic))


def _history(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    count, before_ms = span_of(rest, prompt.parse_time)
    return prompt.history.latest(now, prompt.target or prompt.current_room(), count, before_ms)


def _search(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    terms = search_terms_of(rest, prompt.parse_time)
    if terms.target:
        prompt.log_of(terms.target)
    return prompt.history.search(now, terms.words, nick=terms.nick, target=terms.target, since_ms=terms.since_ms)


def _nick_command(prompt: Prompt, now: float, rest: str) -> None:
    prompt.client.ask(now, compose.rename(nick_of(only_word(rest))))


def _whois(prompt: Prompt, now: float, rest: str) -> None:
    prompt.client.ask(now, compose.whois(nick_of(only_word(rest))))


def _away(prompt: Prompt, now: float, rest: str) -> None:
    prompt.client.ask(now, compose.set_away(rest.strip() or AWAY_REASON))


def _back(prompt: Prompt, now: float, rest: str) -> None:
    nothing(rest)
    prompt.client.ask(now, compose.set_away(""))


def _ignore(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    if not rest.strip():
        ignored = prompt.client.timeline.people.ignored()
        return [notice("ignored" if ignored else "ignored.none", nicks=ignored)]
    nick = nick_of(only_word(rest))
    prompt.client.timeline.people.ignore(nick)
    return [notice("ignored", nicks=[nick])]


def _unignore(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    nick = nick_of(only_word(rest))
    was_ignored = prompt.client.timeline.people.unignore(nick)
    return [notice("ignored.no_longer" if was_ignored else "ignored.never", nick=nick)]


def _set(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    if not rest.strip():
        forms = {name: f"{name} {prompt.preferences.shown(name)}" for name in SETTINGS}
        return _help_lines([f"  {form:<{USAGE_CHARACTERS}} {SETTINGS[name].summary}" for name, form in forms.items()])
    name, value = first_word(rest)
    setting = setting_of(name)
    if value:
        prompt.preferences.set(name, value)
        return [notice("setting.now", name=setting.name, value=prompt.preferences.shown(setting.name))]
    shown = prompt.preferences.shown(setting.name)
    return [notice("setting", name=setting.name, value=shown, summary=setting.summary, allowed=setting.allowed)]


def _theme(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    return _set(prompt, now, f"theme {rest}")


def _notify(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    target = prompt.target or prompt.current_room()
    if rest.strip():
        prompt.preferences.set_level(target, only_word(rest))
    return [notice("notify", target=target, level=prompt.preferences.level(target).value)]


def _highlight(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    if rest.strip():
        prompt.preferences.toggle("highlight", only_word(rest))
    return [notice("highlight", words=prompt.preferences.words("highlight"))]


def _help(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
    if not rest.strip():
        return _help_lines(_overview(prompt.commands))
    command = prompt.command(only_word(rest).removeprefix("/"))
    also = sentence("help.also", aliases=[f"/{alias}" for alias in command.aliases]) if command.aliases else ""
    details = f" {command.details}" if command.details else ""
    return _help_lines([f"{command.form}{also}", f"  {_sentence(command.summary)}{details}"])


def _overview(commands: Sequence[Command]) -> list[str]:
    lines = [sentence("help")]
    for group in Group:
        members = [command for command in commands if command.group is group]
        if members:
            lines.append(group.value)
            lines += [f"  {command.form:<{USAGE_CHARACTERS}} {command.summary}" for command in members]
    return lines


def _help_lines(lines: list[str]) -> list[ClientEvent]:
    return [notice("help.line", line=line) for line in lines]


def _quit(prompt: Prompt, now: float, rest: str) -> None:
    prompt.quits += 1


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


# --- The table ----------

_MARKS = ", ".join(f"{mark} {role}" for role, mark in ROLE_MARKS.items())

_T, _M, _B, _R, _P, _C = Group.TALKING, Group.MESSAGES, Group.PAST, Group.ROOMS, Group.PEOPLE, Group.CLIENT
COMMANDS: tuple[Command, ...] = (
    Command("me", _T, "TEXT", "say what you do", "/me waves is shown as: * alice waves", _me),
    Command("msg", _T, "NICK TEXT", "tell one person something",
            "They get it when they come back if they are not here. #ROOM in place of NICK says it in that room.",
            _msg, ("m", "tell")),
    Command("query", _T, "[NICK [TEXT]]", "talk with one person: lines go to them from now on",
            "Alone it goes back to the room.", _query, ("q",)),
    Command("say", _T, "TEXT", "say something, whatever it begins with", "/say /help says /help, as //help does.",
            _say),
    Command("reply", _T, "[ID] TEXT", "answer a message",
            "Without ID the latest one of somebody else here. Of an ID, as /ids lists them, a beginning is enough.",
            _reply, ("re",)),
    Command("edit", _T, "[ID] TEXT", "give a message of yours another text", "Without ID your latest one here.", _edit),
    Command("react", _M, "[ID] EMOJI", "react to a message with an emoji",
            "EMOJI may be a name: +1, heart, :tada:. Without ID to the latest message of somebody else here.", _react),
    Command("unreact", _M, "[ID] [EMOJI]", "take a reaction back", "Without EMOJI all of yours to that message.",
            _unreact),
    Command("delete", _M, "[ID]", "remove a message of yours, for all",
            "Without ID your latest one here. Who has read it has read it.", _delete),
    Command("open", _M, "[ID]", "open the latest link of a message",
            "Without ID the latest one here. It is shown where there is no desktop, or it is far away, or where the"
            " host may be taken for another (letters that are not ASCII, an @).", _open),
    Command("receipts", _M, "[ID]", "list who has a message of yours",
            "Without ID your latest one here. Of who has left it is not known; who came later counts as having it.",
            _receipts),
    Command("ids", _M, "[N]", "list the latest messages with their ids", "", _ids),
    Command("history", _B, "[N] [before TIME]", "show what was said here before",
            "TIME is 14:30, 2026-11-21, both with a T between, or 2h or 3d for ago. It works without a server too.",
            _history),
    Command("search", _B, "WORDS [from:NICK] [in:ROOM] [since:DATE]", "find messages that hold all the words",
            "In all rooms and your conversations, unless told. Only whole words are found. DATE is as TIME of "
            "/history; from:NICK needs no WORDS.", _search),
    Command("join", _R, "ROOM", "enter a room and talk in it", "The # before a room's name may be left out.",
            _join, ("j",)),
    Command("part", _R, "[ROOM]", "leave a room",
            "Without a name it is the current one, or the conversation, which is closed.", _part, ("leave",)),
    Command("room", _R, "[ROOM]", "talk in another of your rooms, or see which it is",
            "Nothing is joined or left; @NICK talks with a person.", _room_command),
    Command("rooms", _R, "", "list the rooms of the server", "", _rooms, ("list",)),
    Command("names", _R, "[ROOM]", "list who is in a room",
            f"Without a name it is the current one. On the full screen marks are roles: {_MARKS}.", _names, ("who",)),
    Command("topic", _R, "[#ROOM] [TEXT]", "see or set a room's topic",
            f"Here the # is needed. {CLEAR} in place of TEXT clears the topic.", _topic, ("t",)),
    Command("nick", _P, "NICK", "go by another nick", "It must be free or yours; the one before stays yours.",
            _nick_command),
    Command("whois", _P, "NICK", "see who somebody is", "Whether they are here, in which rooms, idle for how long.",
            _whois),
    Command("away", _P, "[REASON]", "say that you are away", "Whoever writes to you is told the reason. /back ends it.",
            _away),
    Command("back", _P, "", "be away no longer", "", _back),
    Command("ignore", _P, "[NICK]", "see nothing of what somebody says", "Alone it lists whom you ignore.", _ignore),
    Command("unignore", _P, "NICK", "see again what somebody says", "", _unignore),
    *ACCOUNT_COMMANDS,
    *ORDER_COMMANDS,
    Command("set", _C, "[NAME [VALUE]]", "list your settings, see one, or change it", "They are kept for this nick.",
            _set),
    Command("theme", _C, "[THEME]", "choose the colours of the full screen", "", _theme),
    Command("notify", _C, "[LEVEL]", "choose which messages call you here",
            "LEVEL is none, mention, all, or default: what /set notify says. A private message is a mention.", _notify),
    Command("highlight", _C, "[WORD]", "be called by a word, or no longer",
            f"Alone it lists the words; {CLEAR} in place of WORD takes out all.", _highlight),
    Command("help", _C, "[COMMAND]", "list the commands, or explain one", "", _help),
    Command(QUIT, _C, "", "leave, once all that you said is confirmed",
            "A second /quit leaves at once. Words after it are not sent.", _quit, ("exit",)),
)  # fmt: skip
