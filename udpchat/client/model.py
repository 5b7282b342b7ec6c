"""What an interface draws: conversations with their messages and members, and the connection (SPEC 6.5).

The model follows from the events of the client: an interface gets both, and holds no state about the chat itself. A
*conversation* is a room (`lobby`) or the private one with a user (`@bob`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from enum import Enum
from typing import Final, TypeVar

from udpchat.chat import events
from udpchat.chat.events import Quote as Quote
from udpchat.chat.names import nick_key
from udpchat.chat.reactions import Reaction as Reaction
from udpchat.chat.reactions import reacted
from udpchat.chat.text import mentions
from udpchat.client.late_changes import EDITED_KINDS, LateChanges
from udpchat.client.link import Link
from udpchat.client.own_messages import Said
from udpchat.client.participant import Participant
from udpchat.client.roster import Members
from udpchat.client.standings import Standing as Standing
from udpchat.sync.budget import Budget
from udpchat.wire.fields import Value
from udpchat.wire.limits import (
    CONVERSATIONS_PER_KEY_MAX,
    MODEL_BYTES_MAX,
    MODEL_ITEM_BYTES,
    REACTION_BYTES,
    SEQUENCE_MAX,
)

Shown = TypeVar("Shown", events.MessageReceived, events.MessageSent)
ITEMS_MAX: Final = 500  # of one conversation; earlier ones are in the store
PRIVATE_MAX: Final = 2 * CONVERSATIONS_PER_KEY_MAX  # a user is asked for fewer; a server may send more
LEFT_MAX: Final = 16  # rooms that were left, and may be joined again
UNKNOWN: Final = SEQUENCE_MAX + 1  # behind all others
QUOTE_CHARACTERS_MAX: Final = 60  # of a message, in a reply to it
ITEMS_CHARACTERS_MAX: Final = 128 * 1024  # of the texts of one conversation, except that the latest item stays


class Phase(Enum):
    """How far the client is with its server."""

    CONNECTING = "the server has not let us in yet"
    ONLINE = "we are in, and the server answers"
    LOST = "the server does not answer, or has ended the session; the client keeps trying"
    LEAVING = "the goodbye is not answered yet"
    OVER = "we left, or may not enter"


class Connection(Value, frozen=True):
    """The connection to `server`, which is its address.

    `round_trip_s`: of requests, once measured. `loss`: the share of the latest packets from the server that did not
    arrive, 0 to 1. `missing`: entries that are known to exist and have not come.
    """

    server: str
    phase: Phase
    round_trip_s: float | None
    loss: float
    missing: int


class ItemState(Enum):
    """What is known of a message. A message that is not confirmed may have arrived all the same."""

    SENDING = "not confirmed yet"
    SENT = "in the server's log"


class Message(Value, frozen=True):
    """What was said, by whom and when; `sequence` is UNKNOWN while it is being sent."""

    sequence: int
    id: str
    nick: str
    text: str
    kind: str  # from `events.kind_name`
    time_ms: int  # 0: not known
    is_own: bool
    is_mention: bool = False


class Item(Message, frozen=True):
    """A message of a conversation, and what became of it.

    `author`: the user id; empty: not known. `edited_by`: the sequence of the edit that `text` is of.
    """

    state: ItemState = ItemState.SENT
    delivery: Delivery | None = None  # None: not known
    reply: Quote | None = None
    is_edited: bool = False
    is_removed: bool = False  # then `text` is empty
    removed_by: str = ""  # the nick of somebody else who did it, if that is known
    reactions: tuple[Reaction, ...] = ()
    author: bytes = b""
    edited_by: int = 0


class Delivery(Value, frozen=True):
    """At least `have` of the `users` in the room, besides this one, have a message."""

    have: int
    users: int


class Conversation:
    """The latest messages of a room or with a user, and how many of them are unread.

    `read_up_to`: the sequence up to which it was read here or on another device; None: no message was. `topic`: empty
    if there is none, or none is known yet.
    """

    __slots__ = (
        "_budget", "_characters", "_replies", "_sequences", "items", "mentions", "name", "read_up_to", "topic",
        "unread",
    )  # fmt: skip

    def __init__(self, name: str, read_up_to: int | None = None, budget: Budget | None = None) -> None:
        """`budget`: that of all conversations; None: this one has its own."""
        self.name = name
        self.topic = ""
        self.items: list[Item] = []
        self.read_up_to = read_up_to
        self.unread = 0
        self.mentions = 0
        self._characters = 0  # of the texts of `items`
        self._sequences: dict[str, int] = {}  # of `items` by id: many replies may name what is not held
        self._replies: dict[str, set[int]] = {}  # those of `items`, by the id of what they quote
        self._budget = budget or Budget(MODEL_BYTES_MAX)

    @property
    def is_private(self) -> bool:
        """Whether this is a conversation with one user."""
        return self.name.startswith("@")

    def _find(self, sequence: int) -> tuple[int, bool]:
        """Where the message of this sequence is, or belongs, and whether it is there."""
        if not self.items or sequence > self.items[-1].sequence:  # most are new
            return len(self.items), False
        at = bisect_left(self.items, sequence, key=lambda item: item.sequence)
        return at, at < len(self.items) and self.items[at].sequence == sequence

    def add(self, item: Item) -> None:
        """Insert a message at its place, unless it is there already."""
        at, is_there = self._find(item.sequence)
        if is_there:
            return
        self.items.insert(at, item)
        self._sequences[item.id] = max(item.sequence, self._sequences.get(item.id, 0))
        if item.reply is not None:
            self._replies.setdefault(item.reply.id, set()).add(item.sequence)
        self._characters += len(item.text)
        self._budget.take(_charge(item))
        self._keep_within_bounds()
        if self._is_unread(item) and self._find(item.sequence)[1]:  # else it is older than those held
            self.unread += 1
            self.mentions += item.is_mention

    def _keep_within_bounds(self) -> None:
        while len(self.items) > ITEMS_MAX or (self._characters > ITEMS_CHARACTERS_MAX and len(self.items) > 1):
            self._forget_first()

    def _forget_first(self) -> None:
        item = self.items.pop(0)
        if self._sequences.get(item.id) == item.sequence:
            del self._sequences[item.id]
        self._forget_reply(item)
        self._characters -= len(item.text)
        self._budget.give(_charge(item))

    def _forget_reply(self, item: Item) -> None:
        replies = self._replies.get(item.reply.id) if item.reply is not None else None
        if item.reply is not None and replies is not None:
            replies.discard(item.sequence)
            if not replies:
                del self._replies[item.reply.id]

    def shrink(self) -> None:
        """Forget the earlier half of the messages."""
        for _ in range(len(self.items) - len(self.items) // 2):
            self._forget_first()

    def _is_unread(self, item: Item) -> bool:
        return not (item.is_own or item.is_removed) and (self.read_up_to is None or item.sequence > self.read_up_to)

    def mark(self, sequence: int) -> None:
        """Messages up to this sequence are read."""
        if self.read_up_to is None or sequence > self.read_up_to:
            self.read_up_to = sequence
            behind, _ = self._find(sequence + 1)
            unread = [item for item in self.items[behind:] if self._is_unread(item)]
            self.unread, self.mentions = len(unread), sum(item.is_mention for item in unread)

    def mark_all(self) -> int | None:
        """All messages are read: the sequence up to which they are; None if nothing was unread."""
        if not self.unread:
            return None
        self.mark(self.items[-1].sequence)
        return self.read_up_to

    def deliver(self, sequence: int, delivery: Delivery) -> None:
        """So many users have the message of this sequence."""
        at, is_there = self._find(sequence)
        if is_there:
            self.items[at] = self.items[at].changed(delivery=delivery)

    def find(self, sequence: int, identity: str) -> Item | None:
        """The message of this sequence and id, if it is held and not removed."""
        at, is_there = self._find(sequence)
        item = self.items[at] if is_there else None
        return item if item is not None and item.id == identity and not item.is_removed else None

    def find_by_id(self, identity: str) -> Item | None:
        """The message of this id, if it is held."""
        sequence = self._sequences.get(identity)
        return None if sequence is None else self.items[self._find(sequence)[0]]

    def edit(self, item: Item, text: str, edited_by: int, *, is_mention: bool) -> bool:
        """The author gave a message that is held another text, by the entry `edited_by`. False: it has a later one."""
        if edited_by <= item.edited_by:
            return False
        self._change(item, item.changed(text=text, is_edited=True, edited_by=edited_by, is_mention=is_mention))
        return True

    def remove(self, item: Item, by: str) -> None:
        """The author removed a message that is held, or somebody who keeps order."""
        self._change(item, removed(item).changed(removed_by=by if nick_key(by) != nick_key(item.nick) else ""))

    def react(self, item: Item, emoji: str, nick: str, user: bytes, *, added: bool, is_own: bool) -> bool:
        """A user reacted to a message that is held, or took that back. False if that changes nothing."""
        reactions = reacted(item.reactions, emoji, nick, user, added=added, is_own=is_own)
        if reactions == item.reactions:
            return False
        self._change(item, item.changed(reactions=reactions))
        return True

    def _change(self, item: Item, changed: Item) -> None:
        """Put the present form of a message in its place, and in the quotes of it; what was unread is still unread."""
        at, _ = self._find(item.sequence)
        self.items[at] = changed
        if changed.reply is None:
            self._forget_reply(item)
        self._characters += len(changed.text) - len(item.text)
        self._budget.give(_charge(item))
        self._budget.take(_charge(changed))
        if changed.text != item.text:
            self._quote_anew(quote_of(changed))
        if self._is_unread(item):
            self.unread -= changed.is_removed
            self.mentions += changed.is_mention - item.is_mention
        self._keep_within_bounds()

    def forget_quotes(self, identity: str) -> None:
        """The message of this id is not held, and was edited or removed: what replies quote of it may be gone."""
        self._quote_anew(Quote(identity, "", ""))

    def quote_after(self, event: events.Amendment) -> Quote | None:
        """What is quoted now of the message that an event was about; None: what was quoted before."""
        if isinstance(event, events.Reacted):
            return None
        item = self.find_by_id(event.id)
        return Quote(event.id, "", "") if item is None else quote_of(item)

    def _quote_anew(self, quote: Quote) -> None:
        for sequence in self._replies.get(quote.id, ()):
            at, _ = self._find(sequence)
            self._budget.give(_charge(self.items[at]))
            self.items[at] = self.items[at].changed(reply=quote)
            self._budget.take(_charge(self.items[at]))

    def clear(self) -> None:
        """The server has another log in the place of this one."""
        while self.items:
            self._forget_first()
        self.read_up_to, self.unread, self.mentions = None, 0, 0


def removed(item: Item) -> Item:
    """What stands in the place of a message that was removed: nothing of what it was, only whose it was and when."""
    kept = (item.time_ms, item.is_own)
    return Item(item.sequence, item.id, item.nick, "", "text", *kept, is_removed=True, author=item.author)


def quote_of(item: Item) -> Quote:
    """The beginning of a message, as a reply to it shows it."""
    return Quote(item.id, item.nick, shortened(item.text), item.is_removed)


def shortened(text: str) -> str:
    """The beginning of a text, with an ellipsis if that is not all."""
    return text if len(text) <= QUOTE_CHARACTERS_MAX else f"{text[: QUOTE_CHARACTERS_MAX - 1]}\u2026"


def _quoting_each_other(messages: list[events.MessageReceived]) -> tuple[events.MessageReceived, ...]:
    by_id = {message.id: message for message in messages}
    quoted = []
    for message in messages:
        said = by_id.get(message.reply.id) if message.reply is not None else None
        quote = said and Quote(said.id, said.nick, shortened(said.text), said.kind == events.REMOVED)
        quoted.append(message.changed(reply=quote) if quote else message)
    return tuple(quoted)


def _charge(item: Item) -> int:
    """What an item counts for, of MODEL_BYTES_MAX: one emoji makes four bytes of each character."""
    quoted = MODEL_ITEM_BYTES + 4 * len(item.reply.text) if item.reply is not None else 0
    reactions = REACTION_BYTES * sum(len(each.nicks) + 1 for each in item.reactions)
    return MODEL_ITEM_BYTES + 4 * len(item.text) + quoted + reactions


def _phase(chat: Participant, link: Link) -> Phase:
    if chat.membership.is_over:
        return Phase.OVER
    if chat.membership.is_leaving:
        return Phase.LEAVING
    if chat.admission.is_lost:
        return Phase.LOST
    return Phase.ONLINE if chat.membership.is_welcome and not link.is_lost else Phase.CONNECTING


def _is_mention(room: str, text: str, nick: str) -> bool:
    return room.startswith("@") or mentions(text, nick)


class Model:
    """The conversations of one client. `apply` gets all events, in order; then the model shows what they changed."""

    def __init__(self, chat: Participant, link: Link) -> None:
        self._chat = chat
        self._link = link
        self._conversations: dict[str, Conversation] = {}
        self._budget = Budget(MODEL_BYTES_MAX)
        self._late = LateChanges()

    @property
    def nick(self) -> str:
        """This user's nick at the server, or the one requested."""
        return self._chat.membership.nick

    @property
    def user(self) -> bytes:
        """This user's id, as authors of messages have it."""
        return self._chat.timeline.people.me

    @property
    def claimed_nick(self) -> str:
        """The nick that the user changed to in this run, once the server has confirmed it; empty before."""
        return self._chat.requests.answers.claimed

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that this client is in or wants to be in, in the order in which they were joined."""
        return self._chat.membership.rooms

    @property
    def connection(self) -> Connection:
        """The connection as it is now."""
        round_trip = self._chat.requests.outbox.round_trip
        round_trip_s = round_trip.smoothed_s if round_trip.sampled else None
        uplink = self._chat.timeline.uplink
        return Connection(
            self._chat.profile.server, _phase(self._chat, self._link), round_trip_s, uplink.loss, uplink.missing
        )

    @property
    def sending(self) -> list[Said]:
        """This user's messages that are not confirmed, in order."""
        return self._chat.timeline.own.unconfirmed()

    def conversations(self) -> list[Conversation]:
        """The rooms, in the order of `rooms`, then the conversations with users, the latest message first."""
        private = [known for known in self._conversations.values() if known.is_private and known.items]
        private.sort(key=lambda known: known.items[-1].time_ms, reverse=True)
        return [*map(self.conversation, self.rooms), *private]

    def conversation(self, name: str) -> Conversation:
        """The conversation of this name; an empty one if nothing is known of it."""
        conversation = self._conversations.get(nick_key(name))
        if conversation is None:
            is_kept = name.startswith("@") or name in self.rooms
            budget = self._budget if is_kept else None
            conversation = Conversation(name, self._chat.timeline.read_up_to(name), budget)
            if is_kept:
                self._conversations[nick_key(name)] = conversation
                self._evict()
        return conversation

    def forget(self, name: str) -> None:
        """A conversation is not shown any more, until something is said in it."""
        if (known := self._conversations.pop(nick_key(name), None)) is not None:
            known.clear()

    def _evict(self) -> None:
        """Of conversations with users and of rooms that were left, forget those begun first if there are too many."""
        others = [known for known in self._conversations.values() if known.name not in self.rooms]
        private, left = ([known for known in others if known.is_private is each] for each in (True, False))
        for known in [*private[:-PRIVATE_MAX], *left[:-LEFT_MAX]]:
            self.forget(known.name)

    def _add(self, conversation: Conversation, item: Item) -> None:
        conversation.add(item)
        self._keep_within_budget()

    def _keep_within_budget(self) -> None:
        while not self._budget.has_room(0):
            max(self._conversations.values(), key=lambda known: len(known.items)).shrink()

    def items(self, name: str) -> list[Item]:
        """The messages of a conversation, and behind them those that are being sent."""
        waiting = [said for said in self.sending if said.room == name and said.is_message]
        sending = [self._own(self._quoted(said.sent(UNKNOWN, 0))) for said in waiting]
        return self.conversation(name).items + sending

    def _own(self, sent: events.MessageSent) -> Item:
        state = ItemState.SENDING if sent.seq == UNKNOWN else ItemState.SENT
        said = (sent.seq, sent.id, self.nick, sent.text, sent.kind, sent.time_ms, True)
        return Item(*said, state=state, reply=sent.reply, author=self.user)

    def members(self, room: str) -> Members:
        """The members of a room, as far as they are known."""
        return self._chat.timeline.people.members(room)

    def standing(self, room: str, time_ms: int = 0) -> Standing:
        """What holds for this user in a room, or, if that is empty, on the server; see `Standings.of`."""
        return self._chat.timeline.people.standings.of(room, time_ms)

    def typing(self, name: str) -> list[str]:
        """The nicks of those who are typing to a conversation."""
        return self._chat.typing.names(name)

    # --- Changes ----------

    def apply(self, happened: Iterable[events.ClientEvent]) -> list[events.ClientEvent]:
        """These events happened. Returns those that an interface is to show, with the quotes that the model knows.

        What changes a message that is not held, or that is shown so already, is not among them.
        """
        return [event for event in map(self._apply, happened) if event is not None]

    def _apply(self, event: events.ClientEvent) -> events.ClientEvent | None:
        match event:
            case events.MessageReceived():
                event = self._quoted(event)
                self._receive(event)
            case events.MessageSent():
                event = self._quoted(event)
                is_ahead = event.room.startswith("@") and not event.is_passed
                if not event.again and (event.time_ms or is_ahead):  # else the replica skipped it
                    self._add(self.conversation(event.room), self._own(event))
            case events.Edited() | events.Redacted() | events.Reacted():
                return self._amend(event)
            case events.HistoryFound(messages, words):
                return events.HistoryFound(self.listed(messages), words)
            case events.PageFound(messages=messages):
                return event.changed(messages=self.as_now(messages))
            case events.MessageRemoved(room, sequence, nick, time_ms, identity, author):
                item = Item(
                    sequence,
                    identity,
                    nick,
                    "",
                    "text",
                    time_ms,
                    author in self._chat.timeline.people.mine,
                    author=author,
                )
                self._add(self.conversation(room), removed(item))
            case events.HolderList(room):
                return event.changed(room=self.conversation(room).name)  # as it is spelled elsewhere
            case events.TopicChanged(room, topic):
                self.conversation(room).topic = topic
            case events.ReadMarked(room, sequence):
                self.conversation(room).mark(sequence)
            case events.MessageDelivered(room, sequence, _, have, users):
                self.conversation(room).deliver(sequence, Delivery(have, users))
            case events.HistoryReplaced(room):
                self.conversation(room).clear()
                self._late = LateChanges()  # the server may have lost them
            case events.MemberLeft(room) if room not in self.rooms:
                self.conversation(room).topic = ""  # what was said stays: joined again, its log goes on there
                self._evict()
        return event

    def _receive(self, event: events.MessageReceived) -> None:
        conversation = self.conversation(event.room)
        self._add(conversation, self.item_of(event))
        if event.history and not conversation.is_private and self._chat.timeline.read_up_to(event.room) is None:
            conversation.mark(event.seq)  # said before this user ever marked the room: nothing of it is unread

    def item_of(self, event: events.MessageReceived) -> Item:
        """A message as it is drawn, whether it is held or not."""
        is_own = event.author in self._chat.timeline.people.mine  # from another device
        is_mention = not is_own and _is_mention(event.room, event.text, self.nick)
        item = Item(event.seq, event.id, event.nick, event.text, event.kind, event.time_ms, is_own, is_mention)
        item = item.changed(author=event.author, is_edited=bool(event.edited), edited_by=event.edited)
        item = item.changed(reply=event.reply, reactions=event.reactions)
        return removed(item) if event.kind == events.REMOVED else item

    # --- What is about an earlier message ----------

    def amended(self, item: Item, event: events.Amendment) -> Item:
        """A message that is not held, as it is after this event."""
        if item.is_removed:
            return item
        alone = Conversation(event.room)
        alone.add(item)
        self._change(alone, item, event)
        return alone.items[0]

    def _amend(self, event: events.Amendment) -> events.Amendment | events.EarlierAmended | None:
        """Change the message that an event is about, if it is held; None: there is nothing to show."""
        if event.is_confirmation:
            event = event.changed(nick=self.nick, author=self.user)
        if not event.again:
            self._late.add(event)
        conversation, item = self._held(event.room, event.seq, event.id)
        is_changed = False
        if item is not None and not event.again:
            event = event.changed(target=quote_of(item))
            is_changed = self._change(conversation, item, event)
        if item is None and not isinstance(event, events.Reacted):
            conversation.forget_quotes(event.id)
        if event.is_confirmation or (is_changed and event.is_shown):
            return event
        return events.EarlierAmended(event) if item is None or is_changed else None

    def _held(self, name: str, sequence: int, identity: str) -> tuple[Conversation, Item | None]:
        """The message of this sequence and id, and where it is held; its author may have had another nick then."""
        conversation = self.conversation(name)
        private = self._conversations.values() if conversation.is_private else ()
        for known in (conversation, *private):
            item = known.find(sequence, identity)
            if item is not None and known.is_private == conversation.is_private:
                return known, item
        return conversation, None

    def _change(self, conversation: Conversation, item: Item, event: events.Amendment) -> bool:
        """Whether that changed anything: only its author can edit a message, or remove it, except by right."""
        match event:
            case events.Reacted():
                by, is_own = (event.emoji, event.nick, event.author), event.author == self.user
                is_changed = conversation.react(item, *by, added=event.added, is_own=is_own)
            case events.Edited() if item.author == event.author and item.kind in EDITED_KINDS:
                is_mention = not item.is_own and _is_mention(conversation.name, event.text, self.nick)
                is_changed = conversation.edit(item, event.text, event.own_seq, is_mention=is_mention)
            case events.Redacted() if event.is_by_right or item.author == event.author:
                conversation.remove(item, event.nick)
                is_changed = True
            case _:
                is_changed = False
        self._keep_within_budget()
        return is_changed

    def _quoted(self, event: Shown) -> Shown:
        """A message with the quote of what it answers, if that is held."""
        if event.reply is None:
            return event
        answered = self.conversation(event.room).find_by_id(event.reply.id)
        return event if answered is None else event.changed(reply=quote_of(answered))

    def as_now(self, messages: tuple[events.MessageReceived, ...]) -> tuple[events.MessageReceived, ...]:
        """Messages of the past: as changed since they were read, with quotes of each other and of those held."""
        return _quoting_each_other([self._quoted(message) for message in self._late.applied(messages, self.user)])

    def listed(self, messages: tuple[events.MessageReceived, ...]) -> tuple[events.MessageReceived, ...]:
        """The same for a list: without those that were removed."""
        return tuple(message for message in self.as_now(messages) if message.kind != events.REMOVED)

    # --- Reading ----------

    def mark_read(self, name: str) -> int | None:
        """All of a conversation is read: the sequence up to which to report it, None if nothing was unread."""
        return self.conversation(name).mark_all()
