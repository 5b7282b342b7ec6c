"""What the operator asks of the program that runs the server."""

from __future__ import annotations

from tests.server.rig import Rig
from udpchat.chat.ids import AUDIT_LOG
from udpchat.wire.content import Act
from udpchat.wire.limits import ERRANDS_MAX
from udpchat.wire.requests import RELOAD, STATUS, STOP, Failed, Operate, Report, ReportItem, SetTopic

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


def test_who_has_the_config_read_again_or_stops_the_server_stands_in_the_audit_and_who_only_reads_does_not() -> None:
    rig = Rig()
    errands, alice = rig.chat.queries.errands, rig.device("alice")
    changed = Report([ReportItem("changed", ("motd", "accounts"))])
    faulty = Report([ReportItem("changed", ()), ReportItem("problem", "server.toml, line 3")])
    for counter, (kind, result) in enumerate(
        ((STATUS, REPORT), (RELOAD, changed), (RELOAD, faulty), (STOP, Report([])), (STOP, Failed("malformed"))), 1
    ):
        errands.ask(alice, counter, kind)
        (errand,) = rig.server.drain_errands()
        rig.server.reported(rig.now, errand, result)
        assert rig.result(alice, counter) == result
        rig.write()
    found = [rig.entry(AUDIT_LOG, at) for at in range(1, rig.log.extent(AUDIT_LOG).head + 1)]
    acts = [(act.by, act.user, act.action, act.detail) for act in found if isinstance(act, Act)]
    alice_is = ("alice", alice.author.user)
    assert acts == [(*alice_is, "reload", "motd accounts"), (*alice_is, "stop", "")]
    assert [event.action for event in rig.told if isinstance(event, Act)] == ["reload", "stop"]


def test_a_server_that_cannot_write_is_stopped_all_the_same() -> None:
    rig = Rig()
    alice = rig.device("alice")
    rig.ask(alice, SetTopic("tea", "x"))
    rig.chat.commits.is_unwritable = True
    rig.chat.queries.errands.ask(alice, 7, STOP)
    (errand,) = rig.server.drain_errands()
    rig.server.reported(rig.now, errand, Report([]))
    assert rig.result(alice, 7) == Report([]) and rig.server.drain_writes() == []


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
