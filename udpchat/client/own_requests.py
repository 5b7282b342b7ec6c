"""A client's requests: stored, sent until they are answered, and their results reported (SPEC 5.6, 7.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from udpchat.chat import events
from udpchat.chat.ids import CONVERSATION_PREFIX, message_id
from udpchat.chat.phrase import Phrase
from udpchat.chat.refusals import refusal
from udpchat.client import stored
from udpchat.client.checks import check_result_untrusted
from udpchat.client.journal import Journal
from udpchat.client.labels import Known, Labels
from udpchat.client.login import retry_s_of
from udpchat.client.order_result_events import is_audit
from udpchat.client.own_messages import Said
from udpchat.client.postponed import Delays
from udpchat.client.result_events import Answers
from udpchat.client.timeline import Timeline
from udpchat.sync.budget import Budget
from udpchat.sync.exactly_once import Outbox
from udpchat.sync.fragments import FragmentAssembler
from udpchat.wire import requests
from udpchat.wire.fields import Value
from udpchat.wire.frames import Result, ResultFragment, encode, parse_request_untrusted, parse_result_untrusted
from udpchat.wire.limits import FRAGMENT_BYTES, FRAGMENTS_MAX, PAST_ENTRIES_MAX

PARTS_MAX = PAST_ENTRIES_MAX + 20  # of a list: for the longest messages, and 4,000 entries about messages
RESULT_FRAGMENTS_HELD_MAX = 4 * FRAGMENTS_MAX
STORED = requests.Say | requests.Tell | requests.SetTopic
"""The server carries these out only by storing them; others may be repeated."""
UNSTORED = (requests.SetPassword,)
"""What they hold must not be on the disk: a run that ends before the answer does not know whether they were done. Their
counters are taken as those of any run are: the next one begins above all of them."""


Take = Callable[[requests.ResultBody], list[events.ClientEvent]]


class RequestSource(Value, frozen=True):
    """The line of the input that requests come from, from 1; `label`: identifies the line if another run repeats it.

    Or a program: `take` is given each result as it came, and returns the events of it.
    """

    line: int | None = None
    label: stored.Label | None = None
    take: Take | None = None


class Recalled(Value, frozen=True):
    """The part of requested history that the replicas hold, and then the `parts` that the server has sent.

    `count`: how many messages are wanted in all. `page_of`: the conversation of which a page is wanted, and the
    sequence that it ends below; None: a list is wanted.
    """

    messages: tuple[events.MessageReceived, ...] = ()
    count: int = PAST_ENTRIES_MAX
    parts: int = 0
    page_of: tuple[str, int] | None = None

    def without_server(self) -> list[events.ClientEvent]:
        """What is reported if the server does not give its part."""
        if self.page_of is not None:
            room, before = self.page_of
            return [events.PageFound(room, before, before)]
        return [events.HistoryFound(self.messages)] if self.messages else []

    def rest(self, request: requests.RequestBody, items: Sequence[requests.LogEntry]) -> requests.GetHistory | None:
        """What is to be requested after these entries, since the server sends as many as fit a Result.

        A page counts entries, a list messages, and not what is about them.
        """
        if not isinstance(request, requests.GetHistory) or not items or items[0].sequence <= 1:
            return None
        lacking = request.count - len(items)
        if self.page_of is None:
            lacking = PAST_ENTRIES_MAX if len(self.messages) < self.count and self.parts < PARTS_MAX else 0
        return requests.GetHistory(request.log, items[0].sequence, None, lacking) if lacking > 0 else None

    def found(self, request: requests.RequestBody, items: Sequence[requests.LogEntry]) -> events.ClientEvent:
        """All that was found, with these entries of the server as the last part."""
        if self.page_of is not None and isinstance(request, requests.GetHistory):
            room, before = self.page_of
            first = items[0].sequence if len(items) == request.count else 1
            return events.PageFound(room, first, before, self.messages)
        words = request.words if isinstance(request, requests.Search) else None
        return events.HistoryFound(self.messages[-self.count :], words)


@dataclass(slots=True)
class _Asked:
    """A request, and what is needed of it when its result comes."""

    request: requests.RequestBody
    line: int | None = None  # of this run's input
    is_labelled: bool = False
    is_quiet: bool = False  # an empty topic or a refusal is not reported
    here: Recalled | None = None  # the part of the requested history that the replicas hold
    is_reported: bool = False  # `here` was reported when the connection was lost: ignore the result
    take: Take | None = None  # gives the events of the result


class Requests:
    """A client's requests, from `ask` to the events of their results."""

    def __init__(self, saved: stored.ClientState, timeline: Timeline) -> None:
        self._instance = saved.instance
        self._timeline = timeline
        self._source: RequestSource | None = None
        self._labels = Labels(saved)
        waiting = [(counter, body) for counter, body in saved.unanswered if is_said(body) or counter in saved.labelled]
        self.resumed = len(waiting)  # lines of earlier runs that this run sends again
        waiting += [(counter, body) for counter, body in saved.unanswered if _is_mark(body)]
        self.outbox = Outbox(saved.next_counter, sorted(waiting))
        self.delays = Delays(self.outbox)
        self._asked: dict[int, _Asked] = {}
        self.renamed_by = 0  # the counter of the latest Rename that is known to be done
        self.answers = Answers(self.ask)
        self._fragments = FragmentAssembler(Budget(RESULT_FRAGMENTS_HELD_MAX * FRAGMENT_BYTES))
        self._journal = Journal()
        for counter, body in saved.unanswered:
            if counter in self.outbox:
                request = parse_request_untrusted(body)
                is_mark = isinstance(request, requests.MarkRead)
                self._asked[counter] = _Asked(request, None, counter in saved.labelled, is_mark)
                self._expect_in_log(counter, request)
            else:
                self._journal.add(stored.RequestDone(counter))  # its result is of no use to this run

    @property
    def is_idle(self) -> bool:
        """Whether all requests have their results."""
        return not self.outbox

    def ask(self, request: requests.RequestBody, *, is_quiet: bool = False, here: Recalled | None = None) -> None:
        """Have a request carried out exactly once; `is_quiet`: do not report an empty topic or a refusal. `here`: the
        part of the requested history that the replicas hold, reported together with the result."""
        body = encode(request)
        label = self._source.label if self._source is not None and isinstance(request, STORED) else None
        if label is not None and self._is_known(label, request, body):
            return
        counter = self.outbox.add(body)
        if label is not None:
            self._labels.add(label, counter, body)
        take = None if self._source is None else self._source.take
        self._asked[counter] = _Asked(request, self.line, label is not None, is_quiet, here, take=take)
        self._expect_in_log(counter, request)
        if isinstance(request, UNSTORED):
            return self.outbox.release(float("-inf"), counter)
        self._journal.add(stored.RequestAdded(counter, body, label))

    def on_latest(self, latest: int) -> list[events.ClientEvent]:
        """The server knows counters of this instance up to `latest`. BadDatagram(IMPOSSIBLE) if it cannot."""
        told: list[events.ClientEvent] = []
        if self.outbox.is_taken(latest):
            moved = self.outbox.continue_behind(latest)
            self._asked = {moved.get(counter, counter): asked for counter, asked in self._asked.items()}
            self._labels.renumber(moved)
            self._timeline.own.renumber(self._instance, moved)
            self._journal.renumber(moved)
            told.append(events.notice("older_copy"))
        for counter in self.outbox.drop_forgotten(latest):
            told += _forgotten(self._asked[counter].request)
            self._journal.add(stored.RequestDone(counter))
            self._give_up(counter)
        return told

    def _expect_in_log(self, counter: int, request: requests.RequestBody) -> None:
        if isinstance(request, requests.Say | requests.Tell):
            identity = message_id(self._instance, counter)
            self._timeline.own.add(_said(request, identity, self._asked[counter].line))

    # --- Lines of the input ----------

    @contextmanager
    def on_behalf_of(self, source: RequestSource) -> Iterator[None]:
        """Requests made inside come from this line of the input."""
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
        return [asked.line for asked in self._asked.values() if asked.line is not None]

    def _is_known(self, label: stored.Label, request: requests.RequestBody, body: bytes) -> bool:
        """Whether not to send a request: an earlier run did, or its label forbids it. Reports what is known of it.

        No label is used for two requests, so that messages keep their first order and none is sent twice.
        """
        match self._labels.look_up(label, body, unanswered=self._asked):
            case Known.NEW:
                return False
            case Known.TOO_LATE:
                self._report_error(Phrase("too_many_lines", {"lines_max": stored.LABELS_MAX}))
            case Known.OTHER:
                self._report_error(Phrase("id_reused", {"number": label.line, "id": label.id}))
            case Known.OPEN:
                counter = self._labels.find(label).counter
                self._asked[counter].line = label.line
                self._timeline.own.on_line(message_id(self._instance, counter), label.line)
            case Known.DISCARDED:
                self._report_error(Phrase("discarded", {"number": label.line, "id": label.id}))
            case Known.ANSWERED:
                for event in _repeated_result(self._instance, request, self._labels.find(label), self.line):
                    self._timeline.report(event)
            case Known.ANSWERED_NOW:
                pass
        return True

    def _report_error(self, reason: Phrase) -> None:
        self._timeline.report(events.Error(reason.key, reason.values, self.line))

    def on_result(self, now: float, frame: Result) -> list[events.ClientEvent]:
        """The server's result of a request, reported once. BadDatagram(IMPOSSIBLE) if it cannot be that."""
        asked = self._asked.get(frame.counter)
        if asked is None:
            return []
        self._fragments.forget(frame.counter)
        check_result_untrusted(asked.request, frame.body)
        self.outbox.on_result(now, frame.counter)
        del self._asked[frame.counter]
        self._journal.add(stored.RequestDone(frame.counter, encode(frame.body) if asked.is_labelled else b""))
        self.outbox.hold(frame.counter)
        is_stored = isinstance(frame.body, requests.Stored | requests.Done) and isinstance(asked.request, STORED)
        return [*(self.delays.on_stored() if is_stored else ()), *self._report(now, frame, asked)]

    def _report(self, now: float, frame: Result, asked: _Asked) -> list[events.ClientEvent]:
        request = asked.request
        if asked.take is not None:
            return asked.take(frame.body)
        identity = message_id(self._instance, frame.counter)
        here = asked.here or Recalled()
        match frame.body:
            case requests.Stored(log, sequence):
                self._timeline.on_stored(now, identity, log, sequence)
                self._timeline.people.standings.on_said(log)
            case requests.Failed(code, detail):
                self._timeline.own.on_failed(identity)
                self.answers.on_failed(request)
                reason = refusal(code, detail)
                said = ""
                if isinstance(request, requests.Say | requests.Tell):
                    said = request.text
                    self._timeline.people.standings.on_refused(room_of(request), reason)
                refused = events.Error(reason.key, reason.values, asked.line, retry_s_of(reason), said)
                return [] if asked.is_quiet else [refused, *here.without_server()]
            case requests.MemberPage() if isinstance(request, requests.ListMembers):
                self._timeline.people.receive_page(request.room, request.after, frame.body)
            case requests.Holders() if isinstance(request, requests.ListHolders):
                return [_holders(self._timeline.room_of(request.log), request, frame.body)]
            case requests.EntryList() if not is_audit(request):
                return [] if asked.is_reported else self._on_found(request, frame.body, here)
        if isinstance(request, requests.Rename):
            if frame.counter < self.renamed_by:
                return []  # the result of a later Rename came first
            self.renamed_by = frame.counter
        return self.answers.on_result(request, frame.body, is_quiet=asked.is_quiet)

    def _on_found(
        self, request: requests.RequestBody, found: requests.EntryList, here: Recalled
    ) -> list[events.ClientEvent]:
        is_one_log, items = isinstance(request, requests.GetHistory), found.items
        recalled = self._timeline.told.recall(items, found.reactions, with_removed=here.page_of is not None)
        here = here.changed(messages=tuple(merged(recalled, here.messages, is_one_log=is_one_log)))
        rest = here.rest(request, items)
        if rest is None:
            return [here.found(request, items)]
        self.ask(rest, here=here.changed(parts=here.parts + 1))
        return []

    def on_lost(self) -> list[events.ClientEvent]:
        """The connection is lost: of requested history, report what the replicas hold, without the server's part."""
        found: list[events.ClientEvent] = []
        for asked in self._asked.values():
            if asked.here is not None and not asked.is_reported and (told := asked.here.without_server()):
                found += told
                asked.is_reported = True
        return found

    def on_fragment(self, now: float, part: ResultFragment) -> list[events.ClientEvent]:
        """One fragment of a large result."""
        if part.counter not in self.outbox:
            return []
        whole = self._fragments.add(part.counter, index=part.index, count=part.count, data=part.data)
        if whole is None:
            return []
        return self.on_result(now, Result(part.counter, parse_result_untrusted(whole)))

    # --- Durability ----------

    def keep(self, write: stored.RoomsChanged | stored.AccountKnown) -> None:
        """Store something that is no request."""
        self._journal.add(write)

    def drain_writes(self, *, is_shown: bool = True) -> list[stored.Write]:
        """What is to be written as one batch; `is_shown`: with the entries of the timeline, which the user has seen."""
        return self._journal.drain(self._timeline.writes.drain() if is_shown else [])

    def persisted(self, now: float, count: int) -> list[events.ClientEvent]:
        """The oldest writes drained are on the disk: their requests may be sent."""
        self._release(now, self._journal.take_written(count))
        was_failing, self._journal.is_failing = self._journal.is_failing, False
        return [events.notice("writable_here")] if was_failing else []

    def _release(self, now: float, writes: Sequence[stored.Write]) -> None:
        self._timeline.writes.on_outcome(writes)
        for write in writes:
            if isinstance(write, stored.RequestAdded | stored.RequestRenumbered):
                self.outbox.release(now, write.counter)
            elif isinstance(write, stored.RequestDone):
                self.outbox.let_go(write.counter)

    def rejected(self, now: float, reason: str) -> list[events.ClientEvent]:
        """Nothing drained could be written. Requests are sent anyway, and an event informs the user.

        A request with a label is not sent: another run could not know that it was.
        """
        was_failing = self._journal.is_failing
        unwritten = self._journal.take_unwritten()
        self._timeline.writes.on_unwritten(unwritten)
        failed: list[events.ClientEvent] = []
        for write in unwritten:
            if isinstance(write, stored.RequestAdded) and write.label is not None:
                self._give_up(self._labels.find(write.label).counter)
                failed.append(events.error("unwritable_here.line", line=write.label.line, reason=reason))
        self._release(now, unwritten)
        if not failed and not was_failing:
            failed.append(events.error("unwritable_here", reason=reason))
        return failed

    def _give_up(self, counter: int) -> None:
        """Drop a request that was never sent, or that no answer can come to."""
        self.outbox.abandon(counter)
        self._timeline.own.on_failed(message_id(self._instance, counter))
        self._asked.pop(counter, None)


