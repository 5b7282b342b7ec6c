"""What the program answers to the errands of operators."""

from __future__ import annotations

from udpchat.server.errands import Errand
from udpchat.server.proposals import Author
from udpchat.shell.duties import Duties, carry_out, report_of
from udpchat.shell.reloading import Reloaded
from udpchat.wire.limits import REPORT_ITEMS_MAX, TOPIC_BYTES_MAX
from udpchat.wire.requests import ERASURE, RELOAD, STATUS, STOP, Report, ReportItem

ALICE = Author(b"", b"", b"", b"", b"")


def test_each_errand_is_carried_out_and_answered() -> None:
    done: list[str] = []

    def reload(cause: str) -> Reloaded:
        done.append(f"reload because of {cause}")
        return Reloaded(("name",), ("port",))

    def stop(cause: str) -> None:
        done.append(f"stop because of {cause}, after {len(reports)} reports")

    reports: list[Report] = []
    duties = Duties(lambda: {"peers": 3}, reload, stop, lambda then: then({"messages": 7}))
    for kind in (STATUS, RELOAD, STOP, ERASURE):
        carry_out(duties, Errand(ALICE, 1, kind, "alice"), reports.append)
    assert reports[0] == Report([ReportItem("peers", 3)])
    items = [ReportItem("changed", ("name",)), ReportItem("restart", ("port",)), ReportItem("problem", "")]
    assert reports[1:] == [Report(items), Report([]), Report([ReportItem("messages", 7)])]
    assert done == ["reload because of a request of alice", "stop because of a request of alice, after 3 reports"]


def test_a_report_fits_what_the_protocol_allows() -> None:
    long = "x" * 2 * TOPIC_BYTES_MAX
    report = report_of({"text": long, "list": (long, "short"), "number": 1} | {str(i): i for i in range(300)})
    assert len(report.items) == REPORT_ITEMS_MAX
    text, texts = report.items[0].value, report.items[1].value
    assert isinstance(text, str) and len(text) == TOPIC_BYTES_MAX and texts == (text, "short")
