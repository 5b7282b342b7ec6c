"""The sentences that a person reads: a table from the keys of `chat/phrase` to English, with the values in them.

A key is the error or notice code that programs get; `code.variant` where one code has several sentences; `*.variant`
for all codes. FORMS has the forms of values. Values that a peer chose are made safe where lines are printed, not here.
"""

from __future__ import annotations

from collections.abc import Callable
from string import Formatter
from typing import Any, Final

from udpchat.chat.phrase import Phrase
from udpchat.chat.text import counted, duration_text, kept_for
from udpchat.ui.doctor_sentences import DOCTOR_SENTENCES
from udpchat.ui.finding_sentences import FINDING_SENTENCES
from udpchat.ui.local_times import clock_time
from udpchat.ui.operator_sentences import OPERATOR_SENTENCES
from udpchat.ui.order_sentences import ACCOUNT_SENTENCES, ORDER_SENTENCES, act_in_words, role_with_article

SENTENCES: Final[dict[str, str]] = {
    **ACCOUNT_SENTENCES,
    **ORDER_SENTENCES,
    **OPERATOR_SENTENCES,
    **FINDING_SENTENCES,
    **DOCTOR_SENTENCES,
    # Events.
    "connected": "connected to {server} as {nick}",
    "connected.rooms": "connected to {server} as {nick}, in {rooms:words}",
    "disconnected": "disconnected: {reason}; still trying, and what you type is kept",
    "reconnected": "reconnected: {reason}",
    "lost": "the server does not answer",
    "lost.reason": "{reason}",
    "lost.stopping": "the server is stopping",
    "found": "the server is there again",
    "delivered": "your message {seq} in {room:log} has reached {have} of {users:count other|others}",
    "holders": "your message {seq} in {room:log} has reached {holders:list}{waiting:if ; not known yet of %s}",
    "holders.unknown": "your message {seq} in {room:log}: it is not known yet that it has reached {waiting}",
    "holders.none": "nobody else is in {room:log} now; whom your message {seq} has reached before is not known",
    "joined": "{nick} joined {room}",
    "left": "{nick} left {room}{reason:if  (%s)}",
    "renamed": "{old} is now {nick}",
    "fold": "{parts:clauses}",
    "fold.joined": "{nicks:list}{more:if  and %s more} joined",
    "fold.came_back": "{nicks:list}{more:if  and %s more} came back",
    "fold.left": "{nicks:list}{more:if  and %s more} left",
    "fold.came_by": "{nicks:list}{more:if  and %s more} came by",
    "fold.more_renamed": "{more} more have another nick",
    "names": "in {room}: {members:words}",
    "names.none": "nobody is in {room}",
    "rooms": "rooms: {rooms:words}",
    "rooms.none": "there is no room",
    "topic": "topic of {room}: {topic}{nick:if  (by %s)}",
    "topic.none": "{room} has no topic{nick:if  (by %s)}",
    "reply": "(to {nick}: {text})",
    "reply.removed": "(to {nick}: a removed message)",
    "reply.unknown": "(to an earlier message)",
    "edited": "{nick} edited: [{room}] {text}",
    "redacted": "{nick} removed a message{author:if  of %s}: [{room}]{reason:if  %s}",
    "reaction": "{nick} reacted with {emoji}: {message}",
    "reaction.taken_back": "{nick} took back {emoji}: {message}",
    "past.none": "nothing was found",
    "error": "error: {text}",
    "error.line": "error: line {line}: {text}",
    # What is typed, and why it is refused.
    "not_text": "not sent: it holds characters that UTF-8 does not have",
    "control_character": "not sent: it holds the control character {name}; type it without",
    "leaving": "not sent: you are leaving",
    "no_room": "you are in no room: /join ROOM",
    "not_in_room": "you are not in {room}",
    "not_in_room.target": "you are not in {room}: /join {room}, or /room for another",
    "unknown_command": "unknown command /{word}, nothing was sent: {hint} A line that begins with // is sent with one /"
    " less.",
    "unknown_command.near": "did you mean /{name}?",
    "unknown_command.help": "/help lists them.",
    "usage": "usage: {form}   (/help {name} explains it)",
    "usage.lines": "nothing was done: /{name} takes one line; to send a text that begins so, put a / before it",
    "bad_number": "between 1 and {number_max} messages can be shown at once",
    "bad_time": "no time that can be read: {text}; write 14:30, 2026-11-21, 2026-11-21T14:30, or 2h or 3d for ago",
    "bad_duration": "no duration: {text}; write 90s, 10m, 2h or 3d",
    "bad_duration.range": "no sensible duration: {text}; it is at least 1s and at most {days_max}d",
    "no_such_message.id": "no message that is held here has an id that begins with {id}: /ids lists them",
    "no_such_message.several": "the ids of several messages begin with {id}: write more of it",
    "no_such_message.own": "you have said nothing in {target} that is held here",
    "no_such_message.other": "nobody else has said anything in {target} that is held here",
    "no_such_message.reacted": "you have not reacted to a message in {target} that is held here",
    "no_such_message.unconfirmed": "that message of yours is not confirmed yet: try again once it is",
    "not_allowed.not_own": "that message is not yours: {nick} said it",
    "no_link": "no message that is held here has a link; /open ID opens that of another",
    "no_conversation": "nothing is known here of a conversation with {nick}",
    "empty.here": "there is nothing to send",
    "too_long.here": "not sent: a {what} has at most {bytes_max} bytes, this one {bytes}",
    "too_long.search": "not searched: the words have more than {bytes_max} bytes",
    "unreadable.here": "{reason}",
    "too_many_lines": "an input with --id has at most {lines_max:,} lines; not sent",
    "id_reused": "not sent: line {number} of {id} was something else before, or for another room or nick; use another"
    " --id",
    "discarded": "not sent: line {number} of {id} was discarded before it was confirmed; if it is to be sent all the"
    " same, use another --id",
    # Why the server refuses.
    "*.of_later": "the server refuses: {key}{detail:if : %s}",
    "nick_taken": "the nick {nick} is held by another key; choose another, or if it is yours, show that with"
    " --password-file FILE, with --link CODE, or with the data folder that holds its key",
    "nick_taken.alike": "the nick {nick} is held by another key (it looks like {held}); choose another, or if that is"
    " yours, write it so",
    "too_many_nicks": "you hold as many nicks as one person may",
    "too_many_devices": "{devices_max} other devices with this key are here, as many as may be",
    "too_many_rooms": "this server has as many rooms as it can hold",
    "too_many_rooms.topics": "this server keeps the topics of as many rooms as it can",
    "too_many_rooms.joined": "you are in {rooms_max} rooms, as many as one may be in",
    "too_many_conversations": "one of you has as many conversations as can be held",
    "too_many_followers": "who has a message is only told where it goes to {followers_max} devices or fewer",
    "no_such_room": "there is no room {room}",
    "no_such_nick": "nobody here has ever been called {nick}",
    "not_allowed": "you cannot read that",
    "not_allowed.author": "who has a message is told to its author only",
    "log_full": "nothing more can be stored there: it holds as many messages as it ever can",
    "too_slow": "the server stopped reading, because this took too long; search for rarer words, or in one room",
    "too_fast.held": "you said more than others can read at once: the server sends it on little by little",
    "too_fast": "this is more than the server does for one person at a time; wait a moment, then try again",
    "no_such_message": "there is no such message",
    "bad_reaction": "a reaction is one emoji",
    "empty": "there is nothing in this message",
    "too_long.message": "a message has at most {bytes_max} bytes",
    "too_long.topic": "a topic has at most {bytes_max} bytes",
    "too_long.reason": "a reason has at most {bytes_max} bytes",
    "bad_room.is_log": "a room is named here without #",
    "bad_room.not_followed": "the log of a room is named #room; others cannot be followed",
    "bad_log": "a log is named here: # and the room, or @ and 20 digits",
    "unreadable": "the server cannot read that part of its log",
    "refused": "the server refused this before; it is not in the log",
    "malformed": "the server cannot read this request; it may be of a later version",
    # Why a name is not allowed.
    "bad_nick.reserved": "The nick {nick} is reserved: nobody may pass for the server or who runs it. Choose another.",
    "bad_nick.far_too_long": "That nick is too long.",
    "bad_nick.empty": "A nick cannot be empty.",
    "bad_nick.too_long": "A nick has at most {characters_max} characters.",
    "bad_nick.space": "A nick cannot contain a space.",
    "bad_nick.character": "A nick cannot contain \u201c{character}\u201d.",
    "bad_nick.codepoint": "A nick cannot contain the character {codepoint}.",
    "bad_nick.marks": "A nick has at most {marks_max} marks on one letter.",
    "bad_nick.first_mark": "A nick cannot begin with a combining mark.",
    "bad_nick.first_hyphen": "A nick cannot begin with a hyphen.",
    "bad_nick.greek": "A nick cannot mix Greek \u03bd or \u03c5 with another alphabet: they pass for n, v, u and y.",
    "bad_room.far_too_long": "That room name is too long.",
    "bad_room.empty": "A room name cannot be empty.",
    "bad_room.too_long": "A room name has at most {characters_max} characters.",
    "bad_room.space": "A room name cannot contain a space.",
    "bad_room.character": "A room name cannot contain \u201c{character}\u201d.",
    "bad_room.codepoint": "A room name cannot contain the character {codepoint}.",
    "bad_room.marks": "A room name has at most {marks_max} marks on one letter.",
    "bad_room.first_mark": "A room name cannot begin with a combining mark.",
    "bad_room.first_hyphen": "A room name cannot begin with a hyphen.",
    "bad_room.greek": "A room name cannot mix Greek \u03bd or \u03c5 with another alphabet: they pass for n, v, u and"
    " y.",
    # What the server and the stores of this client let a person know.
    "*.text": "{text}",
    "*.not_rejoined": "{room} cannot be joined again: {reason}",
    "kept": "what is said in {rooms:list} is kept by the server {limits:kept}; whoever joins and the server's operator"
    " can read it",
    "outbox": "{count:count line} of an earlier run {count:was|were} not confirmed; now sent again (--discard drops"
    " them)",
    "older_copy": "the data folder is older than what the server has of it: was it restored from a copy, or is a copy"
    " in use? What you say now is sent; never use two copies at once",
    "id_taken": "not sent: another copy of this data folder was used meanwhile; say it again: {message}",
    "answer_forgotten": "another copy of this data folder was used meanwhile, and the server does not know any more"
    " whether this was said: {message}",
    "unwritable": "the server cannot store anything: {reason}; what you say is kept here and sent when it can be",
    "writable": "messages are stored again by the server; what you said meanwhile is being sent",
    "unwritable_here": "cannot write to the data folder: {reason}; what is said now does not survive a restart of this"
    " client",
    "unwritable_here.line": "not sent: cannot write to the data folder: {reason}",
    "writable_here": "the data folder can be written to again: what is said from here on survives a restart",
    "history": "{count:count earlier message} in {room} {count:is|are} not shown: /history",
    "history_gone": "{count:count message} of {log:log} {count:is|are} gone: the server keeps only later ones",
    "generation": "the server has other messages of {log:log} than before: it was restored from a backup or lost the"
    " latest; what it has now is shown again",
    "new": "{count:,} new in {log:log} since last time",
    "unreadable.entry": "message {sequence} of {log:log} cannot be read here, nor may later ones; update this udpchat",
    "server_back": "the server used last answers again: {url}; to go back to it: /quit, and start without --server",
    "offline": "the server cannot be asked at the moment: this is what is stored here",
    "away": "{nick} is away: {reason}",
    "away.absent": "{nick} is not here; it is delivered when they come back",
    "away.set": "you are away: {reason}",
    "away.back": "you are back",
    "whois": "{nick} is here, in {rooms:list no room}, idle for {idle_s:duration}{away:if , away: %s}; key"
    " {fingerprint}",
    "whois.absent": "{nick} is not here; key {fingerprint}",
    # What a command reports.
    "id": "{id} <{nick}> {text}",
    "opening": "opening {url}",
    "link": "{url}",
    "target": "what you type goes to {target}",
    "target.none": "what you type goes nowhere: /join ROOM",
    "room": "you are in {rooms:list}; {target}",
    "room.none": "you are in no room; {target}",
    "ignored": "you ignore {nicks:list}",
    "ignored.none": "you ignore nobody",
    "ignored.no_longer": "you no longer ignore {nick}",
    "ignored.never": "you did not ignore {nick}",
    "setting": "{name} is {value} (it can be {allowed:list any words}): {summary}",
    "setting.now": "{name} is now {value}",
    "unknown_setting": "there is no setting {name}: {near:if did you mean %s? }/set lists them",
    "bad_setting": "nothing was set: {name} is one of {choices:list}{near:if ; did you mean %s?}",
    "bad_setting.words": "nothing was set: {name} has at most {words_max} words of at most {bytes_max} bytes",
    "notify": "messages in {target} that call you: {level}",
    "highlight": "words that call you: {words:list none}",
    "help": "A line is a message, /word a command; //x sends /x. /help COMMAND explains one.",
    "help.also": "  (also {aliases:list})",
    "help.line": "{line}",
    "removed": "removed",
    "unknown_kind": "{nick} sent something that this version cannot show",
    # The end.
    "quit": "left",
    "leaving.waits": "waiting until all is confirmed; /quit again leaves at once",
    "leaving.input_over": "waiting until all is confirmed; Ctrl+C leaves at once",
    "unconfirmed": "not confirmed: {text}",
    "unconfirmed.line": "not confirmed: line {line}: {text}",
    "unanswered": "not answered: line {line}",
    "not_kept": "not kept: this client keeps nothing on disk, and what has not arrived by now does not arrive",
    "kept_here": "kept: the next start with {whose} sends them under the same id, so a line that has arrived is not"
    " doubled; --discard at that start drops them, and udpchat-client outbox {whose} lists them (with drop: drops"
    " them)",
    "usage.label_at_terminal": "--id is for input from a pipe or a file: what is typed again is another message",
    "internal": "internal error, please report it: {error}",
    "usage.address": "{word} is no command; to chat on that server: --server {word}",
    "usage.command": "there is no command {word}{near:if ; did you mean %s?}",
    "usage.option": "unrecognized option {word}{near:if ; did you mean %s?}",
    "usage.value": "{reason:clause}",
    # Options, their values, and the config file.
    "value.address": "an address of this machine is wanted, like 192.168.1.5 or ::",
    "value.port": "a port is a number from 0 (any free one) to 65535",
    "log_unusable": "cannot log to {path}: {reason}; choose another file with --log-file",
    "log_unusable.other": "{path} is there and is no log of this server: choose another file with --log-file",
    "value.metrics": "a TCP port is wanted, with an address of this machine or without: 9747, 0.0.0.0:9747, [::1]:9747",
    "value.no_library": "it needs a library that is not here: pip install 'udpchat[{extra}]'",
    "value.size": "a size from {least} to {most} is wanted, like 10M",
    "value.path": "the name of a file or folder is wanted",
    "value.command": "a program and its arguments are wanted, each quotation with its end",
    "value.program": "there is no program {program} that can be run",
    "value.line": "a name is one line of at most {bytes_max} bytes",
    "value.one_line": "one line of at most {bytes_max} bytes is wanted",
    "value.nick": "a nick is wanted, not {value!r}",
    "value.id": "an id is one line of at most {bytes_max} bytes, not {value!r}",
    "value.seconds": "a number of seconds from {least:g} to {most:g} is wanted",
    "value.number": "a number from {least} to {most} is wanted",
    "value.choice": "choose from {choices:list}",
    "value.switch": "true or false is wanted",
    "value.name": "a name is wanted",
    "value.keys": 'a key is wanted, like "F10", or a list of keys, like ["F10", "Ctrl+G"]',
    "value.key": "there is no key {key!r}{near:if ; did you mean %s?}",
    "value.key_typed": "{key!r} is typed, and so are all characters: take a key like F10, Ctrl+G or Alt+G",
    "keys.taken": "{key} is a key of {action} too: give that another, or this",
    "keys.none": "this action has to have a key",
    "value.time": "a time is wanted, like 2026-11-21, 14:30, 2h or 3d, not {value!r}",
    "value.retention": "write how long (30d), how many messages of a room (10000), both (30d,10000), or forever",
    "value.nick_expiry": "write how long, a day at least: 90d, 52w",
    "bad_address.form": "{text!r} is no server address: write HOST, HOST:PORT, [IPV6]:PORT or udpchat://HOST:PORT",
    "bad_address.brackets": "{text!r} is no server address: what is in brackets is no IPv6 address",
    "bad_address.host": "{text!r} is no server address: {host!r} is no host name",
    "bad_address.port": "{text!r} is no server address: a port is a number from 1 to 65535",
    "bad_address.fingerprint": "{text!r} is no server address: a fingerprint has 32 characters, a to z and 2 to 7",
    "option.value": "{where} cannot be {value!r}: {reason:clause}",
    "option.value_in": "{at}: {name} cannot be {value!r}: {reason:clause}",
    "option.expiry": "--expiry ({expiry_s:g} s) must be longer than --heartbeat ({heartbeat_s:g} s)",
    "option.nick": 'which nick? Give --nick NICK, set UDPCHAT_NICK, or write nick = "NICK" into {file:or a file for'
    " --config}",
    "nick.question": "-- which nick do you want to go by?{suggestion:if  (just Enter for %s)}",
    "nick.again": "-- {reason:clause}: which one instead?",
    "nick.chosen": "-- you go by {nick}, next time too (--nick NICK for another); /help lists all commands, /quit"
    " leaves",
    "nick.used_last": "-- no nick was named; you go by the one used last: {nick}",
    "option.form": "plain and json are not allowed together: choose one",
    "config.unreadable": "cannot read the config file {path}: {reason}",
    "config.at": "{path}{line:if , line %s}",
    "config.not_toml": "{at}: this is not TOML: {reason}",
    "config.table": "{at}: there is no table {name!r}; settings stand outside of tables{tables:if , but for %s}",
    "config.no_table": "{at}: {name} is a table: write [{name}] on a line, and below it what is set",
    "config.near": "{at}: there is no setting {name!r}; did you mean {near}?",
    "config.unknown": "{at}: there is no setting {name!r}; there are {known:list}",
    "config.read": "-- config file: {path}",
    "config.not_read": "-- no config file is read{path:if ; there is none at %s}",
    "config.fine": "nothing is wrong{path:if  (config file: %s)}",
    "example.head": "# All settings of {program}, with the values that they have without this file.",
    "example.keys": "The keys of the full screen. What is set here replaces the keys of an action; [] takes them away.",
    "example.order": "# An option (--port) outranks the environment (UDPCHAT_PORT), and that this file.",
    "origin.default": "default",
    "origin.used_last": "used last",
    "origin.named": "{place}",
    "retention": "--retention keeps history {limits:kept} and deletes all else for good; if you mean it, add"
    " --yes{days:if  (for days write %sd)}",
    "retention.now": "--retention keeps history {limits:kept} and deletes all else for good, now {entries:count"
    " message} of {logs:count room or conversation|rooms or conversations}; if you mean it, add --yes{days:if  (for"
    " days write %sd)}",
    # The data folder, and the keys in it.
    "data_unusable.folder": "cannot use the data folder {path}: {reason}; choose another with --data",
    "data_unusable.store": "cannot make {path}: {reason}; choose another folder with --data",
    "data_unusable.read": "cannot read {path}: {reason}; see to its permissions",
    "data_unusable.write": "cannot write {path}: {reason}; see to its permissions",
    "data_unusable.new_key": "cannot write {path}: {reason}; choose another folder with --data",
    "data_unusable.no_key": "{path} holds no key; restore it from a copy, or move it away to get a new one",
    "data_unusable.in_use": "{nick} is chatting from this data folder already, and --id needs the store that it has;"
    " nothing was sent: end the other one",
    "store.set_aside": "part of {path} could not be read, and is set aside in that file, in the table set_aside:"
    " {parts:clauses}; all else goes on",
    "store.row_identity": "under which number this client sends",
    "store.row_outbox": "{count:count message or command|messages or commands} not confirmed, which {count:is|are} not"
    " sent any more",
    "store.row_labels": "{count:count line} of --id, which {count:is|are} sent again if typed again",
    "store.row_rooms": "{count:count room}",
    "store.row_logs": "the place of {count:count room or conversation|rooms or conversations}, which {count:is|are}"
    " fetched again",
    "store.full": "as much is stored of this server as may be: the oldest messages make room for new ones, and the"
    " server is asked for them",
    "store.unreadable": "left out of what is shown: {reason}",
    "preferences.set_aside": "cannot read your settings in {path}: {reason}; it is set aside as {kept}, and all are as"
    " at first",
    "preferences.unwritable": "cannot write {path}: {reason}; your settings hold until you leave",
    "store.in_use": "{nick} is chatting from this data folder already; this client keeps nothing on disk",
    "warning": "warning: {text}",
    "key_not_kept": "the key of {nick} could not be kept: {reason}",
    "pinned": "first contact with the server at {server}: its fingerprint is {shown}",
    "pinned.not": "it is not remembered for next time: {reason}",
    "server_key.unread": "{reason}",
    "server_key.other": "the server at {server} is not the one you asked for: you want {wanted}, it shows {shown}; ask"
    " whoever runs it for its address, and trust it only if they name this fingerprint",
    "server_key.changed": "the key of the server at {server} has CHANGED: known {known}, shown now {shown}; somebody"
    " may be listening in. Ask whoever runs it; if the new one is right, remove the line of {server} in {path} and"
    " connect again",
    "server_key.several": "several servers answer at {server}, and none is known here; their fingerprints are"
    " {shown:list}. Somebody may be listening in: ask whoever runs it for the right one, and connect to it with"
    " #FINGERPRINT behind its address",
    "dropped": "{count:count line} of an earlier run dropped; whether the server has got any of that already is not"
    " known here",
    "dropped.nothing": "nothing was there to drop",
    "outbox.empty": "all that was said is confirmed",
    "outbox.waiting": "{count:count line} not confirmed; the next start sends what is here, under the same id",
    # Operations on what is stored.
    "backed_up": "backed up to {file}, with the server's key {key}: whoever has this file can read all messages and"
    " pretend to be this server, so keep it where only you can read it",
    "backed_up.no_key": "backed up to {file}, without a key, for there is no {key_file} in {data}",
    "restored": "restored {file}{former:if ; the log before is %s}; {key}",
    "restored.key_new": "it holds no server key: the server makes a new key, which clients that knew the old one will"
    " refuse",
    "restored.key_stays": "it holds no server key: that of the data folder stays",
    "restored.key_same": "the server's key is the same",
    "restored.key_kept": "the server keeps its key {key}: clients that knew {restored} will refuse it",
    "restored.key_replaced": "the server's key {key} is restored too, so that clients that knew it connect{former:if ;"
    " the key before is %s}",
    "failed.other_key": "{file} holds the server key {restored}, {data} has {present}; nothing was changed. Repeat with"
    " --key replace if clients know the first, with --key keep if they know the second",
    "failed.no_store": "nothing of {nick} is stored in {data}; see --nick and --data",
    "failed.other_stores": "{data} has nothing of {nick} from that server; there {count:is|are} {servers:list}: name"
    " one with --server",
    "failed.no_rooms": "nothing is stored of a room {room}; there is no room at all",
    "failed.no_room": "nothing is stored of a room {room}; there are: {rooms:list}{more:if  and %s more}",
    "failed.room_near": "nothing is stored of a room {room}; did you mean {near}? There are: {rooms:list}{more:if  and"
    " %s more}",
    "failed.is_log": "{file} is the log itself; choose another name",
    "failed.exists": "{file} is there already; choose another name, or overwrite a file with --force",
    "failed.write": "cannot write {file}: {reason}; nothing was kept of it",
    # The end of a program.
    "timed_out": "timed out before a server answered; nothing was sent",
    "stopped.timed_out": "timed out",
    "stopped.hung_up": "hung up",
    "stopped.interrupted": "interrupted",
    "stopped.terminated": "terminated",
    # A person at a terminal.
    "entry.key": "server key  {fingerprint}",
    "entry.rooms": "you are in  {rooms:list no room yet: /join ROOM enters one}",
    "entry.target": "what you type goes to everyone in {room}",
    "entry.target_of_prompt": "the room that the prompt names",
    "entry.target_none": "the room that you join",
    "entry.names": "/names lists who is there, /join ROOM enters another room",
    "entry.msg": "/msg NICK TEXT writes to one person alone",
    "entry.help": "/help lists all commands, {leave} leaves",
    "your_text": "your text: {text}  (Up brings it back)",
    # The list of messages on a full screen.
    "list.new": "new",
    "list.below": "-- {count} more below --",
    "list.below.at_least": "-- more than {count} below --",
    "list.deleted": "message deleted",
    "list.deleted_by": "message deleted by {nick}",
    "list.edited": "(edited)",
    "list.delivered": "({have} of {users})",
    "list.quote_unknown": "an earlier message",
    # The state of the connection.
    "state.leaving": "leaving",
    "state.left": "you are not in it",
    "state.muted": "you are muted{until:if  until %s}",
    "state.no_voice": "moderated: you have no voice",
    "state.disconnected": "disconnected",
    "state.connecting": "connecting",
    "state.sending": "{count} sending",
    "state.missing": "{count} to come",
    "state.no_target": "no room",
    # The full screen.
    "full_screen.dumb": "TERM={term} cannot draw a full screen: line mode instead (--plain asks for it)",
    "full_screen.small": "this terminal has {columns} columns and {rows} rows, and the full screen needs {columns_min}"
    " and {rows_min}: line mode instead (--plain asks for it)",
    "phase.connecting": "connecting",
    "phase.online": "connected",
    "phase.lost": "DISCONNECTED, trying again",
    "phase.leaving": "leaving",
    "phase.over": "left",
    "status.round_trip": "{milliseconds:.0f} ms",
    "status.invited": "invited to {room}: {key:or /join} joins",
    "status.loss": "{percent:.0f} % loss",
    "typing": "{nicks:list}{more:if  and %s more} {count:is|are} typing",
    "members": "{count} here",
    "keys.roles": "A mark before a nick in the list of members is a role: {roles:list}.",
    "members.partial": "{count} here so far",
    "keys": "Keys. Esc and at once a key is Alt with that key. Shift and the mouse select as in other programs.",
    "keys.more": "{key:if %s lists them too. }The table [keys] of the config file gives actions other keys.",
    "entry.screen": "{keys:or /keys} lists the keys, /help the commands; {switch:if %s chooses a room; }/quit"
    "{end:if  or %s} leaves",
    "leave.offer": "{send}: leave once all is confirmed. {clear}: leave at once{waiting:if  (%s not confirmed)}.",
    "not_pasted": "not pasted: it has {characters} characters, and a line at most {characters_max}",
    "paste.question": "You pasted {lines} lines. Send them as:",
    "paste.one_message": "one message",
    "paste.line_by_line": "a message for each line",
    "paste.cancel": "nothing",
    "copied": "copied: {text}",
    "refused.up": "{target:if in %s, }Up brings back what was not sent",
    "refused.elsewhere": "what was not sent is on the line of {target} again",
    "input_full": "this line has to wait: too many before it are not confirmed yet",
    "found.title": "{count:count message} found, the latest first; Enter shows one where it was said",
    "switch.title": "Which room or conversation?",
    "search_typed.title": "What you typed here before",
    # What calls a person back to the terminal.
    "alert.room": "{nick} in {room}",
    "desktop.missing": "no notifications of the desktop: the library for them is missing; pip install 'udpchat[notify]'"
    " adds it",
    "notify_command.failed": "no more is run when a message calls you: cannot start {program}: {reason}",
    "desktop.failed": "no more notifications of the desktop: {reason}",
}


