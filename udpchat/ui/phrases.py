"""The sentences that a person reads: a table from codes to English, with the values that stand in them.

A key is the error or notice code that programs get; `code.variant` where one code has several sentences. Values that a
peer chose are made safe where lines are printed, not here.
"""

from __future__ import annotations

from typing import Final

from udpchat.chat.events import Notice

SENTENCES: Final[dict[str, str]] = {
    # Events.
    "connected": "connected to {server} as {nick}",
    "connected.rooms": "connected to {server} as {nick}, in {rooms}",
    "disconnected": "disconnected: {reason}; still trying, and what you type is kept",
    "reconnected": "reconnected: {reason}",
    "joined": "{nick} joined {room}",
    "left": "{nick} left {room}",
    "left.reason": "{nick} left {room} ({reason})",
    "renamed": "{old} is now {nick}",
    "names": "in {room}: {members}",
    "names.none": "nobody is in {room}",
    "rooms": "rooms: {rooms}",
    "rooms.none": "there is no room",
    "topic": "topic of {room}: {topic}",
    "topic.by": "topic of {room}: {topic} (by {nick})",
    "topic.none": "{room} has no topic",
    "topic.none_by": "{room} has no topic (by {nick})",
    "past.none": "nothing was found",
    "error": "error: {text}",
    "error.line": "error: line {line}: {text}",
    # What is typed, and why it is refused.
    "not_text": "not sent: it holds characters that UTF-8 does not have",
    "control_character": "not sent: it holds the control character {name}; type it without",
    "leaving": "not sent: you are leaving",
    "no_room": "you are in no room: /join ROOM",
    "not_in_room": "you are not in {room}: /join {room}, or /room for another",
    "unknown_command": "unknown command /{word}, nothing was sent: {hint}"
    " A line that begins with // is sent with one / less.",
    "unknown_command.near": "did you mean /{name}?",
    "unknown_command.help": "/help lists them.",
    "usage": "usage: {form}   (/help {name} explains it)",
    "usage.lines": "nothing was done: /{name} takes one line; to send a text that begins so, put a / before it",
    "bad_nick": "{reason}",
    "bad_room": "{reason}",
    "bad_number": "between 1 and {number_max} messages can be shown at once",
    "bad_time": "no time that can be read: {text}; write 14:30, 2026-11-21, 2026-11-21T14:30, or 2h or 3d for ago",
    "no_conversation": "nothing is known here of a conversation with {nick}",
    "too_long": "not searched: the words have more than {bytes_max} bytes",
    "unreadable": "{reason}",
    # What a command reports.
    "target": "what you type goes to {target}",
    "target.none": "what you type goes nowhere: /join ROOM",
    "room": "you are in {rooms}; {target}",
    "room.none": "you are in no room; {target}",
    "ignored": "you ignore {nick}",
    "ignored.none": "you ignore nobody",
    "ignored.no_longer": "you no longer ignore {nick}",
    "ignored.never": "you did not ignore {nick}",
    "help": "A line is a message, /word a command; //x sends /x. /help COMMAND explains one.",
    "help.also": "  (also {aliases})",
    "unknown_kind": "{nick} sent something that this version cannot show",
    # The end.
    "quit": "left",
    "leaving.waits": "waiting until all is confirmed; /quit again leaves at once",
    "leaving.input_over": "waiting until all is confirmed; Ctrl+C leaves at once",
    "unconfirmed": "not confirmed: {text}",
    "unconfirmed.line": "not confirmed: line {line}: {text}",
    "unanswered": "not answered: line {line}",
    "not_kept": "not kept: this client keeps nothing on disk, and what has not arrived by now does not arrive",
    "kept": "kept: the next start with {whose} sends them under the same id, so a line that has arrived is not doubled;"
    " --discard at that start drops them, and udpchat-client outbox {whose} lists them (with drop: drops them)",
    "label_at_terminal": "--id is for input from a pipe or a file: what is typed again is another message",
    "internal": "internal error, please report it: {error}",
    # A person at a terminal.
    "entry.server": "connected to {server} as {nick}",
    "entry.key": "server key  {fingerprint}",
    "entry.rooms": "you are in  {rooms}",
    "entry.no_room": "no room yet: /join ROOM enters one",
    "entry.target": "what you type goes to everyone in {room}",
    "entry.target_of_prompt": "the room that the prompt names",
    "entry.target_none": "the room that you join",
    "entry.names": "/names lists who is there, /join ROOM enters another room",
    "entry.msg": "/msg NICK TEXT writes to one person alone",
    "entry.help": "/help lists all commands, {leave} leaves",
    "your_text": "your text: {text}  (Up brings it back)",
    "state.leaving": "leaving",
    "state.disconnected": "disconnected",
    "state.connecting": "connecting",
    "state.sending": "{count} sending",
    "state.missing": "{count} to come",
    "state.no_target": "no room",
}


def sentence(key: str, **values: object) -> str:
    """The sentence of a key, with its values."""
    return SENTENCES[key].format(**values)


def code_of(key: str) -> str:
    """What programs get for a key."""
    return key.partition(".")[0]


def notice(key: str, **values: object) -> Notice:
    """A notice with the code and the sentence of a key."""
    return Notice(code_of(key), sentence(key, **values))