def _holders(room: str | None, request: requests.ListHolders, found: requests.Holders) -> events.HolderList:
    message = (room or CONVERSATION_PREFIX, request.sequence, request.id.hex())
    return events.HolderList(*message, tuple(found.holders), tuple(found.waiting))


def is_said(body: bytes) -> bool:
    """Whether a request is a message: the next run sends it if this one ends before it is answered."""
    return isinstance(parse_request_untrusted(body), requests.Say | requests.Tell)


def merged(
    found: Iterable[events.MessageReceived], here: Iterable[events.MessageReceived], *, is_one_log: bool
) -> list[events.MessageReceived]:
    """Both parts, each message once: by sequence if they are of one log, else by time."""
    by_id = {message.id: message for message in here} | {message.id: message for message in found}
    if is_one_log:  # times may decrease in a log: the server's clock may have been set back
        return sorted(by_id.values(), key=lambda message: message.seq)
    return sorted(by_id.values(), key=lambda message: (message.time_ms, message.room, message.seq))


def _forgotten(request: requests.RequestBody) -> list[events.ClientEvent]:
    """The server does not know any more what became of a request."""
    if not isinstance(request, requests.Say | requests.Tell):
        return []
    return [events.error("answer_forgotten", message=request.text)]


def _repeated_result(
    instance: bytes, request: requests.RequestBody, known: stored.Labelled, line: int | None
) -> list[events.ClientEvent]:
    """The result that a request had in an earlier run."""
    match request, parse_result_untrusted(known.result):
        case requests.Say() | requests.Tell(), requests.Stored(_, sequence):
            said = _said(request, message_id(instance, known.counter))
            return [said.confirmed(sequence, 0).changed(again=True)]
        case _, requests.Failed(code, detail):
            reason = refusal(code, detail)
            return [events.Error(reason.key, reason.values, line)]
    return []


def _said(request: requests.Say | requests.Tell, identity: bytes, line: int | None = None) -> Said:
    return Said(room_of(request), request.text, request.kind, identity, line, request.extra)


def _is_mark(body: bytes) -> bool:
    return isinstance(parse_request_untrusted(body), requests.MarkRead)


def room_of(request: requests.Say | requests.Tell) -> str:
    """Where the message goes: a room's name, or `@nick`."""
    return request.room if isinstance(request, requests.Say) else "@" + request.nick
