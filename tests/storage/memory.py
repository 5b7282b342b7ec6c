"""The stores in memory, for tests and the simulator: they are fast, and their chance can be chosen."""

from __future__ import annotations

import os
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from udpchat.chat.amendments import AMENDING, amended, edited_by, emptied, is_about, is_added, reference_of
from udpchat.chat.ids import CONVERSATION_PREFIX
from udpchat.client.stored import (
    LABELS_MAX,
    AccountKnown,
    ClientState,
    EntriesStored,
    Label,
    Labelled,
    ReplicaReset,
    RequestAdded,
    RequestDone,
    RequestRenumbered,
    RoomsChanged,
    Write,
    digest_of,
)
from udpchat.storage.entry_words import generation_of, latest, message_of, nick_token, split_words, time_of, words_of
from udpchat.storage.store_interfaces import ANSWERED_MAX, RUN_COUNTERS, StoreFull
from udpchat.sync.log import Append, Extent, SearchHit, SearchQuery
from udpchat.wire.content import EDIT, Message
from udpchat.wire.frames import encode, encode_message
from udpchat.wire.limits import INSTANCE_BYTES, REACTIONS_MAX, REACTIONS_PER_AUTHOR_MAX


@dataclass(slots=True)
class _Shelf:
    """One log: entries `base + 1`, `base + 2`, ..., and the time of each (which a tombstone does not change)."""

    generation: int
    base: int = 0
    entries: list[bytes] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    reactions: dict[tuple[int, str, bytes], int] = field(default_factory=dict)  # message, emoji, user -> sequence

    @property
    def extent(self) -> Extent:
        return Extent(self.generation, self.base, self.base + len(self.entries))

    def add(self, entry: bytes) -> None:
        self.entries.append(entry)
        message = message_of(entry)
        self.times.append(time_of(message))
        if isinstance(message, Message) and message.kind in AMENDING:
            self._amend(self.extent.head, message)

    def _amend(self, sequence: int, message: Message) -> None:
        """Apply an entry to the earlier message that it is about."""
        reference = reference_of(message, sequence)
        target = None if reference is None else self._message(reference.sequence)
        present = None
        if reference is not None and target is not None and is_about(message, target):
            added, key = is_added(message), (reference.sequence, message.text, message.author)
            of_target = [author for at, _, author in self.reactions if at == reference.sequence]
            is_full = len(of_target) >= REACTIONS_MAX or of_target.count(message.author) >= REACTIONS_PER_AUTHOR_MAX
            if added and not is_full:
                self.reactions.setdefault(key, sequence)
            elif added is False:
                self.reactions.pop(key, None)
            elif (present := amended(target, message, sequence)) is not None:
                self.put(
                    reference.sequence, encode_message(present) if isinstance(present, Message) else encode(present)
                )
        if message.kind == EDIT and present is None and (target is None or edited_by(target) != sequence):
            self._empty(sequence)

    def put(self, sequence: int, entry: bytes) -> None:
        """Replace an entry."""
        replaced = self._message(sequence)
        self.entries[sequence - self.base - 1] = entry
        if not isinstance(message_of(entry), Message):
            self.reactions = {key: row for key, row in self.reactions.items() if key[0] != sequence}
        if replaced is not None and edited_by(replaced):
            self._empty(edited_by(replaced))

    def _empty(self, sequence: int) -> None:
        message = self._message(sequence)
        if message is not None and message.kind == EDIT:
            self.put(sequence, encode_message(emptied(message)))

    def _message(self, sequence: int) -> Message | None:
        message = (
            message_of(self.entries[sequence - self.base - 1]) if self.base < sequence <= self.extent.head else None
        )
        return message if isinstance(message, Message) else None

    def prune(self, gone: int) -> int:
        """Delete the first so many entries; the bytes that this frees."""
        edits = [edited_by(message) for message in map(message_of, self.entries[:gone]) if isinstance(message, Message)]
        size = sum(map(len, self.entries[:gone]))
        del self.entries[:gone], self.times[:gone]
        self.base += gone
        self.reactions = {key: row for key, row in self.reactions.items() if key[0] > self.base}
        for edit in edits:
            self._empty(edit)
        return size

    def read(self, first: int, count: int) -> list[tuple[int, bytes]]:
        start = max(first - self.base - 1, 0)
        stop = max(first + count - self.base - 1, 0)
        return list(enumerate(self.entries[start:stop], self.base + 1 + start))


