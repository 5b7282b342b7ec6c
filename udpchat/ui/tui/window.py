"""The stretch of a conversation that the message list holds: pages of messages near the view. Pure.

The model holds the latest messages. Earlier ones come in pages, when the view gets near the end of what is held, and
pages far from the view are let go, so that memory is bounded however far one scrolls. A window that does not reach to
the latest messages any more is *detached* from them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from udpchat.client.model import UNKNOWN, Item, Quote, quote_of
from udpchat.ui.tui.local_lines import LocalLine
from udpchat.ui.tui.rows import Form, RowPlace, continues, day_of

PAGE_ITEMS: Final = 100
HELD_ITEMS_MAX: Final = 1_000  # besides those of the model
HELD_CHARACTERS_MAX: Final = 2 << 20  # of their texts and reactions, except that one page is always held
REACTION_CHARACTERS: Final = 80  # that a reaction counts for: emoji, nick, user
HELD_LINES_MAX: Final = 1_000  # besides those that are not forgotten

MINUTE_MS: Final = 60_000

Entry = Item | LocalLine
Key = tuple[int, int]
"""Orders entries: the sequence of a message and 0, or for local lines that of the message above and their number."""


@dataclass(frozen=True, slots=True)
class PageWanted:
    """The messages before a sequence are wanted: above those held, below them, or (for a jump) in their place."""

    before: int
    is_below: bool = False
    is_jump: bool = False


UNAVAILABLE: Final = PageWanted(0)  # in the place of one that could not be had, until the user scrolls


class Window:
    """What is held of one conversation. `unread_after`: unread messages are those after this sequence; None: none."""

    def __init__(self, unread_after: int | None = None) -> None:
        self.entries: list[Entry] = []
        self.keys: list[Key] = []  # of the entries
        self.unread_after = unread_after
        self.first_unread = -1  # index of the entry above which the line for unread messages stands; -1: nowhere
        self._held: list[Item] = []
        self._latest: list[Item] = []
        self._lines: list[LocalLine] = []
        self._start: int | None = None  # from this sequence on; None: from the first of the latest
        self._stop: int | None = None  # up to below this sequence; None: not detached
        self._awaited: PageWanted | None = None
        self.view: Key = (UNKNOWN, 0)  # where the user reads: what is far from there is let go
        self._below_at_most = UNKNOWN  # a page below came in part: the rest of it ends here

    # --- What is held ----------

    @property
    def is_attached(self) -> bool:
        """Whether it reaches to the latest messages."""
        return self._stop is None

    @property
    def start(self) -> int:
        """The sequence from which on it holds all messages."""
        return self._first_latest() if self._start is None else self._start

    @property
    def is_beginning(self) -> bool:
        """Whether nothing earlier exists."""
        return self.start <= 1

    @property
    def is_awaiting(self) -> bool:
        """Whether a page was asked for, and has not come."""
        return self._awaited not in (None, UNAVAILABLE)

    @property
    def latest_count(self) -> int:
        """How many messages the model holds: below a detached window there are at least as many."""
        return len(self._latest)

    def update(self, latest: Sequence[Item], lines: Sequence[LocalLine], *, holds_lines: bool = False) -> bool:
        """The model holds these messages, and this client said these lines. False if all is as before.

        `holds_lines`: the user reads what was said before; lines that are forgotten meanwhile stay.
        """
        if holds_lines:
            first_number = lines[0].number if lines else UNKNOWN
            gone_lines = [line for line in self._lines if line.number < first_number]
            lines = [*gone_lines[-HELD_LINES_MAX:], *lines]
        first = latest[0].sequence if latest else UNKNOWN
        if self._stop is None or first < self._stop:
            self._attach(first)
            gone = [item for item in self._latest if item.sequence < first]
            if gone and self._start is None:
                self._start = gone[0].sequence
            self._held += gone  # the model forgot them: the view may be among them
            if gone and latest and all(item.sequence < first or item.sequence == UNKNOWN for item in self._latest):
                self._stop = gone[-1].sequence + 1  # it has none of those any more: between may have been others
            self._trim()
        former = self._latest, self._lines
        self._latest, self._lines = list(latest), list(lines)
        if (self._latest, self._lines) == former:
            return False
        self._merge()
        return True

    def _attach(self, first: int) -> None:
        """The messages of the model, from this sequence on, continue those held: what is here too, the model has."""
        self._stop = None
        del self._held[self._held_before(first) :]
        if self._start is not None and first < self._start:
            self._start = None  # the page was asked for when the model had none

    def set_unread_after(self, sequence: int | None) -> None:
        """Messages after this sequence are unread; None: none are."""
        self.unread_after = sequence
        self._merge()

    def amend(self, sequence: int, identity: str, change: Callable[[Item], Item], quote: Quote | None) -> None:
        """Something was said about a message: if only this window holds it, put the changed one in its place.

        `quote`: what replies quote of it now, if this window does not hold it; None: what they quote is as before.
        """
        at = self._held_before(sequence)
        if at < len(self._held) and (self._held[at].sequence, self._held[at].id) == (sequence, identity):
            self._held[at] = change(self._held[at])
            quote = quote and quote_of(self._held[at])
        for at, item in enumerate(self._held if quote is not None else ()):
            if item.reply is not None and item.reply.id == identity:
                self._held[at] = item.changed(reply=quote)
        self._trim()
        self._merge()

    def release(self) -> None:
        """The view is at the latest messages: hold of others no more than fill a screen."""
        if not self.is_attached:
            self._held, self._start, self._stop = [], None, None
            self._merge()
        elif len(self._held) > PAGE_ITEMS:
            del self._held[:-PAGE_ITEMS]
            self._start = self._held[0].sequence
            self._merge()

    def _merge(self) -> None:
        messages = [*self._held, *self._latest] if self.is_attached else self._held
        pairs: list[tuple[Key, Entry]] = []
        for item in messages:  # those that are being sent have no sequence yet, but an order
            pairs.append(((item.sequence, len(pairs) if item.sequence == UNKNOWN else 0), item))
        first = messages[0].sequence - 1 if messages and not self.is_beginning else 0
        for line in self._lines:
            after = (line.after or self._before_time(messages, line.time_ms)) if messages else 0  # in their order, then
            if after >= first and (self._stop is None or after < self._stop):
                pairs.append(((after, line.number), line))
        pairs.sort(key=lambda pair: pair[0])
        self.keys = [key for key, _ in pairs]
        self.entries = [entry for _, entry in pairs]
        self.first_unread = self._find_first_unread()

    def _before_time(self, messages: Sequence[Item], time_ms: int) -> int:
        for item in reversed(messages):
            if 0 < item.time_ms <= time_ms and item.sequence < UNKNOWN:
                return item.sequence
        return messages[0].sequence - 1

    def _find_first_unread(self) -> int:
        if self.unread_after is None:
            return -1
        at = bisect_right(self.keys, (self.unread_after, UNKNOWN))
        while at < len(self.entries):
            entry = self.entries[at]
            if isinstance(entry, Item) and not entry.is_own:
                is_known = at > 0 or self.is_beginning or entry.sequence == self.unread_after + 1
                return at if is_known else -1
            at += 1
        return -1

    def place(self, index: int, form: Form) -> RowPlace:
        """What the neighbours of an entry mean for it."""
        entry, above = self.entries[index], self.entries[index - 1] if index else None
        day = day_of(entry.time_ms, form)
        if above is None:
            is_new_day = self.is_beginning
        else:
            former = day_of(above.time_ms, form)
            is_new_day = day is not None and former is not None and day > former
        is_first_unread = index == self.first_unread
        is_continued = False
        if not is_new_day and not is_first_unread:
            match above, entry:
                case Item(), Item():
                    is_continued = continues(entry, above)
                case LocalLine(), LocalLine():
                    is_continued = entry.time_ms // MINUTE_MS == above.time_ms // MINUTE_MS
        return RowPlace(day if is_new_day else None, is_first_unread, is_continued)

    def index_of(self, key: Key) -> int:
        """The index of the entry with this key, else of the one that comes next, else of the last."""
        return min(bisect_left(self.keys, key), len(self.keys) - 1)

    def find(self, identity: str) -> int | None:
        """The index of the message of this id, if it is held."""
        found = (at for at, entry in enumerate(self.entries) if isinstance(entry, Item) and entry.id == identity)
        return next(found, None)

    # --- Pages ----------

    def retry(self) -> None:
        """The user scrolls: a page that could not be had is asked for again."""
        if self._awaited == UNAVAILABLE:
            self._awaited = None

    def want_above(self) -> PageWanted | None:
        """The page above is needed: what to ask for now, if anything."""
        return None if self.is_beginning else self._await(PageWanted(self.start))

    def want_below(self) -> PageWanted | None:
        """The page below is needed: what to ask for now, if anything."""
        if self._stop is None:
            return None
        before = min(self._stop + PAGE_ITEMS if self._latest else UNKNOWN, self._first_latest(), self._below_at_most)
        return self._await(PageWanted(before, is_below=True))

    def want_jump(self, sequence: int) -> PageWanted | None:
        """The messages around this sequence are needed in the place of all others: what to ask for now."""
        self._awaited = None
        return self._await(PageWanted(min(sequence + PAGE_ITEMS // 2, self._first_latest()), is_jump=True))

    def holds(self, sequence: int) -> bool:
        """Whether the message of this sequence is held, if it exists."""
        return self.start <= sequence and (self._stop is None or sequence < self._stop)

    def _first_latest(self) -> int:
        return self._latest[0].sequence if self._latest else UNKNOWN

    def _await(self, wanted: PageWanted) -> PageWanted | None:
        if self._awaited is not None:
            return None
        self._awaited = wanted
        return wanted

    def receive(self, first: int, before: int, items: Sequence[Item]) -> bool:
        """The messages from `first` to below `before`; `first` 1: nothing is earlier. False if nothing came of it.

        Equal, they could not be had.
        """
        wanted = self._awaited
        if wanted is None or wanted.before != before:
            return False
        self._awaited = None if first < before else UNAVAILABLE
        if first >= before:
            return False
        if wanted.is_jump:
            self._held, self._start, self._stop = list(items), first, before
            self._below_at_most = UNKNOWN
        elif wanted.is_below:
            stop = self._stop
            if stop is None or before <= stop:
                return False  # the view has left there
            self._below_at_most = first if first > stop else UNKNOWN
            if first <= stop:
                self._held += [item for item in items if item.sequence >= stop]
                self._stop = before
        elif before == self.start:
            self._held[:0] = items
            self._start = first
        if self._stop is not None and self._stop >= self._first_latest():
            self._attach(self._first_latest())
        self._trim()
        self._merge()
        return True

    def _held_before(self, sequence: int) -> int:
        """How many of those held come before this sequence."""
        return bisect_left(self._held, sequence, key=lambda item: item.sequence)

    def _trim(self) -> None:
        above = self._held_before(self.view[0])
        is_from_top = above > len(self._held) - above
        characters = sum(map(_characters, self._held))
        while len(self._held) > HELD_ITEMS_MAX or (characters > HELD_CHARACTERS_MAX and len(self._held) > PAGE_ITEMS):
            item = self._held.pop(0 if is_from_top else -1)
            characters -= _characters(item)
            if is_from_top:
                self._start = item.sequence + 1
            else:
                self._stop = item.sequence


def _characters(item: Item) -> int:
    """What an item counts for, of HELD_CHARACTERS_MAX."""
    return len(item.text) + REACTION_CHARACTERS * sum(len(each.nicks) for each in item.reactions)
