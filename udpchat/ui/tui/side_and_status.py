"""The rows around the messages as texts: rooms, members, topic and status, made from the model. Pure, without Textual.

All texts are safe for a terminal. What a row means is said in words or signs, never by its style alone.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from udpchat.chat.permissions import Action, Role, may, role_name
from udpchat.client.model import Conversation, Model, Phase
from udpchat.ui.order_lines import mode_words
from udpchat.ui.order_sentences import ROLE_MARKS
from udpchat.ui.phrases import sentence
from udpchat.ui.prompt import Prompt
from udpchat.ui.terminal_lines import speaking_states
from udpchat.ui.tui.cells import safe
from udpchat.wire.fields import Value

OPEN_MARK: Final = ">"
MENTION_MARK: Final = "@"
COUNT_MAX: Final = 999  # unread, beyond which it is `999+`
TYPING_NICKS_MAX: Final = 3
LOSS_SHOWN_MIN: Final = 0.005


class Look(Enum):
    """How a row of a side list is drawn, beside what its text says."""

    PLAIN = "plain"
    OPEN = "open"
    UNREAD = "unread"
    MENTION = "mention"
    AWAY = "away"
    TITLE = "title"


class SideRow(Value, frozen=True):
    """A row of a side list: a text that may be cut, a short one at the right, and what a click on it opens, if any."""

    text: str
    tail: str = ""
    look: Look = Look.PLAIN
    target: str = ""


def open_conversations(prompt: Prompt) -> list[str]:
    """The names of rooms and conversations, in the order of the list; the one that lines go to is among them."""
    names = [conversation.name for conversation in prompt.client.model.conversations()]
    if prompt.target and prompt.target not in names:
        names.append(prompt.target)
    return names


def conversation_rows(prompt: Prompt) -> list[SideRow]:
    """The rooms, then the conversations with users: `> 1 lobby`, and `@2 14`: mentions, and messages, not read yet,
    or only `@2` if all of these are mentions."""
    model = prompt.client.model
    return [
        _conversation_row(number, model.conversation(name), is_open=name == prompt.target)
        for number, name in enumerate(open_conversations(prompt), 1)
    ]


def next_active(prompt: Prompt) -> str:
    """The next conversation with something unread after the open one, those with mentions first; empty: there is none.
    """
    names = open_conversations(prompt)
    at = names.index(prompt.target) + 1 if prompt.target in names else 0
    known = [prompt.client.model.conversation(name) for name in names[at:] + names[:at]]
    unread = [each for each in known if each.unread and each.name != prompt.target]
    return next((each.name for each in [*(one for one in unread if one.mentions), *unread]), "")


def active_elsewhere(prompt: Prompt) -> str:
    """The conversations with something unread, for where no list shows them: `2 dev @1 14`."""
    rows = [row for row in conversation_rows(prompt) if row.tail and row.look is not Look.OPEN]
    return "  ".join(f"{row.text.strip()} {row.tail}" for row in rows)


def _conversation_row(number: int, conversation: Conversation, *, is_open: bool) -> SideRow:
    mark = OPEN_MARK if is_open else " "
    tail = _count(conversation.unread) if conversation.unread else ""
    look = Look.OPEN if is_open else Look.UNREAD if conversation.unread else Look.PLAIN
    if conversation.mentions:
        mentions = f"{MENTION_MARK}{_count(conversation.mentions)}"
        tail = mentions if conversation.mentions == conversation.unread else f"{mentions} {tail}".rstrip()
        look = look if is_open else Look.MENTION
    return SideRow(safe(f"{mark}{number if number <= 9 else ' '} {conversation.name}"), tail, look, conversation.name)


def _count(count: int) -> str:
    return f"{COUNT_MAX}+" if count > COUNT_MAX else str(count)


def member_rows(model: Model, target: str) -> list[SideRow]:
    """Who is in a room, after a title that counts them; in a conversation, whom it is with."""
    if target.startswith("@"):
        return [SideRow(safe(target[1:]), target=target)]
    if target not in model.rooms:
        return []
    members = model.members(target)
    title = sentence("members" if members.is_complete else "members.partial", count=len(members))
    rows = [SideRow(title, look=Look.TITLE)]
    for member in members:
        away = f" ({member.away})" if member.away is not None else ""
        look = Look.AWAY if member.away is not None else Look.PLAIN
        mark = ROLE_MARKS.get(role_name(member.role), " ")
        rows.append(SideRow(safe(f"{mark}{member.nick}{away}"), look=look, target=f"@{member.nick}"))
    return rows


def topic_line(model: Model, target: str) -> str:
    """The name of a conversation and its topic, in one row."""
    if not target:
        return sentence("state.no_target")
    topic = model.conversation(target).topic
    modes = None if target.startswith("@") else model.standing(target).modes
    held = f" [{', '.join(mode_words(modes))}]" if modes is not None and mode_words(modes) else ""
    return safe(f"{target}{held}: {topic}" if topic else f"{target}{held}")


def target_line(prompt: Prompt, time_ms: int = 0) -> str:
    """Where a line goes, and what is in the way of speaking there at this time by the wall clock."""
    states = ", ".join(speaking_states(prompt, time_ms))
    target = safe(prompt.target) or sentence("state.no_target")
    return f"{target} ({states})> " if states else f"{target}> "


def may_redact(prompt: Prompt) -> bool:
    """Whether this user may remove what others say where lines go, as far as is known."""
    model, target = prompt.client.model, prompt.target
    return target in model.rooms and may(Action.REDACT, Role[model.standing(target).role.upper()])


def status_line(prompt: Prompt, *, has_rooms: bool = True, invitation: str = "") -> str:
    """Who one is, the connection in words, how good it is, what waits to be sent, who types, and the server.

    The end may be cut.

    `has_rooms`: the rooms are shown beside it; else what is unread in them is said here. `invitation`: what there is to
    be said about one.
    """
    model = prompt.client.model
    connection = model.connection
    parts = [model.nick, sentence(f"phase.{connection.phase.name.lower()}")]
    if connection.phase is Phase.ONLINE and connection.round_trip_s is not None:
        parts.append(sentence("status.round_trip", milliseconds=connection.round_trip_s * 1000))
    if connection.loss >= LOSS_SHOWN_MIN:
        parts.append(sentence("status.loss", percent=connection.loss * 100))
    if invitation:
        parts.append(invitation)
    if prompt.wants_quit:
        parts.append(sentence("state.leaving"))
    if model.sending:
        parts.append(sentence("state.sending", count=len(model.sending)))
    if connection.missing:
        parts.append(sentence("state.missing", count=connection.missing))
    if typing := model.typing(prompt.target):
        nicks = typing[:TYPING_NICKS_MAX]
        parts.append(sentence("typing", nicks=nicks, count=len(typing), more=len(typing) - len(nicks)))
    if not has_rooms:
        parts.append(active_elsewhere(prompt))
    return safe("  ".join(part for part in [*parts, connection.server] if part))
