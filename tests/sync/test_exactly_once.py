"""Requests: at the client asked until answered, at the server carried out once and in order, and bounded."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udpchat.sync.exactly_once import (
    ANSWERS_RECALLED_MAX,
    REPEAT_BYTES_MAX,
    RESEND_S_MAX,
    RESEND_S_MIN,
    Outbox,
    RequestWindow,
)
from udpchat.sync.packing import FRAME_BYTES_MAX
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import Request, RequestFragment, encode, pack, parse_up_untrusted
from udpchat.wire.limits import (
    BODY_BYTES_MAX,
    DATAGRAM_BYTES_MAX,
    FRAGMENT_BYTES,
    FRAGMENTS_MAX,
    REQUESTS_IN_FLIGHT_MAX,
)
from udpchat.wire.requests import Say

SAY = encode(Say("lobby", 0, "hi"))
LARGE = encode(Say("lobby", 0, "x" * 5_000))


def asked(outbox: Outbox, now: float) -> list[int]:
    """The counters of the requests that go out now."""
    frames = [frame for encoded in outbox.drain_frames(now) for frame in parse_up_untrusted(pack([encoded]))]
    assert all(isinstance(frame, Request | RequestFragment) for frame in frames)
    return list(dict.fromkeys(frame.counter for frame in frames if isinstance(frame, Request | RequestFragment)))


def filled(count: int, body: bytes = SAY) -> Outbox:
    outbox = Outbox()
    for _ in range(count):
        outbox.release(0.0, outbox.add(body))
    return outbox


# --- The client's side ----------


def test_a_request_goes_out_only_once_it_is_written_down() -> None:
    outbox = Outbox()
    counter = outbox.add(SAY)
    assert (counter, outbox.next_timeout(), asked(outbox, 5.0)) == (1, None, [])
    outbox.release(5.0, counter)
    assert outbox.next_timeout() == 5.0
    assert asked(outbox, 5.0) == [1]


def test_a_result_that_is_not_written_down_keeps_its_place_in_the_window() -> None:
    outbox = filled(2 * REQUESTS_IN_FLIGHT_MAX)
    assert asked(outbox, 0.0)[-1] == REQUESTS_IN_FLIGHT_MAX
    for counter in range(1, REQUESTS_IN_FLIGHT_MAX + 1):
        outbox.on_result(0.001, counter)
        outbox.hold(counter)
    assert asked(outbox, 0.002) == [] and outbox.next_timeout() is None
    for counter in (2, 1):
        outbox.let_go(counter)
    (first, second) = (frame for raw in outbox.drain_frames(0.003) for frame in parse_up_untrusted(pack([raw])))
    assert [(one.counter, one.first_open) for one in (first, second) if isinstance(one, Request)] == [(33, 3), (34, 3)]


def test_what_is_abandoned_is_never_asked() -> None:
    outbox = Outbox()
    outbox.abandon(outbox.add(SAY))
    outbox.release(0.0, 1)
    assert len(outbox) == 0 and outbox.next_timeout() is None


def test_counters_have_no_holes_and_go_on_where_an_earlier_run_stopped() -> None:
    outbox = Outbox(next_counter=8, unanswered=[(5, SAY), (7, SAY)])
    assert outbox.add(SAY) == outbox.next_counter - 1 == 8
    assert outbox.unanswered() == [(5, SAY), (7, SAY), (8, SAY)]
    assert asked(outbox, 0.0) == [5, 7], "what an earlier run wrote down is asked at once"


def test_a_server_does_not_wait_for_what_nobody_asks_any_more() -> None:
    """An earlier run wrote down 1 to 9, and this one asks some of them only: 4 is unknown to a new server, as is 7."""
    outbox, window, now = Outbox(10, [(counter, SAY) for counter in (1, 2, 5, 8)]), RequestWindow[str](), 1.0
    rounds = list[list[int]]()
    while frames := outbox.drain_frames(now):
        assert (outbox.next_timeout() or 0.0) > now
        for frame in (frame for encoded in frames for frame in parse_up_untrusted(pack([encoded]))):
            assert isinstance(frame, Request)
            window.receive(frame.counter, frame.first_open, "hi")
        rounds.append([])
        while window.peek_ready() is not None:
            rounds[-1].append(window.take_ready())
        for counter in rounds[-1]:
            window.answer(counter, b"done")
            outbox.on_result(now, counter)
            outbox.hold(counter)
            assert outbox.drain_frames(now) == [], "no request is repeated in vain"
            outbox.let_go(counter)
    assert rounds == [[1, 2], [5], [8]]


def test_what_was_answered_before_its_turn_is_no_reason_to_ask_again() -> None:
    outbox = filled(4)
    assert asked(outbox, 0.0) == [1, 2, 3, 4]
    for counter in (2, 3, 1):
        outbox.on_result(0.001, counter)
    assert asked(outbox, 0.001) == []
    outbox.restart(0.002)
    assert asked(outbox, 0.002) == [4]


def test_only_a_window_of_requests_is_on_its_way() -> None:
    outbox = filled(3 * REQUESTS_IN_FLIGHT_MAX)
    assert asked(outbox, 0.0) == list(range(1, REQUESTS_IN_FLIGHT_MAX + 1))
    outbox.on_result(0.01, 2)
    assert 33 not in asked(outbox, 0.01), "the window hangs on the lowest that is open"
    outbox.on_result(0.01, 1)
    assert {33, 34} <= set(asked(outbox, 0.01))


def test_every_frame_names_the_lowest_that_is_open() -> None:
    outbox = filled(3)
    outbox.on_result(0.0, 1)
    [frame, _] = [parse_up_untrusted(pack([encoded]))[0] for encoded in outbox.drain_frames(0.0)]
    assert isinstance(frame, Request) and (frame.counter, frame.first_open) == (2, 2)


def test_a_result_counts_once() -> None:
    outbox = filled(1)
    asked(outbox, 0.0)
    assert outbox.on_result(0.1, 1) == SAY
    assert outbox.on_result(0.1, 1) is None
    assert len(outbox) == 0 and 1 not in outbox and outbox.next_timeout() is None


def test_without_an_answer_it_is_asked_again_ever_more_slowly_and_for_good() -> None:
    outbox = filled(1)
    times = list[float]()
    while len(times) < 30:
        due = outbox.next_timeout()
        assert due is not None
        assert asked(outbox, due) == [1]
        times.append(due)
    waits = [round(later - earlier, 6) for earlier, later in pairwise(times)]
    assert waits == sorted(waits)
    assert waits[0] >= RESEND_S_MIN and waits[-1] == pytest.approx(RESEND_S_MAX)


def test_while_nothing_is_answered_little_of_a_large_window_is_repeated_and_all_of_it_after_the_next_answer() -> None:
    """A server that answers no request, but keeps the session, does not make a client send megabytes."""
    outbox, now, sizes = filled(REQUESTS_IN_FLIGHT_MAX, LARGE), 0.0, list[tuple[float, int]]()
    while now < 10.0:
        sizes += [(now, len(frame)) for frame in outbox.drain_frames(now)]
        if len(outbox) == REQUESTS_IN_FLIGHT_MAX and now > 5.0:  # each new one takes no others along
            outbox.release(now, outbox.add(SAY))
        now = outbox.next_timeout() or 10.0
    repeated = [(at, size) for at, size in sizes if at >= 2.0]
    rounds_max = 8.0 / RESEND_S_MAX + 1
    assert 1.0 < sum(size for _, size in repeated) / len(LARGE) <= rounds_max * (REPEAT_BYTES_MAX / len(LARGE) + 1)
    assert outbox.on_result(now, 1) is not None
    assert asked(outbox, now) == list(range(2, REQUESTS_IN_FLIGHT_MAX + 2))


def test_while_nothing_is_answered_requests_are_repeated_together() -> None:
    outbox, now, repeated = Outbox(), 0.0, list[float]()
    while now < 10.0:
        repeated += [now] if asked(outbox, now) and now > 5.0 else []
        if outbox.next_counter <= 20:
            now += 0.011
            outbox.release(now, outbox.add(SAY))
        else:
            now = max(now, outbox.next_timeout() or 10.0)
    assert 0 < len(repeated) <= 5.0 / RESEND_S_MAX + 1


def test_an_answer_now_and_then_has_the_whole_window_repeated_once() -> None:
    outbox, now, last = filled(REQUESTS_IN_FLIGHT_MAX, LARGE), 0.0, list[float]()
    while now < 9.0:
        last += [now] if REQUESTS_IN_FLIGHT_MAX in asked(outbox, now) and now > 2.0 else []
        for counter in range(1, 4):
            if counter in outbox and now >= 2.0 * counter:
                outbox.on_result(now, counter)
        now = max(now, outbox.next_timeout() or 9.0)
    assert len(last) == 3


def test_one_that_is_nearly_due_goes_along() -> None:
    outbox = filled(1)
    outbox.round_trip.on_sample(0.010)
    asked(outbox, 0.0)
    outbox.release(0.011, outbox.add(SAY))
    assert asked(outbox, 0.011) == [1, 2]
    outbox.release(0.012, outbox.add(SAY))
    assert asked(outbox, 0.012) == [3]


def test_a_new_session_asks_everything_at_once() -> None:
    outbox = filled(3)
    asked(outbox, 0.0)
    asked(outbox, outbox.next_timeout() or 0.0)
    outbox.restart(9.0)
    assert outbox.next_timeout() == 9.0
    assert asked(outbox, 9.0) == [1, 2, 3]


def test_on_another_path_requests_wait_as_long_as_it_takes_there() -> None:
    outbox = filled(1)
    outbox.round_trip.on_sample(0.6)
    outbox.change_path(0.002)
    assert outbox.round_trip.smoothed_s == 0.002
    for no_measure in (-1.0, 33.0):
        outbox.change_path(no_measure)
        assert outbox.round_trip.smoothed_s == 0.002


def test_a_server_that_cannot_write_is_left_alone_for_a_while() -> None:
    outbox = filled(1)
    outbox.on_refused(0.0, 2.0)
    assert asked(outbox, 1.9) == []
    assert outbox.next_timeout() == 2.0
    assert asked(outbox, 2.0) == [1]


REQUEST_BYTES_MAX = FRAME_BYTES_MAX - len(encode((3, 2**52, 2**52)))  # of the body of a request in one frame


@pytest.mark.parametrize("size", [1, REQUEST_BYTES_MAX - 20, REQUEST_BYTES_MAX, REQUEST_BYTES_MAX + 1, 16_384])
def test_every_frame_fits_a_packet(size: int) -> None:
    outbox = Outbox(next_counter=2**52)
    outbox.release(0.0, outbox.add(b"\xc4" + bytes(size - 1)))
    frames = outbox.drain_frames(0.0)
    assert all(len(pack([frame])) <= BODY_BYTES_MAX for frame in frames)
    assert (len(frames) == 1) == (size <= REQUEST_BYTES_MAX)


def exchange(outbox: Outbox, answer_s: float, count: int) -> int:
    """Ask one after the other of a server that answers each after about so long; how many frames it took."""
    now, frames = 1.0, 0
    for number in range(count):
        counter = outbox.add(SAY)
        outbox.release(now, counter)
        answered_at = now + answer_s * (1.0, 1.1, 0.9, 1.2)[number % 4]
        while (due := outbox.next_timeout()) is not None and due < answered_at:
            frames += len(asked(outbox, due))
        now = answered_at
        outbox.on_result(now, counter)
        now += 0.5
    return frames


@pytest.mark.parametrize("answer_s", [0.001, 0.02, 0.1, 0.2])
def test_a_server_slower_than_the_path_is_soon_asked_once_for_each_request(answer_s: float) -> None:
    outbox = Outbox()
    outbox.seed_round_trip(0.0003)  # the path is quick; the disk behind it need not be
    exchange(outbox, answer_s, 2)
    assert exchange(outbox, answer_s, 20) <= 21


def test_a_server_that_was_slow_once_is_soon_asked_again_as_quickly_as_before() -> None:
    outbox = Outbox()
    exchange(outbox, 0.001, 20)
    quick = outbox.round_trip.timeout_s
    exchange(outbox, 0.2, 1)
    exchange(outbox, 0.001, 20)
    outbox.release(100.0, outbox.add(SAY))
    asked(outbox, 100.0)
    assert (outbox.next_timeout() or 0.0) - 100.0 <= max(2 * quick, 2 * RESEND_S_MIN)


# --- The server's side ----------


def carry_out(window: RequestWindow) -> list[int]:
    """Begin all whose turn it is."""
    begun = []
    while window.peek_ready() is not None:
        begun.append(window.take_ready())
    return begun


def answered(window: RequestWindow, count: int) -> RequestWindow:
    """A window in which requests 1 to `count` were carried out and answered."""
    for counter in range(1, count + 1):
        window.receive(counter, counter, "body")
        assert carry_out(window) == [counter]
        window.answer(counter, b"result %d" % counter)
    return window


def refusal(window: RequestWindow, counter: int, first_open: int) -> Drop:
    with pytest.raises(BadDatagram) as caught:
        window.receive(counter, first_open, "body")
    return caught.value.reason


def test_requests_that_come_reversed_are_carried_out_in_counter_order() -> None:
    window = RequestWindow()
    for counter in range(REQUESTS_IN_FLIGHT_MAX, 0, -1):
        assert carry_out(window) == []
        assert window.receive(counter, 1, counter) is None
    assert carry_out(window) == list(range(1, REQUESTS_IN_FLIGHT_MAX + 1))


def test_a_repeated_request_is_not_carried_out_again_and_answered_the_same() -> None:
    window = answered(RequestWindow(), 3)
    assert window.receive(3, 3, "other body") == b"result 3"
    assert carry_out(window) == []


def test_while_a_request_waits_for_the_log_its_repetition_is_not_answered() -> None:
    window = RequestWindow()
    window.receive(1, 1, "body")
    assert carry_out(window) == [1] and window.waiting == 1
    assert window.receive(1, 1, "body") is None
    assert carry_out(window) == []
    window.answer(1, b"late")
    assert window.waiting == 0 and window.receive(1, 1, "body") == b"late"


def test_a_request_that_reads_is_answered_later_and_nothing_waits_for_it() -> None:
    window = RequestWindow()
    for counter in (1, 2, 3):
        window.receive(counter, 1, "body")
    assert window.peek_ready() and window.take_ready() == 1
    window.expect_read(1)
    assert window.waiting == 0 and window.is_read(1) and len(window) == 3
    assert window.receive(1, 1, "body") is None and carry_out(window) == [2, 3]
    window.answer(1, b"late")
    assert not window.is_read(1) and window.receive(1, 1, "body") == b"late"


def test_a_client_may_abandon_what_reads_and_a_failed_write_leaves_it_alone() -> None:
    window = RequestWindow()
    for counter in (1, 3):
        window.receive(counter, 1, counter)
    assert window.take_held(lambda body: body == 3) == (3, 3)
    window.expect_read(3)
    assert carry_out(window) == [1]
    window.rewind(1)
    assert window.is_read(3) and window.executed == 0
    window.receive(9, 4, "body")
    assert not window.is_read(3) and carry_out(window) == [] and window.executed == 3
    window.receive(4, 4, "body")
    assert carry_out(window) == [4]


@pytest.mark.parametrize(("counter", "first_open"), [(33, 1), (2**63, 1), (2**53, 2), (4, 5), (1, 2)])
def test_a_counter_outside_its_window_is_refused_and_changes_nothing(counter: int, first_open: int) -> None:
    window = answered(RequestWindow(), 3)
    assert refusal(window, counter, first_open) is Drop.UNEXPECTED
    assert window.executed == 3 and window.answer_of(3) == b"result 3"
    window.receive(4, 4, "body")
    assert carry_out(window) == [4]


def test_what_the_client_gave_up_is_not_waited_for() -> None:
    window = answered(RequestWindow(), 3)
    window.receive(9, 9, "body")
    assert carry_out(window) == [9]


def test_a_client_cannot_have_the_result_of_what_waits() -> None:
    window = RequestWindow()
    for counter in range(1, 5):
        window.receive(counter, 1, "body")
    carry_out(window)
    assert refusal(window, 5, 2) is Drop.UNEXPECTED
    window.answer(1, b"one")
    assert window.receive(5, 2, "body") is None


def test_what_is_being_written_when_the_client_comes_back_is_neither_done_again_nor_waited_for() -> None:
    window = RequestWindow()
    window.expect(2)
    for counter in (1, 2, 3):
        assert window.receive(counter, 1, "body") is None
    assert carry_out(window) == [1, 3] and window.waiting == 3
    window.answer(2, b"two")
    assert window.receive(2, 1, "body") == b"two"


def test_what_was_written_before_a_restart_is_answered_and_the_rest_may_be_asked_again() -> None:
    window = RequestWindow(68)
    for counter in (70, 75, 100):
        window.remember(counter, b"stored %d" % counter)
    assert window.receive(70, 69, "body") == b"stored 70"
    assert window.receive(69, 69, "left no entry") is None
    assert carry_out(window) == [69], "70 is passed over"
    window.answer(69, b"done")
    window.receive(71, 71, "body")
    assert carry_out(window) == [71]


def test_a_client_cannot_have_what_was_written_before_a_restart_done_again() -> None:
    window = RequestWindow(68)
    for counter in (70, 75, 100):
        window.remember(counter, b"stored")
    window.receive(69, 69, "body")
    carry_out(window)
    assert refusal(window, 101, 101) is Drop.UNEXPECTED
    for counter in (70, 75, 100):
        assert window.receive(counter, 69, "body") == b"stored"


def test_what_could_not_be_written_is_as_if_never_asked_and_what_was_answered_stays() -> None:
    window = RequestWindow()
    for counter in range(1, 5):
        window.receive(counter, 1, "body")
    carry_out(window)
    window.answer(1, b"one")
    window.answer(3, b"failed at once")
    window.rewind(2)
    assert window.waiting == 0
    assert window.receive(3, 2, "body") == b"failed at once"
    for counter in (4, 2):
        assert window.receive(counter, 2, "body") is None
    assert carry_out(window) == [2, 4]


def part(counter: int, index: int, count: int, first_open: int = 1, data: bytes = b"x") -> RequestFragment:
    return RequestFragment(counter, first_open, index, count, data)


def test_parts_become_the_body_they_were() -> None:
    outbox, window = filled(1, LARGE), RequestWindow()
    wholes = []
    for encoded in reversed(outbox.drain_frames(0.0)):
        [frame] = parse_up_untrusted(pack([encoded]))
        assert isinstance(frame, RequestFragment)
        wholes.append(window.receive_fragment(frame))
    assert wholes == [None] * (len(wholes) - 1) + [LARGE]


def test_a_large_request_far_ahead_of_what_the_log_remembers_is_taken() -> None:
    window = RequestWindow(100)
    assert window.receive_fragment(part(171, 0, 2, first_open=171)) is None
    assert window.receive_fragment(part(171, 1, 2, first_open=171)) == b"xx"


def test_parts_of_what_was_carried_out_or_lies_outside_are_not_kept() -> None:
    window = answered(RequestWindow(), 3)
    assert window.receive_fragment(part(3, 0, 2, first_open=3)) is None
    assert window.receive_fragment(part(3, 1, 2, first_open=3)) is None
    with pytest.raises(BadDatagram):
        window.receive_fragment(part(40, 0, 2, first_open=4))
    assert window.receive_fragment(part(40, 1, 2, first_open=40)) is None


def test_what_was_answered_and_acknowledged_is_forgotten_of_the_latest_requests() -> None:
    window = answered(RequestWindow(), 100)
    window.receive(102, 101, "body")
    assert window.forgotten() == list(range(100 - ANSWERS_RECALLED_MAX + 1, 101))
    window.remember(100, b"again")
    assert window.forgotten() == list(range(100 - ANSWERS_RECALLED_MAX + 1, 100))
    assert window.receive(100, 100, "body") == b"again"


def test_an_answer_that_is_remembered_again_is_forgotten_with_the_next_request_of_who_has_it() -> None:
    window = answered(RequestWindow(), 100)
    window.receive(102, 101, "body")
    window.remember(100, b"again")
    held = len(window)
    window.receive(103, 101, "body")
    assert window.answer_of(100) is None and len(window) == held


def test_a_fragment_of_what_was_carried_out_meanwhile_is_forgotten_with_the_next_request() -> None:
    window = RequestWindow()
    window.receive_fragment(part(1, 0, 2, first_open=1))
    window.receive(1, 1, "body", 10)
    assert carry_out(window) == [1]
    window.answer(1, b"result")
    window.receive(2, 1, "body", 10)
    assert window.bytes_held == len(b"result") + 10


def test_a_window_knows_the_highest_counter_of_what_was_carried_out_or_waits() -> None:
    window = RequestWindow()
    assert window.latest == 0
    window.receive(4, 1, "held")
    assert window.latest == 4
    window = answered(RequestWindow(), 3)
    assert window.latest == 3
    window.receive(8, 5, "held")
    assert window.latest == 8
    window = RequestWindow(36)
    window.remember(100, b"result")
    window.expect(101)
    assert window.latest == 101


def test_an_outbox_continues_behind_counters_that_another_process_has_used() -> None:
    outbox = Outbox(10, [(4, SAY)])
    assert not outbox.is_taken(9) and outbox.is_taken(10)
    outbox.add(SAY)
    outbox.release(0.0, 10)
    asked(outbox, 0.0)
    outbox.add(LARGE)
    assert not outbox.is_taken(10) and outbox.is_taken(11)
    assert outbox.continue_behind(40) == {11: 41}
    assert outbox.unanswered() == [(4, SAY), (10, SAY), (41, LARGE)]
    assert outbox.add(SAY) == 42


def test_a_window_that_was_rebuilt_has_forgotten_nothing() -> None:
    window = RequestWindow(36)
    window.remember(100, b"result")
    assert window.forgotten() == []


def test_parts_of_what_the_client_gave_up_make_room() -> None:
    window = RequestWindow()
    for counter in range(1, REQUESTS_IN_FLIGHT_MAX + 1):
        window.receive_fragment(part(counter, 0, FRAGMENTS_MAX))
    for index in range(FRAGMENTS_MAX):
        whole = window.receive_fragment(part(40, index, FRAGMENTS_MAX, first_open=40, data=bytes(FRAGMENT_BYTES)))
    assert whole == bytes(FRAGMENTS_MAX * FRAGMENT_BYTES)


class Counted:
    """A budget of two datagrams, beside what is next."""

    def __init__(self) -> None:
        self.held = 0

    def has_room(self, size: int, *, is_next: bool) -> bool:
        return is_next or self.held + size <= 2 * DATAGRAM_BYTES_MAX

    def add(self, size: int) -> None:
        self.held += size


def test_beyond_its_budget_only_the_request_whose_turn_it_is_is_held() -> None:
    window = RequestWindow(budget=Counted())
    for counter in (3, 4):
        window.receive(counter, 1, "body")
    for counter in (2, 5):
        with pytest.raises(BadDatagram) as caught:
            window.receive(counter, 1, "body")
        assert caught.value.reason is Drop.NO_ROOM
    window.receive(1, 1, "body")
    assert carry_out(window) == [1]
    window.receive(2, 1, "body")
    assert carry_out(window) == [2, 3, 4]


def test_one_more_answer_waits_until_those_that_are_kept_leave_room() -> None:
    window = answered(RequestWindow(budget=Counted()), 1)
    assert not window.may_answer()
    window.receive(2, 2, "body")
    assert window.may_answer()


@given(data=st.data())
def test_whatever_a_client_does_no_more_than_a_window_is_held(data: st.DataObject) -> None:
    budget = Counted()
    window, done, waiting = RequestWindow(budget=budget), set[int](), list[int]()
    near = st.integers(-3, REQUESTS_IN_FLIGHT_MAX + 3)
    for _ in range(40):
        first_open = max(1, window.executed + data.draw(near))
        counter = max(1, first_open + data.draw(near))
        try:
            window.receive(counter, first_open, "body")
            window.receive_fragment(part(max(1, counter - 1), 0, FRAGMENTS_MAX, first_open=first_open))
        except BadDatagram:
            pass
        begun = carry_out(window)
        assert not done & set(begun), "carried out twice"
        done |= set(begun)
        waiting += begun
        for counter in list(waiting):
            if data.draw(st.booleans()):
                window.answer(counter, b"result")
                waiting.remove(counter)
        assert window.waiting == len(waiting) <= len(window) <= REQUESTS_IN_FLIGHT_MAX
        assert budget.held >= 0
    for counter in waiting:
        window.answer(counter, b"result")
    window.receive(far := window.executed + 2 * REQUESTS_IN_FLIGHT_MAX, far, "body", size=7)
    assert budget.held == window.bytes_held == 7, "what was forgotten is not counted"
    window.close()
    assert not budget.held


def test_what_the_server_holds_is_not_repeated_before_its_time_and_what_is_new_goes_out() -> None:
    outbox = filled(2)
    assert asked(outbox, 0.0) == [1, 2]
    assert outbox.on_held(0.1, 5.0) and not outbox.on_held(1.0, 3.0)
    outbox.release(2.0, outbox.add(b"\xa1x"))
    assert asked(outbox, 2.0) == [3]
    outbox.on_result(2.1, 3)
    assert asked(outbox, 5.0) == [] and asked(outbox, 5.1) == [1, 2]
    assert outbox.on_held(6.2, 0.1), "held anew"