class _Shelves:
    """What both stores share: the list of logs, and search without an index."""

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._bytes = 0

    def logs(self) -> list[str]:
        return list(self._shelves)

    def since(self, log: str, time_ms: int) -> int:
        shelf = self._shelves.get(log)
        return 1 if shelf is None else shelf.base + 1 + bisect_left(shelf.times, time_ms)

    def search(self, query: SearchQuery) -> list[SearchHit]:
        """See `Searchable`. It scans the messages, without an index."""
        wanted = frozenset(words_of(_plain(query.words)))
        nick = None if query.nick is None else nick_token(query.nick)
        found = []
        for name, shelf in self._shelves.items() if wanted or nick else ():
            if query.log not in (None, name) or _is_private_to_others(name, query) or name in query.without:
                continue
            for sequence, entry in shelf.read(self.since(name, query.since_ms), len(shelf.entries)):
                message, words = _indexed(entry)
                if message is None or nick not in (None, nick_token(message.nick)):
                    continue
                if wanted <= words:
                    found.append(SearchHit(name, sequence, shelf.times[sequence - shelf.base - 1], entry))
        return latest(found, query.limit)

    def reactions(self, log: str, first: int, last: int) -> list[tuple[int, bytes]]:
        shelf = self._shelves.get(log)
        if shelf is None:
            return []
        rows = sorted(row for (target, _, _), row in shelf.reactions.items() if first <= target <= last)
        return [item for row in rows for item in shelf.read(row, 1)]


def _is_private_to_others(log: str, query: SearchQuery) -> bool:
    may_read = query.conversations
    return may_read is not None and log.startswith(CONVERSATION_PREFIX) and log not in may_read


@lru_cache(16_384)  # worlds search the same messages again and again
def _indexed(entry: bytes) -> tuple[Message | None, frozenset[str]]:
    """The message in an entry that a search can find, and its words; None for any other."""
    message = message_of(entry)
    if not isinstance(message, Message) or message.kind in AMENDING:
        return None, frozenset()
    return message, frozenset(split_words(_plain(message.text)))


def _plain(text: str) -> str:
    """`text` without case and accents."""
    return "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))


class MemoryLog(_Shelves):
    """A `Log` that ends with its process. `bytes_max` limits the total size of its entries, if given."""

    def __init__(self, *, bytes_max: int | None = None, random: Callable[[int], bytes] = os.urandom) -> None:
        super().__init__()
        self._seed = random(16)
        self._bytes_max = bytes_max
        self._answers: dict[bytes, dict[int, tuple[str, int]]] = {}

    def extent(self, log: str) -> Extent:
        shelf = self._shelves.get(log)
        return shelf.extent if shelf else Extent(generation_of(self._seed, log), 0, 0)

    def read(self, log: str, first: int, count: int) -> list[bytes]:
        shelf = self._shelves.get(log)
        return [entry for _, entry in shelf.read(first, count)] if shelf and first > shelf.base else []

    def answered(self, client_id: bytes) -> list[tuple[int, str, int]]:
        return [(counter, *place) for counter, place in sorted(self._answers.get(client_id, {}).items())]

    def append(self, batch: Sequence[Append]) -> None:
        """Append all, or raise `StoreFull` if they do not fit into `bytes_max`."""
        heads: dict[str, int] = {}
        for item in batch:
            head = heads.get(item.log, self.extent(item.log).head)
            assert item.sequence == head + 1, f"{item.log} continues with {head + 1}, not {item.sequence}"
            assert not item.origin or item.origin.counter not in self._answers.get(item.origin.client_id, {})
            heads[item.log] = item.sequence
        size = self._bytes + sum(len(item.entry) for item in batch)
        if self._bytes_max is not None and size > self._bytes_max:
            raise StoreFull(f"no room: the log is at its limit of {self._bytes_max} bytes")
        self._bytes = size
        for item in batch:
            shelf = self._shelves.get(item.log)
            if shelf is None:
                shelf = self._shelves[item.log] = _Shelf(generation_of(self._seed, item.log))
            shelf.add(item.entry)
            if item.origin:
                answers = self._answers.setdefault(item.origin.client_id, {})
                answers[item.origin.counter] = (item.log, item.sequence)
                while len(answers) > ANSWERED_MAX:
                    del answers[min(answers)]

    def prune(self, log: str, base: int) -> None:
        """In one step."""
        if (shelf := self._shelves.get(log)) is not None and base > shelf.base:
            self._bytes -= shelf.prune(min(base - shelf.base, len(shelf.entries)))

    def redact(self, log: str, sequence: int, tombstone: bytes) -> None:
        """The bytes that the tombstone saves can be used by other entries."""
        if self.read(log, sequence, 1) and sequence > self._shelves[log].base:
            shelf = self._shelves[log]
            self._bytes += len(tombstone) - len(shelf.entries[sequence - shelf.base - 1])
            shelf.put(sequence, tombstone)

    def close(self) -> None:
        """Nothing to release."""


