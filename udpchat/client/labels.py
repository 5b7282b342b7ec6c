"""Labels identify lines of a script's input across runs: the same line of the same input is the same request."""

from __future__ import annotations

from collections.abc import Container, Mapping
from enum import Enum

from udpchat.client.stored import LABELS_MAX, ClientState, Label, Labelled, digest_of


class Known(Enum):
    """What earlier runs, or this one, did with a line of the input."""

    NEW = "nothing: it is asked now"
    TOO_LATE = "its number is beyond LABELS_MAX"
    OTHER = "it was something else before"
    OPEN = "it was asked before, and has no result yet"
    ANSWERED_NOW = "it was asked by an earlier run, and answered in this one, which reported that"
    DISCARDED = "it was asked before, and given up"
    ANSWERED = "it was asked and answered in an earlier run"


class Labels:
    """The requests of the one input that this run continues, by line."""

    def __init__(self, saved: ClientState) -> None:
        self._by_line = dict(saved.labels)
        self._resumed = saved.labelled  # counters of an earlier run's requests that this run repeats

    def add(self, label: Label, counter: int, body: bytes) -> None:
        self._by_line[label.line] = Labelled(counter, digest_of(body))

    def renumber(self, counters: Mapping[int, int]) -> None:
        """Requests have other counters: former -> new one."""
        for line, labelled in self._by_line.items():
            if labelled.counter in counters:
                self._by_line[line] = labelled.changed(counter=counters[labelled.counter])

    def find(self, label: Label) -> Labelled:
        """The request of a line that is known."""
        return self._by_line[label.line]

    def look_up(self, label: Label, body: bytes, *, unanswered: Container[int]) -> Known:
        """What is known of a line. `unanswered`: the counters of the requests that have no result yet."""
        known = self._by_line.get(label.line)
        if known is None:
            return Known.NEW if label.line <= LABELS_MAX else Known.TOO_LATE
        if known.digest != digest_of(body):
            return Known.OTHER
        if known.counter in unanswered:
            return Known.OPEN
        if known.counter in self._resumed:
            return Known.ANSWERED_NOW
        return Known.ANSWERED if known.result else Known.DISCARDED
