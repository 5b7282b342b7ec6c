"""An outbox and a window over a channel that loses, repeats and reorders, with a log that is slow and fails at times.

Each request is carried out once, in the order of its author, whatever happens between: restarts of both ends too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from udpchat.sync.exactly_once import Outbox, RequestWindow
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import Request, RequestFragment, encode, pack, parse_request_untrusted, parse_up_untrusted
from udpchat.wire.limits import REQUESTS_IN_FLIGHT_MAX
from udpchat.wire.requests import Say


def body_of(number: int) -> bytes:
    """Each tenth is too large for a datagram."""
    return encode(Say("lobby", 0, f"{number} " + "x" * (4_000 if number % 10 == 0 else 0)))


def number_of(body: object) -> int:
    assert isinstance(body, Say)
    return int(body.text.split()[0])


@dataclass
class Channel:
    """A client's outbox, a server's window, what lies between, and the log where what was carried out is written."""

    random: Random
    loss: float
    repeat: float
    delay_s: float
    write_s: float
    fail: float  # share of writes that are rejected

    now: float = 1.0
    outbox: Outbox = field(default_factory=Outbox)
    window: RequestWindow = field(default_factory=RequestWindow)
    log: list[tuple[int, int]] = field(default_factory=list)  # (counter, what was said), durable
    results: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._writing: list[tuple[int, int]] = []
        self._written_at: float | None = None
        self._order = count()
        self.way: list[tuple[float, int, bool, bytes, int]] = []  # when, tie, is up, frame, counter of a result
        self._boot = 0

    def say(self, number: int) -> None:
        self.outbox.release(self.now, self.outbox.add(body_of(number)))

    def restart_server(self) -> None:
        """What was not durable is gone; the window is what the log remembers."""
        self._writing, self._written_at = [], None
        latest = max((counter for counter, _ in self.log), default=0)
        self.window = RequestWindow(max(latest - REQUESTS_IN_FLIGHT_MAX, 0))
        for counter, number in self.log:
            if counter > self.window.executed:
                self.window.remember(counter, b"stored %d" % number)
        self.outbox.restart(self.now)

    def restart_client(self) -> None:
        self.outbox = Outbox(self.outbox.next_counter, self.outbox.unanswered())

    def _send(self, is_up: bool, frame: bytes, counter: int = 0) -> None:
        for _ in range(2 if self.random.random() < self.repeat else 1):
            if self.random.random() >= self.loss:
                when = self.now + self.random.random() * self.delay_s
                heappush(self.way, (when, next(self._order), is_up, frame, counter))

    def step(self) -> bool:
        """The next thing that happens; False if nothing ever will."""
        times = [self.outbox.next_timeout(), self._written_at, self.way[0][0] if self.way else None]
        due = min((time for time in times if time is not None), default=None)
        if due is None:
            return False
        self.now = max(self.now, due)
        while self.way and self.way[0][0] <= self.now:
            _, _, is_up, frame, counter = heappop(self.way)
            if is_up:
                self._serve(frame)
            elif self.outbox.on_result(self.now, counter) is not None:
                assert self.results.setdefault(counter, frame) == frame, "two answers to one request"
        if self._written_at is not None and self._written_at <= self.now:
            self._on_written()
        for frame in self.outbox.drain_frames(self.now):
            self._send(True, frame)
        self._check()
        return True

    def _serve(self, frame: bytes) -> None:
        [parsed] = parse_up_untrusted(pack([frame]))
        try:
            if isinstance(parsed, Request):
                answer = self.window.receive(parsed.counter, parsed.first_open, parsed.body)
            else:
                assert isinstance(parsed, RequestFragment)
                whole = self.window.receive_fragment(parsed)
                if whole is not None:
                    body = parse_request_untrusted(whole)
                    answer = self.window.receive(parsed.counter, parsed.first_open, body)
                else:
                    answer = self.window.answer_of(parsed.counter)
        except BadDatagram:
            return  # a packet so late that its window has moved on
        if answer is not None:
            self._send(False, answer, parsed.counter)
        self._carry_out()

    def _carry_out(self) -> None:
        while (body := self.window.peek_ready()) is not None:
            number = number_of(body)
            counter = self.window.take_ready()
            if number % 7 == 0:  # refused at once, and leaves no entry
                self._answer(counter, b"failed %d" % number)
            else:
                self._writing.append((counter, number))
        if self._writing and self._written_at is None:
            self._written_at = self.now + self.write_s

    def _answer(self, counter: int, answer: bytes) -> None:
        self.window.answer(counter, answer)
        self._send(False, answer, counter)

    def _on_written(self) -> None:
        writing, self._writing, self._written_at = self._writing, [], None
        if self.random.random() < self.fail:
            for counter, _ in reversed(writing):
                self.window.rewind(counter)
            return
        self.log += writing
        for counter, number in writing:
            self._answer(counter, b"stored %d" % number)
        self._carry_out()

    def _check(self) -> None:
        assert len(self.window) <= 2 * REQUESTS_IN_FLIGHT_MAX
        said = [number for _, number in self.log]
        assert said == sorted(set(said)), "out of order, or twice"


@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.1, 0.4]),
    repeat=st.sampled_from([0.0, 0.5]),
    delay_s=st.sampled_from([0.0005, 0.02, 0.3]),
    write_s=st.sampled_from([0.0, 0.005, 0.05]),
    fail=st.sampled_from([0.0, 0.3]),
    restarts=st.integers(0, 6),
    messages=st.integers(1, 90),
)
def test_each_request_is_carried_out_once_and_in_order(
    seed: int, loss: float, repeat: float, delay_s: float, write_s: float, fail: float, restarts: int, messages: int
) -> None:
    random = Random(seed)
    here = Channel(random, loss, repeat, delay_s, write_s, fail)
    for number in range(1, messages + 1):
        here.say(number)
        for _ in range(random.choice([0, 0, 1, 8])):
            here.step()
        if restarts and random.random() < 0.1:
            restarts -= 1
            here.restart_server() if random.random() < 0.5 else here.restart_client()
    for _ in range(200_000):
        if not len(here.outbox) or not here.step():
            break
    assert len(here.outbox) == 0, here.outbox.unanswered()[:3]
    assert [number for _, number in here.log] == [n for n in range(1, messages + 1) if n % 7]
    for counter, result in here.results.items():
        assert result == (b"failed %d" % counter if counter % 7 == 0 else b"stored %d" % counter)


def test_a_result_lost_twenty_times_is_repeated_and_nothing_done_again() -> None:
    here = Channel(Random(1), loss=0.0, repeat=0.0, delay_s=0.001, write_s=0.001, fail=0.0)
    here.say(1)
    for _ in range(20):
        here.loss = 0.0
        while not any(not is_up for _, _, is_up, _, _ in here.way):
            here.step()
        here.way.clear()  # the result, lost on its way
        here.restart_client()
    while len(here.outbox):
        here.step()
    assert here.log == [(1, 1)] and here.results == {1: b"stored 1"}
