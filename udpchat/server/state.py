"""The state recorded in the logs: heads, owners of nicks, topics, conversations, accounts, order (SPEC 4.6, 7).

All entries pass through `apply`: those of the directory, read at start, and those that `settle` returns. A state may
lie *over* another: it answers from what was applied to itself, then from the other. The settled entries that are not
durable yet are one state over the durable one, and it is cleared when they could not be written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from typing import Final

from udpchat.chat.ids import CONVERSATION_PREFIX, DIRECTORY_LOG, INBOX_PREFIX, ROOM_PREFIX, SAID_PREFIXES
from udpchat.chat.permissions import Role
from udpchat.server.accounts import Accounts
from udpchat.server.claims import Claims
from udpchat.server.order import SERVER, Order
from udpchat.sync.log import LogReader
from udpchat.wire.content import (
    AccountRecord,
    Claim,
    CodeRecord,
    ConversationRecord,
    RoleRecord,
    RoomRecord,
    SanctionRecord,
    TopicRecord,
)
from udpchat.wire.frames import parse_record
from udpchat.wire.limits import (
    CONVERSATIONS_MAX,
    CONVERSATIONS_PER_KEY_MAX,
    INBOXES_MAX,
    STORED_ROOMS_MAX,
    TOPICS_MAX,
)

LOGS_MAX = {ROOM_PREFIX: STORED_ROOMS_MAX, CONVERSATION_PREFIX: CONVERSATIONS_MAX, INBOX_PREFIX: INBOXES_MAX}
_READ_RECORDS: Final = 1_024
_NO_CONVERSATIONS: Final[Mapping[str, bytes]] = {}


class State:
    """Heads, claims, topics, conversations, accounts and order. Only `load` reads entries."""

    __slots__ = (
        "_begun", "_conversations", "_heads", "_logs", "_reader", "_topics", "_under", "accounts", "claims", "messages",
        "order",
    )  # fmt: skip

    def __init__(self, reader: LogReader, under: State | None = None) -> None:
        self._reader = reader
        self._under = under
        self.claims: Claims = Claims(under.claims if under is not None else None)
        self.accounts: Accounts = Accounts(under.accounts if under is not None else None)
        self.order: Order = Order(under.order if under is not None else None)
        self.clear()

    def clear(self) -> None:
        """Forget all entries that were applied to this state itself."""
        self._heads: dict[str, int] = {}
        self._logs: Counter[str] = Counter()  # how many there are, by the prefix of their names
        self.messages = 0  # how many were ever said in rooms and conversations, with what is about them
        self.claims.clear()
        self.accounts.clear()
        self.order.clear()
        self._topics: dict[str, TopicRecord] = {}  # by room; one that is empty only hides that of a state below
        self._conversations: dict[bytes, dict[str, bytes]] = {}  # key -> log -> the other key
        self._begun: Counter[bytes] = Counter()  # of these, how many a key began

    def load(self) -> None:
        """Apply the stored directory. Raises `LogUnreadable`."""
        extent = self._reader.extent(DIRECTORY_LOG)
        sequence = extent.base
        while sequence < extent.head:
            records = self._reader.read(DIRECTORY_LOG, sequence + 1, _READ_RECORDS)
            assert records, "a store that cannot give what its extent names raises"
            for record in records:
                sequence += 1
                self.apply(DIRECTORY_LOG, sequence, record)
        self.unpin_heads(())
        self._logs = Counter(log[0] for log in self._reader.logs())
        self.messages = sum(self.head(log) for log in self._reader.logs() if log[0] in SAID_PREFIXES)

    def apply(self, log: str, sequence: int, entry: bytes) -> None:
        """Apply an entry, which is the last of its log, at `sequence`; to a state over another: it will be written."""
        if self._under is not None and log not in self._heads:
            self._under.pin_head(log)
        self._heads[log] = sequence
        if sequence == 1:
            self._logs[log[0]] += 1
        if log[0] in SAID_PREFIXES:
            self.messages += 1
        if log != DIRECTORY_LOG:
            return
        match parse_record(entry):
            case Claim() as claim:
                self.claims.apply(claim)
            case TopicRecord(room, text) as topic:
                self._topics[room] = topic
                if not text and self._under is None:
                    del self._topics[room]
            case ConversationRecord(name, (one, other)):
                self._begun[one] += name not in self.conversations(one)
                self._conversations.setdefault(one, {})[name] = other
                self._conversations.setdefault(other, {})[name] = one
            case AccountRecord() | CodeRecord() as record:
                self.accounts.apply(record)
            case RoomRecord() | RoleRecord() | SanctionRecord() as record:
                self.order.apply(record)

    @property
    def records(self) -> int:
        """How many records of the directory count: as if each had been written once."""
        others = len(self.accounts) + len(self.order)
        return len(self.claims) + self._topic_count() + sum(self._begun.values()) + others

    def role(self, account: bytes, room: str = SERVER, opener: bytes = b"") -> Role:
        """The role of an account in a room: the higher of that in the room and that on the server."""
        role = self.accounts.role(account)
        return max(role, self.order.role(room, account, opener)) if room else role

    def head(self, log: str) -> int:
        """The sequence of the last entry of a log."""
        head = self._heads.get(log)
        if head is None:
            head = self._reader.extent(log).head if self._under is None else self._under.head(log)
        return head

    def may_begin(self, log: str) -> bool:
        """Whether a log that holds nothing yet can be made."""
        return self.logs_of(log[0]) < LOGS_MAX[log[0]]

    def logs_of(self, prefix: str) -> int:
        """How many logs there are whose names begin so."""
        return self._logs[prefix] + (self._under.logs_of(prefix) if self._under is not None else 0)

    def pin_head(self, log: str) -> None:
        """The log will be written: only `apply` moves its head, even if the store already shows more."""
        if log not in self._heads:
            self._heads[log] = self.head(log)

    def unpin_heads(self, written: Container[str]) -> None:
        """Only the `written` logs are being written; heads of all others are read from the store again."""
        self._heads = {log: head for log, head in self._heads.items() if log in written}

    def topic(self, room: str) -> TopicRecord | None:
        """The topic of a room, if it has one: an empty topic removed the former."""
        topic = self._topics.get(room)
        if topic is None:
            return self._under.topic(room) if self._under is not None else None
        return topic if topic.topic else None

    def topics_by(self, nicks: Container[str]) -> list[str]:
        """The rooms whose topic somebody with one of these nicks has set."""
        under = self._under.topics_by(nicks) if self._under is not None else []
        hidden = [room for room in under if room not in self._topics]
        return hidden + [room for room, topic in self._topics.items() if topic.topic and topic.nick in nicks]

    def conversations(self, key: bytes) -> Mapping[str, bytes]:
        """The conversations of a key, oldest first: log -> the other key."""
        own = self._conversations.get(key, _NO_CONVERSATIONS)
        under = _NO_CONVERSATIONS if self._under is None else self._under.conversations(key)
        return {**under, **own} if own and under else own or under

    def may_converse(self, key: bytes, other: bytes) -> bool:
        """Whether a key may begin a conversation with another: what others begin with it takes nothing of its own."""
        return self._begun_by(key) < CONVERSATIONS_PER_KEY_MAX and self.left_for_others(other) > 0

    def left_for_others(self, key: bytes) -> int:
        """How many conversations others may still begin with a key."""
        return CONVERSATIONS_PER_KEY_MAX - (len(self.conversations(key)) - self._begun_by(key))

    def _begun_by(self, key: bytes) -> int:
        return self._begun[key] + (self._under._begun_by(key) if self._under is not None else 0)

    def may_set_topic(self, room: str) -> bool:
        """Whether a room has a topic, or can have one."""
        return self.topic(room) is not None or self._topic_count() < TOPICS_MAX

    def _topic_count(self) -> int:
        """How many there are, or a few more: what is being written counts, also in the place of another and empty."""
        return len(self._topics) + (self._under._topic_count() if self._under is not None else 0)