class MemoryClientStore(_Shelves):
    """A `ClientStore` that ends with its process."""

    has_forgotten = False

    def __init__(self, *, random: Callable[[int], bytes] = os.urandom) -> None:
        super().__init__()
        self._saved = ClientState(random(INSTANCE_BYTES))
        self._unanswered: dict[int, bytes] = {}
        self._labels: dict[Label, Labelled] = {}

    @property
    def is_durable(self) -> bool:
        return False

    def load(self, label_id: str = "") -> ClientState:
        """See `ClientStore`. It reserves the counters of this run."""
        replicas = {log: (shelf.generation, shelf.extent.head) for log, shelf in self._shelves.items()}
        saved = self._saved
        self._saved = saved.changed(next_counter=saved.next_counter + RUN_COUNTERS)
        self._forget_labels(label_id)
        of_input = {label.line: labelled for label, labelled in self._labels.items() if label.id == label_id}
        labelled = frozenset(found.counter for found in self._labels.values() if found.counter in self._unanswered)
        waiting = tuple(self.unanswered())
        return saved.changed(unanswered=waiting, replicas=replicas, labels=of_input, labelled=labelled)

    def _forget_labels(self, label_id: str) -> None:
        spare = [
            label for label, labelled in self._labels.items()
            if label.id != label_id and labelled.counter not in self._unanswered
        ]  # fmt: skip
        for label in spare[: max(len(self._labels) - LABELS_MAX, 0)]:
            del self._labels[label]

    def unanswered(self) -> list[tuple[int, bytes]]:
        return sorted(self._unanswered.items())

    def write(self, batch: Sequence[Write]) -> None:
        """Write all. It cannot fail."""
        for item in batch:
            match item:
                case RequestAdded(counter, body, label):
                    self._unanswered[counter] = body
                    self._saved = self._saved.changed(next_counter=max(self._saved.next_counter, counter + 1))
                    if label is not None:
                        self._labels[label] = Labelled(counter, digest_of(body))
                case RequestRenumbered(former, counter):
                    if former in self._unanswered:
                        self._unanswered[counter] = self._unanswered.pop(former)
                    self._saved = self._saved.changed(next_counter=max(self._saved.next_counter, counter + 1))
                    for label, labelled in list(self._labels.items()):
                        if labelled.counter == former:
                            self._labels[label] = labelled.changed(counter=counter)
                case RequestDone(counter, result):
                    self._unanswered.pop(counter, None)
                    for label, labelled in list(self._labels.items()) if result else ():
                        if labelled.counter == counter:
                            self._labels[label] = labelled.changed(result=result)
                case EntriesStored(log, generation, first, entries):
                    shelf = self._shelves.setdefault(log, _Shelf(generation))
                    assert (generation, first) == (shelf.generation, shelf.extent.head + 1), f"{log} has a hole"
                    for entry in entries:
                        shelf.add(entry)
                case ReplicaReset(log, generation, sequence):
                    self._shelves[log] = _Shelf(generation, sequence)
                case RoomsChanged(rooms):
                    self._saved = self._saved.changed(rooms=rooms)
                case AccountKnown(account):
                    self._saved = self._saved.changed(account=account)

    def extent(self, log: str) -> Extent:
        shelf = self._shelves.get(log)
        return shelf.extent if shelf else Extent(0, 0, 0)

    def read(self, log: str, first: int, count: int) -> list[tuple[int, bytes]]:
        shelf = self._shelves.get(log)
        return shelf.read(first, count) if shelf else []

    def last(self, log: str, count: int) -> list[tuple[int, bytes]]:
        return self.read(log, self.extent(log).head + 1 - count, count)

    def close(self) -> None:
        """Nothing to release."""
