"""Requests up, exactly once (SPEC 5.6): the client's `Outbox` sends each until it has the result; the server's
`RequestWindow` carries each out once, in the order of the counters, and repeats the result for a repeated request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from udpchat.session.timers import backoff_s
from udpchat.sync.budget import Budget
from udpchat.sync.fragments import FragmentAssembler, split
from udpchat.sync.packing import FRAME_BYTES_MAX
from udpchat.sync.rtt import SAMPLE_S_MAX, RoundTrip
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import RequestFragment, encode, encode_request
from udpchat.wire.limits import (
    COUNTER_TAKEN_MAX,
    DATAGRAM_BYTES_MAX,
    FRAGMENT_BYTES,
    FRAGMENT_BYTES_HELD_MAX,
    HOLD_REPORTED_S_MIN,
    PAST_BYTES_MAX,
    REQUESTS_IN_FLIGHT_MAX,
)

Body = TypeVar("Body")  # of a request, as the server reads it

RESEND_S_MIN = 0.004
RESENDS_BEFORE_BACKOFF = 3
RESEND_S_MAX = 0.25
REPEAT_BYTES_MAX = 4 * DATAGRAM_BYTES_MAX  # of requests that are repeated while none is answered
ANSWERS_RECALLED_MAX = 2 * REQUESTS_IN_FLIGHT_MAX  # of one window open, and one whose answers a client lost


@dataclass(slots=True)
class OpenRequest:
    """A request without its result."""

    counter: int
    body: bytes
    tries: int = 0
    first_open: int = 0  # as it was sent last
    first_sent_at: float = 0.0  # in this session
    sent_at: float = 0.0
    due: float = 0.0


class Outbox:
    """A client's requests in the order of their counters; at most REQUESTS_IN_FLIGHT_MAX are in flight at once."""

    def __init__(self, next_counter: int = 1, unanswered: Iterable[tuple[int, bytes]] = ()) -> None:
        """`unanswered`: (counter, body) of an earlier run of the same instance, to be sent again under their ids."""
        self._run_first = next_counter
        self._open: dict[int, OpenRequest] = {counter: OpenRequest(counter, body) for counter, body in unanswered}
        self._next = max([next_counter, *(counter + 1 for counter in self._open)])
        self._unwritten: dict[int, None] = {}  # answered, but the result is not stored yet
        self._answered: set[int] = set()  # the highest in this session, of one window at least
        self.round_trip = RoundTrip()
        self._paused_until = 0.0
        self._held_until = 0.0  # the server carries out requests later, and has sent a Hold
        self._repeated_at = float("-inf")  # when a request was last sent again
        self._repeats = 0  # how often in a row, without an answer; each answer allows one more of the whole window
        self._patience_s = 0.0  # a little more than the last request took that was sent more than once

    def seed_round_trip(self, sample_s: float | None) -> None:
        """What the handshake measured, until requests measure it themselves."""
        if sample_s is not None and not self.round_trip.sampled:
            self.round_trip.on_sample(sample_s)

    def change_path(self, sample_s: float) -> None:
        """The path to the server may be another from here on; a first round trip on it was measured."""
        if 0.0 <= sample_s <= SAMPLE_S_MAX:
            self.round_trip = RoundTrip()
            self.round_trip.on_sample(sample_s)
            self._patience_s = 0.0

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, counter: int) -> bool:
        return counter in self._open

    @property
    def next_counter(self) -> int:
        return self._next

    def add(self, body: bytes) -> int:
        """Take in a request; its counter. It goes out once it is released."""
        counter = self._next
        self._next += 1
        self._open[counter] = OpenRequest(counter, body, due=float("inf"))
        return counter

    def release(self, now: float, counter: int) -> None:
        """The request is stored, and may be sent."""
        entry = self._open.get(counter)
        if entry is not None:
            entry.due = now

    def hold(self, counter: int) -> None:
        """The result came but is not stored yet: the request keeps its place in the window until `let_go`.

        The server remembers the answers of one window. If more were sent before the results are stored, a client that
        is killed then would repeat requests whose answers the server has forgotten.
        """
        self._unwritten[counter] = None

    def let_go(self, counter: int) -> None:
        """The result is stored; the request is never sent again."""
        self._unwritten.pop(counter, None)

    def abandon(self, counter: int) -> None:
        """Drop a request that was never released."""
        self._open.pop(counter, None)

    def _unsent(self) -> list[OpenRequest]:
        """The requests of this run that were never sent, in order."""
        return [entry for entry in self._open.values() if entry.counter >= self._run_first and not entry.first_open]

    def is_taken(self, counter: int) -> bool:
        """Whether a counter that the server knows is one that this run has not sent: another process has used it.

        That process has a copy of our store, and the server would answer our requests as those of that process.
        """
        return counter >= min([self._next, *(entry.counter for entry in self._unsent())])

    def continue_behind(self, counter: int) -> dict[int, int]:
        """Give no counter up to this one any more. Requests of this run that were never sent get new ones, and wait to
        be released under them: former counter -> new one. BadDatagram(IMPOSSIBLE) if too few would be left.
        """
        if counter > COUNTER_TAKEN_MAX:
            raise BadDatagram(Drop.IMPOSSIBLE)
        self._next = max(self._next, counter + 1)
        unsent = self._unsent()
        for entry in unsent:
            del self._open[entry.counter]
        return {entry.counter: self.add(entry.body) for entry in unsent}

    def drop_forgotten(self, latest: int) -> list[int]:
        """Drop requests of earlier runs that a server that knows counters up to `latest` cannot answer; their counters.

        It got so far only since another process, with a copy of our store, had their answers.
        """
        known = min(self._run_first, latest - ANSWERS_RECALLED_MAX + 1)
        forgotten = [counter for counter in self._open if counter < known]
        for counter in forgotten:
            del self._open[counter]
        return forgotten

    def unanswered(self) -> list[tuple[int, bytes]]:
        """(counter, body) of all requests without a result, in order."""
        return [(entry.counter, entry.body) for entry in self._open.values()]

    def on_result(self, now: float, counter: int) -> bytes | None:
        """A result came: the body it answers, or None if it had come before."""
        entry = self._open.pop(counter, None)
        if entry is None:
            return None
        self._repeats = min(self._repeats, RESENDS_BEFORE_BACKOFF if self._open else 0)
        self._answered.add(counter)
        if len(self._answered) > 2 * REQUESTS_IN_FLIGHT_MAX:
            self._answered = set(sorted(self._answered)[-REQUESTS_IN_FLIGHT_MAX:])
        # Karn's rule: of several sends, it is unknown which was answered. Nor does a request measure the path if it had
        # to wait for another that was lost, or if its repetition is overdue: then this process was suspended.
        is_overdue = now > entry.due
        if entry.tries == 1 and entry.sent_at > self._repeated_at and not is_overdue:
            self.round_trip.on_sample(now - entry.sent_at)
            self._patience_s = 0.0
        elif entry.tries > 1 or is_overdue:
            # The second part of the rule: keep the longer wait until there is a sample (RFC 6298 section 5). Otherwise
            # requests to a server with a slow disk would always be repeated too early, and never measured.
            self._patience_s = min(1.25 * (now - entry.first_sent_at), RESEND_S_MAX)
        return entry.body

    def on_refused(self, now: float, retry_s: float) -> None:
        """The server cannot carry out requests at the moment; they stay, and are sent again after `retry_s`."""
        self._paused_until = now + retry_s

    def on_held(self, now: float, wait_s: float) -> bool:
        """The server has the requests that were sent, and carries them out within this time: until then, none is
        repeated. True if it did not hold requests before; for HOLD_REPORTED_S_MIN it counts as if it did.
        """
        until, is_new = now + wait_s, now >= self._held_until
        for entry in self._open.values():
            if entry.tries and entry.due < until:
                entry.due = until
        self._held_until = max(self._held_until, until, now + HOLD_REPORTED_S_MIN)
        return is_new

    def restart(self, now: float) -> None:
        """A new session: send everything that was sent before again, at once."""
        self._answered.clear()
        self._repeats = 0
        for entry in self._open.values():
            if entry.tries:
                entry.tries = 0
                entry.due = now

    def _first(self) -> int:
        """The lowest counter whose request may have to be sent again."""
        return min(next(iter(self._open), self._next), *self._unwritten, self._next)

    @property
    def _is_silent(self) -> bool:
        """Whether nothing is answered: then little is repeated until something is."""
        return self._repeats > RESENDS_BEFORE_BACKOFF

    def _window(self) -> list[OpenRequest]:
        """The requests that may be sent: while nothing is answered, those not sent yet and the lowest of the others."""
        first, size = self._first(), 0
        window = []
        for counter, entry in self._open.items():
            if counter >= first + REQUESTS_IN_FLIGHT_MAX:
                break
            if not entry.tries or not self._is_silent or size < REPEAT_BYTES_MAX:
                window.append(entry)
            size += len(entry.body)
        return window

    def next_timeout(self) -> float | None:
        """When a request is due to be sent, or sent again."""
        behind_hole = self._behind_hole()
        if behind_hole is not None:
            return max(behind_hole.sent_at, self._paused_until)
        due = min((entry.due for entry in self._window()), default=float("inf"))
        return None if due == float("inf") else max(due, self._paused_until)

    def _behind_hole(self) -> OpenRequest | None:
        """The lowest open request, if the server may wait for a counter before it that is not in use any more.

        The server learns that from the next `first_open`.
        """
        entry = next(iter(self._open.values()), None)
        if entry is None or not entry.tries or entry.counter != self._first():
            return None
        passed = range(entry.first_open, entry.counter)
        return entry if any(counter not in self._answered for counter in passed) else None

    def drain_frames(self, now: float) -> list[bytes]:
        """The frames of the requests that are due; one that is nearly due is sent with them."""
        if now < self._paused_until:
            return []
        window, behind_hole = self._window(), self._behind_hole()
        if behind_hole is None and not any(entry.due <= now for entry in window):
            return []
        first_open = self._first()
        frames: list[bytes] = []
        nearly_s = max(self.round_trip.smoothed_s, self._patience_s, RESEND_S_MAX / 2 if self._is_silent else 0.0)
        is_repeating = False
        for entry in window:
            is_nearly_due = entry.tries and now - entry.sent_at >= nearly_s and now >= self._held_until
            if entry is behind_hole or entry.due <= now or is_nearly_due:
                frames.extend(_request_frames(entry, first_open))
                is_repeating = is_repeating or entry.tries > 0
                entry.first_open = first_open
                self._on_sent(now, entry)
        self._repeats += is_repeating
        return frames

    def _on_sent(self, now: float, entry: OpenRequest) -> None:
        entry.tries += 1
        entry.sent_at = now
        if entry.tries == 1:
            entry.first_sent_at = now
        else:
            self._repeated_at = now
        timeout_s = max(self.round_trip.timeout_s, self._patience_s, RESEND_S_MIN)
        repeats = entry.tries - RESENDS_BEFORE_BACKOFF
        entry.due = now + backoff_s(timeout_s, repeats, max_s=max(RESEND_S_MAX, timeout_s))


