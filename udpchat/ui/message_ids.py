"""Which message a command is about: the one that an id names, or the latest. Pure.

An id is that of the message, 16 hexadecimal digits, or a beginning of it that no other message which is held has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from udpchat.chat.amendments import Reference
from udpchat.chat.phrase import Problem
from udpchat.chat.reactions import Reaction
from udpchat.client.history import History
from udpchat.client.model import Item, Model
from udpchat.ui.arguments import first_word
from udpchat.wire.fields import Value

ID_CHARACTERS: Final = 16
ID_CHARACTERS_MIN: Final = 4
_ID: Final = re.compile(f"[0-9a-fA-F]{{{ID_CHARACTERS_MIN},{ID_CHARACTERS}}}")


class ChosenMessage(Value, frozen=True):
    """A message that can be referred to, in the room or the conversation `target`."""

    target: str
    about: Reference
    nick: str
    is_own: bool
    reactions: tuple[Reaction, ...] = ()
    text: str = ""


def id_and_text(model: Model, rest: str) -> tuple[str, str]:
    """The id that `[ID] TEXT` begins with, empty if it does not, and the text.

    A beginning of an id needs a digit here, and a message that has it: `face` and `2026` are words.
    """
    word, text = first_word(rest)
    if text and _ID.fullmatch(word):
        is_known = _is_unconfirmed(model, word) or any(True for _ in _beginning_with(model, word))
        is_beginning = is_known and not word.isalpha()
        if is_beginning or len(word) == ID_CHARACTERS:
            return word, text
    return "", rest


def named(
    model: Model, history: History, picked: Mapping[str, ChosenMessage], target: str, word: str
) -> ChosenMessage:
    """The message of an id: one that is held, or if the id is whole, one `picked` or in the store of `target`.

    Raises `Problem`.
    """
    if _ID.fullmatch(word) and _is_unconfirmed(model, word):
        raise Problem("no_such_message.unconfirmed")
    found = list(_beginning_with(model, word)) if _ID.fullmatch(word) else []
    here = [each for each in found if each.target == target]
    if len(found) == 1 or len(here) == 1:
        return (here or found)[0]
    if found:
        raise Problem("no_such_message.several", id=word)
    if word in picked:
        return picked[word]
    stored = history.find(target, word.lower()) if len(word) == ID_CHARACTERS and _ID.fullmatch(word) else None
    if stored is None:
        raise Problem("no_such_message.id", id=word)
    is_own = stored.author == model.user
    return ChosenMessage(target, Reference(stored.seq, bytes.fromhex(stored.id)), stored.nick, is_own, text=stored.text)


def latest(model: Model, target: str, *, is_own: bool) -> ChosenMessage:
    """The latest message of this user, or of another, in a room or conversation. Raises `Problem`."""
    if is_own and any(said.room == target and said.is_message for said in model.sending):
        raise Problem("no_such_message.unconfirmed")
    items = reversed(model.conversation(target).items)
    found = next((item for item in items if item.is_own == is_own and not item.is_removed), None)
    if found is None:
        raise Problem("no_such_message.own" if is_own else "no_such_message.other", target=target)
    return chosen(target, found)


def latest_reacted_to(model: Model, target: str) -> ChosenMessage:
    """The latest message that this user has reacted to. Raises `Problem`."""
    for item in reversed(model.conversation(target).items):
        if any(reaction.is_own for reaction in item.reactions):
            return chosen(target, item)
    raise Problem("no_such_message.reacted", target=target)


def own(chosen: ChosenMessage) -> ChosenMessage:
    """This message, if it is this user's own. Raises `Problem`."""
    if not chosen.is_own:
        raise Problem("not_allowed.not_own", nick=chosen.nick)
    return chosen


def _is_unconfirmed(model: Model, word: str) -> bool:
    """Whether an id that begins so is of a message that is being sent."""
    return any(said.is_message and said.id.hex().startswith(word.lower()) for said in model.sending)


def _beginning_with(model: Model, word: str) -> Iterator[ChosenMessage]:
    for conversation in model.conversations():
        for item in conversation.items:
            if item.id.startswith(word.lower()) and not item.is_removed:
                yield chosen(conversation.name, item)


def chosen(target: str, item: Item) -> ChosenMessage:
    """A message of the room or conversation `target`, as it is referred to."""
    return ChosenMessage(
        target, Reference(item.sequence, bytes.fromhex(item.id)), item.nick, item.is_own, item.reactions, item.text
    )
