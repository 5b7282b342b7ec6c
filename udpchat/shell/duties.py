"""Carries out what operators ask of the program that runs a server: its status, to reload, to stop (SPEC 6.12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from udpchat.server.errands import Errand
from udpchat.shell.reloading import Reloaded
from udpchat.wire.fields import Value
from udpchat.wire.limits import REPORT_ITEMS_MAX, TOPIC_BYTES_MAX
from udpchat.wire.requests import ERASURE, RELOAD, STATUS, Report, ReportItem

Reported = int | str | tuple[str, ...]


class Duties(Value, frozen=True):
    """What the program can do: say how it is, read its config again, stop on behalf of somebody; erase, and say later
    how much that was."""

    status: Callable[[], Mapping[str, Reported]]
    reload: Callable[[str], Reloaded]
    stop: Callable[[str], object]
    erase: Callable[[Callable[[Mapping[str, int | str]], object]], object]


def carry_out(duties: Duties, errand: Errand, answer: Callable[[Report], object]) -> None:
    """Carry this out, and answer: at once, or once it is done. A server that is to stop does so after that is sent."""
    if errand.kind == STATUS:
        answer(report_of(duties.status()))
    elif errand.kind == RELOAD:
        done = duties.reload(f"a request of {errand.by}")
        answer(report_of({"changed": done.live, "restart": done.restart, "problem": done.problem}))
    elif errand.kind == ERASURE:
        duties.erase(lambda counts: answer(report_of(counts)))
    else:
        answer(report_of({}))
        duties.stop(f"a request of {errand.by}")


def report_of(found: Mapping[str, Reported]) -> Report:
    """The report of these; of texts that are too long, the beginning."""
    items = [ReportItem(_short(name), _fitting(value)) for name, value in found.items()]
    return Report(items[:REPORT_ITEMS_MAX])


def _fitting(value: Reported) -> Reported:
    if isinstance(value, str):
        return _short(value)
    return value if isinstance(value, int) else tuple(map(_short, value))


def _short(text: str) -> str:
    return text if len(text) <= TOPIC_BYTES_MAX else f"{text[: TOPIC_BYTES_MAX - 1]}\u2026"