TIME_DIGITS_MAX: Final = 15


def _log(target: str, _: str) -> str:
    """The log of a room, or of the conversation with `@nick`; `@`: with somebody whose nick is not known."""
    if not target.startswith("@"):
        return target
    return f"your conversation with {target[1:]}" if target != "@" else "a conversation"


def _until(time_ms: int | str, _: str) -> str:
    """A time in ms since 1970, maybe as the text that a server sent, as ` until 2026-01-31 23:59`; 0: nothing."""
    text = str(time_ms)
    is_time = text.isascii() and text.isdecimal() and len(text) <= TIME_DIGITS_MAX
    return f" until {clock_time(int(text), None)}" if is_time and int(text) else ""


FORMS: Final[dict[str, Callable[[Any, str], str]]] = {  # the first word of a format; the function gets the rest of it
    "a_role": lambda role, _: role_with_article(role),
    "act": lambda action, _: act_in_words(action),
    "clause": lambda sentence, _: sentence.removesuffix("."),
    "clauses": lambda phrases, _: "; ".join(map(text_of, phrases)),
    "count": lambda count, nouns: counted(count, *nouns.split("|")),  # {n:count entry|entries}: `1 entry`, `2 entries`
    "duration": lambda seconds, _: duration_text(seconds),
    "if": lambda value, text: text.replace("%s", str(value)) if value else "",
    "kept": lambda limits, _: kept_for(*limits),
    "list": lambda items, none: ", ".join(items) or none,
    "log": _log,
    "until": _until,
    "or": lambda value, otherwise: str(value or otherwise),
    "words": lambda items, _: " ".join(items),
}


class _Formatter(Formatter):
    """`str.format` with FORMS, and with `{n:is|are}` for a word that depends on a number."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Phrase):
            value = text_of(value)
        form, _, rest = format_spec.partition(" ")
        if form in FORMS:
            return FORMS[form](value, rest)
        if "|" in form:
            singular, plural = form.split("|")
            return singular if value == 1 else plural
        return format(value, format_spec)


_FORMATTER: Final = _Formatter()


def sentence(key: str, /, **values: object) -> str:
    """The sentence of a key, with its values."""
    known = SENTENCES.get(key) or SENTENCES[f"*.{key.rpartition('.')[2]}"]
    return _FORMATTER.vformat(known, (), values)


def told(key: str, event: Any, /, **values: object) -> str:
    """The sentence of a key, with what an event has as its values, and these in place of some of them."""
    return sentence(key, **{**{name: getattr(event, name) for name in event.__struct_fields__}, **values})


def text_of(phrase: Phrase) -> str:
    """The sentence of a phrase."""
    return sentence(phrase.key, **phrase.values)
