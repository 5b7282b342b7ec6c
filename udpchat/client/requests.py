"""What a client asks of its server: written down, asked until answered, and the answer told (SPEC 5.6, 7.3)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from udpchat.chat import events
from udpchat.chat.ids import message_id
from udpchat.client.answers import Answers
from udpchat.client.own_messages import KINDS, Said
from udpchat.client.past import Recalled, merged
from udpchat.client.stored import (
    LABELS_MAX,
    ClientState,
    Label,
    Labelled,
    RequestAdded,
    RequestDone,
    RoomsChanged,
    Write,
    digest_of,
)
from udpchat.client.timeline import Timeline
from udpchat.sync.fragments import FragmentAssembler
from udpchat.sync.requests import Outbox
from udpchat.wire import bodies
from udpchat.wire.frames import Result, ResultFragment, encode, parse_request_untrusted, parse_result_untrusted
from udpchat.wire.limits import FRAGMENT_BYTES, FRAGMENTS_MAX

UNWRITABLE_RETRY_S = 2.0
RESULT_PARTS_HELD_MAX = 4 * FRAGMENTS_MAX
_STORED = (bodies.Say, bodies.Tell, bodies.SetTopic)  # carried out only once the server has written it down


LABELLED = (bodies.Say, bodies.Tell, bodies.SetTopic)  # what the server keeps; all else a retry may ask again


@dataclass(frozen=True, slots=True)
class Source:
    """The line of the input that requests come from, from 1; `label` if another run may give the same line again."""

    line: int
    label: Label | None = None


class Requests:
    """The outbox of a client, and what its requests were about."""

    def __init__(self, saved: ClientState, timeline: Timeline) -> None:
        self._instance = saved.instance
        self._timeline = timeline
        self._source: Source | None = None
        self._lines: dict[int, int] = {}  # counter of an unanswered request -> the line that it comes from
        self._labels = dict(saved.labels)
        self._labelled = set(saved.labelled)  # counters of unanswered requests
        self._resumed = saved.labelled  # those of them that an earlier run asked first
        unanswered = [
            (counter, body) for counter, body in saved.unanswered if is_said(body) or counter in saved.labelled
        ]
        self.outbox = Outbox(saved.next_counter, unanswered)
        self.resumed = len(unanswered)  # requests of earlier runs that are asked again
        self._quiet: set[int] = set()
        self._renamed_by = 0  # the counter of the latest rename that was carried out
        self._here: dict[int, Recalled] = {}  # of the past that is asked for
        self._told: set[int] = set()  # what was here of it was told when the server was lost: no answer is awaited
        self.answers = Answers(self.ask)
        self._parts = FragmentAssembler(RESULT_PARTS_HELD_MAX * FRAGMENT_BYTES)
        self._undrained: list[Write] = []
        self._writing: deque[Write] = deque()
        self._is_unwritable = False  # whether the last write failed
        self._is_refused = False  # whether the server could not write, the last time that it was asked
        self._notices: list[events.Notice] = []
        for counter, body in saved.unanswered:
            if counter in self.outbox:
                self._expect_in_log(counter, parse_request_untrusted(body))
            else:
                self._undrained.append(RequestDone(counter))  # nobody waits for the answer any more

    @property
    def is_idle(self) -> bool:
        """Whether everything asked is answered."""
        return not self.outbox

    def ask(self, request: bodies.RequestBody, *, is_quiet: bool = False, here: Recalled | None = None) -> None:
        """Have something carried out exactly once; `is_quiet` if an answer that says nothing is not to be told.

        `here` is what was found already of the past that is asked for: it is told with the answer.
        """
        body = encode(request)
        label = self._source.label if self._source is not None and isinstance(request, LABELLED) else None
        if label is not None and self._is_known(label, request, body):
            return
        counter = self.outbox.add(body)
        if label is not None:
            self._labels[label.line] = Labelled(counter, digest_of(body))
            self._labelled.add(counter)
        if self._source is not None:
            self._lines[counter] = self._source.line
        if is_quiet:
            self._quiet.add(counter)
        if here is not None:
            self._here[counter] = here
        self._undrained.append(RequestAdded(counter, body, label))
        self._expect_in_log(counter, request)

    def _expect_in_log(self, counter: int, request: bodies.RequestBody) -> None:
        if isinstance(request, bodies.Say | bodies.Tell):
            identity = message_id(self._instance, counter)
            room, line = room_of(request), self._lines.get(counter)
            self._timeline.own.add(Said(room, request.text, request.kind, identity, line))

    # --- Lines of the input ----------

    @contextmanager
    def on_behalf_of(self, source: Source) -> Iterator[None]:
        """What is asked inside comes from this line of the input."""
        self._source = source
        try:
            yield
        finally:
            self._source = None

    @property
    def line(self) -> int | None:
        """The line of the input that is being carried out."""
        return None if self._source is None else self._source.line

    def lines_unanswered(self) -> list[int]:
        """Lines of the input whose requests have no result yet."""
        return list(self._lines.values())

    def _is_known(self, label: Label, request: bodies.RequestBody, body: bytes) -> bool:
        """Whether a request is not to be asked, because an earlier run did so, or must not: what is known is reported.

        Order and uniqueness of the messages are those of the first time: nothing is asked twice under one label.
        """
        known = self._labels.get(label.line)
        if known is None and label.line <= LABELS_MAX:
            return False
        if known is None:
            self._report_error("too_many_lines", f"an input with --id has at most {LABELS_MAX:,} lines; not sent")
        elif known.digest != digest_of(body):
            text = f"not sent: line {label.line} of {label.id} was something else before, or for another room or nick"
            self._report_error("id_reused", f"{text}; use another --id")
        elif known.counter in self.outbox:
            self._lines[known.counter] = label.line
            self._timeline.own.on_line(message_id(self._instance, known.counter), label.line)
        elif known.counter in self._resumed:
            pass  # answered in this run, before the line was read: its result was reported then
        elif not known.result:
            text = f"not sent: line {label.line} of {label.id} was discarded before it was confirmed"
            self._report_error("discarded", f"{text}; if it is to be sent all the same, use another --id")
        else:
            self._repeat_result(request, known)
        return True

    def _report_error(self, code: str, text: str) -> None:
        self._timeline.report(events.Error(code, text, self.line))

    def _repeat_result(self, request: bodies.RequestBody, known: Labelled) -> None:
        """Report what became of a request in an earlier run."""
        match request, parse_result_untrusted(known.result):
            case bodies.Say() | bodies.Tell(), bodies.Stored(_, sequence, _):
                identity = message_id(self._instance, known.counter).hex()
                room, kind = room_of(request), KINDS[request.kind]
                self._timeline.report(events.MessageSent(room, sequence, identity, request.text, kind, 0, again=True))
            case _, bodies.Failed(code, text):
                self._report_error(code, text)

    def on_result(self, now: float, frame: Result) -> list[events.ClientEvent]:
        """The server's answer to a request, told once."""
        body = self.outbox.on_result(now, frame.counter)
        if body is None:
            return []
        self._parts.forget(frame.counter)
        is_labelled = frame.counter in self._labelled
        self._labelled.discard(frame.counter)
        self._undrained.append(RequestDone(frame.counter, encode(frame.body) if is_labelled else b""))
        self.outbox.hold(frame.counter)
        line = self._lines.pop(frame.counter, None)
        identity = message_id(self._instance, frame.counter)
        is_quiet = frame.counter in self._quiet
        self._quiet.discard(frame.counter)
        here = self._here.pop(frame.counter, Recalled())
        request = parse_request_untrusted(body)
        if isinstance(frame.body, bodies.Stored | bodies.Done) and isinstance(request, _STORED):
            self._on_writable()
        match frame.body:
            case bodies.Stored(log, sequence):
                self._timeline.on_stored(identity, log, sequence)
                return self.answers.on_result(request, frame.body, is_quiet=is_quiet)
            case bodies.Failed(code, text):
                self._timeline.own.on_failed(identity)
                refused = events.Error(code, text, line, said=_words(request))
                return [refused, *([events.HistoryFound(here.messages)] if here.messages else [])]
            case bodies.EntryList(items):
                return self._on_found(frame.counter, request, items, here)
        if isinstance(request, bodies.Rename):
            if frame.counter < self._renamed_by:
                return []  # overtaken on the way by the answer to a later one
            self._renamed_by = frame.counter
        return self.answers.on_result(request, frame.body, is_quiet=is_quiet)

    def _on_found(
        self, counter: int, request: bodies.RequestBody, items: list[bodies.LogEntry], here: Recalled
    ) -> list[events.ClientEvent]:
        if counter in self._told:
            self._told.discard(counter)
            return []
        is_one_log = isinstance(request, bodies.GetHistory)
        messages = tuple(merged(self._timeline.recall(items), here.messages, is_one_log=is_one_log))
        if isinstance(request, bodies.GetHistory) and 0 < len(items) < request.count and items[0].sequence > 1:
            # Cut to what fits an answer, unless the log begins there.
            rest = bodies.GetHistory(request.log, items[0].sequence, 0, request.count - len(items))
            self.ask(rest, here=Recalled(messages, here.count))
            return []
        return [events.HistoryFound(messages[-here.count :])]

    def on_lost(self) -> list[events.ClientEvent]:
        """The server is not there: of the past that was asked for, what is here is told without the rest."""
        told: list[events.ClientEvent] = [
            events.HistoryFound(here.messages) for here in self._here.values() if here.messages
        ]
        self._told.update(counter for counter, here in self._here.items() if here.messages)
        self._here = {counter: here for counter, here in self._here.items() if not here.messages}
        return told

    def on_fragment(self, now: float, part: ResultFragment) -> list[events.ClientEvent]:
        """One part of a long answer."""
        if part.counter not in self.outbox:
            return []
        whole = self._parts.add(part.counter, index=part.index, count=part.count, data=part.data)
        if whole is None:
            return []
        return self.on_result(now, Result(part.counter, parse_result_untrusted(whole)))

    def on_unwritable(self, now: float, text: str) -> list[events.ClientEvent]:
        """The server cannot carry out anything at the moment: all is kept, and asked again later."""
        told: list[events.ClientEvent] = []
        if not self._is_refused:
            text = f"{text}; what you say is kept here and sent when it can be"
            told.append(events.Error("unwritable", text, retry_s=UNWRITABLE_RETRY_S))
        self._is_refused = True
        self.outbox.on_refused(now, UNWRITABLE_RETRY_S)
        return told

    def _on_writable(self) -> None:
        """The server has stored something: an answer to a question would not prove that it can."""
        if self._is_refused:
            self._is_refused = False
            text = "messages are stored again by the server; what you said meanwhile is being sent"
            self._notices.append(events.Notice("writable", text))

    def drain_notices(self) -> list[events.Notice]:
        """What got better: the server or this machine can store again."""
        drained, self._notices = self._notices, []
        return drained

    # --- Durability ----------

    def keep_rooms(self, rooms: tuple[str, ...]) -> None:
        """Have these written down as the rooms that one is in."""
        self._undrained.append(RoomsChanged(rooms))

    def drain_writes(self, *, is_shown: bool = True) -> list[Write]:
        """What is to be written as one batch; with what the transcript took in, unless that was not shown to anyone."""
        drained = self._undrained + (self._timeline.drain_writes() if is_shown else [])
        self._undrained = []
        self._writing.extend(drained)
        return drained

    def persisted(self, now: float, count: int) -> None:
        """The oldest writes drained are on the disk: what was asked may be sent."""
        if self._is_unwritable:
            self._is_unwritable = False
            text = "the data folder can be written to again: what is said from here on survives a restart"
            self._notices.append(events.Notice("writable_here", text))
        self._release(now, count)

    def _release(self, now: float, count: int) -> None:
        for _ in range(count):
            write = self._writing.popleft()
            if isinstance(write, RequestAdded):
                self.outbox.release(now, write.counter)
            elif isinstance(write, RequestDone):
                self.outbox.let_go(write.counter)

    def rejected(self, now: float, reason: str) -> list[events.ClientEvent]:
        """Nothing drained could be written. It is sent all the same, and the person knows what that means.

        Not so what has a label: another run could not know that it was sent.
        """
        self._timeline.on_unwritten(self._writing)
        text = f"cannot write to the data folder: {reason}"
        told: list[events.ClientEvent] = []
        for write in self._writing:
            if isinstance(write, RequestAdded) and write.label is not None:
                self._give_up(write.counter)
                told.append(events.Error("unwritable_here", f"not sent: {text}", write.label.line))
        self._release(now, len(self._writing))
        if not told and not self._is_unwritable:
            text += "; what is said now does not survive a restart of this client"
            told.append(events.Error("unwritable_here", text))
        self._is_unwritable = True
        return told

    def _give_up(self, counter: int) -> None:
        """Ask this no more: it was never sent."""
        self.outbox.abandon(counter)
        self._timeline.own.on_failed(message_id(self._instance, counter))
        self._lines.pop(counter, None)
        self._labelled.discard(counter)


def is_said(body: bytes) -> bool:
    """Whether a request is a message, which is sent by the next run if this one ends before it is confirmed."""
    return isinstance(parse_request_untrusted(body), bodies.Say | bodies.Tell)


def _words(request: bodies.RequestBody) -> str:
    return request.text if isinstance(request, bodies.Say | bodies.Tell) else ""


def room_of(request: bodies.Say | bodies.Tell) -> str:
    """Where it is said: a room's name, or `@nick`."""
    return request.room if isinstance(request, bodies.Say) else "@" + request.nick
