"""What the operator asks of the program that runs the server."""

from __future__ import annotations

from tests.server.rig import Rig
from udpchat.wire.limits import ERRANDS_MAX
from udpchat.wire.requests import STATUS, Failed, Operate, Report, ReportItem

REPORT = Report([ReportItem("peers", 3)])


def test_an_errand_is_answered_by_the_program() -> None:
    rig = Rig()
    errands, alice = rig.chat.queries.errands, rig.device("alice")
    counter = rig.ask(alice, Operate(STATUS))
    errands.ask(alice, counter + 1, STATUS)
    (errand,) = rig.server.drain_errands()
    assert (errand.kind, errand.by, errand.counter) == (STATUS, "alice", counter + 1)
    assert rig.server.drain_errands() == []
    assert rig.result(alice, counter + 1) is None
    rig.server.reported(rig.now, errand, REPORT)
    assert rig.result(alice, counter + 1) == REPORT


def test_an_errand_of_who_may_not_is_refused_and_never_gets_to_the_program() -> None:
    rig = Rig()
    alice = rig.device("alice")
    assert rig.result(alice, rig.ask(alice, Operate(STATUS))) == Failed("not_allowed.role", ("status",))
    assert rig.result(alice, rig.ask(alice, Operate(9))) == Failed("malformed")
    assert rig.server.drain_errands() == []


def test_who_has_gone_is_not_answered() -> None:
    rig = Rig()
    alice = rig.device("alice")
    rig.chat.queries.errands.ask(alice, 1, STATUS)
    (errand,) = rig.server.drain_errands()
    rig.chat.registry.remove(alice)
    rig.server.reported(rig.now, errand, REPORT)
    assert alice.window.answer_of(1) is None


def test_no_more_than_so_many_wait_for_the_program() -> None:
    rig = Rig()
    alice, errands = rig.device("alice"), rig.chat.queries.errands
    for counter in range(1, ERRANDS_MAX + 2):
        errands.ask(alice, counter, STATUS)
    taken = rig.server.drain_errands()
    assert len(taken) == ERRANDS_MAX and rig.result(alice, ERRANDS_MAX + 1) == Failed("too_fast")
    errands.ask(alice, ERRANDS_MAX + 2, STATUS)
    assert rig.result(alice, ERRANDS_MAX + 2) == Failed("too_fast"), "those that were taken count until they are done"
    rig.server.reported(rig.now, taken[0], REPORT)
    errands.ask(alice, ERRANDS_MAX + 3, STATUS)
    assert [errand.counter for errand in rig.server.drain_errands()] == [ERRANDS_MAX + 3]