def _request_frames(entry: OpenRequest, first_open: int) -> list[bytes]:
    frame = encode_request(entry.counter, first_open, entry.body)
    if len(frame) <= FRAME_BYTES_MAX:
        return [frame]
    fragments = split(entry.body)
    return [
        encode(RequestFragment(entry.counter, first_open, index, len(fragments), data))
        for index, data in enumerate(fragments)
    ]


class WindowBudget(Protocol):
    """How many bytes a window may hold, and how many it holds."""

    held: int

    def has_room(self, size: int, *, is_next: bool) -> bool:
        """Whether so much more may be held; `is_next`: of the request whose turn it is, on which all others wait."""

    def add(self, size: int) -> None:
        """So much more is held; a negative size is free again."""


class Unbounded:
    """The budget of a window on its own."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = 0

    def has_room(self, size: int, *, is_next: bool) -> bool:
        return True

    def add(self, size: int) -> None:
        self.held += size


class RequestWindow(Generic[Body]):
    """The requests of one client at the server: those carried out, those that wait for their turn, and the answers.

    `receive` accepts a request, `peek_ready` and `take_ready` give the next one to carry out, and `answer` answers it,
    which may be later, once the log is written (`waiting` counts those) or read. `rewind` undoes what could not be
    written. What it holds is counted by its budget, in the bytes that `receive` is given, and those of the answers.
    """

    __slots__ = (
        "_answers", "_budget", "_first_open", "_fragment_budget", "_fragments", "_reading", "_sizes", "_waiting",
        "decided", "executed", "held",
    )  # fmt: skip

    def __init__(self, executed: int = 0, budget: WindowBudget | None = None) -> None:
        self.executed = executed  # all up to here were carried out, or abandoned by the client
        self.decided = 0  # all up to here were carried out or refused before this window was made
        self._budget = budget or Unbounded()
        self._first_open = 0  # the client has the results of all below
        self._waiting: dict[int, None] = {}  # carried out, but not answered yet, in order
        self._reading: dict[int, None] = {}  # answered once the log is read; the client may abandon them
        self.held: dict[int, Body] = {}  # those that wait for their turn; read often, changed only here
        self._sizes: dict[int, int] = {}  # of those held and those that wait
        self._answers: dict[int, bytes] = {}  # encoded bodies of Results
        self._fragment_budget = Budget(FRAGMENT_BYTES_HELD_MAX)
        self._fragments: FragmentAssembler | None = None  # made when it is needed: few peers send fragments

    def receive(self, counter: int, first_open: int, body: Body, size: int = DATAGRAM_BYTES_MAX) -> bytes | None:
        """Take a request of so many bytes; if it was answered before, its answer again.

        BadDatagram outside the window, and with NO_ROOM if the budget does not allow it: the client repeats it.
        """
        self._move_to(counter, first_open)
        if counter <= self.executed or self._is_taken(counter):
            return self._answers.get(counter)
        if counter not in self.held:
            if counter != self.executed + 1 or size > DATAGRAM_BYTES_MAX:  # a datagram of what is next has room always
                self._check_room(counter, size)
            self._sizes[counter] = size
            self._budget.add(size)
        self.held[counter] = body
        return None

    def _is_taken(self, counter: int) -> bool:
        return counter in self._answers or counter in self._waiting or counter in self._reading

    def receive_fragment(self, fragment: RequestFragment) -> bytes | None:
        """Take one fragment of a request: its body once it is whole. BadDatagram as for `receive`."""
        counter = fragment.counter
        self._move_to(counter, fragment.first_open)
        if counter <= self.executed or counter in self.held:
            return None
        if self._fragments is None:
            self._fragments = FragmentAssembler(self._fragment_budget)
        if counter not in self._fragments:
            self._check_room(counter, FRAGMENT_BYTES * fragment.count)
        before = self._fragment_budget.used
        whole = self._fragments.add(counter, index=fragment.index, count=fragment.count, data=fragment.data)
        self._budget.add(self._fragment_budget.used - before)
        return whole

    def _check_room(self, counter: int, size: int) -> None:
        """Raises BadDatagram(NO_ROOM) if a request of this size may not be held."""
        first = self.executed + 1
        is_next = counter == first or all(map(self._is_taken, range(first, counter)))
        if not self._budget.has_room(size, is_next=is_next):
            raise BadDatagram(Drop.NO_ROOM)

    def _free(self, counter: int) -> None:
        """A request is not held any more."""
        self._budget.add(-self._sizes.pop(counter, 0))

    def may_answer(self) -> bool:
        """Whether there is room for one more answer of any size: without those that the client has not taken yet."""
        return not (self._answers or self._reading) or self._budget.has_room(PAST_BYTES_MAX, is_next=False)

    @property
    def bytes_held(self) -> int:
        """What it holds."""
        return self._budget.held

    def close(self) -> None:
        """Nothing is held for this client any more."""
        self._budget.add(-self.bytes_held)

    def answer_of(self, counter: int) -> bytes | None:
        """The answer given to a request, if it is remembered."""
        return self._answers.get(counter)

    def _move_to(self, counter: int, first_open: int) -> None:
        """The client has the results of all below `first_open`: forget them, and do not wait for those not received.

        It cannot have the result of a request that waits. That keeps everything held here within one window.
        """
        if not first_open <= counter < first_open + REQUESTS_IN_FLIGHT_MAX:
            raise BadDatagram(Drop.UNEXPECTED)
        if self._waiting and first_open > next(iter(self._waiting)):
            raise BadDatagram(Drop.UNEXPECTED)
        if first_open > self._first_open:
            before, self._first_open = self._first_open, first_open
            self._forget_taken(range(before, first_open))
        if self._fragments:
            before = self._fragment_budget.used
            self._fragments.forget_below(self.executed + 1)
            self._budget.add(self._fragment_budget.used - before)

    def _forget_taken(self, taken: range) -> None:
        """The client has the results of these too: forget them, and what it does not wait for any more."""
        first_open, answers, forgotten_bytes = taken.stop, self._answers, 0
        # Mostly it is one that is taken, of a whole window that is answered; but after a restart it may be any number.
        for counter in taken if len(taken) <= len(answers) else [one for one in answers if one < first_open]:
            forgotten_bytes += len(answers.pop(counter, b""))
        if forgotten_bytes:
            self._budget.add(-forgotten_bytes)
        if self._reading:
            for abandoned in [counter for counter in self._reading if counter < first_open]:
                del self._reading[abandoned]
                self._free(abandoned)
        if first_open > self.executed + 1:
            self.executed = first_open - 1
            for held in [held for held in self.held if held < first_open]:
                del self.held[held]
                self._free(held)

    def __len__(self) -> int:
        """How many it holds: those that wait for their turn, those without an answer, and those with one to repeat."""
        return len(self.held) + len(self._waiting) + len(self._reading) + len(self._answers)

    @property
    def latest(self) -> int:
        """The highest counter that is known: of a request carried out, answered, or waiting for its turn; 0: none."""
        return max([self.executed, self.decided, *self.held, *self._waiting, *self._reading, *self._answers])

    @property
    def waiting(self) -> int:
        """How many were carried out, but are answered only once they are written."""
        return len(self._waiting)

    def peek_ready(self) -> Body | None:
        """The request whose turn it is, if it is here; those that are answered, or wait for it, are skipped."""
        ready = self.held.get(self.executed + 1)
        if ready is None:
            while self._is_taken(self.executed + 1):
                self.executed += 1
            ready = self.held.get(self.executed + 1)
        return ready

    def take_ready(self) -> int:
        """Begin to carry out the request whose turn it is; its counter."""
        self.executed += 1
        self._waiting[self.executed] = None
        del self.held[self.executed]
        return self.executed

    def take_held(self, is_free: Callable[[Body], bool]) -> tuple[int, Body] | None:
        """Begin to carry out one that need not wait for its turn: (counter, request); None if there is none."""
        for counter, request in self.held.items():
            if is_free(request):
                del self.held[counter]
                return counter, request
        return None

    def answer(self, counter: int, body: bytes) -> None:
        """A request was carried out: the encoded result, to be sent now and whenever the request is repeated."""
        self._waiting.pop(counter, None)
        if self._reading:
            self._reading.pop(counter, None)
        self._budget.add(len(body) - self._sizes.pop(counter, 0) - len(self._answers.get(counter, b"")))
        self._answers[counter] = body

    def expect_read(self, counter: int) -> None:
        """A request that was taken is answered once the log is read."""
        self._waiting.pop(counter, None)
        self._reading[counter] = None
        self._free(counter)
        self._sizes[counter] = PAST_BYTES_MAX  # of its answer
        self._budget.add(PAST_BYTES_MAX)

    def is_read(self, counter: int) -> bool:
        """Whether this request waits for a read of the log."""
        return counter in self._reading

    def is_waiting(self, counter: int) -> bool:
        """Whether this request was carried out, and is not answered yet."""
        return counter in self._waiting

    def expect(self, counter: int) -> None:
        """The request was carried out before this window was made, and its answer follows."""
        self._waiting[counter] = None

    def remember(self, counter: int, body: bytes) -> None:
        """The log contains the answer, given before this window was made."""
        self._first_open = 0  # as if nothing had been taken yet: the next request shows what the client has
        self._budget.add(len(body) - len(self._answers.get(counter, b"")))
        self._answers[counter] = body

    def forgotten(self) -> list[int]:
        """The latest requests that were carried out and whose answers were forgotten, since the client had them."""
        last = max([self.executed, *self._answers])
        latest = range(max(last - ANSWERS_RECALLED_MAX, 0) + 1, self.executed + 1)
        return [counter for counter in latest if not self._is_taken(counter)]

    def forget_held(self) -> None:
        """The client begins anew, maybe as another process, and sends again what it still wants."""
        for counter in self.held:
            self._free(counter)
        self.held.clear()

    def rewind(self, first: int) -> None:
        """`first` and what waits behind it could not be written: as if it had never been received.

        What was answered meanwhile without being written stays answered.
        """
        self.executed = min(self.executed, first - 1)
        for counter in self._waiting:
            if counter >= first:
                self._free(counter)
        self._waiting = {counter: None for counter in self._waiting if counter < first}
