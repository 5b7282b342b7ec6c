from __future__ import annotations

from tests.ui.drawn import CONNECTED, message, sent
from udpchat.chat import events
from udpchat.chat.exit_codes import ExitCode
from udpchat.ui.exit_rule import ExitRule


def test_it_goes_on_until_the_goodbye_is_answered() -> None:
    rule = ExitRule()
    rule.end_after_goodbye()
    assert rule.is_decided
    assert rule.code(is_over=False) is None
    assert rule.code(is_over=True) is ExitCode.DONE


def test_the_end_of_the_input_allows_it_once_connected_unless_it_follows() -> None:
    rule, following = ExitRule(), ExitRule(follow=True)
    for each in (rule, following):
        each.note_end_of_input()
        assert not each.may_end
        each.note([CONNECTED])
    assert rule.may_end and not following.may_end


def test_a_refused_line_is_an_error_but_not_what_is_sent_later_or_typed_after_quit() -> None:
    def code(error: events.Error) -> ExitCode | None:
        rule = ExitRule()
        rule.note([error])
        rule.end_after_goodbye()
        return rule.code(is_over=True)

    assert code(events.error("too_long.text", line=3, text="no")) is ExitCode.ERROR
    assert code(events.error("no_such_nick.text", text="nobody")) is ExitCode.ERROR
    assert code(events.error("unwritable.text", text="full")) is ExitCode.DONE
    assert code(events.error("unwritable_here.text", line=3, text="full")) is ExitCode.ERROR
    assert code(events.error("too_fast.held", retry_s=2.0)) is ExitCode.DONE
    assert code(events.error("too_fast", line=3)) is ExitCode.ERROR
    assert code(events.error("leaving.text", line=3, text="no")) is ExitCode.DONE


def test_nothing_is_printed_after_the_last_message_that_is_counted_but_confirmations() -> None:
    rule = ExitRule(count=1)
    happened = [message("own", nick="Alice"), message("old", history=True), message("one"), sent(), message("two")]
    assert list(rule.up_to_the_count(happened, "alice", is_idle=True)) == happened[:4]
    assert rule.may_end


def test_an_own_edit_is_awaited_as_a_message_is_and_that_of_another_is_not() -> None:
    about = ("lobby", 5, "0c0d", "alice", 7, 1, b"alice---", "new")
    own, other = events.Edited(*about, is_confirmation=True), events.Edited(*about)
    assert list(ExitRule(count=1).up_to_the_count([message("one"), own, other], "alice", is_idle=True))[1:] == [own]


def test_a_stop_after_the_end_is_decided_changes_nothing_but_the_wait() -> None:
    rule = ExitRule()
    rule.end_after_goodbye()
    assert not rule.end_now(ExitCode.INTERRUPTED)
    assert rule.code(is_over=False) is ExitCode.DONE
    other = ExitRule()
    assert other.end_now(ExitCode.INTERRUPTED)
    assert not other.end_now(ExitCode.TIMED_OUT)
    assert other.code(is_over=False) is ExitCode.INTERRUPTED
